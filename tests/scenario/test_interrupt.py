"""Ctrl-C with a download in flight: it ends well, and so does everything else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from tests.kit.network import Grounds, grounds, running

_HALF = b"0123456789abcdef" * 4096


class _Origin:
    """A web server that sends the second half of its one file when it is told to."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 2 * len(_HALF)
        await response.prepare(request)
        await response.write(_HALF)
        await self.go_on.wait()
        await response.write(_HALF)
        return response


@asynccontextmanager
async def _origin_of(place: Grounds) -> AsyncIterator[_Origin]:
    origin = _Origin()
    application = web.Application()
    application.router.add_get("/", origin.serve)
    runner = web.AppRunner(application)
    await runner.setup()
    url = place.network.sites[0].origins[0]
    try:
        await web.TCPSite(runner, url.host, url.port).start()
        yield origin
    finally:
        origin.go_on.set()
        await runner.cleanup()


async def test_ctrl_c_lets_a_download_finish() -> None:
    """The listeners close at once, the download goes on to its end, then all ends with code 0."""
    with grounds("python-docs.toml") as place:
        async with (
            _origin_of(place) as origin,
            running(place) as network,
            aiohttp.ClientSession(headers={"Host": "docs.cdn.test"}) as session,
        ):
            host, port = network.edge("edge").advertise.http
            idle, writer = await asyncio.open_connection(host, port)
            async with session.get(f"http://{host}:{port}/") as response:
                body = await response.content.readexactly(len(_HALF))
                network.interrupt()
                assert await idle.read() == b""  # a connection without a request is closed
                writer.close()
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection(host, port)
                assert (await network.node("edge"))["state"] == "draining"
                origin.go_on.set()
                body += await response.read()
            assert body == 2 * _HALF
            assert await network.ended() == 0
            assert place.strays() == []
