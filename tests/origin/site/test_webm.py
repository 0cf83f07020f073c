"""The WebM writer, read back element by element as RFC 8794 and RFC 9559 tell to."""

import io
import struct
from collections.abc import Iterator

import pytest
from PIL import Image

from origin.aio.site.film.webm import Film, vp8_frame, webm

_MASTERS = {0x18538067, 0x114D9B74, 0x4DBB, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0}
_MASTERS |= {0x1C53BB6B, 0xBB, 0xB7, 0x1F43B675, 0x1A45DFA3}
_SEGMENT, _CLUSTER, _SIMPLE_BLOCK, _TIMESTAMP = 0x18538067, 0x1F43B675, 0xA3, 0xE7

Element = tuple[int, int, bytes]
"""Identifier, position, content."""


def _elements(content: bytes, start: int = 0) -> Iterator[Element]:
    """All elements in their order, those with elements inside before these."""
    at = start
    while at < len(content):
        begin = at
        length = 9 - content[at].bit_length()
        name = int.from_bytes(content[at : at + length])
        at += length
        length = 9 - content[at].bit_length()
        size = int.from_bytes(content[at : at + length]) & ((1 << 7 * length) - 1)
        at += length
        assert at + size <= len(content), f"{name:x} reaches past the end"
        yield name, begin, content[at : at + size]
        if name in _MASTERS:
            yield from _elements(content[: at + size], at)
        at += size


def _numbers(content: bytes, name: int) -> list[int]:
    return [int.from_bytes(value) for found, _, value in _elements(content) if found == name]


def _film(count: int = 60) -> Film:
    frames = [bytes([number]) * (100 + number) for number in range(count)]
    return Film(width=320, height=180, frame_ms=40, frames=frames)


def test_every_frame_stands_in_the_file_at_its_time() -> None:
    """Blocks come in order; a cluster's time and a block's own add up to the frame's."""
    film = _film()
    shown, base = [], 0
    for name, _, content in _elements(b"".join(webm(film))):
        if name == _TIMESTAMP:
            base = int.from_bytes(content)
        if name == _SIMPLE_BLOCK:
            track, after, flags = struct.unpack(">BhB", content[:4])
            assert (track, flags) == (0x81, 0x80)
            shown.append((base + after, content[4:]))
    assert shown == [(number * 40, frame) for number, frame in enumerate(film.frames)]


def test_the_index_points_at_the_clusters() -> None:
    """There is a cue for each cluster, with its time and its place in the segment."""
    content = b"".join(webm(_film()))
    segment = next(len(content) - len(c) for n, _, c in _elements(content) if n == _SEGMENT)
    clusters = [at for name, at, _ in _elements(content) if name == _CLUSTER]
    assert [segment + place for place in _numbers(content, 0xF1)] == clusters
    assert _numbers(content, 0xB3) == [0, 1000, 2000]


def test_the_first_element_points_at_the_others() -> None:
    """Each entry of the seek head gives an identifier, and it stands where the entry says."""
    content = b"".join(webm(_film()))
    segment = next(len(content) - len(c) for n, _, c in _elements(content) if n == _SEGMENT)
    names = [value for name, _, value in _elements(content) if name == 0x53AB]
    places = _numbers(content, 0x53AC)
    assert len(names) == 3
    for name, place in zip(names, places, strict=True):
        assert content[segment + place :].startswith(name)


def test_the_head_tells_size_and_duration() -> None:
    """Width, height, codec and duration are those of the film."""
    content = b"".join(webm(_film()))
    found = {name: value for name, _, value in _elements(content)}
    assert found[0x4282] == b"webm"
    assert found[0x86] == b"V_VP8"
    assert (_numbers(content, 0xB0), _numbers(content, 0xBA)) == ([320], [180])
    assert struct.unpack(">d", found[0x4489]) == (2400.0,)


@pytest.mark.parametrize("spare", [0, 1, 1000])
def test_padding_makes_the_file_just_so_long(spare: int) -> None:
    """With a size given the file has it, and is still whole."""
    size = len(b"".join(webm(_film()))) + 9 + spare
    content = b"".join(webm(_film(), size_bytes=size))
    assert len(content) == size
    assert len(list(_elements(content))) == len(list(_elements(b"".join(webm(_film()))))) + 1


def test_a_film_that_is_too_long_is_refused() -> None:
    """No file is made that would not hold what it should."""
    with pytest.raises(ValueError, match="does not fit into 5000 bytes"):
        list(webm(_film(), size_bytes=5000))


def _webp(**options: bool) -> bytes:
    stream = io.BytesIO()
    Image.new("RGBA", (32, 16), (200, 90, 40, 128)).save(stream, "WEBP", **options)
    return stream.getvalue()


def test_a_lossy_picture_holds_a_key_frame() -> None:
    """RFC 6386 section 9.1: a key frame has its start code and its size at its beginning."""
    frame = vp8_frame(_webp())  # with transparency, so other chunks come before it
    assert frame[0] & 1 == 0
    assert frame[3:6] == b"\x9d\x01\x2a"
    assert struct.unpack("<HH", frame[6:10]) == (32, 16)


@pytest.mark.parametrize("content", [b"", b"GIF89a", _webp(lossless=True), _webp()[:20]])
def test_anything_else_holds_none(content: bytes) -> None:
    """A lossless picture, a cut one and other files are refused."""
    with pytest.raises(ValueError, match="WebP picture"):
        vp8_frame(content)
