"""Between wire bytes and the words of `edge/message.py`, once in each direction.

Field values are latin-1 so that any byte survives; names go out in the customary capitals.
"""

from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus

from edge.message import Headers, Request, Response

_SPELLINGS = {"etag": "ETag", "te": "TE", "www-authenticate": "WWW-Authenticate", "dnt": "DNT"}
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@lru_cache(maxsize=1024)
def _spelled(name: str) -> str:
    return _SPELLINGS.get(name) or "-".join(part.capitalize() for part in name.split("-"))


def decode_pairs(raw: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[str, str]]:
    """Field lines as they came, as (lower-case name, value)."""
    return ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw)


def _fields(headers: Headers) -> str:
    return "".join(f"{_spelled(name)}: {value}\r\n" for name, value in headers)


def request_head(request: Request, length: int | None) -> bytes:
    """A request's head, Host among its fields; `length` of its body in bytes, None for chunked."""
    if length is None:
        framing = "Transfer-Encoding: chunked\r\n"
    elif length or request.method in ("POST", "PUT", "PATCH"):  # RFC 9110 8.6
        framing = f"Content-Length: {length}\r\n"
    else:
        framing = ""
    line = f"{request.method} {request.target} HTTP/1.1\r\n"
    return f"{line}{_fields(request.headers)}{framing}\r\n".encode("latin-1")


def response_head(response: Response, *extra: str) -> bytes:
    """A response's head; `extra` are whole field lines that belong to this connection."""
    reason = response.reason or _PHRASES.get(response.status, "")
    more = "".join(f"{line}\r\n" for line in extra)
    line = f"HTTP/1.1 {response.status} {reason}\r\n"
    return f"{line}{_fields(response.headers)}{more}\r\n".encode("latin-1")
