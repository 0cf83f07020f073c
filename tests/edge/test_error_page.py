"""What users see of errors."""

import json

import pytest

from edge.error_page import error_page
from edge.errors import (
    EdgeError,
    OurError,
    OurReason,
    RequestError,
    RequestReason,
    UpstreamError,
    UpstreamReason,
)
from edge.message import Headers, Request, Response


def page(error: EdgeError, accept: str | None) -> tuple[Response, str]:
    """The page for somebody who accepts this."""
    request = Request(
        method="GET",
        scheme="http",
        authority="shop.test",
        host_port="shop.test",
        target="/",
        headers=Headers([("accept", accept)] if accept else []),
    )
    response, body = error_page(error, request, node="east<1>", request_id="abc&1")
    assert response.headers.first("content-length") == str(len(body))
    assert response.headers.first("cache-control") == "no-store"
    return response, body.decode()


REFUSED = UpstreamError(UpstreamReason.CONNECT_FAILED, "10.0.0.7:8080 <refused>")


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("TEXT/HTML", "text/html; charset=utf-8"),
        ("application/json", "application/json"),
        ("application/problem+json", "application/json"),
        ("*/*", "text/plain; charset=utf-8"),
        (None, "text/plain; charset=utf-8"),
    ],
)
def test_the_form_follows_the_client(accept: str | None, media: str) -> None:
    """Browsers get a page, programs JSON, curl a line; all with the id."""
    response, body = page(REFUSED, accept)
    assert (response.status, response.headers.first("content-type")) == (502, media)
    assert "abc&amp;1" in body if "html" in media else "abc&1" in body


def test_html_is_escaped() -> None:
    """Nothing a client or an upstream wrote is markup."""
    error = RequestError(RequestReason.UNKNOWN_SITE, "<script>")
    _, body = page(error, "text/html")
    assert "<script>" not in body
    assert "<1>" not in body


def test_what_upstreams_say_stays_with_us() -> None:
    """Names and addresses of our own are for the log."""
    for accept in ("text/html", "application/json", "*/*"):
        _, body = page(REFUSED, accept)
        assert "10.0.0.7" not in body
        assert "connect" in body


def test_json_can_be_read_by_programs() -> None:
    """Status, reason, id and node as fields."""
    _, body = page(RequestError(RequestReason.LOOP, "been here"), "application/json")
    assert json.loads(body) == {
        "status": 508,
        "error": "loop",
        "text": "been here",
        "request_id": "abc&1",
        "node": "east<1>",
    }


@pytest.mark.parametrize(
    ("error", "status", "field"),
    [
        (UpstreamError(UpstreamReason.NO_UPSTREAM, "x"), 503, "retry-after"),
        (OurError(OurReason.BUSY, "x"), 503, "retry-after"),
        (RequestError(RequestReason.METHOD_NOT_ALLOWED, "x"), 405, "allow"),
        (UpstreamError(UpstreamReason.ANSWER_TIMEOUT, "x"), 504, None),
        (RequestError(RequestReason.UNKNOWN_SITE, "x"), 421, None),
        (OurError(OurReason.INTERNAL, "x"), 500, None),
    ],
)
def test_statuses(error: EdgeError, status: int, field: str | None) -> None:
    """Each with the fields that its status calls for, and a phrase."""
    response, _ = page(error, None)
    assert response.status == status
    assert response.reason
    if field is not None:
        assert response.headers.first(field)
