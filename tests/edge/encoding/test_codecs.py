"""The tunnel's zstd."""

import random
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.encoding.codecs import BLOCK_BYTES, PIECE_BYTES, Decoder, Encoder
from edge.errors import UpstreamError, UpstreamReason

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def decode(*coded: bytes) -> bytes:
    """What a decoder makes of it."""
    decoder = Decoder()
    plain = b"".join(piece for chunk in coded for piece in decoder.feed(chunk))
    decoder.finish()
    return plain


def encode(*chunks: bytes) -> list[bytes]:
    """The coded form of each chunk, and the end."""
    encoder = Encoder()
    return [*map(encoder.feed, chunks), encoder.finish()]


@given(st.lists(st.binary(max_size=2_000), max_size=8), st.randoms(use_true_random=False))
def test_there_and_back(chunks: list[bytes], rng: random.Random) -> None:
    """However the coded bytes are cut."""
    whole = b"".join(encode(*chunks))
    cuts = sorted(rng.choices(range(len(whole) + 1), k=5))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert decode(*pieces) == b"".join(chunks)


def test_byte_by_byte() -> None:
    """A decoder needs no whole blocks."""
    whole = b"".join(encode(b"hello " * 1_000))
    assert decode(*(whole[at : at + 1] for at in range(len(whole)))) == b"hello " * 1_000


def test_each_chunk_can_be_read_at_once() -> None:
    """What goes in comes out before more goes in."""
    encoder, decoder = Encoder(), Decoder()
    for number in range(5):
        event = b"data: %d\n\n" % number
        assert b"".join(decoder.feed(encoder.feed(event))) == event


def test_text_shrinks() -> None:
    """That is what it is for."""
    text = b"<li><a href='/item'>An item of the catalogue</a></li>\n" * 2_000
    assert len(b"".join(encode(text))) < len(text) / 50


def test_a_bomb_costs_no_memory() -> None:
    """A gigabyte in some kilobytes comes out in small pieces, and whoever reads may stop."""
    compressor = zstd.ZstdCompressor()
    bomb = b"".join(compressor.compress(bytes(1 << 24)) for _ in range(64)) + compressor.flush()
    assert len(bomb) < 64_000
    tracemalloc.start()
    pieces = Decoder().feed(bomb)
    assert all(len(next(pieces)) <= PIECE_BYTES for _ in range(1_000))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 16 * PIECE_BYTES


@pytest.mark.parametrize(
    "coded",
    [
        b"no zstd at all",
        b"".join(encode(b"x" * 1_000))[:-1],
        b"".join(encode(b"x" * 1_000)) + b"more",
        b"".join(encode(b"one")) + b"".join(encode(b"two")),
        b"",
    ],
)
@pytest.mark.parametrize("size", [1, 4_096])
def test_what_is_not_one_whole_frame(coded: bytes, size: int) -> None:
    """It is an error of the upstream's, never a shorter body."""
    with pytest.raises(UpstreamError) as caught:
        decode(*(coded[at : at + size] for at in range(0, len(coded), size)))
    assert caught.value.reason is UpstreamReason.BROKEN_BODY


def test_a_window_that_is_too_large() -> None:
    """A frame that wants more memory than is given to one is refused."""
    options: dict[int, int] = {
        zstd.CompressionParameter.window_log: 27,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    wide = zstd.ZstdCompressor(options=options)
    coded = wide.compress(random.Random(1).randbytes(1 << 20)) + wide.flush()
    with pytest.raises(UpstreamError):
        decode(coded)


def test_the_beginning_of_a_page_can_be_read_before_the_rest() -> None:
    """One large chunk becomes blocks of which a few thousand bytes give the page's beginning."""
    rng = random.Random(3)
    page = b"".join(b"<li>%d</li>\n" % rng.randrange(10**9) for _ in range(20_000))
    coded = Encoder().feed(page)
    begun = b"".join(Decoder().feed(coded[:14_000]))
    assert len(begun) >= BLOCK_BYTES
    assert page.startswith(begun)
