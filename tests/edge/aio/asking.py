"""One request at a time to a scripted server, without a pipeline."""

from collections.abc import AsyncIterator

import pytest

from edge.aio.pool import NextHop
from edge.aio.upstream import Answer, Upload, Upstream
from edge.config import Limits
from edge.errors import EdgeError
from edge.message import Headers, Request, Response
from tests.kit.scripted import Scripted

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def request(method: str = "GET", target: str = "/", **headers: str) -> Request:
    """A request for the shop."""
    return Request(
        method=method,
        scheme="http",
        authority="shop.test",
        host_port="shop.test",
        target=target,
        headers=Headers((name.replace("_", "-"), value) for name, value in headers.items()),
    )


def connections(**limits: float) -> Upstream:
    """A way to servers, within these limits."""
    bounds = Limits(**{"answer_timeout_s": 5, "read_stall_s": 5, **limits})  # type: ignore[arg-type]
    return Upstream(bounds, lambda _: None, idle_s=30)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A way to servers whose limits no test is about."""
    made = connections()
    yield made
    await made.close()


async def ask(
    upstream: Upstream,
    server: Scripted,
    asked: Request,
    upload: Upload | None = None,
    interim: list[Response] | None = None,
    *,
    reuse: bool = True,
) -> Answer:
    """Send a request to the server; the answer's head."""
    hop = NextHop(name="origin", url=server.url)
    heard = interim if interim is not None else []
    return await upstream.exchange(hop, asked, upload, heard.append, reuse=reuse)


async def body_of(answer: Answer) -> bytes:
    """The rest of an answer."""
    return b"".join([chunk async for chunk in answer.chunks()])


async def fault_of(upstream: Upstream, server: Scripted, asked: Request | None = None) -> str:
    """Why the server's next answer is none."""
    with pytest.raises(EdgeError) as caught:
        await body_of(await ask(upstream, server, asked or request()))
    return caught.value.reason


async def upload_of(*chunks: bytes) -> AsyncIterator[bytes]:
    """A request body."""
    for chunk in chunks:
        yield chunk
