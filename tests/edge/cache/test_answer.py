"""Answers from stored responses: preconditions, ranges, and what a 304 does to them."""

import email
from dataclasses import replace

import pytest

from edge.cache.answer import answer
from edge.cache.freshen import freshen
from edge.cache.ranges import MOST_PARTS_BYTES, MOST_RANGES
from edge.cache.storable import StoreReason
from edge.cache.validate import Outcome, evaluate, revalidation
from edge.message import Headers, Request, Response
from tests.edge.cache.stories import DATE, EARLIER, LATER, RULES, ask, at, fields, keep, say

ENTRY = keep(say(cache_control="max-age=60", etag='"a"', last_modified=EARLIER, content_type="t"))
DATED = keep(say(cache_control="max-age=60", last_modified=EARLIER))
BARE = keep(say(cache_control="max-age=60"))


def test_a_hit_is_the_stored_response_with_its_age() -> None:
    """Body, fields, length, and the age of this moment."""
    given = answer(ask(), ENTRY, at(7.9))
    assert (given.response.status, bytes(given.body)) == (200, b"0123456789")
    assert given.response.headers.first("age") == "7"
    assert given.response.headers.first("content-length") == "10"


def test_head_gets_the_same_head_without_the_body() -> None:
    """RFC 9110 9.3.2: Content-Length is that of the GET."""
    head, get = (answer(ask(method=method), ENTRY, at(1)) for method in ("HEAD", "GET"))
    assert head.response == get.response
    assert not head.body


def test_an_answer_just_validated_has_no_age_of_nought() -> None:
    """RFC 9111 5.1: Age would say that the origin was not asked."""
    assert "age" not in answer(ask(), ENTRY, at(0.5), validated=True).response.headers
    assert answer(ask(), ENTRY, at(1.5), validated=True).response.headers.first("age") == "1"


CONDITIONS: list[tuple[Request, int]] = [
    (ask(if_none_match='"a"'), 304),
    (ask(if_none_match='W/"a"'), 304),
    (ask(if_none_match='"x,", "a"'), 304),
    (ask(if_none_match="*"), 304),
    (ask(if_none_match='"b"'), 200),
    (ask(if_none_match=""), 200),
    (ask(if_none_match='"b"', if_modified_since=LATER), 200),
    (ask(if_none_match='"a"', if_modified_since="nonsense"), 304),
    (ask(if_modified_since=EARLIER), 304),
    (ask(if_modified_since=DATE), 304),
    (ask(if_modified_since="Sun, 06 Nov 1994 07:59:59 GMT"), 200),
    (ask(if_modified_since="Sunday, 06-Nov-94 08:00:00 GMT"), 304),
    (ask(if_modified_since="Sun Nov  6 08:00:00 1994"), 304),
    (ask(if_modified_since="nonsense"), 200),
    (ask(if_modified_since=f"{LATER}, {LATER}"), 200),
    (ask(method="HEAD", if_none_match='"a"'), 304),
    (ask(if_match='"b"'), 200),
    (ask(if_unmodified_since="Sun, 06 Nov 1994 07:00:00 GMT"), 200),
    (ask(if_none_match='"a"', range="bytes=0-1"), 304),
    (ask(if_none_match='"b"', range="bytes=0-1"), 206),
]


@pytest.mark.parametrize(("request_", "status"), CONDITIONS)
def test_preconditions(request_: Request, status: int) -> None:
    """RFC 9110 13.2.2 and RFC 9111 4.3.2, row by row."""
    assert answer(request_, ENTRY, at(1)).response.status == status


def test_without_last_modified_date_is_compared() -> None:
    """RFC 9111 4.3.2."""
    assert answer(ask(if_modified_since=DATE), BARE, at(1)).response.status == 304
    assert answer(ask(if_modified_since=EARLIER), BARE, at(1)).response.status == 200


def test_preconditions_do_not_count_for_other_statuses() -> None:
    """RFC 9110 13.2.1: a stored 404 stays a 404."""
    missing = keep(say(404, cache_control="max-age=60", etag='"a"'))
    assert (
        answer(ask(if_none_match='"a"', range="bytes=0-1"), missing, at(1)).response.status == 404
    )


def test_a_304_has_no_metadata_of_a_body() -> None:
    """RFC 9110 15.4.5: what updates a cache stays, what describes a body goes."""
    given = answer(ask(if_none_match='"a"'), ENTRY, at(1)).response.headers
    assert {name for name, _ in given} == {"date", "cache-control", "etag", "age"}


