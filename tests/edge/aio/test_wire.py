"""Heads as they go out, field by field."""

import pytest

from edge.aio.wire import decode_pairs, request_head, response_head
from edge.message import Headers, Request, Response


def ask(method: str = "GET") -> Request:
    """A request with a field whose bytes are no ASCII."""
    return Request(
        method=method,
        scheme="http",
        authority="shop.test",
        host_port="shop.test",
        target="/a?b",
        headers=Headers([("host", "shop.test"), ("x-name", "\xe9"), ("etag", '"v"'), ("te", "x")]),
    )


def test_a_request() -> None:
    """Names are spelt as is the custom, values keep their bytes."""
    assert request_head(ask(), 0) == (
        b'GET /a?b HTTP/1.1\r\nHost: shop.test\r\nX-Name: \xe9\r\nETag: "v"\r\nTE: x\r\n\r\n'
    )


@pytest.mark.parametrize(
    ("method", "length", "framing"),
    [
        ("GET", 0, b""),
        ("DELETE", 0, b""),
        ("POST", 0, b"Content-Length: 0\r\n"),
        ("PUT", 0, b"Content-Length: 0\r\n"),
        ("PATCH", 0, b"Content-Length: 0\r\n"),
        ("GET", 3, b"Content-Length: 3\r\n"),
        ("POST", None, b"Transfer-Encoding: chunked\r\n"),
    ],
)
def test_the_framing_of_a_request(method: str, length: int | None, framing: bytes) -> None:
    """RFC 9110 8.6: a method that expects a body says so when it is empty."""
    assert request_head(ask(method), length).endswith(b"TE: x\r\n" + framing + b"\r\n")


def test_a_response() -> None:
    """A reason is found where there is none; the connection's own lines come last."""
    response = Response(status=404, headers=Headers([("set-cookie", "a=b"), ("set-cookie", "c")]))
    assert response_head(response, "Connection: close") == (
        b"HTTP/1.1 404 Not Found\r\nSet-Cookie: a=b\r\nSet-Cookie: c\r\nConnection: close\r\n\r\n"
    )
    odd = Response(status=299, reason="caf\xe9")
    assert response_head(odd) == b"HTTP/1.1 299 caf\xe9\r\n\r\n"
    assert response_head(Response(status=299)) == b"HTTP/1.1 299 \r\n\r\n"


def test_fields_that_come_in() -> None:
    """Names become lower case, values keep their bytes, order stays."""
    raw = [(b"X-Name", b"\xff\xe9"), (b"A", b""), (b"a", b"2")]
    assert list(decode_pairs(raw)) == [("x-name", "\xff\xe9"), ("a", ""), ("a", "2")]
