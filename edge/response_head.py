"""An upstream's response head, held to one reading before anyone acts on it.

aiohttp's parser is lenient where a proxy must not be: what is framed in a way that two readers
take differently, or would carry control characters to a client, is a bad answer (RFC 9112 11).
"""

import re

from edge.errors import UpstreamError, UpstreamReason
from edge.fields import TOKEN, decimal, tokens
from edge.message import Headers, Response

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LARGEST_LENGTH = 10**15
"""As for requests: exact in every reader's number."""

_CODED = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress"})
"""Transfer codings besides chunked (RFC 9112 7): we ask for none of them."""

_NOT_IN_INTERIM = frozenset({"content-length", "set-cookie", "transfer-encoding"})
"""A 1xx response has no body and leaves nothing behind (RFC 9110 15.2)."""


def checked(response: Response, *, version: str) -> Response:
    """`response` as it may be used, its framing fields in canonical form.

    `version` is the upstream's, `1.0` or `1.1`. Raises UpstreamError.
    """
    if any(_CONTROL.search(value) for _, value in response.headers):
        raise _bad("a control character in a field")
    headers = response.headers
    codings = [coding.lower() for coding in headers.lines("transfer-encoding")]
    if codings and (version == "1.0" or not _may_frame(codings)):
        raise _bad("a transfer coding that cannot be taken off")
    if codings and codings != ["chunked"]:
        # The body lasts as long as the connection (RFC 9112 6.3), and is taken as it comes.
        headers, codings = headers.without({"transfer-encoding", "content-length"}), []
    if response.status < 200:
        headers = headers.without(_NOT_IN_INTERIM)
    elif "content-length" in headers:
        headers = _with_one_length(headers, chunked=bool(codings))
    reason = "" if _CONTROL.search(response.reason) else response.reason
    return Response(status=response.status, reason=reason, headers=headers)


def _may_frame(codings: list[str]) -> bool:
    """Chunked, or one that is none: who would take it off does not know what it stands for."""
    if codings == ["chunked"]:
        return True
    if len(codings) != 1 or not TOKEN.fullmatch(codings[0]):
        return False
    return codings[0] not in _CODED and "chunked" not in codings[0]


def _with_one_length(headers: Headers, *, chunked: bool) -> Headers:
    """RFC 9112 6.3: chunked wins over a length; equal lengths are one, others are a fault."""
    if chunked:
        return headers.without({"content-length"})
    lengths = {
        decimal(member, ceiling=_LARGEST_LENGTH)
        for member in tokens(headers.lines("content-length"))
    }
    if len(lengths) != 1 or None in lengths:
        raise _bad("Content-Length is no number")
    return headers.put("content-length", str(lengths.pop()))


def _bad(text: str) -> UpstreamError:
    return UpstreamError(UpstreamReason.BAD_ANSWER, text)