@pytest.mark.parametrize(
    ("request_", "outcome"),
    [
        (ask(if_match='"a"'), Outcome.PROCEED),
        (ask(if_match='W/"a"'), Outcome.FAILED),
        (ask(if_match='"b"'), Outcome.FAILED),
        (ask(if_match="*"), Outcome.PROCEED),
        (ask(if_match='"a"', if_unmodified_since="Sun, 06 Nov 1994 07:00:00 GMT"), Outcome.PROCEED),
        (ask(if_unmodified_since="Sun, 06 Nov 1994 07:00:00 GMT"), Outcome.FAILED),
        (ask(if_unmodified_since=EARLIER), Outcome.PROCEED),
        (ask(if_unmodified_since="nonsense"), Outcome.PROCEED),
        (ask(if_match='"a"', if_none_match='"a"'), Outcome.NOT_MODIFIED),
        (ask(method="PUT", if_none_match="*"), Outcome.FAILED),
        (ask(method="PUT", if_modified_since=LATER), Outcome.PROCEED),
    ],
)
def test_an_origin_also_looks_at_lost_updates(request_: Request, outcome: Outcome) -> None:
    """RFC 9110 13.2.2, steps 1 and 2, for who answers as the origin."""
    headers = ENTRY.response.headers
    assert evaluate(request_, headers, received_s=at(0).wall_s, as_origin=True) is outcome


RANGES: list[tuple[Request, int, bytes, str | None]] = [
    (ask(range="bytes=0-3"), 206, b"0123", "bytes 0-3/10"),
    (ask(range="bytes=8-"), 206, b"89", "bytes 8-9/10"),
    (ask(range="bytes=-2"), 206, b"89", "bytes 8-9/10"),
    (ask(range="bytes=-99"), 206, b"0123456789", "bytes 0-9/10"),
    (ask(range="bytes=9-" + "9" * 5000), 206, b"9", "bytes 9-9/10"),
    (ask(range="BYTES= 9-9 "), 206, b"9", "bytes 9-9/10"),
    (ask(range="bytes=10-"), 416, b"", "bytes */10"),
    (ask(range="bytes=" + "9" * 5000 + "-"), 416, b"", "bytes */10"),
    (ask(range="bytes=-0"), 416, b"", "bytes */10"),
    (ask(range="bytes=3-2"), 200, b"0123456789", None),
    (ask(range="bytes=0-1,1-4"), 200, b"0123456789", None),
    (ask(range="bytes=0-1,x"), 200, b"0123456789", None),
    (ask(range="bytes=0-1, 20-"), 206, b"01", "bytes 0-1/10"),
    (ask(range="bytes=10-11,20-"), 416, b"", "bytes */10"),
    (ask(range="bytes=-"), 200, b"0123456789", None),
    (ask(range="bytes=a-b"), 200, b"0123456789", None),
    (ask(range="bytes=0x1-2"), 200, b"0123456789", None),
    (ask(range="lines=0-1"), 200, b"0123456789", None),
    (ask(method="HEAD", range="bytes=0-1"), 200, b"", None),
    (ask(range="bytes=0-1", if_range='"a"'), 206, b"01", "bytes 0-1/10"),
    (ask(range="bytes=0-1", if_range='W/"a"'), 200, b"0123456789", None),
    (ask(range="bytes=0-1", if_range='"b"'), 200, b"0123456789", None),
    (ask(range="bytes=0-1", if_range=EARLIER), 206, b"01", "bytes 0-1/10"),
    (ask(range="bytes=0-1", if_range=LATER), 200, b"0123456789", None),
]


@pytest.mark.parametrize(("request_", "status", "body", "content_range"), RANGES)
def test_ranges(request_: Request, status: int, body: bytes, content_range: str | None) -> None:
    """RFC 9110 14.2 and 13.1.5, row by row."""
    given = answer(request_, ENTRY, at(1))
    assert (given.response.status, bytes(given.body)) == (status, body)
    assert given.response.headers.first("content-range") == content_range
    if request_.method != "HEAD":
        assert given.response.headers.first("content-length") == str(len(body))


@pytest.mark.parametrize("asked", ["bytes=7-8,0-1", "bytes=7-8, 0-1 ,99-"])
def test_several_ranges(asked: str) -> None:
    """RFC 9110 15.3.7.2: parts in the order asked for, each with its type and place."""
    given = answer(ask(range=asked), ENTRY, at(1))
    content_type = given.response.headers.first("content-type") or ""
    assert given.response.status == 206
    assert content_type.startswith("multipart/byteranges; boundary=")
    assert "content-range" not in given.response.headers
    assert given.response.headers.first("content-length") == str(len(given.body))
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.message_from_bytes(head + bytes(given.body))
    parts = [part for part in message.walk() if not part.is_multipart()]
    assert [(part["content-type"], part["content-range"]) for part in parts] == [
        ("t", "bytes 7-8/10"),
        ("t", "bytes 0-1/10"),
    ]
    assert [part.get_payload() for part in parts] == ["78", "01"]


@pytest.mark.parametrize(("count", "status"), [(MOST_RANGES, 206), (MOST_RANGES + 1, 200)])
def test_many_ranges_get_the_whole(count: int, status: int) -> None:
    """However short they are, and though none overlap."""
    entry = keep(say(cache_control="max-age=60"), bytes(3 * MOST_RANGES))
    asked = ",".join(f"{2 * place}-{2 * place}" for place in range(count))
    assert answer(ask(range=f"bytes={asked}"), entry, at(1)).response.status == status


