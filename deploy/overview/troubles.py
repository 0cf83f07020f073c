"""The last warnings and errors of all nodes.

Their texts come from anywhere, clients included: they are kept as they are, bounded in length, and
whoever shows them makes them harmless.
"""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

KEPT = 100
"""More than one reads; the log has all."""
TEXT_CHARACTERS = 400
_NAME_CHARACTERS = 80
WARNING = "warning"
LEVELS = frozenset({WARNING, "error", "critical"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A warning or an error, and how often it came in a row."""

    time: str
    """RFC 3339, of the last one."""
    level: str
    node: str
    process: str
    event: str
    text: str
    times: int = 1

    def same(self, other: "Trouble") -> bool:
        """Whether both tell the same, at different times."""
        return replace(self, time="", times=1) == replace(other, time="", times=1)


class Troubles:
    """A bounded ring. Log lines come from more than one thread."""

    def __init__(self) -> None:
        self.warnings = 0
        """Ever."""
        self.errors = 0
        """Ever, critical ones included."""
        self._ring: deque[Trouble] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def note(self, record: Mapping[str, object]) -> None:
        """Keep a log record if it is a warning or worse."""
        if str(record.get("level")) not in LEVELS:
            return
        trouble = _trouble(record)
        with self._lock:
            if trouble.level == WARNING:
                self.warnings += 1
            else:
                self.errors += 1
            if self._ring and trouble.same(self._ring[-1]):
                trouble = replace(trouble, times=self._ring.pop().times + 1)
            self._ring.append(trouble)

    def last(self) -> tuple[Trouble, ...]:
        """Newest first."""
        with self._lock:
            return tuple(reversed(self._ring))


def _trouble(record: Mapping[str, object]) -> Trouble:
    def word(name: str) -> str:
        return _cut(record.get(name), _NAME_CHARACTERS)

    return Trouble(
        time=word("time"),
        level=word("level"),
        node=word("node"),
        process=word("process"),
        event=word("event"),
        text=_cut(_text(record), TEXT_CHARACTERS),
    )


def _text(record: Mapping[str, object]) -> object:
    """The message; behind it a traceback's last line, which names the fault."""
    message, error = record.get("message"), record.get("error")
    if not isinstance(error, str) or not error.strip():
        return message
    return f"{message or ''}: {error.strip().splitlines()[-1]}"


def _cut(value: object, limit: int) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= limit else text[:limit] + "…"
