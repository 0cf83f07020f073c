import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.errors import FramingError
from mapping.framing import MessageCutter, framed

MESSAGES = [b"a", b"bc" * 30, b"d" * 100]
STREAM = b"".join(framed(m) for m in MESSAGES)


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(STREAM)])
def test_whole_and_byte_by_byte(size: int) -> None:
    """Messages come out the same however the stream was cut."""
    cutter = MessageCutter(100)
    out: list[bytes] = []
    for start in range(0, len(STREAM), size):
        out += cutter.feed(STREAM[start : start + size], limit=10)
    assert out == MESSAGES
    assert cutter.holding == 0


def test_output_is_bounded() -> None:
    """A call gives no more than its limit; the rest waits for the next call."""
    cutter = MessageCutter(100)
    assert cutter.feed(STREAM, limit=2) == MESSAGES[:2]
    assert cutter.holding == 102
    assert cutter.feed(b"", limit=2) == MESSAGES[2:]


@pytest.mark.parametrize("length", [0, 101, 65_535])
def test_bad_lengths(length: int) -> None:
    """Nothing and too much end the connection before a byte of it is awaited."""
    with pytest.raises(FramingError, match=f"message of {length} bytes"):
        MessageCutter(100).feed(length.to_bytes(2, "big"), limit=1)


@given(st.lists(st.binary(max_size=300)))
def test_any_stream(chunks: list[bytes]) -> None:
    """Any bytes give messages within bounds, or the one error."""
    cutter = MessageCutter(64)
    try:
        for chunk in chunks:
            assert all(0 < len(m) <= 64 for m in cutter.feed(chunk, limit=8))
    except FramingError:
        pass
