"""The last warnings and errors of all nodes.

Their texts come from anywhere, clients included: they are kept as they are, bounded in length, and
whoever shows them makes them harmless.
"""

import threading
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace

from deploy.logs.screen import said
from deploy.overview.words import shortened

KEPT = 100
"""More than one reads; the log has all."""
TEXT_CHARACTERS = 400
_NAME_CHARACTERS = 80
WARNING = "warning"
LEVELS = frozenset({WARNING, "error", "critical"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A warning or an error, and how often it came."""

    time: str
    """RFC 3339, of the last one."""
    level: str
    node: str
    process: str
    event: str
    text: str
    times: int = 1

    @property
    def told(self) -> Hashable:
        """What it tells: of two that tell the same only the last is kept, counted."""
        return replace(self, time="", times=1)

    @property
    def kind(self) -> Hashable:
        """Whose it is. One kind, however noisy, leaves room for all others."""
        return self.node, self.event


class Troubles:
    """A bounded table, oldest first. Log lines come from more than one thread."""

    def __init__(self) -> None:
        self.warnings = 0
        """Ever."""
        self.errors = 0
        """Ever, critical ones included."""
        self._kept: dict[Hashable, Trouble] = {}
        self._lock = threading.Lock()

    def note(self, record: Mapping[str, object]) -> None:
        """Keep a log record if it is a warning or worse."""
        if said(record.get("level")) not in LEVELS:
            return
        trouble = _trouble(record)
        with self._lock:
            if trouble.level == WARNING:
                self.warnings += 1
            else:
                self.errors += 1
            if before := self._kept.pop(trouble.told, None):
                trouble = replace(trouble, times=before.times + 1)
            self._kept[trouble.told] = trouble
            if len(self._kept) > KEPT:
                self._forget_one()

    def last(self) -> tuple[Trouble, ...]:
        """Newest first."""
        with self._lock:
            return tuple(reversed(self._kept.values()))

    def _forget_one(self) -> None:
        """The oldest of the kind that has most; the oldest of all where no kind has more."""
        counted = Counter(trouble.kind for trouble in self._kept.values())
        most = max(counted.values())
        del self._kept[
            next(told for told, each in self._kept.items() if counted[each.kind] == most)
        ]


def _trouble(record: Mapping[str, object]) -> Trouble:
    def word(name: str) -> str:
        return _shown(record.get(name), _NAME_CHARACTERS)

    return Trouble(
        time=word("time"),
        level=word("level"),
        node=word("node"),
        process=word("process"),
        event=word("event"),
        text=_shown(_text(record), TEXT_CHARACTERS),
    )


def _text(record: Mapping[str, object]) -> object:
    """The message; behind it a traceback's last line, which names the fault."""
    message, error = record.get("message"), record.get("error")
    if not isinstance(error, str) or not error.strip():
        return message
    return f"{said(message or '')}: {error.strip().splitlines()[-1]}"


def _shown(value: object, characters: int) -> str:
    return shortened("" if value is None else said(value), characters)
