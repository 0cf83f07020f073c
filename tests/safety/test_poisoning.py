"""Cache poisoning through an edge and a parent, with an origin that repeats all that it is told.

Each attack comes first, and what the next visitor gets shows nothing of it. Which fields there are
to attack with is `test_unkeyed`'s.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.kit.delivery import Delivery, delivery
from tests.kit.talk import Call, Origin, Play, Reply, origin
from tests.safety.headers import ATTEMPTS

FRESH = "Cache-Control: public, max-age=60"
EVIL = "evil.test/%22onload"
STATUSES = ("200 OK", "302 Found", "404 Not Found", "301 Moved Permanently", "400 Bad Request")
SAMPLE = [names[place] for names in ATTEMPTS.values() for place in (0, 1, len(names) // 2, -1)]


def telling(*fields: str, status: str = "200 OK") -> Play:
    """An origin whose answer, fields and body, is all that it got."""

    async def play(call: Call) -> None:
        body = await call.body()
        lines = [f"{name}={value}" for name, value in call.fields if name not in OURS]
        echo = "; ".join([call.method, call.target, *lines])
        found = (f"Location: /next?{echo}", f"X-Echo: {echo}", *fields)
        await call.answer(FRESH, *found, body=echo.encode("latin-1") + body, status=status)

    return play


OURS = frozenset({"x-request-id", "forwarded", "via"})
"""What differs from request to request, or tells by whom it came; nobody else writes these."""


@asynccontextmanager
async def attacked(keys: Path, play: Play, **rules: Any) -> AsyncIterator[tuple[Delivery, Origin]]:
    """A network before such an origin."""
    async with origin(play) as shop, delivery(keys, shop, **rules) as net:
        yield net, shop


async def ask(net: Delivery, target: str, *fields: str, **more: object) -> Reply:
    """What one visitor gets, on a connection of his own."""
    async with net.client() as client:
        return await client.ask(target, *fields, **more)  # type: ignore[arg-type]


def shown(reply: Reply) -> str:
    """All of an answer that its origin has a hand in."""
    told = "\n".join(value for name, value in reply.fields if name not in OURS)
    return f"{reply.status} {told} {reply.body.decode('latin-1')}"


@pytest.mark.parametrize("status", STATUSES)
async def test_no_field_decides_what_the_next_visitor_gets(keys: Path, status: str) -> None:
    """Nor is the page kept out of the cache by it; and who sends a field gets his own answer."""
    async with attacked(keys, telling(status=status)) as (net, shop), net.client() as client:
        for number, name in enumerate(SAMPLE):
            target = f"/{number}"
            attack = await client.ask(target, f"{name}: {EVIL}")
            forwarded = EVIL in shop.calls[-1].head.decode("latin-1")
            assert (EVIL in shown(attack)) == forwarded
            victim, calls = await client.ask(target), len(shop.calls)
            assert EVIL not in shown(victim), name
            assert shown(await client.ask(target)).endswith(victim.body.decode("latin-1"))
            assert len(shop.calls) == calls, name


async def test_nobody_waits_for_an_answer_that_is_not_for_him(keys: Path) -> None:
    """Visitors who come while the attacker's request is under way get another answer."""
    go = asyncio.Event()
    tell = telling()

    async def play(call: Call) -> None:
        if call.lines("x-odd"):
            await go.wait()
        await tell(call)

    async with attacked(keys, play) as (net, shop):
        attack = asyncio.create_task(ask(net, "/", f"X-Odd: {EVIL}"))
        await shop.wait_for(1)
        visitors = [asyncio.create_task(ask(net, "/")) for _ in range(3)]
        go.set()
        assert EVIL in shown(await attack)
        for visitor in visitors:
            assert EVIL not in shown(await visitor)


async def test_requests_with_odd_fields_soon_do_not_wait_for_each_other(keys: Path) -> None:
    """An API whose clients all send a field that Vary does not name is not made slow by it."""
    both = asyncio.Barrier(2)
    tell = telling()

    async def play(call: Call) -> None:
        if call.target == "/" and len(shop.calls) > 1:
            await both.wait()
        await tell(call)

    async with attacked(keys, play) as (net, shop):
        await ask(net, "/", "X-Odd: 1")
        async with asyncio.timeout(10):
            replies = await asyncio.gather(*(ask(net, "/", "X-Odd: 1") for _ in range(2)))
        assert ["x-odd=1" in shown(reply) for reply in replies] == [True, True]
        assert len(shop.calls) == 3


async def test_what_vary_names_is_shared_among_those_who_send_it(keys: Path) -> None:
    """The origin's word makes an odd field an ordinary one."""
    async with attacked(keys, telling("Vary: X-Odd")) as (net, shop):
        for value in ("a", "b", "a", "b"):
            assert f"x-odd={value}" in shown(await ask(net, "/", f"X-Odd: {value}"))
        assert EVIL not in shown(await ask(net, "/"))
        assert len(shop.calls) == 3


