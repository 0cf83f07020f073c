"""Who sends a body slowly takes a bounded part of the ways upstream, and nobody else's."""

import asyncio

from edge.aio.exchange import Exchange
from edge.config import Limits
from tests.kit.serving import bodies, echo, serving
from tests.kit.talk import Talker, talking

_LIMITS = Limits(uploads_per_client=1)


def _begin(client: Talker, target: str) -> None:
    client.say(b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na" % target.encode())


class _Handler:
    """Echoes, and tells which targets it was given."""

    def __init__(self) -> None:
        self.given: asyncio.Queue[str] = asyncio.Queue()

    async def __call__(self, exchange: Exchange) -> None:
        self.given.put_nowait(exchange.request.target)
        await echo(exchange)


async def test_one_slow_upload_too_many_waits_for_its_turn() -> None:
    """Until one of its address is whole; then it goes on."""
    handler = _Handler()
    async with (
        serving(handler, _LIMITS) as stage,
        talking(stage.port) as first,
        talking(stage.port) as second,
    ):
        _begin(first, "/first")
        assert await handler.given.get() == "/first"
        _begin(second, "/second")
        first.say(b"b")
        assert await bodies(first, 1) == ["POST /first 2"]
        assert await handler.given.get() == "/second"
        second.say(b"b")
        assert await bodies(second, 1) == ["POST /second 2"]
        assert not stage.server._uploads._under_way


async def test_a_whole_body_and_what_has_none_wait_for_nobody() -> None:
    """However many slow ones of the same address there are."""
    handler = _Handler()
    async with (
        serving(handler, _LIMITS) as stage,
        talking(stage.port) as slow,
        talking(stage.port) as quick,
    ):
        _begin(slow, "/slow")
        assert await handler.given.get() == "/slow"
        assert (await quick.ask(method="POST", body=b"whole")).body == b"POST / 5"
        assert (await quick.ask()).status == 200
        _begin(quick, "/late")  # waits, and then is whole
        quick.say(b"b")
        assert await bodies(quick, 1) == ["POST /late 2"]


async def test_who_waits_and_breaks_off_is_refused() -> None:
    """The deadlines of a body go on."""
    limits = Limits(uploads_per_client=1, body_stall_s=0.2)
    async with (
        serving(limits=limits) as stage,
        talking(stage.port) as first,
        talking(stage.port) as second,
    ):
        _begin(first, "/first")
        _begin(second, "/second")
        assert (await first.reply()).status == 408
        assert (await second.reply()).status == 408
        assert not stage.server._uploads._under_way


async def test_who_goes_leaves_its_place_and_its_turn() -> None:
    """Whether it had the one or waited for the other."""
    handler = _Handler()
    async with serving(handler, _LIMITS) as stage, talking(stage.port) as third:
        async with talking(stage.port) as first, talking(stage.port) as second:
            _begin(first, "/first")
            assert await handler.given.get() == "/first"
            _begin(second, "/second")
        _begin(third, "/third")
        given = await handler.given.get()
        if given == "/second":  # its end came after its turn
            given = await handler.given.get()
        assert given == "/third"
        third.say(b"b")
        assert await bodies(third, 1) == ["POST /third 2"]
