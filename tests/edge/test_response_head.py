"""Response heads that two readers could take differently."""

import pytest

from edge.errors import UpstreamError, UpstreamReason
from edge.message import Headers, Response
from edge.response_head import checked


def head(status: int = 200, *fields: tuple[str, str], reason: str = "OK") -> Response:
    return Response(status=status, reason=reason, headers=Headers(fields))


@pytest.mark.parametrize(
    ("version", "fields"),
    [
        ("1.1", [("transfer-encoding", "gzip, chunked")]),
        ("1.1", [("transfer-encoding", "xchunked")]),
        ("1.1", [("transfer-encoding", "gzip")]),
        ("1.1", [("transfer-encoding", "b(a)d")]),
        ("1.0", [("transfer-encoding", "bogus")]),
        ("1.1", [("transfer-encoding", "chunked, chunked")]),
        ("1.1", [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")]),
        ("1.0", [("transfer-encoding", "chunked")]),
        ("1.1", [("content-length", "1, 2")]),
        ("1.1", [("content-length", "1"), ("content-length", "2")]),
        ("1.1", [("content-length", "+1")]),
        ("1.1", [("content-length", "1x")]),
        ("1.1", [("x", "a\x1b[31m")]),
        ("1.1", [("x", "a\x00b")]),
    ],
)
def test_an_ambiguous_head_is_a_bad_answer(version: str, fields: list[tuple[str, str]]) -> None:
    """Framing that is not exactly HTTP's, and control characters, are the upstream's fault."""
    with pytest.raises(UpstreamError) as caught:
        checked(head(200, *fields), version=version)
    assert caught.value.reason is UpstreamReason.BAD_ANSWER


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([("content-length", "02")], [("content-length", "2")]),
        ([("content-length", "2"), ("content-length", "2")], [("content-length", "2")]),
        (
            [("transfer-encoding", "Chunked"), ("content-length", "2")],
            [("transfer-encoding", "Chunked")],
        ),
        ([("x", "caf\xe9\t!")], [("x", "caf\xe9\t!")]),
        ([("transfer-encoding", "bogus"), ("content-length", "2")], []),
    ],
)
def test_framing_fields_become_canonical(
    before: list[tuple[str, str]], after: list[tuple[str, str]]
) -> None:
    """What has one reading is kept, in its plainest form."""
    assert checked(head(200, *before), version="1.1") == head(200, *after)


def test_an_interim_response_frames_nothing() -> None:
    """A 1xx head cannot make a client expect a body, or leave a cookie."""
    hint = head(103, ("link", "</a>"), ("content-length", "50"), ("set-cookie", "a=b"))
    assert checked(hint, version="1.1").headers == Headers([("link", "</a>")])


def test_a_reason_with_control_characters_is_ours_to_choose() -> None:
    """The phrase means nothing, so a strange one is no reason to fail."""
    assert checked(head(reason="O\x00K"), version="1.1").reason == ""
    assert checked(head(reason="Fine"), version="1.1").reason == "Fine"
