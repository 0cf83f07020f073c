"""What is put over bodies on the tunnel, and how it is announced."""

import pytest

from edge.message import Headers, Response
from edge.tunnel import SMALLEST_BYTES, ZSTD, announce, coding, restore, worth_coding


def say(status: int = 200, /, **fields: str) -> Response:
    """A response; `_` in names stands for `-`."""
    pairs = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return Response(status=status, headers=Headers(pairs))


HTML = {"content_type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("method", "response", "coded"),
    [
        ("GET", say(**HTML), True),
        ("POST", say(**HTML), True),
        ("GET", say(404, **HTML), True),
        ("GET", say(206, content_range="bytes 0-999/2000", **HTML), True),
        ("GET", say(content_type="Application/JSON"), True),
        ("GET", say(content_type="application/ld+json"), True),
        ("GET", say(content_type="image/svg+xml"), True),
        ("GET", say(content_encoding="identity", **HTML), True),
        ("GET", say(content_length=str(SMALLEST_BYTES), **HTML), True),
        ("GET", say(content_length=str(SMALLEST_BYTES - 1), **HTML), False),
        ("HEAD", say(**HTML), False),
        ("GET", say(304, **HTML), False),
        ("GET", say(204, **HTML), False),
        ("GET", say(101, **HTML), False),
        ("GET", say(content_encoding="gzip", **HTML), False),
        ("GET", say(content_encoding="BR", **HTML), False),
        ("GET", say(cache_control="public, No-Transform", **HTML), False),
        ("GET", say(content_type="image/jpeg"), False),
        ("GET", say(content_type="application/octet-stream"), False),
        ("GET", say(), False),
    ],
)
def test_what_is_worth_it(method: str, response: Response, coded: bool) -> None:
    """Text that is not encoded yet, has a body, and is long enough to shrink."""
    assert worth_coding(method, response) is coded


@pytest.mark.parametrize("length", [{"content_length": "9999"}, {}])
def test_the_head_comes_back_as_it_was(length: dict[str, str]) -> None:
    """Content-Length does not cross with a coded body and is there again behind it."""
    response = say(**HTML, **length, etag='"v"')
    crossing = announce(response)
    assert coding(crossing.headers) == ZSTD
    assert "content-length" not in crossing.headers
    back = restore(crossing)
    assert sorted(back.headers) == sorted(response.headers)
    assert coding(back.headers) is None


def test_a_head_without_coding() -> None:
    """It passes as it is."""
    response = say(content_length="5")
    assert restore(response) == response
    assert coding(response.headers) is None
