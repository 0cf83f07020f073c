"""Preconditions and ranges, as RFC 9110 13.2.2 and 14 order them."""

from datetime import UTC, datetime
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from origin.aio.site.http.representation import represent, select

ITEM = represent(
    b"0123456789",
    content_type="text/plain",
    cache_control="public, max-age=60",
    last_modified=datetime(2025, 1, 6, 9, 0, tzinfo=UTC),
    ranges=True,
)
SAME_DATE = "Mon, 06 Jan 2025 09:00:00 GMT"
OLDER = "Mon, 06 Jan 2025 08:59:59 GMT"
OK, PART = HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT
UNCHANGED, FAILED = HTTPStatus.NOT_MODIFIED, HTTPStatus.PRECONDITION_FAILED
OUTSIDE = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, OK),
        ({"If-None-Match": ITEM.etag}, UNCHANGED),
        ({"If-None-Match": f"W/{ITEM.etag}"}, UNCHANGED),
        ({"If-None-Match": f'"other", {ITEM.etag}'}, UNCHANGED),
        ({"If-None-Match": "*"}, UNCHANGED),
        ({"If-None-Match": '"other"'}, OK),
        ({"If-None-Match": "garbage"}, OK),
        ({"If-Modified-Since": SAME_DATE}, UNCHANGED),
        ({"If-Modified-Since": OLDER}, OK),
        ({"If-Modified-Since": "yesterday"}, OK),
        ({"If-None-Match": '"other"', "If-Modified-Since": SAME_DATE}, OK),
        ({"If-Match": ITEM.etag}, OK),
        ({"If-Match": "*"}, OK),
        ({"If-Match": f"W/{ITEM.etag}"}, FAILED),
        ({"If-Match": '"other"', "If-None-Match": ITEM.etag}, FAILED),
        ({"If-Unmodified-Since": SAME_DATE}, OK),
        ({"If-Unmodified-Since": OLDER}, FAILED),
        ({"If-None-Match": ITEM.etag, "Range": "bytes=0-1"}, UNCHANGED),
    ],
)
def test_preconditions(fields: dict[str, str], expected: HTTPStatus) -> None:
    """Each precondition is judged in the RFC's order, and nonsense is ignored."""
    assert select("GET", CIMultiDict(fields), ITEM).status is expected


@pytest.mark.parametrize(
    ("wanted", "expected", "part"),
    [
        ("bytes=0-0", PART, b"0"),
        ("bytes=2-4", PART, b"234"),
        ("bytes=7-", PART, b"789"),
        ("bytes=7-99", PART, b"789"),
        ("bytes=-3", PART, b"789"),
        ("bytes=-99", PART, b"0123456789"),
        ("Bytes=0-0", PART, b"0"),
        ("bytes=10-", OUTSIDE, b""),
        ("bytes=-0", OUTSIDE, b""),
        ("bytes=5-2", OK, b"0123456789"),
        ("bytes=-", OK, b"0123456789"),
        ("bytes=0-1,4-5", OK, b"0123456789"),
        ("lines=0-1", OK, b"0123456789"),
        ("bytes=\u0661-\u0662", OK, b"0123456789"),
        ("bytes=" + "9" * 40 + "-", OK, b"0123456789"),
    ],
)
def test_ranges(wanted: str, expected: HTTPStatus, part: bytes) -> None:
    """One valid range is cut, one beyond the end refused, everything else ignored."""
    chosen = select("GET", CIMultiDict({"Range": wanted}), ITEM)
    assert chosen.status is expected
    assert ITEM.body[chosen.start : chosen.stop] == part


@pytest.mark.parametrize(
    ("validator", "expected"),
    [
        (ITEM.etag, PART),
        (SAME_DATE, PART),
        (f"W/{ITEM.etag}", OK),
        ('"other"', OK),
        (OLDER, OK),
        ("nonsense", OK),
    ],
)
def test_if_range(validator: str, expected: HTTPStatus) -> None:
    """A range is only served of the very bytes that the client has a part of."""
    fields = CIMultiDict({"Range": "bytes=0-1", "If-Range": validator})
    assert select("GET", fields, ITEM).status is expected


def test_head_has_no_ranges() -> None:
    """Range means nothing with HEAD (RFC 9110 14.2)."""
    assert select("HEAD", CIMultiDict({"Range": "bytes=0-1"}), ITEM).status is OK


@given(
    st.dictionaries(
        st.sampled_from(
            ["Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since"],
        ),
        st.text(max_size=40),
    )
)
def test_any_field_values(fields: dict[str, str]) -> None:
    """Whatever a client writes into these fields, there is an answer within the body."""
    chosen = select("GET", CIMultiDict(fields), ITEM)
    assert 0 <= chosen.start <= chosen.stop <= len(ITEM.body)
