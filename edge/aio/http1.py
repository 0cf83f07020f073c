"""HTTP/1.1 for clients: listeners, their connections, and their orderly end.

Each request becomes an `Exchange`, through which a handler answers it. Deadlines that aiohttp lacks
(a slow head, a stalled body, a client that reads nothing) are kept by one sweep over all
connections each second, which is cheaper than timers for each.

What is answered, and from where, is the pipeline's business.
"""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse
from aiohttp.web_server import Server

from edge.aio.connection import Answered, ClientConnection, Refuse, Welcome
from edge.aio.exchange import ClientGone, Exchange
from edge.aio.handshakes import TlsListener
from edge.aio.hits import Hits
from edge.aio.uploads import Uploads
from edge.crowd import Crowd
from edge.errors import EdgeError
from edge.metrics import EdgeMetrics, Peer
from edge.pace import Tempo

log = logging.getLogger("midmile.edge.http1")

READ_BUFFER_BYTES = 64 * 1024
"""Of a request body before reading stops."""

SWEEP_S = 1.0
"""Between looks at all deadlines; shorter where a deadline is."""

_LOOKS = 256
"""At connections, before others have their turn."""
_ENDS = 4
"""Connections whose time is over and that are told so, before others have a while."""
_WHILE_S = 0.01
"""Thousands of slow clients that came at once are over at once, and seconds would go into that."""

Handler = Callable[[Exchange], Awaitable[None]]
"""Answers an exchange completely, whatever happens; only CancelledError may leave it."""


class HttpServer:
    """Listeners of one scheme, their connections, and their orderly end."""

    def __init__(
        self,
        *,
        handler: Handler,
        refuse: Refuse,
        metrics: EdgeMetrics,
        crowd: Crowd,
        scheme: str,
        welcome: Welcome | None = None,
        exchange: type[Exchange] = Exchange,
        hits: Hits | None = None,
    ) -> None:
        """`crowd`: the connections of this server and of those it shares them with."""
        self.limits = limits = crowd.limits
        self.uploading = Tempo(
            stall_s=limits.body_stall_s,
            least_bytes_s=limits.least_bytes_s,
            slack_s=limits.slack_s,
        )
        self.taking = replace(self.uploading, stall_s=limits.write_stall_s)
        self.scheme = scheme
        self.draining = False
        self.refuse = refuse
        self.metrics = metrics
        self.welcome = welcome
        self.exchange = exchange
        self.hits = hits
        self.aiohttp = Server(self._handle, handler_cancellation=True)
        self._handler = handler
        self._crowd = crowd
        self._uploads = Uploads(limits.uploads_per_client)
        self._connections: set[ClientConnection] = set()
        self._listeners: list[asyncio.Server] = []
        self._tls_listeners: list[TlsListener] = []
        self._sweeper: asyncio.Task[None] | None = None
        self._fewer = asyncio.Event()
        shortest_s = min(
            limits.head_timeout_s, limits.body_stall_s, limits.write_stall_s, limits.slack_s
        )
        self._sweep_s = min(SWEEP_S, shortest_s / 2)

    async def listen(
        self, sockets: Sequence[socket.socket], context: ssl.SSLContext | None = None
    ) -> None:
        """Serve on listening sockets."""
        loop = asyncio.get_running_loop()
        for sock in sockets:
            if context is None:
                self._listeners.append(await loop.create_server(self._connection, sock=sock))
                continue
            self._tls_listeners.append(
                TlsListener(
                    sock,
                    context,
                    connection=self._connection,
                    crowd=self._crowd,
                    metrics=self.metrics,
                )
            )
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())

    def _connection(self) -> ClientConnection:
        return ClientConnection(
            self,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=self.limits.idle_timeout_s,
            access_log=None,
            auto_decompress=False,
            read_bufsize=READ_BUFFER_BYTES,
            max_line_size=self.limits.head_bytes,
            max_field_size=self.limits.head_bytes,
            max_headers=self.limits.header_count * 2,
            lingering_time=self.limits.body_stall_s,
        )

    async def _handle(self, aiohttp: BaseRequest) -> StreamResponse:
        connection = aiohttp.protocol
        assert isinstance(connection, ClientConnection)
        head = connection.take_head()
        exchange = self.exchange(connection, aiohttp.content, head)
        try:
            async with self._uploads.turn(connection.party, aiohttp.content):
                await self._handler(exchange)
        except ClientGone:
            exchange.abort()
        assert exchange.ended, "a handler left its exchange unanswered"
        connection.answered(exchange)
        unasked = head.expects_continue and not aiohttp.content.total_bytes
        if connection.broken or (unasked and not exchange.keep_alive):
            connection.read_no_more(aiohttp.content)
        return Answered(
            keep_alive=exchange.keep_alive,
            then=connection.resume_framing if head.websocket and exchange.keep_alive else None,
        )

    def admit(self, connection: ClientConnection) -> EdgeError | None:
        """Count a connection in, or say why it must go."""
        self._connections.add(connection)
        self.metrics.connection_opened(Peer.CLIENT)
        return None if connection.admitted else self._crowd.enter(connection.party)

    def forget(self, connection: ClientConnection) -> None:
        """Count a connection out."""
        if connection in self._connections:
            self._connections.discard(connection)
            if connection.admitted:
                self._crowd.leave(connection.party)
            self.metrics.connection_closed(Peer.CLIENT)
            self._fewer.set()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_s)
            await self._look_at_all()

    async def _look_at_all(self) -> None:
        """Others are served in between."""
        now, ended = time.monotonic(), 0
        for number, connection in enumerate(tuple(self._connections), 1):
            if connection in self._connections:  # still
                ended += connection.sweep(now)
            if ended == _ENDS:
                await asyncio.sleep(_WHILE_S)
                now, ended = time.monotonic(), 0
            elif number % _LOOKS == 0:
                await asyncio.sleep(0)

    @staticmethod
    async def drain_all(servers: "Sequence[HttpServer]", grace_s: float) -> None:
        """Drain several servers at the same time."""
        await asyncio.gather(*(server.drain(grace_s) for server in servers))

    async def drain(self, grace_s: float) -> None:
        """Close the listeners now, connections as they fall idle, and the rest after `grace_s`."""
        self.draining = True
        for listener in self._listeners:
            listener.close()
        for tls_listener in self._tls_listeners:
            tls_listener.close()
        until = time.monotonic() + grace_s
        while self._connections and time.monotonic() < until:
            for connection in tuple(self._connections):
                if connection.idle:
                    connection.force_close()
            self._fewer.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await self._fewer.wait()
        if self._connections:
            log.warning(
                "requests were cut off at the end of the drain",
                extra={"event": "drain-cut", "connections": len(self._connections)},
            )
        for tls_listener in self._tls_listeners:
            tls_listener.cut()
        await self.aiohttp.shutdown(0.5)
        for connection in tuple(self._connections):
            connection.cut()
        if self._sweeper is not None:
            self._sweeper.cancel()
