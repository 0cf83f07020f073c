"""Connections for TLS before their handshake: counted from the first moment on, let go if silent.

asyncio's own listeners tell of a connection once its handshake is done, and make a TLS object for
it at once. So whoever only connects would be counted nowhere, and take 70 KB each. Here such a one
is a socket and a timer, and takes one of its client's connections; what is said on it asyncio is
given from the first byte on.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from edge.aio.connection import ClientConnection
from edge.crowd import Crowd, party_of
from edge.metrics import EdgeMetrics

log = logging.getLogger("midmile.edge.handshakes")

_AT_ONCE = 32
"""Connections taken before others have their turn."""
_AGAIN_S = 1.0
"""After the system could not give one: no descriptor is left, or no memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Silent:
    """Who has connected and not said anything."""

    party: bytes
    deadline: asyncio.TimerHandle


class TlsListener:
    """A listening socket whose connections begin with a handshake."""

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext,
        *,
        connection: Callable[[], ClientConnection],
        crowd: Crowd,
        metrics: EdgeMetrics,
    ) -> None:
        """Begin at once; each of the connections made is one that the crowd has counted."""
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._context = context
        self._connection = connection
        self._crowd = crowd
        self._metrics = metrics
        self._timeout_s = crowd.limits.head_timeout_s
        self._silent: dict[socket.socket, _Silent] = {}
        self._shaking: set[asyncio.Task[None]] = set()
        self._paused: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._listen()

    def _listen(self) -> None:
        self._paused = None
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                sock, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return  # another worker was first, or the client is gone
            except OSError as error:
                self._loop.remove_reader(self._listener)
                self._paused = self._loop.call_later(_AGAIN_S, self._listen)
                log.warning(
                    "no connection can be taken: %s",
                    error.strerror or error,
                    extra={"event": "accept-failed"},
                )
                return
            self._take(sock, party_of(str(address[0]).encode()))

    def _take(self, sock: socket.socket, party: bytes) -> None:
        """Wait for its first byte; one too many cannot be told so without a handshake."""
        refusal = self._crowd.enter(party)
        if refusal is not None:
            self._metrics.refused(refusal.reason)
            sock.close()
            return
        sock.setblocking(False)
        deadline = self._loop.call_later(self._timeout_s, self._drop, sock)
        self._silent[sock] = _Silent(party=party, deadline=deadline)
        self._loop.add_reader(sock, self._speaks, sock)

    def _no_longer_silent(self, sock: socket.socket) -> bytes:
        silent = self._silent.pop(sock)
        silent.deadline.cancel()
        self._loop.remove_reader(sock)
        return silent.party

    def _drop(self, sock: socket.socket) -> None:
        self._crowd.leave(self._no_longer_silent(sock))
        sock.close()

    def _speaks(self, sock: socket.socket) -> None:
        party = self._no_longer_silent(sock)
        task = self._loop.create_task(self._shake_hands(sock, party))
        self._shaking.add(task)
        task.add_done_callback(self._shaking.discard)

    async def _shake_hands(self, sock: socket.socket, party: bytes) -> None:
        connection = self._connection()
        connection.admitted = True
        try:
            with suppress(OSError):  # SSLError and TimeoutError are; so is whoever goes
                await self._loop.connect_accepted_socket(
                    lambda: connection,
                    sock,
                    ssl=self._context,
                    ssl_handshake_timeout=self._timeout_s,
                )
        finally:
            if not connection.made:
                self._crowd.leave(party)

    def close(self) -> None:
        """Take no more; who has begun a handshake may end it."""
        if self._listener.fileno() < 0:
            return
        if self._paused is not None:
            self._paused.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for sock in tuple(self._silent):
            self._drop(sock)

    def cut(self) -> None:
        """End the handshakes that are left."""
        for task in tuple(self._shaking):
            task.cancel()
