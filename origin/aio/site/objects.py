"""The plain objects that benchmarks and tests fetch: bodies of exactly the size in their name.

Sizes are in units of 1,024 bytes. Bodies are made from seeded randomness, so every process and
every machine serves the same bytes; they are prose of a few hundred words with figures between
them, since one repeated letter would flatter every compressor.
"""

import json
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from html import escape
from itertools import accumulate

from origin.aio.site.http.representation import Representation, represent

KB = 1024
STATIC_SIZES: Mapping[str, int] = {"1KB": KB, "10KB": 10 * KB, "100KB": 100 * KB, "1MB": KB * KB}
DYNAMIC_SIZES: Mapping[str, int] = {"2KB": 2 * KB, "20KB": 20 * KB, "100KB": 100 * KB}
UNCACHEABLE_SIZE = 8 * KB
RELEASED = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
"""Last-Modified of everything here: made bytes have no file whose date could be told."""
TEXT = "text/plain; charset=utf-8"
FOR_AN_HOUR = "public, max-age=3600"

_WORDS = (  # noqa: SIM905 - a list of quoted words would be hard to read
    "the of and to a in we it was that for on as with at by from this had not but his are her "
    "which they be one an or were all there been their more when said who so no would out up into "
    "than them some could time only now over such our two before then first also after these well "
    "way down where here long little under through great still while another day came road might "
    "come old between own last never place same part year end again went along once every upon "
    "north water hill river morning snow wind camp path valley stone rain light night winter ridge "
    "south summit village bridge forest harbour map west east compass evening bearing contour pass "
    "cold hut stream lantern pack mile distance meadow grass spring lake shore island boat rope "
    "weather cloud fog sky star moon dawn dusk shadow fire bread tea coffee boots blanket notebook "
    "pencil page letter station train ferry carriage market inn door window table lamp voice story "
    "stranger guide shepherd sailor surveyor miller driver child dog horse mule goat heron raven "
    "turned walked climbed crossed followed reached carried rested waited listened watched wrote "
    "measured counted folded opened closed slept woke remembered forgot promised laughed answered "
    "steep narrow quiet bright heavy broken early late empty crowded distant familiar patient slow "
    "sudden gentle rough green grey brown silver golden dark pale warm dry wet high low far near "
    "slowly twice perhaps almost together against beyond beneath beside toward until without since "
    "because although however therefore meanwhile nevertheless somewhere everywhere afterwards "
    "altitude latitude longitude meridian parallel horizon triangulation cairn signpost milestone "
    "waterfall moorland heather bracken birch spruce juniper limestone granite glacier crevasse "
    "estuary headland lighthouse anchorage sounding current tide jetty railway junction timetable "
    "provisions canvas buckle leather kettle matches candle telescope barometer thermometer ink "
    "survey benchmark gradient declination correction instrument observation correspondence"
).split()
_WEIGHTS = tuple(accumulate(1 / (rank + 3) for rank in range(len(_WORDS))))
"""Zipf's law: a word's frequency falls with its rank, in every human language."""


@cache
def prose(size: int, seed: int) -> str:
    """Exactly `size` characters of made-up travel diary, all ASCII, in lines."""
    rng = random.Random(seed)
    pieces: list[str] = []
    length = 0
    while length < size:
        paragraph = " ".join(_sentence(rng) for _ in range(rng.randint(3, 7))) + "\n\n"
        pieces.append(paragraph)
        length += len(paragraph)
    return "".join(pieces)[: size - 1] + "\n"


def _sentence(rng: random.Random) -> str:
    words = rng.choices(_WORDS, cum_weights=_WEIGHTS, k=rng.randint(6, 19))
    if rng.random() < 0.35:
        words.insert(rng.randrange(1, len(words)), f"{rng.uniform(1, 3200):.1f}")
    if rng.random() < 0.4:
        words[len(words) // 2] += ","
    words[0] = words[0].capitalize()
    return " ".join(words) + rng.choice("....?;")


def static_objects() -> dict[str, Representation]:
    """`/objects/1KB` and its larger siblings, by path: cacheable, with validators and ranges."""
    return {
        f"/objects/{name}": represent(
            prose(size, seed=size).encode(),
            content_type=TEXT,
            cache_control=FOR_AN_HOUR,
            last_modified=RELEASED,
            ranges=True,
        )
        for name, size in STATIC_SIZES.items()
    }


def uncacheable(token: str) -> bytes:
    """`/objects/8KB-uncacheable`: begins with `token`, so that a copy can be told from the next."""
    return f"{token}\n{prose(UNCACHEABLE_SIZE, seed=8)}".encode()[:UNCACHEABLE_SIZE]


def items_json(size: int) -> Callable[[str, str], bytes]:
    """A maker of JSON bodies of exactly `size` bytes.

    It takes a request's token and time, both of fixed length, which are all that differs between
    two answers: what an API that is asked every few seconds looks like.
    """
    token_mark, time_mark = "@" * 16, "#" * 20
    whole: dict[str, object] = {"request": token_mark, "at": time_mark, "items": [], "note": ""}
    items: list[dict[str, object]] = []
    whole["items"] = items
    rng = random.Random(size)
    room = size - len(json.dumps(whole))
    while True:
        item = _item(len(items) + 1, rng)
        room -= len(json.dumps(item)) + len(", ")
        if room < 0:
            break
        items.append(item)
    whole["note"] = "." * (size - len(json.dumps(whole)))
    before, _, rest = json.dumps(whole).partition(token_mark)
    between, _, after = rest.partition(time_mark)

    def make(token: str, moment: str) -> bytes:
        assert len(token) == len(token_mark)
        assert len(moment) == len(time_mark)
        return f"{before}{token}{between}{moment}{after}".encode()

    return make


def _item(number: int, rng: random.Random) -> dict[str, object]:
    words = rng.choices(_WORDS, cum_weights=_WEIGHTS, k=9)
    return {
        "id": number,
        "sku": f"MM-{rng.randrange(16**6):06x}",
        "name": " ".join(words[:3]).capitalize(),
        "about": " ".join(words[3:]),
        "price_cents": rng.randrange(200, 24_000, 50),
        "stock": rng.randrange(0, 60),
        "rating": round(rng.uniform(2.5, 5), 1),
    }


def personal_html(size: int, frame: str) -> Callable[[str], bytes]:
    """A maker of personalised pages of exactly `size` bytes from a visitor's name.

    `frame` is the rendered page with `{name}` and `{diary}` where those two belong. The diary is
    cut so that the whole has the right length, whatever the length of the name.
    """
    before, _, rest = frame.partition("{name}")
    between, _, after = rest.partition("{diary}")
    text = prose(size, seed=size + 1)
    fixed = len((before + between + after).encode())

    def make(name: str) -> bytes:
        shown = escape(name)
        room = size - fixed - len(shown.encode())
        assert room > 0, "the frame leaves no room for the diary"
        return f"{before}{shown}{between}{text[:room]}{after}".encode()

    return make
