"""Stored responses as bytes: whole, or not at all."""

from dataclasses import replace
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.entry import Entry
from edge.cache.slices import Slice
from edge.message import Headers
from edge.moment import Moment
from edge.store.record import (
    BodyFile,
    RecordError,
    decode,
    encode,
    index_key,
    shifted,
    variant_key,
)
from tests.edge.cache.stories import ask, keep, say

KEY = "shop http shop.test /a"
ENTRY = replace(
    keep(
        say(cache_control="max-age=60", vary="x-v", cache_tag="one,two", etag='"x"'),
        b"body \x00\xff",
        ask("/a", x_v="1"),
    ),
    key=KEY,
)
LATIN = st.characters(min_codepoint=0x20, max_codepoint=0xFF)


@given(
    body=st.binary(max_size=300),
    value=st.text(LATIN, max_size=40),
    target=st.text(LATIN, min_size=1, max_size=40).map(lambda text: text.replace(" ", "")),
    lifetime_s=st.floats(0, 1e9) | st.just(float("inf")),
    of_bytes=st.none() | st.integers(1, 2**40),
    mark=st.integers(0, 2**60),
)
def test_what_comes_back(
    body: bytes,
    value: str,
    target: str,
    lifetime_s: float,
    of_bytes: int | None,
    mark: int,
) -> None:
    """Is what went in, in the store's own time."""
    entry = replace(
        ENTRY,
        key=f"shop http shop.test /{target}",
        body=body,
        response=ENTRY.response.with_headers(Headers([("x-a", value), ("x-a", "2")])),
        selecting=(("x-v", value), ("x-w", None)),
        lifetime_s=lifetime_s,
        of_bytes=of_bytes,
    )
    record = decode(encode(entry, mark, shift_s=50.0))
    assert record.mark == mark
    assert record.file is None
    assert record.entry.received.mono_s == entry.received.mono_s + 50.0
    back = shifted(record.entry, 50.0)
    assert back.received.mono_s == pytest.approx(entry.received.mono_s)
    assert replace(back, received=entry.received) == entry


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_damaged_record_is_none(at: int, bit: int) -> None:
    """Whichever bit has changed."""
    data = bytearray(encode(ENTRY, 1, shift_s=0.0))
    data[at % len(data)] ^= 1 << bit
    with pytest.raises(RecordError):
        decode(bytes(data))


@given(length=st.integers(0, 10_000))
def test_a_torn_record_is_none(length: int) -> None:
    """However much of it is there."""
    data = encode(ENTRY, 1, shift_s=0.0)
    with pytest.raises(RecordError):
        decode(data[: length % len(data)])


@given(data=st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """With a checksum that is right, too."""
    for each in (data, crc32(data).to_bytes(4, "little") + data):
        with pytest.raises(RecordError):
            decode(each)


@pytest.mark.parametrize(
    "head",
    [
        b"{}",
        b"[]",
        b"nul",
        b'{"key":1,"mark":1,"received":[1,2],"fields":[]}',
    ],
)
def test_a_record_of_another_version_is_none(head: bytes) -> None:
    """It is sound, and says nothing that we know."""
    rest = len(head).to_bytes(4, "little") + head
    with pytest.raises(RecordError):
        decode(crc32(rest).to_bytes(4, "little") + rest)


def test_a_large_body_is_elsewhere() -> None:
    """It must be the very body that was stored."""
    file = BodyFile(name="ab-cd", size=len(ENTRY.body), checksum=crc32(ENTRY.body))
    record = decode(encode(ENTRY, 1, shift_s=0.0, file=file))
    assert record.entry.body == b""
    assert record.file == file
    assert record.with_body(ENTRY.body).body == ENTRY.body
    for other in (b"", ENTRY.body + b" ", ENTRY.body[:-1] + b"."):
        with pytest.raises(RecordError):
            record.with_body(other)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "ab", "ab-../x", ""])
def test_a_record_names_no_other_file(name: str) -> None:
    """Whatever stands in it leads out of the store's folder."""
    file = BodyFile(name=name, size=1, checksum=1)
    with pytest.raises(RecordError):
        decode(encode(ENTRY, 1, shift_s=0.0, file=file))


def test_slices_are_filed_with_their_whole() -> None:
    """They begin as it does; each has a place of its own, and so has each variant."""
    slices = [index_key(Slice(number).key(KEY)) for number in (0, 1, 70_000)]
    places = [index_key(KEY), *slices]
    assert len(set(places)) == 4
    assert len({place[:16] for place in places}) == 1
    assert not index_key(KEY + "b").startswith(places[0][:16])
    variants = {variant_key(KEY, selecting) for selecting in ((), (("a", None),), (("a", ""),))}
    assert len(variants) == 3
    assert all(variant.startswith(places[0]) for variant in variants)


def _resident(entry: Entry, mono_s: float) -> float:
    return entry.age_s(Moment(wall_s=0.0, mono_s=mono_s))


def test_age_goes_on_in_the_next_run() -> None:
    """The clock of another run begins elsewhere; the store says by how much."""
    record = decode(encode(ENTRY, 1, shift_s=0.0))
    ended_s = ENTRY.received.mono_s + 20.0
    # Ten seconds later a new run begins, whose clock shows 3.
    shift_s = ended_s + 10.0 - 3.0
    assert _resident(shifted(record.entry, shift_s), 3.0) == pytest.approx(
        _resident(ENTRY, ended_s) + 10.0
    )
