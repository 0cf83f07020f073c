"""The logs of all nodes as the supervisor's one stream.

Each node writes to a pipe of its own. Reading never waits for our own reader: what a slow terminal
cannot take is dropped and counted (`deploy/logs/lines.py`), so no node ever stands still for it.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Mapping

from deploy.logs.lines import Sink, timestamp
from deploy.logs.screen import parse

LONGEST_BYTES = 16_384
"""Of a line without end, as a program that is not ours may write."""
LAST_LINES_S = 1.0
_QUIET = frozenset({"debug", "info"})
_COLUMNS = 80
"""Of a terminal that does not tell its width."""
_CLEAR_LINE = b"\r\x1b[K"


class LogStreamOut(Sink):
    """The supervisor's stdout: log lines, and on a terminal one line of progress below them."""

    def __init__(self, descriptor: int, *, human: bool) -> None:
        self._descriptor = descriptor
        self._progress = b""
        self.on_trouble: Callable[[Mapping[str, object]], None] | None = None
        """Gets each record that is a warning or worse, whether or not its line can be written."""
        super().__init__(descriptor, human=human)

    def record(self, fields: Mapping[str, object]) -> None:
        """Queue a record."""
        if self.on_trouble is not None and str(fields.get("level")) not in _QUIET:
            self.on_trouble(fields)
        super().record(fields)

    def write(self, line: bytes) -> None:
        """Queue a line; what is said of the progress stays below it."""
        super().write(_CLEAR_LINE + line + self._progress if self._progress else line)

    def progress(self, text: str) -> None:
        """Replace the line of progress (terminal only); an empty text takes it away."""
        width = self._columns() - 1  # a line that wraps could not be taken back
        self._progress = (text if len(text) <= width else f"{text[: width - 1]}…").encode()
        super().write(_CLEAR_LINE + self._progress)

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._descriptor).columns or _COLUMNS
        except OSError:
            return _COLUMNS

    def relay(self, node: str, line: bytes) -> None:
        """A node's line."""
        record = parse(line, node, timestamp(time.time()))
        if self._progress and record.get("level") in _QUIET:
            return  # while the network starts only trouble is of interest
        self.record(record)


class NodeOutput(asyncio.Protocol):
    """The pipe in which one node's processes write; cut into lines."""

    def __init__(self, node: str, relay: Callable[[str, bytes], None]) -> None:
        self._node = node
        self._relay = relay
        self._pending = bytearray()
        self._ended = asyncio.Event()
        self._transport: asyncio.BaseTransport | None = None
        self.descriptor = -1
        """The writing end, for the node's processes."""

    async def open(self) -> None:
        """Make the pipe and begin to read."""
        reading, self.descriptor = os.pipe()
        pipe = os.fdopen(reading, "rb", buffering=0)
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: self, pipe)

    async def close(self) -> None:
        """All writers have ended: read what is left."""
        os.close(self.descriptor)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), LAST_LINES_S)
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Relay whole lines (asyncio's callback)."""
        self._pending += data
        *lines, rest = self._pending.split(b"\n")
        if len(rest) > LONGEST_BYTES:
            lines, rest = [*lines, rest], bytearray()
        self._pending = bytearray(rest)
        for line in lines:
            if line:
                self._relay(self._node, bytes(line[:LONGEST_BYTES]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Nobody writes any more (asyncio's callback)."""
        if self._pending:
            self._relay(self._node, bytes(self._pending))
        self._ended.set()