def test_long_parts_are_not_put_together() -> None:
    """Nobody makes a server hold copies of large bodies."""
    entry = keep(say(cache_control="max-age=60"), bytes(3 * MOST_PARTS_BYTES))
    far = 2 * MOST_PARTS_BYTES
    short = answer(ask(range=f"bytes=0-9,{far}-{far + 9}"), entry, at(1))
    long = answer(ask(range=f"bytes=0-{MOST_PARTS_BYTES},{far}-"), entry, at(1))
    assert (short.response.status, long.response.status) == (206, 200)


def test_a_date_of_the_same_second_is_no_strong_validator() -> None:
    """RFC 9110 8.8.2.2: it may have changed twice within that second."""
    entry = keep(say(cache_control="max-age=60", last_modified=DATE))
    asked = ask(range="bytes=0-1", if_range=DATE)
    assert answer(asked, entry, at(1)).response.status == 200


def test_an_empty_body_has_no_range() -> None:
    """There is no Content-Range for nothing."""
    entry = keep(say(cache_control="max-age=60"), b"")
    assert answer(ask(range="bytes=-5"), entry, at(1)).response.status == 200
    assert answer(ask(range="bytes=0-"), entry, at(1)).response.status == 416


def test_a_revalidation_asks_about_the_stored_response_only() -> None:
    """RFC 9111 4.3.1: our validators in, the client's conditions and ranges out."""
    asked = ask(if_none_match='"mine"', if_match="*", range="bytes=0-1", if_range='"mine"', x="y")
    made = revalidation(asked, ENTRY)
    assert made.headers == fields(x="y", if_none_match='"a"', if_modified_since=EARLIER)
    assert revalidation(ask(), DATED).headers == fields(if_modified_since=EARLIER)


def confirm(**named: str) -> Response:
    """A 304 of a minute later."""
    return Response(status=304, headers=fields(**named))


def test_a_304_renews_what_it_confirms() -> None:
    """RFC 9111 3.2 and 4.3.4: new fields replace old ones, the body's own description stays."""
    response = confirm(
        etag='"a"', cache_control="max-age=90", content_length="0", x_new="1", set_cookie="a=b"
    )
    renewed = freshen(ENTRY, ask(), response, RULES, sent=at(60), received=at(60))
    assert renewed is not None
    assert renewed.decision.store
    headers = renewed.entry.response.headers
    assert (headers.first("x-new"), headers.first("content-type")) == ("1", "t")
    assert "set-cookie" not in headers
    assert renewed.entry.body is ENTRY.body
    assert renewed.entry.ttl_s(at(60)) == 90
    assert answer(ask(), renewed.entry, at(60)).response.headers.first("content-length") == "10"


def test_a_304_of_another_representation_confirms_nothing() -> None:
    """RFC 9111 4.3.4: another strong validator is about another response."""
    for entry, named in (
        (ENTRY, {"etag": '"b"'}),
        (ENTRY, {"etag": 'W/"b"'}),
        (BARE, {"etag": '"a"'}),
        (DATED, {"last_modified": LATER}),
    ):
        response = confirm(**named)
        assert freshen(entry, ask(), response, RULES, sent=at(1), received=at(1)) is None


def test_a_304_without_validators_confirms_what_was_asked_about() -> None:
    """Many servers leave them out."""
    assert freshen(ENTRY, ask(), confirm(), RULES, sent=at(1), received=at(1)) is not None


def test_a_304_may_forbid_to_keep_what_it_confirms() -> None:
    """This request is answered, the next is not."""
    response = confirm(cache_control="no-store")
    renewed = freshen(ENTRY, ask(), response, RULES, sent=at(1), received=at(1))
    assert renewed is not None
    assert renewed.decision.reason is StoreReason.NO_STORE


def test_a_304s_age_counts() -> None:
    """A parent's 304 from its own cache is as old as it says."""
    response = confirm(age="40", date=DATE)
    renewed = freshen(ENTRY, ask(), response, RULES, sent=at(0), received=at(0))
    assert renewed is not None
    assert renewed.entry.age_s(at(0)) == 40


def test_a_head_may_revalidate() -> None:
    """RFC 9111 4.3.5: a 304 to HEAD confirms the stored GET."""
    asked = ask(method="HEAD")
    renewed = freshen(ENTRY, asked, confirm(), RULES, sent=at(1), received=at(1))
    assert renewed is not None
    assert renewed.decision.store


def test_a_stored_204_has_no_length() -> None:
    """RFC 9110 8.6."""
    entry = keep(replace(say(204, cache_control="max-age=60")), b"")
    given = answer(ask(), entry, at(1)).response.headers
    assert isinstance(given, Headers)
    assert "content-length" not in given
