"""Ready responses: which heads are plain, and what is kept for them."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import Limits
from edge.head import parse_head
from edge.ready import (
    MOST_FIELDS,
    MOST_LINES,
    MOST_NAMES,
    MOST_PER_TARGET,
    MOST_REPEATED,
    HeadReader,
    Ready,
    ReadyTable,
)

LIMITS = Limits(head_bytes=400, header_count=8)
START = b"GET / HTTP/1.1\r\nHost: shop.test\r\n"
PLACE = (b"Host: shop.test", b"GET / HTTP/1.1")


@dataclass(frozen=True)
class _Stencil:
    """No log takes part."""


def response(key: str = "k", lifetime_s: float = 10.0) -> Ready:
    """An answer whose age was 0 at 100 s."""
    return Ready(
        key=key,
        head=(b"HTTP/1.1 200 OK\r\nAge: ", b"\r\nCache-Status: e; hit; ttl=", b"\r\nX-Id: "),
        body=b"body",
        born_s=100.0,
        lifetime_s=lifetime_s,
        least_left_s=2.0,
        must_decide=lambda mono_s: mono_s >= 100.0 + lifetime_s,
        site="shop",
        status=200,
        stencil=_Stencil(),
    )


def head(*lines: bytes) -> bytes:
    """A head for the shop with these field lines."""
    return START + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


@pytest.mark.parametrize(
    ("now_s", "age", "left"), [(100.0, 0, 10), (100.9, 0, 9), (101.0, 1, 9), (109.9, 9, 0)]
)
def test_age_and_freshness_go_on(now_s: float, age: int, left: int) -> None:
    """Whole seconds, each rounded down."""
    assert response().begin(now_s) == begun(age, left)


def begun(age: int, left: int) -> bytes:
    """The head of the answer, up to the request's id."""
    told = b"HTTP/1.1 200 OK\r\nAge: %d\r\nCache-Status: e; hit; ttl=%d\r\nX-Id: "
    return told % (age, left)


@given(st.lists(st.floats(0.0, 3.0), max_size=20), st.floats(0.0, 30.0))
def test_what_was_begun_holds_for_a_while(steps: list[float], lifetime_s: float) -> None:
    """Until then it is what would be begun anew; never when it may have to be decided again."""
    kept, now_s = response(lifetime_s=lifetime_s), 100.0
    for step_s in steps:
        now_s += step_s
        told = kept.start if now_s < kept.start_until_s else kept.begin(now_s)
        assert told == response(lifetime_s=lifetime_s).begin(now_s)
        assert lifetime_s - (now_s - 100.0) >= 2.0 or now_s >= kept.start_until_s


@pytest.mark.parametrize("now_s", [110.0, 1e9])
def test_freshness_ends(now_s: float) -> None:
    """At the very moment at which the age reaches the lifetime."""
    assert response().begin(now_s) is None


def test_what_a_plain_head_wants() -> None:
    """Conditions and selecting fields as they came; nothing of the rest."""
    lines = (b"Cookie: a", b"Accept-Encoding: gzip", b"If-None-Match: x", b"range: bytes=0-1")
    reader = HeadReader(LIMITS)
    for _ in range(2):  # before and after its lines are remembered
        assert reader.read(head(*lines)) == (PLACE, lines[2:], lines[1:2])
    assert reader.read(head(*lines), {b"GET /other HTTP/1.1"}) is None


_NAMES = st.sampled_from(
    b"Cookie|User-Agent|X-A|Connection|Content-Length|Transfer-Encoding|Host|Range|Accept|Expect|"
    b"content_length|Cache-Control|| X|X |Upgrade|CDN-Loop|Sec-Fetch-Mode|Content-Type".split(b"|")
)
_VALUES = st.sampled_from([b" a", b"a\t", b"", b" 5", b" chunked", b" keep-alive", b" a\xffb"])
_LINES = _NAMES | st.builds(
    lambda name, value: name + b":" + value, _NAMES, _VALUES | st.binary(max_size=9)
)
_reader = HeadReader(LIMITS)
"""One for all examples, as a worker has one for all clients."""


@settings(max_examples=500)
@given(st.lists(_LINES | st.binary(max_size=9), max_size=2))
def test_a_plain_head_is_a_clean_one(lines: list[bytes]) -> None:
    """Whatever is let through here the gate lets through too, and it is a plain request."""
    for name in (b"Cookie", b"User-Agent", b"X-A"):
        _reader.read(head(name + b": known"))
    raw = head(*lines)
    if _reader.read(raw) is None:
        return
    parsed = parse_head(raw, LIMITS)
    assert (parsed.has_body, parsed.websocket, parsed.expects_continue) == (False, False, False)
    assert parsed.keep_alive
    assert not {"cache-control", "pragma", "cdn-loop"} & {name for name, _ in parsed.headers}


