"""Log lines: JSON, bounded in length, written in the background.

Every process of a node writes its own lines to the stdout it inherited. A line (and each write) is
shorter than PIPE_BUF, so lines of many processes never run into each other in a pipe; a reader too
slow for them costs lines, which are counted, and never a request. How lines look to a human is in
`deploy/logs/screen.py`.
"""

import json
import logging
import os
import select
import stat
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import cast

from deploy.logs.screen import render
from edge.trail import Row
from edge.trail import Stencil as AnyStencil

LINE_BYTES = 4000
"""Less than PIPE_BUF (4096 on Linux): POSIX makes such pipe writes atomic."""
FILE_WRITE_BYTES = 64 * 1024
"""Of lines that are written to a file at once."""
QUEUE_LINES = 10_000
"""Half a second of the busiest worker; about 4 MB of access log."""
FLUSH_S = 2.0
"""How long an orderly stop waits for a reader of the last lines."""
ERROR_CHARACTERS = 900
"""Of a traceback its end is kept, which tells most."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_VARYING_BYTES = 300
"""Room in a line for the values that a stencil leaves open: ids, an address, some numbers."""
_CLIPS = (1024, 256, 64)
"""Lengths to which long values are cut, one after the other, until the line fits."""


@dataclass(frozen=True, slots=True)
class Stencil:
    """Access log lines that have most of their text in common."""

    text: bytes
    """Of the JSON line, with a %-format for its time, then for each value."""
    fields: Mapping[str, object]
    """What they have in common."""
    names: tuple[str, ...]
    """Of the values."""


_OurRow = tuple[Stencil, float, tuple[bytes | int | float, ...]]
"""A row of the access log that has been filled into a stencil of ours."""


class LineWriter:
    """Writes lines to a descriptor; `write` never waits.

    What a pipe or file takes at once is written at once. The rest is a thread's, which costs more:
    it has to be woken, and both have to wait for the interpreter.
    """

    def __init__(self, descriptor: int, on_drop: Callable[[int], bytes]) -> None:
        self._descriptor = descriptor
        self._at_once = _never_waiting(descriptor)
        self._batch_bytes = _one_write(descriptor)
        self._busy = False  # whether the thread holds lines that it has not written yet
        self._on_drop = on_drop
        self._lines: deque[bytes] = deque()
        self._dropped = 0
        self._work = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether the next line would be dropped."""
        return len(self._lines) >= QUEUE_LINES

    def write(self, line: bytes) -> None:
        """Queue a line that ends in a newline; count it as dropped where the queue is full."""
        if self.full:
            self.drop()
            return
        self.write_all((line,))

    def write_all(self, lines: Sequence[bytes]) -> None:
        """Write or queue lines, for which there is room."""
        left = deque(lines)
        if self._at_once is not None and not self._lines and not self._busy:
            self._write_at_once(self._at_once, left)
        if left:
            self._lines.extend(left)
            if not self._work.is_set():
                self._work.set()

    def _write_at_once(self, descriptor: int, lines: deque[bytes]) -> None:
        """Write what is taken without waiting; what is not stays in `lines`."""
        while lines:
            batch = _batch(lines, self._batch_bytes)
            try:
                written = os.write(descriptor, batch)  # a pipe takes all or nothing (POSIX)
            except OSError:  # it is full, or its reader is gone: the thread's to find out
                written = 0
            if written < len(batch):
                lines.appendleft(batch[written:])
                return

    @property
    def room(self) -> int:
        """How many more lines would be taken."""
        return max(0, QUEUE_LINES - len(self._lines))

    def drop(self, lines: int = 1) -> None:
        """Count lines that were not even made, because the queue is full."""
        self._dropped += lines

    def close(self, timeout_s: float = FLUSH_S) -> None:
        """Write what is queued, as far as the reader takes it in time."""
        self._closing = True
        self._work.set()
        self._thread.join(timeout_s)
        if self._at_once is not None and self._at_once != self._descriptor:
            os.close(self._at_once)
        self._at_once = None

    def _run(self) -> None:
        while True:
            self._work.wait()
            self._work.clear()
            try:
                self._write_all()
            except OSError:  # the reader is gone: nobody misses these lines
                self._lines.clear()
            if self._closing and not self._lines:
                return

    def _write_all(self) -> None:
        self._busy = True
        try:
            while self._lines:
                self._put(_batch(self._lines, self._batch_bytes))
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                self._put(self._on_drop(dropped))
        finally:
            self._busy = False

    def _put(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # somebody made our terminal or pipe non-blocking
                select.select([], [self._descriptor], [])


def _batch(lines: deque[bytes], most_bytes: int) -> bytes:
    """As many of the first lines as there is room for; at least one."""
    batch = [lines.popleft()]
    size = len(batch[0])
    while lines and (size := size + len(lines[0])) <= most_bytes:
        batch.append(lines.popleft())
    return b"".join(batch)


def _one_write(descriptor: int) -> int:
    """How many bytes are written at once and never mixed with those of other processes."""
    file = stat.S_ISREG(os.fstat(descriptor).st_mode)  # Linux locks its position for a write
    return FILE_WRITE_BYTES if file else select.PIPE_BUF


def _never_waiting(descriptor: int) -> int | None:
    """A descriptor for the same pipe or file on which a write never waits; None: there is none.

    A pipe is opened once more, since a mode set on our descriptor would hold for all processes
    that have inherited it too.
    """
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind):
        return descriptor
    if not stat.S_ISFIFO(kind):
        return None
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None


