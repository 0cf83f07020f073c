"""Connections to next hops, and the want of them."""

import inspect
from collections import deque

import aiohttp
import pytest
from aiohttp import TCPConnector

from edge.errors import OurError, OurReason
from tests.edge.aio.asking import OK, ask, body_of, connections, request
from tests.kit.scripted import scripted


@pytest.mark.parametrize("reuse", [True, False])
async def test_no_room_is_our_own_want(reuse: bool) -> None:
    """All connections in use: 503, not a hop that cannot be reached; one that ends makes room."""
    narrow = connections(upstream_connections=1, connect_timeout_s=0.05)
    async with scripted(OK, OK) as server:
        held = await ask(narrow, server, request(), reuse=reuse)
        with pytest.raises(OurError) as caught:
            await ask(narrow, server, request(), reuse=reuse)
        assert (caught.value.reason, caught.value.status) == (OurReason.BUSY, 503)
        held.close()
        assert await body_of(await ask(narrow, server, request(), reuse=reuse)) == b"ok"
    await narrow.close()


async def test_the_connection_that_was_used_last_is_used_next() -> None:
    """Its congestion window is open, and the others may go unused until they are too old."""
    kept = connections()
    async with scripted(*[OK] * 5) as server:
        for answer in [await ask(kept, server, request()) for _ in range(3)]:
            await body_of(answer)
        for _ in range(2):
            await body_of(await ask(kept, server, request()))
    assert server.came_on == [1, 2, 3, 3, 3]
    await kept.close()


async def test_the_private_parts_of_aiohttp_are_there() -> None:
    """What the module names of aiohttp exists in the pinned version, in the form it is used."""
    assert aiohttp.__version__ == "3.14.5"
    connector = TCPConnector(limit=3)
    assert not connector._conns
    assert hasattr(connector._conns, "pop")
    assert connector._conns.default_factory is deque
    assert hasattr(connector, "_factory")
    assert list(inspect.signature(connector._available_connections).parameters) == ["key"]
    await connector.close()
