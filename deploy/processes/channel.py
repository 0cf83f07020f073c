"""JSON lines over a stream socket: how a process and its child talk.

Both ends are ours, yet both are bounded: a line too long or not JSON ends the channel, and what the
other end does not read is dropped once `BACKLOG_BYTES` wait (its heartbeat will end it anyway).
"""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import cast

from deploy.roles import Message

LINE_BYTES = 4 * 1024 * 1024
"""A network file's text fits, escaped."""
BACKLOG_BYTES = 8 * 1024 * 1024


class Channel(asyncio.Protocol):
    """One end of the control channel."""

    def __init__(self, receive: Callable[[Message], None], lost: Callable[[], None]) -> None:
        self._receive = receive
        self._lost = lost
        self._pending = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport (asyncio's callback)."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Cut lines and hand them on (asyncio's callback)."""
        self._pending += data
        while (end := self._pending.find(b"\n")) >= 0:
            line = bytes(self._pending[:end])
            del self._pending[: end + 1]
            if not self._take(line):
                return
        if len(self._pending) > LINE_BYTES:
            self.close()

    def _take(self, line: bytes) -> bool:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self.close()
            return False
        self._receive(message)
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Tell that the other end has gone (asyncio's callback)."""
        self._transport = None
        self._lost()

    def send(self, message: Message) -> bool:
        """Send; False where the other end has gone or has stopped reading."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if transport.get_write_buffer_size() > BACKLOG_BYTES:
            return False
        transport.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        return True

    def close(self) -> None:
        """End the channel; the other end sees an end of file."""
        if self._transport is not None:
            self._transport.close()


async def open_channel(
    sock: socket.socket, receive: Callable[[Message], None], lost: Callable[[], None]
) -> Channel:
    """A channel over one end of a socket pair."""
    sock.setblocking(False)
    channel = Channel(receive, lost)
    await asyncio.get_running_loop().create_unix_connection(lambda: channel, sock=sock)
    return channel
