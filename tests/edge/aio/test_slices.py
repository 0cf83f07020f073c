"""Parts of something large: what is asked for upstream, what is sent, and what is kept."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from edge.cache.slices import SLICE_BYTES, SLICED_FROM_BYTES
from tests.edge.aio.test_hits import FRESH, standing, until
from tests.kit.delivery import Delivery
from tests.kit.talk import Call, Reply, Talker

SIZE = 5 * SLICE_BYTES + 12_345


def content(size: int, seed: bytes = b"film") -> bytes:
    """Bytes of which no two stretches are alike."""
    return hashlib.shake_128(seed).digest(size)


class Film:
    """An origin's file of which parts can be had; what was asked for, and how often."""

    def __init__(self, size: int = SIZE, *fields: str) -> None:
        self.body = content(size)
        self.fields = fields or (FRESH, 'ETag: "v1"', "Content-Type: video/mp4")
        self.asked: list[str] = []

    def change(self, etag: str) -> None:
        """Be another film from now on."""
        self.body = content(len(self.body), etag.encode())
        self.fields = (FRESH, f"ETag: {etag}", "Content-Type: video/mp4")

    async def __call__(self, call: Call) -> None:
        """Answer a request."""
        wanted = (call.lines("range") or [""])[0]
        self.asked.append(wanted or call.method)
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
        other = not {f"ETag: {tag}" for tag in call.lines("if-range")} <= set(self.fields)
        if match is None or other:
            await call.answer(*self.fields, body=self.body)
            return
        size, first = len(self.body), int(match[1])
        last = min(int(match[2] or size), size - 1)
        if first >= size:
            told = f"Content-Range: bytes */{size}"
            await call.answer(told, status="416 Range Not Satisfiable")
            return
        told = f"Content-Range: bytes {first}-{last}/{size}"
        part = self.body[first : last + 1]
        await call.answer(*self.fields, told, body=part, status="206 Partial Content")


@asynccontextmanager
async def showing(keys: Path, film: Film) -> AsyncIterator[tuple[Delivery, Talker]]:
    """A network with a film at its origin, and a user."""
    async with standing(keys, film) as (net, client):
        yield net, client


def asks(*numbers: int) -> list[str]:
    """What is asked for when these slices are."""
    return [f"bytes={n * SLICE_BYTES}-{(n + 1) * SLICE_BYTES - 1}" for n in numbers]


def assert_part(reply: Reply, film: Film, first: int, last: int) -> None:
    """It is the 206 with these bytes of the film, and says so."""
    assert reply.status == 206
    assert reply.one("content-range") == f"bytes {first}-{last}/{len(film.body)}"
    assert reply.one("etag") == '"v1"'
    assert reply.body == film.body[first : last + 1]


@pytest.mark.parametrize(
    ("first", "last", "touched"),
    [
        (0, 1, [0]),
        (3 * SLICE_BYTES + 5, 3 * SLICE_BYTES + 9, [3]),
        (SLICE_BYTES - 1, SLICE_BYTES, [0, 1]),
        (SLICE_BYTES, 3 * SLICE_BYTES - 1, [1, 2]),
        (4 * SLICE_BYTES + 7, SIZE - 1, [4, 5]),
    ],
)
async def test_only_what_is_touched_is_fetched(
    keys: Path, first: int, last: int, touched: list[int]
) -> None:
    """A part of a cold file costs the slices in which it lies, once."""
    film = Film()
    async with showing(keys, film) as (net, client):
        for _ in range(2):
            assert_part(await client.ask("/", f"Range: bytes={first}-{last}"), film, first, last)
            await until(lambda: net.edge.worker._pipeline._store.objects == len(touched))
        assert film.asked == asks(*touched)
        assert net.edge.log[-1]["verdict"] == "hit"


async def test_seeking_to_the_end_works_at_once(keys: Path) -> None:
    """An open end is the end of the film, and what is beyond it is 416."""
    film = Film()
    async with showing(keys, film) as (_, client):
        begin = 4 * SLICE_BYTES + 1
        assert_part(await client.ask("/", f"Range: bytes={begin}-"), film, begin, SIZE - 1)
        beyond = await client.ask("/", f"Range: bytes={SIZE}-")
        assert (beyond.status, beyond.one("content-range")) == (416, f"bytes */{SIZE}")
        assert film.asked == asks(4, 5)


