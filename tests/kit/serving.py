"""A server of `edge/aio/http1` whose answers a test gives, without a pipeline."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from edge.aio.exchange import ClientGone, Exchange
from edge.aio.http1 import HttpServer
from edge.config import Limits
from edge.crowd import Crowd
from edge.errors import EdgeError
from edge.message import Headers, Response
from edge.metrics import EdgeMetrics
from tests.kit.delivery import listening, port_of, settled
from tests.kit.talk import Talker

Answer = Callable[[Exchange], Awaitable[None]]
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def said(text: str, status: int = 200) -> tuple[Response, bytes]:
    """A whole response."""
    fields = Headers([("content-length", str(len(text)))])
    return Response(status=status, headers=fields), text.encode()


async def echo(exchange: Exchange) -> None:
    """The method, the target, and the size of the body."""
    size = 0
    if exchange.upload is not None:
        async for chunk in exchange.upload.chunks:
            size += len(chunk)
    await exchange.send(*said(f"{exchange.request.method} {exchange.request.target} {size}"))


@dataclass
class Stage:
    """A server and what it saw."""

    server: HttpServer
    port: int
    registry: CollectorRegistry
    failed: list[EdgeError] = field(default_factory=list)

    def refused(self, reason: str) -> float:
        """How many clients were refused for it."""
        name = "midmile_edge_requests_refused_total"
        return self.registry.get_sample_value(name, {"reason": reason}) or 0.0


@asynccontextmanager
async def serving(
    answer: Answer = echo,
    limits: Limits | None = None,
    *,
    crowd: Crowd | None = None,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[Stage]:
    """A server whose requests `answer` answers; errors are told by their status."""
    before = asyncio.all_tasks()
    registry, sock = CollectorRegistry(), listening()
    failed: list[EdgeError] = []

    async def refuse(exchange: Exchange, error: EdgeError) -> None:
        failed.append(error)
        if exchange.answered:
            exchange.abort()
        else:
            await exchange.send(*said(error.reason, error.status))

    async def handle(exchange: Exchange) -> None:
        try:
            await answer(exchange)
        except ClientGone as error:
            failed.append(error)
            raise
        except EdgeError as error:
            exchange.close_after()
            await refuse(exchange, error)

    server = HttpServer(
        handler=handle,
        refuse=refuse,
        metrics=EdgeMetrics(registry),
        crowd=crowd or Crowd(limits or Limits()),
        scheme="https" if context else "http",
    )
    await server.listen([sock], context)
    try:
        yield Stage(server, port_of(sock), registry, failed)
    finally:  # uvloop does not close while a listener is open: a test that fails must not hang
        await server.drain(1.0)
    assert not registry.get_sample_value("midmile_edge_connections", {"peer": "client"})
    await settled(before)


async def bodies(talker: Talker, count: int) -> list[str]:
    """The bodies of the next responses."""
    return [(await talker.reply()).body.decode() for _ in range(count)]
