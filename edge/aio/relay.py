"""What an upstream connection is after it has switched protocols: bytes both ways."""

import asyncio
from contextlib import suppress

import aiohttp
from aiohttp.connector import Connection
from aiohttp.streams import StreamReader

from edge.aio.response_protocol import READ_BUFFER_BYTES, ResponseProtocol

LINGER_S = 5.0
"""For what was written last to a relay that ends."""


class Relay:
    """The raw byte stream behind a 101 response (RFC 9110 7.8)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        protocol = connection.protocol
        assert isinstance(protocol, ResponseProtocol)
        self._protocol = protocol
        self._received = StreamReader(protocol, READ_BUFFER_BYTES)
        protocol.read_timeout = None  # both ends may have nothing to say for hours
        protocol.set_parser(self, self._received)

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Called by aiohttp's protocol with what arrives."""
        self._received.feed_data(data)
        return False, b""

    def feed_eof(self) -> None:
        """Called by aiohttp's protocol when the connection ends."""
        self._received.feed_eof()

    async def read(self) -> bytes:
        """Some bytes; none at the end."""
        with suppress(aiohttp.ClientError, OSError):
            return await self._received.readany()
        return b""

    async def write(self, data: bytes) -> None:
        """Send, waiting while the peer is slow."""
        self._protocol.send(data)
        await self._protocol.sent()

    def close(self) -> None:
        """End the connection once the peer has taken what was written, or not soon."""
        transport = self._protocol.transport
        if transport is not None:
            asyncio.get_running_loop().call_later(LINGER_S, transport.abort)
        self._connection.close()