class JsonFormatter(logging.Formatter):
    """A log record as one JSON line: time, level, logger, node, process, event, message, fields."""

    def __init__(self, node: str, process: str) -> None:
        super().__init__()
        self._origin = {"node": node, "process": process}

    def format(self, record: logging.LogRecord) -> str:
        """One line of at most LINE_BYTES, without newline."""
        return encode(self.to_fields(record))

    def to_fields(self, record: logging.LogRecord) -> dict[str, object]:
        """The line's fields."""
        extra = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        fields: dict[str, object] = {
            "time": timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            **self._origin,
            "message": record.getMessage(),
            **extra,
        }
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)[-ERROR_CHARACTERS:]
        return fields

    def access(self, record: Mapping[str, object]) -> dict[str, object]:
        """The fields of an access log line."""
        return {
            "time": timestamp(time.time()),
            "level": "info",
            "logger": "midmile.access",
            **self._origin,
            **record,
        }

    def stencil(
        self, record: Mapping[str, object], varying: Mapping[str, str | int | float]
    ) -> Stencil | None:
        """For access log lines with `record` in common; None where they may become too long."""
        fields = self.access(record)
        del fields["time"]
        common = _json(fields)
        values = "".join(f',"{name}":{_FORMATS[type(value)]}' for name, value in varying.items())
        text = f'{{"time":"%s",{common[1:-1].replace("%", "%%")}{values}}}\n'.encode()
        if len(text) + _VARYING_BYTES > LINE_BYTES:
            return None
        return Stencil(text, fields, tuple(varying))


