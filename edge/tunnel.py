"""What the two ends of a tunnel tell each other in header fields, and the coding of bodies on it.

These fields are hop-by-hop: each end takes them off before anyone else sees a message, and an edge
drops them from what users send. The user's own Accept-Encoding crosses unchanged, so that origin
and caches negotiate with the user; the tunnel's coding is put over what they agreed on and taken
off again.
"""

from edge.fields import media_type
from edge.message import Headers, Response

ACCEPT = "midmile-accept"
"""Request: codings the edge can take off: `zstd`."""
CODING = "midmile-coding"
"""Response: the coding the parent put on."""
LENGTH = "midmile-length"
"""Response: bytes of the body without the coding, where known."""
FAILED = "midmile-failed"
"""Response: the parent's own, because it could ask no origin; the reason."""
REQUEST_ID = "x-request-id"
"""Request: crosses the tunnel and goes on to the origin."""

PURGES = "midmile-purges"
"""Both: how far the sender knows the parents' purges (`edge.purge_log.Position`)."""

FIELDS = frozenset({ACCEPT, CODING, LENGTH, FAILED, PURGES})

ZSTD = "zstd"

SMALLEST_BYTES = 256
"""Below it a frame saves less than the fields that announce it cost."""

_TEXT = frozenset(
    {
        "application/javascript",
        "application/json",
        "application/manifest+json",
        "application/rss+xml",
        "application/vnd.ms-fontobject",
        "application/wasm",
        "application/x-javascript",
        "application/xhtml+xml",
        "application/xml",
        "font/otf",
        "font/ttf",
        "image/bmp",
        "image/svg+xml",
        "image/x-icon",
        "image/vnd.microsoft.icon",
    }
)


def worth_coding(method: str, response: Response) -> bool:
    """Whether the parent should put the tunnel's coding over this response's body."""
    headers = response.headers
    if method == "HEAD" or response.status < 200 or response.status in (204, 304):
        return False
    if (headers.first("content-encoding") or "identity").strip().lower() != "identity":
        return False
    if "no-transform" in (headers.combined("cache-control") or "").lower():
        return False  # RFC 9110 7.7; the tunnel restores the bytes, but the wish is cheap to honour
    length = headers.first("content-length")
    if length is not None and length.isdigit() and int(length) < SMALLEST_BYTES:
        return False
    media = media_type(headers.first("content-type") or "")
    return media.startswith("text/") or media in _TEXT or media.endswith(("+json", "+xml"))


def announce(response: Response) -> Response:
    """The head under which a coded body crosses."""
    headers = response.headers
    length = headers.first("content-length")
    coded = headers.without(("content-length",)).put(CODING, ZSTD)
    return response.with_headers(coded.put(LENGTH, length) if length is not None else coded)


def restore(response: Response) -> Response:
    """The head as the parent had it before `announce`."""
    length = response.headers.first(LENGTH)
    headers = response.headers.without(FIELDS)
    return response.with_headers(
        headers.put("content-length", length) if length is not None else headers
    )


def coding(headers: Headers) -> str | None:
    """The coding over a body that came down the tunnel."""
    return headers.first(CODING)
