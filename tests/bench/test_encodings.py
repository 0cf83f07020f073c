"""What bodies take under each encoding: sizes of what can really be decoded again."""

import sys

import pytest

from bench.bodies import prose
from bench.encodings import changed, sizes

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_PAGE = prose(60_000, seed=1).encode()
_OTHER = _PAGE.replace(b"morning", b"evening", 1)


def test_each_encoding_is_smaller_than_the_one_before() -> None:
    """Of a page whose last version both ends have, and of which a word has changed."""
    found = sizes(_OTHER, _PAGE)
    assert list(found) == ["identity", "gzip", "brotli", "zstd", "zstd-base"]
    assert found["identity"] == len(_OTHER)
    assert 10_000 < (found["zstd"] or 0) < 30_000
    assert 10_000 < (found["gzip"] or 0) < 30_000
    assert 0 < (found["zstd-base"] or 0) < 200


def test_without_a_base_there_is_no_difference_to_send() -> None:
    """No value is none, not zero; zstd takes no base of less than eight bytes."""
    assert sizes(_PAGE, None)["zstd-base"] is None
    assert sizes(_PAGE, _PAGE[:7])["zstd-base"] is None
    assert (sizes(_PAGE, _PAGE[:8])["zstd-base"] or 0) > 10_000


def test_an_empty_body_has_sizes_too() -> None:
    """Frames take some bytes even then."""
    found = {**sizes(b"", _PAGE)}
    assert found.pop("identity") == 0
    assert all(0 < (size or 0) < 30 for size in found.values())


@pytest.mark.parametrize("times", [1, 100])
def test_a_difference_makes_the_page_of_its_base(times: int) -> None:
    """Also of six megabytes, where the base lies farther back than level 3 would look."""
    base, body = _PAGE * times, _OTHER + _PAGE * (times - 1)
    frame = changed(body, base)
    assert len(frame) < 2_000
    prefix = zstd.ZstdDict(base, is_raw=True).as_prefix
    assert zstd.decompress(frame, zstd_dict=prefix) == body


def test_a_difference_is_worth_nothing_without_its_base() -> None:
    """So its size is that of a difference indeed."""
    with pytest.raises(zstd.ZstdError):
        zstd.decompress(changed(_OTHER, _PAGE))