_FORMATS = {str: '"%s"', int: "%d", float: "%.6f"}


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC, milliseconds."""
    whole = datetime.fromtimestamp(seconds, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{whole.microsecond // 1000:03}Z"


@lru_cache(maxsize=64)
def _millisecond(number: int) -> bytes:
    """The time stamp of a millisecond since 1970, for lines of which many have the same."""
    return timestamp(number / 1000 + 0.0001).encode()  # no float may fall into the one before


def encode(fields: Mapping[str, object]) -> str:
    """JSON in ASCII, thus free of control characters, of at most LINE_BYTES with its newline."""
    text = _json(fields)
    if len(text) < LINE_BYTES:
        return text
    for clip in _CLIPS:
        short = {key: _clipped(value, clip) for key, value in fields.items()}
        text = _json({**short, "clipped": True})
        if len(text) < LINE_BYTES:
            return text
    known = ("time", "level", "node", "process", "event", "message", "request_id")
    least = {key: _clipped(fields[key], _CLIPS[-1]) for key in known if key in fields}
    return _json({**least, "clipped": True})


def _json(fields: Mapping[str, object]) -> str:
    return json.dumps(fields, default=str, separators=(",", ":"))


def _clipped(value: object, limit: int) -> object:
    """The value, as a shortened text where its JSON is longer than `limit`."""
    text = json.dumps(value, default=str)
    if len(text) <= limit:
        return value if isinstance(value, str | int | float | bool | None) else text
    plain = value if isinstance(value, str) else text
    # A character may take twelve bytes as JSON; the cut is on what is sent.
    while len(json.dumps(plain)) > limit:
        plain = plain[: len(plain) * limit // (len(json.dumps(plain)) + 1)]
    return plain + "…"


class Sink:
    """Where a process's lines go: JSON, or for humans where it is a terminal."""

    def __init__(self, descriptor: int, *, human: bool) -> None:
        self.human = human
        self._writer = LineWriter(descriptor, self._drop_line)

    def record(self, fields: Mapping[str, object]) -> None:
        """Queue a record."""
        if self._writer.full:
            self._writer.drop()
        else:
            self.write(self.line(fields))

    def write(self, line: bytes) -> None:
        """Queue a line as it is."""
        self._writer.write(line)

    def fill(self, rows: Sequence[Row]) -> None:
        """Queue a line for each row; those that cannot be taken are not even made."""
        room = self._writer.room
        if len(rows) > room:
            self._writer.drop(len(rows) - room)
            rows = rows[:room]
        ours = cast("Sequence[_OurRow]", rows)
        if self.human:
            self._writer.write_all([self._shown(*row) for row in ours])
            return
        self._writer.write_all(
            [
                stencil.text % (_millisecond(int(wall_s * 1000)), *values)
                for stencil, wall_s, values in ours
            ]
        )

    def _shown(
        self, stencil: Stencil, wall_s: float, values: tuple[bytes | int | float, ...]
    ) -> bytes:
        texts = (value.decode() if isinstance(value, bytes) else value for value in values)
        named = dict(zip(stencil.names, texts, strict=True))
        return self.line({"time": timestamp(wall_s), **stencil.fields, **named})

    def line(self, fields: Mapping[str, object]) -> bytes:
        """A record as one line."""
        text = render(fields, colour=True) if self.human else encode(fields)
        return text.encode() + b"\n"

    def close(self) -> None:
        """Write what is queued."""
        self._writer.close()

    def _drop_line(self, dropped: int) -> bytes:
        return self.line({"time": timestamp(time.time()), **drop_fields(dropped)})


class LogStream(logging.Handler):
    """Brings logging's records and the access log to a sink."""

    def __init__(self, form: JsonFormatter, sink: Sink) -> None:
        super().__init__()
        self._form = form
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record (logging's callback)."""
        try:
            self._sink.record(self._form.to_fields(record))
        except Exception:  # noqa: BLE001  logging's own rule: a bad record must not end a request
            self.handleError(record)

    def __call__(self, record: Mapping[str, object]) -> None:
        """Queue an access log line."""
        self._sink.record(self._form.access(record))

    def stencil(
        self, record: Mapping[str, object], varying: Mapping[str, str | int | float]
    ) -> AnyStencil | None:
        """For access log lines with `record` in common; None where they may become too long."""
        return self._form.stencil(record, varying)

    def fill(self, rows: Sequence[Row]) -> None:
        """Queue many access log lines."""
        self._sink.fill(rows)

    def close(self) -> None:
        """Write what is queued."""
        self._sink.close()
        super().close()


def drop_fields(dropped: int) -> dict[str, object]:
    """What is said about lines that nobody could take in time."""
    return {
        "level": "warning",
        "logger": "midmile.deploy",
        "event": "log-dropped",
        "message": f"{dropped} log lines dropped: their reader is too slow",
        "dropped": dropped,
    }


def our_fault(record: logging.LogRecord) -> bool:
    """Whether a web server's error is ours: what a client sends wrongly is answered with 400."""
    raised = record.exc_info[0] if record.exc_info else None
    return raised is None or raised.__module__ != "aiohttp.http_exceptions"


def start_logs(node: str, process: str, sink: Sink | None = None) -> LogStream:
    """Send this process's log to `sink`, by default its stdout.

    Gives the stream, which is an access log too, and is to be closed last.
    """
    if sink is None:
        descriptor = sys.stdout.fileno()
        sink = Sink(descriptor, human=os.isatty(descriptor))
    stream = LogStream(JsonFormatter(node, process), sink)
    root = logging.getLogger()
    root.handlers[:] = [stream]
    root.setLevel(logging.INFO)
    # Its lines repeat ours, with the client's raw bytes in them.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(our_fault)
    logging.captureWarnings(capture=True)
    return stream
