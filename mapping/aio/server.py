"""UDP and TCP listeners that hand queries to an `answer` callable and send what it returns.

Knows nothing of what is in the messages. Everything a stranger can hold on to is bounded here:
message size, connections, idle time, unread answers.
"""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from mapping.errors import FramingError
from mapping.framing import MessageCutter, framed
from mapping.query import MAX_QUERY_BYTES
from mapping.reply import Transport


class Answer(Protocol):
    """The seam: a cache of ready answers can stand here as well as the responder."""

    def __call__(self, wire: bytes, client: str, transport: Transport, /) -> bytes | None:
        """The answer's bytes, or None for silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of the TCP side."""

    connections: int = 512
    """Per worker; one more closes the one that was silent longest (RFC 7766 6.2.3)."""
    idle_s: float = 10.0
    """Without a whole query; "a few seconds" in RFC 7766 6.2.3."""
    turn_messages: int = 16
    """Pipelined queries answered before others get a turn."""
    unread_bytes: int = 65_536
    """Answers a client may leave unread before its queries wait."""


class DnsServer:
    """The listeners of one worker."""

    def __init__(
        self,
        answer: Answer,
        *,
        on_connections: Callable[[int], None],
        limits: Limits | None = None,
    ) -> None:
        """`on_connections` is told the number of open connections when it changes."""
        self._answer = answer
        self._on_connections = on_connections
        self._limits = limits or Limits()
        self._datagrams: list[asyncio.DatagramTransport] = []
        self._servers: list[asyncio.Server] = []
        self._connections: OrderedDict[_Connection, None] = OrderedDict()
        self._all_closed = asyncio.Event()

    async def start(self, udp: list[socket.socket], tcp: list[socket.socket]) -> None:
        """Serve on bound, and for TCP listening, sockets."""
        loop = asyncio.get_running_loop()
        for sock in udp:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self._answer), sock=sock
            )
            self._datagrams.append(transport)
        for sock in tcp:
            server = await loop.create_server(lambda: _Connection(self), sock=sock)
            self._servers.append(server)

    async def drain(self, grace_s: float) -> None:
        """Close listeners and idle connections; the others may finish their query in time."""
        for server in self._servers:
            server.close()
        for datagrams in self._datagrams:
            datagrams.close()
        for connection in tuple(self._connections):
            connection.finish()
        if self._connections:
            self._all_closed.clear()
            try:
                async with asyncio.timeout(grace_s):
                    await self._all_closed.wait()
            except TimeoutError:
                for connection in tuple(self._connections):
                    connection.abort()

    # What a connection asks of its server.

    @property
    def limits(self) -> Limits:
        """The bounds that hold for each connection."""
        return self._limits

    def answer(self, wire: bytes, client: str) -> bytes | None:
        """Answer a query that came over TCP."""
        return self._answer(wire, client, Transport.TCP)

    def opened(self, connection: "_Connection") -> None:
        """Take in a connection, at the cost of the most silent one if there are too many."""
        if len(self._connections) >= self._limits.connections:
            next(iter(self._connections)).abort()
        self._connections[connection] = None
        self._on_connections(len(self._connections))

    def active(self, connection: "_Connection") -> None:
        """A connection sent a whole query."""
        if connection in self._connections:
            self._connections.move_to_end(connection)

    def closed(self, connection: "_Connection") -> None:
        """Forget a connection."""
        if connection in self._connections:
            del self._connections[connection]
            self._on_connections(len(self._connections))
        if not self._connections:
            self._all_closed.set()


class _Datagrams(asyncio.DatagramProtocol):
    """One UDP socket."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not addr[1]:  # Nobody can be at port 0: forged.
            return
        reply = self._answer(data, addr[0], Transport.UDP)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)

    def error_received(self, exc: Exception) -> None:
        """An ICMP error about an earlier answer: the asker is gone, nothing to do."""


class _Connection(asyncio.Protocol):
    """One TCP connection: answers queries in the order in which they come (RFC 7766 6.2.1)."""

    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._limits = server.limits
        self._cutter = MessageCutter(MAX_QUERY_BYTES)
        self._client = ""
        self._transport: asyncio.Transport | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._finishing = False
        self._writable = True
        self._more_scheduled = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._limits.unread_bytes)
        peer = transport.get_extra_info("peername")
        if peer is None:  # It was gone before we looked.
            self._transport.abort()
            return
        self._client = peer[0]
        self._restart_idle()
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        self._transport = None
        if self._idle is not None:
            self._idle.cancel()
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        self._take_turn(data)

    def pause_writing(self) -> None:
        self._writable = False
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._writable = True
        self._schedule_turn()

    def finish(self) -> None:
        """Close as soon as no query is half here."""
        self._finishing = True
        if self._transport is not None and not self._cutter.holding:
            self._transport.close()

    def abort(self) -> None:
        """Close now."""
        self._server.closed(self)
        if self._transport is not None:
            self._transport.abort()

    def _take_turn(self, data: bytes) -> None:
        """Answer some of what is here, and let other connections go before the rest."""
        try:
            messages = self._cutter.feed(data, self._limits.turn_messages)
        except FramingError:
            self.abort()
            return
        if messages:
            self._respond(messages)
        if len(messages) == self._limits.turn_messages:
            self._pause()
        elif self._writable:
            self._resume()
        if self._finishing:
            self.finish()

    def _respond(self, messages: list[bytes]) -> None:
        replies = (self._server.answer(message, self._client) for message in messages)
        wire = b"".join(framed(reply) for reply in replies if reply is not None)
        if wire and self._transport is not None:
            self._transport.write(wire)
        self._server.active(self)
        self._restart_idle()

    def _pause(self) -> None:
        """Read no more before what is here has had its turn."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
        if self._writable:
            self._schedule_turn()

    def _resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _schedule_turn(self) -> None:
        if not self._more_scheduled:
            self._more_scheduled = True
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._more_scheduled = False
        if self._transport is not None and not self._transport.is_closing() and self._writable:
            self._take_turn(b"")

    def _restart_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self._limits.idle_s, self.abort)
