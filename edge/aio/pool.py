"""Connections to next hops: made, kept while idle, and cut off.

aiohttp's connector does the work; its private parts that are named here are held against the
pinned version by tests/edge/aio/test_pool.py. What is said on a connection is `upstream`'s.
"""

import asyncio
import functools
import ssl
from dataclasses import dataclass

import aiohttp
from aiohttp import ClientTimeout, TCPConnector
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from yarl import URL

from edge.aio.congestion import tunnel_socket
from edge.aio.failures import no_connection, too_late
from edge.aio.response_protocol import OnBytes, OnConnection, ResponseProtocol
from edge.config import Limits
from edge.errors import OurError, OurReason, UpstreamError, UpstreamReason


@dataclass(frozen=True, slots=True, kw_only=True)
class NextHop:
    """Where a request goes next."""

    name: str
    url: str
    """`scheme://host:port`."""
    context: ssl.SSLContext | None = None
    server_name: str | None = None
    """The name its certificate must carry; None: the host of `url`."""


class Pool:
    """The connections of one worker to all hops."""

    def __init__(
        self,
        limits: Limits,
        on_connection: OnConnection,
        on_bytes: OnBytes,
        *,
        idle_s: float,
        tunnel: bool = False,
    ) -> None:
        """`idle_s`: how long an idle connection is kept (less than the hop keeps it).

        `tunnel`: the hops are parents, which may be far.
        """
        make = functools.partial(_connector, limits, on_connection, on_bytes, tunnel)
        self._kept = make(idle_s)
        self._single = make(0.0)
        self._keys: dict[NextHop, ClientRequest] = {}
        self._connect_s = limits.connect_timeout_s
        self._timeout = ClientTimeout(connect=self._connect_s, sock_connect=self._connect_s)

    async def close(self) -> None:
        """Close every connection."""
        await self._kept.close()
        await self._single.close()

    def forget_hops(self) -> None:
        """Drop what is remembered of hops: their contexts have changed."""
        self._keys.clear()

    async def connect(self, hop: NextHop, *, keep: bool, fresh: bool) -> tuple[Connection, bool]:
        """A connection to `hop`, and whether it has been used before.

        With `keep` it may be an idle one, unless it must be `fresh`, and may become one again.
        Raises UpstreamError, or OurError where there is no room for one more.
        """
        connector = self._kept if keep else self._single
        key = self._key(hop)
        if fresh and keep:
            _drop_idle(connector, key)
        idle = connector._conns.get(key.connection_key)
        reused = bool(idle)
        if idle:
            # aiohttp takes the first, which has been idle longest: its window is as small as a new
            # one's (RFC 5681 4.1). The last was used just now, and the others may time out.
            idle.rotate(1)
        full = connector._available_connections(key.connection_key) <= 0
        try:
            return await connector.connect(key, [], self._timeout), reused
        except TimeoutError as error:
            if full:  # our own want of room is not the hop's failure
                raise OurError(OurReason.BUSY, "all upstream connections are in use") from error
            text = too_late(self._connect_s)
            raise UpstreamError(UpstreamReason.CONNECT_TIMEOUT, text) from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise UpstreamError(UpstreamReason.WRONG_IDENTITY, no_connection(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamError(UpstreamReason.CONNECT_FAILED, no_connection(error)) from error

    def _key(self, hop: NextHop) -> ClientRequest:
        """What aiohttp's connector wants to know; made once, for it costs more than a request."""
        key = self._keys.get(hop)
        if key is None:
            key = self._keys[hop] = ClientRequest(
                "GET",
                URL(hop.url),
                loop=asyncio.get_running_loop(),
                ssl=hop.context if hop.context is not None else True,
                server_hostname=hop.server_name,
            )
        return key


def cut(connection: Connection) -> None:
    """End a connection at once: what it still holds may never be taken."""
    if connection.protocol is not None:
        connection.protocol.abort()
    connection.close()


def _connector(
    limits: Limits, on_connection: OnConnection, on_bytes: OnBytes, tunnel: bool, idle_s: float
) -> TCPConnector:
    connector = TCPConnector(
        limit=limits.upstream_connections,
        ttl_dns_cache=10,
        socket_factory=tunnel_socket if tunnel else None,
        **({"keepalive_timeout": idle_s} if idle_s else {"force_close": True}),
    )
    connector._factory = functools.partial(  # type: ignore[assignment]
        ResponseProtocol,
        loop=asyncio.get_running_loop(),
        on_connection=on_connection,
        on_bytes=on_bytes,
    )
    return connector


def _drop_idle(connector: TCPConnector, key: ClientRequest) -> None:
    """Close a hop's idle connections: one of them was dead, so all are suspect."""
    for protocol, _ in connector._conns.pop(key.connection_key, ()):
        protocol.close()