@given(st.lists(_LINES, max_size=3))
def test_what_browsers_send_is_plain(lines: list[bytes]) -> None:
    """Fields that mean nothing to a cache keep no head from being answered at once."""
    raw = head(b"User-Agent: x", b"Cookie: y", b"Sec-Fetch-Mode: z", b"Connection: keep-alive")
    _reader.read(head(*lines))
    assert _reader.read(raw) == (PLACE, (), ())


@settings(max_examples=500)
@given(st.lists(_LINES | st.just(b"Cookie: a") | st.just(b"Cookie: \x01"), max_size=7))
def test_what_is_remembered_changes_nothing(lines: list[bytes]) -> None:
    """A head gets the answer of a reader that sees its first one, with and without a cookie."""
    for raw in (head(*lines), head(*lines, b"Cookie: b"), head(b"Cookie: c", *lines)):
        assert _reader.read(raw) == HeadReader(LIMITS).read(raw)


def test_a_cookie_is_a_line_like_any_other() -> None:
    """It counts among the lines there may be, also where all others are remembered."""
    reader = HeadReader(Limits(header_count=3))
    for _ in range(2):
        assert reader.read(head(b"X-A: 1")) is not None
        assert reader.read(head(b"X-A: 1", b"Cookie: a")) is not None
        assert reader.read(head(b"X-A: 1", b"X-B: 1")) is not None
        assert reader.read(head(b"X-A: 1", b"X-B: 1", b"Cookie: a")) is None


def test_strangers_fill_no_table() -> None:
    """What never comes again makes a table begin anew."""
    reader = HeadReader(Limits())
    for number in range(max(MOST_LINES, MOST_NAMES, MOST_FIELDS) + 10):
        assert reader.read(head(b"X-%d: 1" % number, b"User-Agent: %d" % number)) is not None
    assert len(reader._fields) <= MOST_FIELDS
    assert len(reader._lines) <= MOST_LINES
    assert len(reader._names) <= MOST_NAMES
    reader.read(head(b"User-Agent: " + b"x" * 1_000))
    assert max(map(len, reader._lines)) < 600
    reader.read(head(b"X" * 1_000 + b": 1"))
    assert max(map(len, reader._names)) < 100
    assert max(map(len, reader._fields)) < 800


def test_a_table_is_bounded() -> None:
    """The oldest go first; conditions without end crowd out only each other."""
    table = ReadyTable(most=MOST_PER_TARGET * 2)
    for number in range(MOST_PER_TARGET * 5):
        table.add((PLACE, (b"Range: bytes=%d-" % number,), ()), frozenset(), response())
        assert table.size <= MOST_PER_TARGET
    for number in range(MOST_PER_TARGET * 5):
        place = (PLACE[0], b"GET /%d HTTP/1.1" % number)
        table.add((place, (), ()), frozenset(), response(key=str(number)))
        assert table.size <= MOST_PER_TARGET * 2
        assert table.find((place, (), ())) is not None
    assert table.find(((PLACE[0], b"GET /0 HTTP/1.1"), (), ())) is None


def test_what_is_repeated_goes_with_what_was_ready() -> None:
    """By whichever way an answer leaves the table, no head leads to it any more."""
    table = ReadyTable(most=MOST_PER_TARGET)
    first, raw = response(), head()

    def repeated() -> bool:
        table.add((PLACE, (), ()), frozenset(), first)
        table.repeat(raw, first)
        assert table.repeated[raw] is first
        return True

    assert repeated()
    table.add((PLACE, (), ()), frozenset(), response())
    assert not table.repeated
    assert repeated()
    table.forget("another key")
    assert table.repeated
    table.forget("k")
    assert not table.repeated
    assert repeated()
    for number in range(MOST_PER_TARGET * 2):
        table.add((PLACE, (b"Range: bytes=%d-" % number,), ()), frozenset(), response())
    assert table.repeated
    for number in range(MOST_PER_TARGET):
        place = (PLACE[0], b"GET /%d HTTP/1.1" % number)
        table.add((place, (), ()), frozenset(), response(key=str(number)))
    assert not table.repeated
    for number in range(MOST_REPEATED + 10):
        table.repeat(b"%d" % number, first)
    assert len(table.repeated) <= MOST_REPEATED


def test_a_key_is_forgotten_with_all_its_answers() -> None:
    """Also those of other spellings of its target; others stay."""
    table = ReadyTable()
    absolute = (PLACE[0], b"GET http://shop.test/ HTTP/1.1")
    table.add((PLACE, (), ()), frozenset(), response())
    table.add((absolute, (b"Range: bytes=0-1",), ()), frozenset(), response())
    table.add(((b"Host: b", PLACE[1]), (), ()), frozenset(), response(key="other"))
    table.forget("k")
    assert table.find((PLACE, (), ())) is None
    assert table.find((absolute, (b"Range: bytes=0-1",), ())) is None
    assert table.find(((b"Host: b", PLACE[1]), (), ())) is not None
    assert table.size == 1
    assert dict(table.request_lines) == {PLACE[1]: 1}