async def test_strangers_cannot_keep_it_from_slices(keys: Path) -> None:
    """What is asked for beyond the end says nothing of what is before it."""
    film = Film()
    async with showing(keys, film) as (_, client):
        beyond = await client.ask("/", f"Range: bytes={9 * SLICE_BYTES}-")
        assert beyond.status == 416
        for _ in range(2):
            assert_part(await client.ask("/", "Range: bytes=7-9"), film, 7, 9)
        assert film.asked == asks(9, 0)


async def test_a_small_one_is_had_whole(keys: Path) -> None:
    """One slice that is all there is answers every request from then on."""
    film = Film(1_000)
    async with showing(keys, film) as (_, client):
        assert_part(await client.ask("/", "Range: bytes=10-19"), film, 10, 19)
        assert (await client.ask("/")).body == film.body
        assert_part(await client.ask("/", "Range: bytes=-5"), film, 995, 999)
        assert film.asked == asks(0)


async def test_readers_of_one_part_come_together(keys: Path) -> None:
    """Ten ask at once, one slice crosses the network."""
    film = Film()
    async with showing(keys, film) as (net, _), AsyncExitStack() as stack:
        each = [await stack.enter_async_context(net.client()) for _ in range(10)]
        for one in each:
            one.request("/", "Range: bytes=100-199")
        for one in each:
            assert_part(await one.reply(), film, 100, 199)
        assert film.asked == asks(0)


@pytest.mark.parametrize(
    "fields",
    [
        ("Cache-Control: no-store", 'ETag: "v1"'),
        (FRESH, 'ETag: W/"v1"'),
        (FRESH, "Content-Type: video/mp4"),
    ],
)
async def test_what_may_not_be_put_together_passes(keys: Path, fields: tuple[str, ...]) -> None:
    """Not storable, or nothing says that slices are of one film: the range goes through."""
    film = Film(SIZE, *fields)
    async with showing(keys, film) as (_, client):
        for _ in range(2):
            reply = await client.ask("/", f"Range: bytes=5-{2 * SLICE_BYTES}")
            assert reply.body == film.body[5 : 2 * SLICE_BYTES + 1]
        assert film.asked[-1] == f"bytes=5-{2 * SLICE_BYTES}"
        assert film.asked.count(asks(0)[0]) <= 2  # edge's and parent's memory of it is their own


async def test_an_origin_without_ranges_gives_the_whole(keys: Path) -> None:
    """RFC 9110 14.2: a server may ignore Range."""

    async def play(call: Call) -> None:
        await call.answer(FRESH, 'ETag: "v1"', body=b"whole")

    async with standing(keys, play) as (_, client):
        reply = await client.ask("/", "Range: bytes=1-2")
        assert (reply.status, reply.body) == (200, b"whole")


async def test_another_film_is_not_cut_in(keys: Path) -> None:
    """What was stored of the old one goes, before and behind the beginning of an answer."""
    film = Film()
    async with showing(keys, film) as (net, client):
        await client.ask("/", f"Range: bytes=0-{2 * SLICE_BYTES}")
        await until(lambda: net.edge.worker._pipeline._store.objects == 3)
        film.change('"v2"')
        for node in (*net.parents, net.edge):
            store = node.worker._pipeline._store
            for entry in store.get("shop http shop.test / 1"):
                store.remove(entry)
        client.request("/", f"Range: bytes=0-{2 * SLICE_BYTES}")
        cut_off = await client.rest()
        assert film.body[SLICE_BYTES : SLICE_BYTES + 100] not in cut_off
        assert len(cut_off) < 2 * SLICE_BYTES