@pytest.mark.parametrize(
    ("method", "fields", "body"),
    [
        ("HEAD", (f"X-Odd: {EVIL}",), b""),
        ("GET", (), EVIL.encode()),
        ("GET", ("Range: bytes=0-1", f"X-Odd: {EVIL}"), b""),
        ("GET", (f'If-None-Match: "{EVIL}"',), b""),
        ("GET", ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", f"If-Match: {EVIL}"), b""),
        ("GET", (f"Range: {EVIL}",), b""),
        ("GET", (f"Connection: {EVIL.partition('/')[0]}",), b""),
        ("GET", ("Connection: Cookie", f"Cookie: {EVIL}"), b""),
        ("POST", (f"X-Odd: {EVIL}",), EVIL.encode()),
        ("PUT", ("X-HTTP-Method-Override: GET",), EVIL.encode()),
        ("OPTIONS", (f"Origin: {EVIL}",), b""),
        ("PURGE", (f"X-Odd: {EVIL}",), b""),
    ],
)
@pytest.mark.parametrize("stored", [False, True])
async def test_other_requests_for_a_page_change_nothing_of_it(
    keys: Path, method: str, fields: tuple[str, ...], body: bytes, stored: bool
) -> None:
    """Heads, bodies, parts and conditions: whether it is stored already or not."""
    async with attacked(keys, telling('ETag: "v"')) as (net, _):
        if stored:
            await ask(net, "/")
        await ask(net, "/", *fields, method=method, body=body)
        for _ in range(2):
            assert EVIL not in shown(await ask(net, "/"))


@pytest.mark.parametrize("field", ["Content-Encoding: br", "Access-Control-Allow-Origin: {}"])
async def test_nobody_chooses_a_coding_or_a_reader_for_others(keys: Path, field: str) -> None:
    """A server that forgets Vary does not make a page unreadable for all but the first."""

    async def play(call: Call) -> None:
        told = call.lines("accept-encoding") or call.lines("origin")
        await call.answer(FRESH, *([field.format(told[0])] if told else []), body=b"hello")

    async with attacked(keys, play) as (net, _):
        name = field.partition(":")[0].lower()
        await ask(net, "/", "Accept-Encoding: br" if "coding" in name else f"Origin: {EVIL}")
        for _ in range(2):
            assert (await ask(net, "/")).lines(name) == []


@pytest.mark.parametrize(
    "attack",
    [
        ("Cookie: " + "a" * 9_000,),
        ("User-Agent: " + "a" * 9_000,),
        tuple(f"X-Many-{number}: 1" for number in range(80)),
        ("Referer: \xff\xfe",),
        ("Accept: text/none",),
    ],
)
@pytest.mark.parametrize("negative_ttl_s", [None, 60.0])
async def test_an_error_of_one_visitors_head_is_nobody_elses(
    keys: Path, attack: tuple[str, ...], negative_ttl_s: float | None
) -> None:
    """An origin with narrower limits than ours, whose errors are fresh."""

    async def play(call: Call) -> None:
        narrow = len(call.head) < 8_192 and len(call.fields) < 64 and call.head.isascii()
        refused = "406 Not Acceptable" if "text/none" in call.lines("accept") else "400 Bad Request"
        fine = narrow and "text/none" not in call.lines("accept")
        await call.answer(FRESH, body=b"hello", status="200 OK" if fine else refused)

    async with attacked(keys, play, negative_ttl_s=negative_ttl_s) as (net, _):
        assert (await ask(net, "/", *attack)).status in (400, 406)
        assert (await ask(net, "/")).status == 200


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("SHOP.test", "/"),
        ("shop.test.", "/"),
        ("shop.test:80", "/"),
        ("shop.test:", "/"),
        ("shop.test:00080", "/"),
        ("shop.test", "http://shop.test/"),
        ("Shop.Test.", "HTTP://SHOP.TEST"),
    ],
)
async def test_a_host_that_is_spelt_oddly_is_told_as_usual(
    keys: Path, host: str, target: str
) -> None:
    """An origin that redirects odd spellings cannot be made to do so for all."""
    async with attacked(keys, telling()) as (net, shop):
        odd = await ask(net, target, host=host)
        assert shown(await ask(net, "/")).endswith(odd.body.decode())
        assert len(shop.calls) == 1
        assert shop.calls[0].lines("host") == shop.calls[0].lines("x-forwarded-host")
        assert shop.calls[0].lines("host") == ["shop.test"]


async def test_another_port_is_another_page(keys: Path) -> None:
    """Origins write it into redirects, so it is in the key."""
    async with attacked(keys, telling()) as (net, shop):
        await ask(net, "/", host="shop.test:9999")
        assert "9999" not in shown(await ask(net, "/"))
        assert len(shop.calls) == 2


async def test_a_post_cannot_store_by_parameters_that_do_not_count(keys: Path) -> None:
    """It is sent with its whole query, so what comes back is about all of that."""

    async def play(call: Call) -> None:
        await call.body()
        await call.answer(FRESH, f"Content-Location: {call.target}", body=call.target.encode())

    async with attacked(keys, play, query_parameters=frozenset({"q"})) as (net, _):
        await ask(net, "/s?q=1&evil=1", method="POST", body=b"x")
        assert (await ask(net, "/s?q=1")).body == b"/s?q=1"
        await ask(net, "/s?q=2", method="POST", body=b"x")
        assert "hit" in (await ask(net, "/s?q=2")).lines("cache-status")[-1]


async def test_parts_for_odd_requests_are_not_fetched_twice_for_long(keys: Path) -> None:
    """What could not be stored as a slice is asked for as it is wanted; and others get slices."""
    whole = bytes(range(100))

    async def play(call: Call) -> None:
        first, last = (
            int(text) for text in call.lines("range")[0].removeprefix("bytes=").split("-")
        )
        part = whole[first : last + 1]
        span = f"Content-Range: bytes {first}-{first + len(part) - 1}/{len(whole)}"
        await call.answer(FRESH, 'ETag: "v"', span, body=part, status="206 Partial Content")

    async with attacked(keys, play) as (net, shop):
        for _ in range(3):
            part = await ask(net, "/", "Range: bytes=2-3", "X-Odd: 1")
            assert (part.status, part.body) == (206, whole[2:4])
        assert len(shop.calls) <= 4
        for _ in range(2):
            assert (await ask(net, "/", "Range: bytes=4-5")).body == whole[4:6]
        assert "hit" in (await ask(net, "/", "Range: bytes=6-7")).lines("cache-status")[-1]