async def test_a_change_of_the_film_reaches_all_slices(keys: Path) -> None:
    """A purge of its URL, and an unsafe request that succeeded."""
    for change in ("purge", "post"):
        film = Film()
        async with showing(keys, film) as (net, client):
            await client.ask("/", f"Range: bytes=0-{2 * SLICE_BYTES}")
            film.change('"v2"')
            if change == "post":
                await client.ask("/", method="POST", body=b"x")
            else:
                net.purge(url="http://shop.test/")
            reply = await client.ask("/", f"Range: bytes=0-{2 * SLICE_BYTES}")
            assert reply.body == film.body[: 2 * SLICE_BYTES + 1]


async def test_if_range_gets_the_whole_of_another(keys: Path) -> None:
    """With the validator of what is there the part, with another all of it."""
    film = Film()
    async with showing(keys, film) as (_, client):
        same = await client.ask("/", "Range: bytes=0-9", 'If-Range: "v1"')
        assert_part(same, film, 0, 9)
        other = await client.ask("/", "Range: bytes=0-9", 'If-Range: "v0"')
        assert (other.status, len(other.body)) == (200, SIZE)


LARGE = SLICED_FROM_BYTES + 5_000
LAST = SLICED_FROM_BYTES // SLICE_BYTES
RANGED = (FRESH, 'ETag: "v1"', "Content-Type: video/mp4", "Accept-Ranges: bytes")


def slices(net: Delivery) -> int:
    """How many the edge holds."""
    return net.edge.worker._pipeline._store.objects


async def test_a_large_one_is_kept_in_slices(keys: Path) -> None:
    """Asked for as a whole, it comes as it is, and later whole, in part or not at all from them."""
    film = Film(LARGE, *RANGED)
    async with showing(keys, film) as (net, client):
        assert (await client.ask("/")).body == film.body
        await until(lambda: slices(net) == LAST + 1)
        again = await client.ask("/")
        assert (again.status, again.body) == (200, film.body)
        assert again.one("accept-ranges") == "bytes"
        assert again.lines("cache-status")[-1].startswith("east; hit")
        assert_part(await client.ask("/", f"Range: bytes=9-{LARGE}"), film, 9, LARGE - 1)
        known = await client.ask("/", 'If-None-Match: "v1"')
        assert (known.status, known.body) == (304, b"")
        assert film.asked == ["GET"]


async def test_a_slice_that_is_gone_is_had_again(keys: Path) -> None:
    """Alone: the others are there."""
    film = Film(LARGE, *RANGED)
    async with showing(keys, film) as (net, client):
        await client.ask("/")
        await until(lambda: slices(net) == LAST + 1)
        for node in (*net.parents, net.edge):
            store = node.worker._pipeline._store
            for entry in store.get("shop http shop.test / 3"):
                store.remove(entry)
        assert (await client.ask("/")).body == film.body
        assert film.asked == ["GET", *asks(3)]


async def test_a_large_one_without_parts_is_kept_as_one(keys: Path) -> None:
    """Its origin does not say that it gives parts: one that goes missing could not be had."""
    film = Film(LARGE, FRESH, 'ETag: "v1"')
    async with showing(keys, film) as (net, client):
        for _ in range(2):
            assert (await client.ask("/")).body == film.body
            await until(lambda: not net.edge.worker._pipeline._misses._flights._tasks)
        assert list(net.edge.worker._pipeline._store._slots) == ["shop http shop.test /"]


async def test_a_reader_who_leaves_ends_the_fetch(keys: Path) -> None:
    """What has come of a large one is kept, and nothing more is fetched for nobody."""
    film = Film(LARGE, *RANGED)
    async with showing(keys, film) as (net, client):
        async with net.client() as leaving:
            leaving.request("/")
            await leaving.head()
            await leaving.reader.readexactly(SLICE_BYTES)
        await until(lambda: not net.edge.worker._pipeline._misses._flights._tasks)
        assert (await client.ask("/")).body == film.body


async def test_who_leaves_leaves_nothing_behind(keys: Path) -> None:
    """In the middle of a film; the kit looks for what is left."""
    film = Film()
    async with showing(keys, film) as (net, client):
        async with net.client() as leaving:
            leaving.request("/", "Range: bytes=0-")
            await leaving.head()
        assert_part(await client.ask("/", "Range: bytes=0-9"), film, 0, 9)
        await asyncio.sleep(0)
