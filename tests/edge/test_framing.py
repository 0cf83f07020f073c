"""The gate: what passes, what is refused, and that it does not matter how the bytes arrive."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.config import Limits
from edge.errors import FramingReason as Reason
from edge.framing import Body, End, Piece, Raw, Refused, RequestFramer, Skipped, Waiting
from edge.head import Head

LIMITS = Limits(head_bytes=1024, header_count=10, target_bytes=200)
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def cut(*feeds: bytes, limits: Limits = LIMITS) -> list[Piece]:
    """All pieces of the given feeds, neighbouring bodies joined, as a consumer would see them."""
    framer = RequestFramer(limits)
    pieces: list[Piece] = []
    for feed in feeds:
        for piece in framer.feed(feed):
            last = pieces[-1] if pieces else None
            if isinstance(piece, Body) and isinstance(last, Body):
                pieces[-1] = Body(last.data + piece.data)
            else:
                pieces.append(piece)
    return pieces


def bytewise(wire: bytes) -> list[bytes]:
    """`wire` as one feed per byte."""
    return [wire[at : at + 1] for at in range(len(wire))]


def heads(pieces: list[Piece]) -> list[Head]:
    """The heads among `pieces`."""
    return [piece for piece in pieces if isinstance(piece, Head)]


def comparable(pieces: list[Piece]) -> list[object]:
    """Pieces with errors reduced to what a client sees of them."""
    return [
        (piece.error.reason, piece.error.status, str(piece.error))
        if isinstance(piece, Refused)
        else piece
        for piece in pieces
    ]


def wire_of(pieces: list[Piece]) -> bytes:
    """The client's bytes that `pieces` account for."""
    parts = []
    for piece in pieces:
        match piece:
            case Head():
                parts.append(piece.raw)
            case Body() | Skipped() | Raw():
                parts.append(piece.data)
            case _:
                pass
    return b"".join(parts)


def test_a_plain_request_is_a_head_and_an_end() -> None:
    """A request without a body ends with its head, and its parts are readable."""
    head, end = cut(b"GET /a?b=c HTTP/1.1\r\nHost: Shop.Test:8080\r\nX-Y:  z \r\n\r\n")
    assert isinstance(head, Head)
    assert (head.method, head.target, head.version) == ("GET", "/a?b=c", "1.1")
    assert str(head.authority) == "shop.test:8080"
    assert head.headers.pairs == (("host", "Shop.Test:8080"), ("x-y", "z"))
    assert (head.length, head.has_body, head.keep_alive, head.websocket) == (0, False, True, False)
    assert end == End()


def test_pipelined_requests_come_out_one_by_one() -> None:
    """Bodies belong to their own request, and the next head begins where the body ends."""
    pieces = cut(
        POST + b"Content-Length: 3\r\n\r\nabc" + GET + CHUNKED + b"2\r\nhi\r\n0\r\n\r\n" + GET
    )
    kinds = [type(piece).__name__ for piece in pieces]
    assert kinds == ["Head", "Body", "End", "Head", "End", "Head", "Body", "End", "Head", "End"]
    assert pieces[1] == Body(b"abc")
    assert pieces[6] == Body(b"2\r\nhi\r\n0\r\n\r\n")


def test_a_refusal_comes_after_the_requests_before_it() -> None:
    """What was right is delivered; nothing follows the refusal, whatever is sent."""
    framer = RequestFramer(LIMITS)
    pieces = framer.feed(GET + b"GET /\r\n\r\n" + GET)
    assert [type(piece).__name__ for piece in pieces] == ["Head", "End", "Refused"]
    assert framer.waiting is Waiting.NOTHING
    assert framer.feed(GET) == []


def test_one_empty_line_before_a_request_is_skipped() -> None:
    """RFC 9112 2.2: one CRLF is tolerated before each request, and not handed on."""
    pieces = cut(b"\r\n" + GET + b"\r\n" + GET)
    assert [type(piece).__name__ for piece in pieces] == ["Skipped", "Head", "End"] * 2


def test_trailers_are_checked_and_not_handed_on() -> None:
    """Trailer fields come apart from the body, whose framing stays whole without them."""
    pieces = cut(CHUNKED + b"1;x=y\r\na\r\n0\r\nA: b\r\nC: d\r\n\r\n")
    bodies = b"".join(piece.data for piece in pieces if isinstance(piece, Body))
    assert bodies == b"1;x=y\r\na\r\n0\r\n\r\n"
    skipped = b"".join(piece.data for piece in pieces if isinstance(piece, Skipped))
    assert skipped == b"A: b\r\nC: d\r\n"


def test_an_absolute_target_is_taken_apart() -> None:
    """RFC 9112 3.2.2 and 3.2.4: scheme and authority come from the target, an empty path is `/`."""
    for wire, target in (
        (b"GET http://A.test:80/x?y HTTP/1.1\r\nHost: a.test:80", "/x?y"),
        (b"GET HTTP://a.test:80?y HTTP/1.1\r\nHost: A.test:80", "/?y"),
        (b"OPTIONS http://a.test:80 HTTP/1.1\r\nHost: a.test:80", "*"),
    ):
        [head] = heads(cut(wire + b"\r\n\r\n"))
        assert (head.scheme, str(head.authority), head.target) == ("http", "a.test:80", target)


def test_versions_and_connection_decide_on_keeping_alive() -> None:
    """HTTP/1.0 closes unless asked, HTTP/1.1 keeps alive unless told."""
    for wire, keeps in (
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n", False),
    ):
        assert heads(cut(wire))[0].keep_alive is keeps


WEBSOCKET = (
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
)


def test_after_a_handshake_the_framer_waits_for_the_decision() -> None:
    """Bytes behind a handshake are held until it is known whose they are."""
    framer = RequestFramer(LIMITS)
    head, end = framer.feed(WEBSOCKET + b"\r\n")
    assert isinstance(head, Head)
    assert head.websocket
    assert end == End()
    assert framer.waiting is Waiting.DECISION
    assert framer.feed(b"\x81\x00") == []
    assert framer.switch_to_raw() == [Raw(b"\x81\x00")]
    assert framer.feed(b"more") == [Raw(b"more")]


def test_after_a_declined_handshake_http_goes_on() -> None:
    """What was held is read as the next request."""
    framer = RequestFramer(LIMITS)
    framer.feed(WEBSOCKET + b"\r\n" + GET)
    assert [type(piece).__name__ for piece in framer.resume()] == ["Head", "End"]
    assert framer.waiting is Waiting.IDLE


def test_data_before_the_handshakes_answer_is_bounded() -> None:
    """A client that does not wait for the 101 cannot make us hold more than a head's worth."""
    framer = RequestFramer(LIMITS)
    framer.feed(WEBSOCKET + b"\r\n")
    [refused] = framer.feed(b"x" * 2000)
    assert isinstance(refused, Refused)
    assert refused.error.reason is Reason.UPGRADE


def test_waiting_tells_which_deadline_counts() -> None:
    """IDLE, HEAD and BODY are told apart at every byte."""
    framer = RequestFramer(LIMITS)
    seen = []
    for byte in bytewise(POST + b"Content-Length: 1\r\n\r\na"):
        framer.feed(byte)
        seen.append(framer.waiting)
    head_size = len(POST) + len(b"Content-Length: 1\r\n\r\n")
    assert seen[: head_size - 1] == [Waiting.HEAD] * (head_size - 1)
    assert seen[head_size - 1 :] == [Waiting.BODY, Waiting.IDLE]


def req(line: bytes = b"GET / HTTP/1.1", *fields: bytes, host: bool = True) -> bytes:
    """A request of this line and these fields."""
    hosts = [b"Host: a"] if host else []
    return b"\r\n".join([line, *hosts, *fields, b"", b""])


def chunks(body: bytes) -> bytes:
    """A chunked request with this body on the wire."""
    return CHUNKED + body


# One row a way in which two servers are known to have read one request differently, or to have
# broken: our own cases from the classes that the public lists of such bugs name.
REFUSED = [
    # Not HTTP at all, or not the HTTP that is spoken here
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Reason.TLS, 400),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Reason.VERSION, 505),
    (b"\r\n\r\n" + GET, Reason.START, 400),
    (b"\n" + GET, Reason.START, 400),
    (b"\r" + GET, Reason.START, 400),
    (b" " + GET, Reason.START, 400),
    (b"\x00" + GET, Reason.START, 400),
    (req(b"GET /"), Reason.REQUEST_LINE, 400),
    (req(b"GET / HTTP/1.2"), Reason.VERSION, 505),
    (req(b"GET / HTTP/2.0"), Reason.VERSION, 505),
    (req(b"GET / HTTP/0.9"), Reason.VERSION, 505),
    (req(b"GET / HTTP/1.1 "), Reason.REQUEST_LINE, 400),
    (req(b"GET / HTTP/11"), Reason.REQUEST_LINE, 400),
    (req(b"GET / HTTP/1.10"), Reason.REQUEST_LINE, 400),
    (req(b"GET / http/1.1"), Reason.REQUEST_LINE, 400),
    (req(b"GET / HTTP/1,1"), Reason.REQUEST_LINE, 400),
    (req(b"GET  / HTTP/1.1"), Reason.REQUEST_LINE, 400),
    (req(b"GET /  HTTP/1.1"), Reason.REQUEST_LINE, 400),
    (req(b"GET\t/\tHTTP/1.1"), Reason.REQUEST_LINE, 400),
    (req(b"GET / HTTP/1.1\x0b"), Reason.CONTROL, 400),
    (req(b"G@T / HTTP/1.1"), Reason.REQUEST_LINE, 400),
    (req(b"GET HTTP/1.1"), Reason.REQUEST_LINE, 400),
    (req(b"FOO / HTTP/1.1"), Reason.METHOD, 501),
    (req(b"get / HTTP/1.1"), Reason.METHOD, 501),
    (req(b"M" * 999 + b" / HTTP/1.1"), Reason.METHOD, 501),
    (req(b"CONNECT a:443 HTTP/1.1"), Reason.METHOD, 501),
    # Targets
    (req(b"GET /a b HTTP/1.1"), Reason.REQUEST_LINE, 400),
    (req(b"GET /#frag HTTP/1.1"), Reason.TARGET, 400),
    (req(b"GET http://a/#frag HTTP/1.1"), Reason.TARGET, 400),
    (req(b"GET * HTTP/1.1"), Reason.TARGET, 400),
    (req(b"GET a HTTP/1.1"), Reason.TARGET, 400),
    (req(b"GET ?a HTTP/1.1"), Reason.TARGET, 400),
    (req(b"GET /\xc3\xa9 HTTP/1.1"), Reason.REQUEST_LINE, 400),
    (req(b"GET /\x00 HTTP/1.1"), Reason.CONTROL, 400),
    (req(b"GET ftp://a/ HTTP/1.1"), Reason.TARGET, 400),
    (req(b"GET http:///x HTTP/1.1"), Reason.TARGET, 400),
    (req(b"GET http://u:p@a/ HTTP/1.1"), Reason.TARGET, 400),
    (req(b"GET http:a/ HTTP/1.1"), Reason.TARGET, 400),
    (req(b"GET /" + b"a" * 200 + b" HTTP/1.1"), Reason.TARGET_LENGTH, 414),
    (b"GET /" + b"a" * 2000, Reason.TARGET_LENGTH, 414),
    # Host
    (req(host=False), Reason.HOST, 400),
    (req(b"GET / HTTP/1.1", b"Host: a"), Reason.HOST, 400),
    (req(b"GET / HTTP/1.0", b"Host: b"), Reason.HOST, 400),
    (req(b"GET / HTTP/1.1", b"Host:", host=False), Reason.HOST, 400),
    (req(b"GET / HTTP/1.1", b"Host: a, b", host=False), Reason.HOST, 400),
    (req(b"GET / HTTP/1.1", b"Host: a/b", host=False), Reason.HOST, 400),
    (req(b"GET / HTTP/1.1", b"Host: u@a", host=False), Reason.HOST, 400),
    (req(b"GET / HTTP/1.1", b"Host: a:99999", host=False), Reason.HOST, 400),
    (req(b"GET / HTTP/1.1", b"Host: a:+80", host=False), Reason.HOST, 400),
    (req(b"GET / HTTP/1.1", b"Host: a b", host=False), Reason.HOST, 400),
    (req(b"GET / HTTP/1.1", b"Host: [::1", host=False), Reason.HOST, 400),
    (req(b"GET http://b/ HTTP/1.1"), Reason.HOST, 400),
    *(
        (
            req(b"GET / HTTP/1.1", name + b": a", b"X: y", name.upper() + b": a"),
            Reason.REPEATED,
            400,
        )
        for name in (b"User-Agent", b"Content-Type", b"Max-Forwards", b"ETag", b"Server")
    ),
    (req(b"GET http://a:81/ HTTP/1.1"), Reason.HOST, 400),
    # Lines and fields
    (b"GET / HTTP/1.1\nHost: a\n\n", Reason.LINE_END, 400),
    (b"GET / HTTP/1.1\r\nHost: a\n\r\n", Reason.LINE_END, 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", Reason.LINE_END, 400),
    (req(b"GET / HTTP/1.1", b"X: a\rContent-Length: 5"), Reason.LINE_END, 400),
    (req(b"GET / HTTP/1.1", b"X: a\nContent-Length: 5"), Reason.LINE_END, 400),
    (req(b"GET / HTTP/1.1", b"X: a\x00b"), Reason.CONTROL, 400),
    (req(b"GET / HTTP/1.1", b"X: a\x7fb"), Reason.CONTROL, 400),
    (req(b"GET / HTTP/1.1", b"X: a", b" folded"), Reason.FOLD, 400),
    (req(b"GET / HTTP/1.1", b"X: a", b"\tContent-Length: 5"), Reason.FOLD, 400),
    (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", Reason.FOLD, 400),
    (req(b"GET / HTTP/1.1", b"X : a"), Reason.FIELD, 400),
    (req(b"GET / HTTP/1.1", b"Content-Length\t: 5"), Reason.FIELD, 400),
    (req(b"GET / HTTP/1.1", b": a"), Reason.FIELD, 400),
    (req(b"GET / HTTP/1.1", b"X"), Reason.FIELD, 400),
    (req(b"GET / HTTP/1.1", b"X\xff: a"), Reason.FIELD, 400),
    (req(b"GET / HTTP/1.1", b"(X): a"), Reason.FIELD, 400),
    (req(b"GET / HTTP/1.1", b"Content_Length: 5"), Reason.DISGUISED, 400),
    (req(b"GET / HTTP/1.1", b"transfer_encoding: chunked"), Reason.DISGUISED, 400),
    (req(b"GET / HTTP/1.1", *[b"X: a"] * 11), Reason.FIELD_COUNT, 431),
    (req(b"GET / HTTP/1.1", b"X: " + b"a" * 1024), Reason.HEAD_LENGTH, 431),
    # Lengths
    (req(b"POST / HTTP/1.1", b"Content-Length: 5", b"Content-Length: 5"), Reason.LENGTH, 400),
    (req(b"POST / HTTP/1.1", b"Content-Length: 5", b"Content-Length: 6"), Reason.LENGTH, 400),
    *(
        (req(b"POST / HTTP/1.1", b"Content-Length: " + value), Reason.LENGTH, 400)
        for value in (b"", b"+5", b"-5", b"5, 5", b"5,", b"0x5", b"5_0", b"05", b"5 0", b"5.0")
    ),
    (req(b"POST / HTTP/1.1", b"Content-Length: \xb2"), Reason.LENGTH, 400),
    (req(b"POST / HTTP/1.1", b"Content-Length: 18446744073709551621"), Reason.LENGTH, 400),
    # Transfer codings
    (
        req(b"POST / HTTP/1.1", b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        Reason.BOTH_LENGTHS,
        400,
    ),
    (
        req(b"POST / HTTP/1.1", b"Transfer-Encoding: x", b"Content-Length: 5"),
        Reason.BOTH_LENGTHS,
        400,
    ),
    (req(b"POST / HTTP/1.0", b"Transfer-Encoding: chunked"), Reason.CODING, 400),
    *(
        (req(b"POST / HTTP/1.1", b"Transfer-Encoding: " + value), Reason.CODING, status)
        for value, status in (
            (b"gzip, chunked", 501),
            (b"chunked, chunked", 501),
            (b"identity, chunked", 501),
            (b"chunked, gzip", 400),
            (b"chunked,", 400),
            (b"identity", 400),
            (b"xchunked", 400),
            (b"chunked;a=b", 400),
            (b'"chunked"', 400),
            (b"", 400),
        )
    ),
    (
        req(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"),
        Reason.CODING,
        400,
    ),
    (
        req(b"POST / HTTP/1.1", b"Transfer-Encoding: x", b"Transfer-Encoding: chunked"),
        Reason.CODING,
        501,
    ),
    (req(b"POST / HTTP/1.1", b"Transfer-Encoding: \x0bchunked"), Reason.CONTROL, 400),
    (req(b"POST / HTTP/1.1", b"Transfer-Encoding : chunked"), Reason.FIELD, 400),
    # Chunks
    *(
        (chunks(body), Reason.CHUNK, 400)
        for body in (
            b"0x3\r\nabc\r\n0\r\n\r\n",
            b"+3\r\nabc\r\n0\r\n\r\n",
            b"-3\r\nabc\r\n0\r\n\r\n",
            b"1_0\r\nabc\r\n0\r\n\r\n",
            b" 3\r\nabc\r\n0\r\n\r\n",
            b"3 \r\nabc\r\n0\r\n\r\n",
            b"3\t\r\nabc\r\n0\r\n\r\n",
            b"3\nabc\r\n0\r\n\r\n",
            b"3\r\r\nabc\r\n0\r\n\r\n",
            b"3\r\nabcd\r\n0\r\n\r\n",
            b"3\r\nabc\n0\r\n\r\n",
            b"3\r\nabc\rX0\r\n\r\n",
            b"3\r\nab\r\n0\r\n\r\n",
            b"\r\n3\r\nabc\r\n0\r\n\r\n",
            b"g\r\n",
            b"\r\n",
            b"100000000\r\n",
            b"00000000000000003\r\n",
            b"3;\r\nabc\r\n",
            b"3; a=b\r\nabc\r\n",
            b"3 ;a=b\r\nabc\r\n",
            b"3;a=\r\nabc\r\n",
            b'3;a="\r\nabc\r\n',
            b'3;a="\\""\r\nabc\r\n',
            b"3;\x00\r\nabc\r\n",
            b"3;a\rb\r\nabc\r\n",
            b"3;a\nb\r\nabc\r\n",
            b"\xef\xbc\x93\r\nabc\r\n",
        )
    ),
    (chunks(b"3;" + b"a" * 600), Reason.CHUNK_LENGTH, 400),
    (chunks((b"1;" + b"a" * 400 + b"\r\nx\r\n") * 21), Reason.CHUNK_LENGTH, 400),
    (chunks(b"0\r\nA: b\n\r\n"), Reason.TRAILER, 400),
    (chunks(b"0\r\nA: b\rc\r\n\r\n"), Reason.TRAILER, 400),
    (chunks(b"0\r\nContent-Length: 5\r\n\r\n"), Reason.TRAILER, 400),
    (chunks(b"0\r\nTransfer-Encoding: chunked\r\n\r\n"), Reason.TRAILER, 400),
    (chunks(b"0\r\nHost: b\r\n\r\n"), Reason.TRAILER, 400),
    (chunks(b"0\r\n folded\r\n\r\n"), Reason.FOLD, 400),
    (chunks(b"0\r\nGET / HTTP/1.1\r\n\r\n"), Reason.FIELD, 400),
    (chunks(b"0\r\n" + b"A: b\r\n" * 11), Reason.TRAILER, 400),
    (chunks(b"0\r\nA: " + b"b" * 9000), Reason.CHUNK_LENGTH, 400),
    # Upgrades and expectations
    (req(b"POST / HTTP/1.1", b"Connection: upgrade", b"Upgrade: websocket"), Reason.UPGRADE, 400),
    (req(b"GET / HTTP/1.0", b"Connection: upgrade", b"Upgrade: websocket"), Reason.UPGRADE, 400),
    (WEBSOCKET + b"Content-Length: 5\r\n\r\nGET /", Reason.UPGRADE, 400),
    (WEBSOCKET + b"Transfer-Encoding: chunked\r\n\r\n", Reason.UPGRADE, 400),
    (req(b"POST / HTTP/1.1", b"Expect: 200-ok"), Reason.EXPECTATION, 417),
]


@pytest.mark.parametrize(("wire", "reason", "status"), REFUSED)
def test_ambiguous_streams_are_refused(wire: bytes, reason: Reason, status: int) -> None:
    """Each is refused with its reason, no request comes out after it, whole and byte by byte."""
    for feeds in ([wire], bytewise(wire)):
        pieces = cut(*feeds)
        last = pieces[-1]
        assert isinstance(last, Refused)
        assert (last.error.reason, last.error.status) == (reason, status)
        # A head may precede a bad body, nothing more: no second request is ever seen.
        assert len(heads(pieces)) <= 1
        assert End() not in pieces


ACCEPTED = [
    req(b"GET /%2e%2e//a;b?c=|d|{} HTTP/1.1"),
    req(b"M-SEARCH / HTTP/1.1"),
    req(b"OPTIONS * HTTP/1.1"),
    req(b"GET / HTTP/1.1", b"X_Y: a", b"X: \xc3\xa9\ttab", b"Empty:"),
    req(b"GET / HTTP/1.1", b"Host: [::1]:8080", host=False),
    req(b"GET / HTTP/1.1", b"Host: a.b.:80", host=False),
    req(b"GET / HTTP/1.1", b"Connection: upgrade, http2-settings", b"Upgrade: h2c"),
    b"GET / HTTP/1.0\r\n\r\n",
    req(b"POST / HTTP/1.1", b"Content-Length:\t5\t") + b"GET /",
    req(b"GET / HTTP/1.1", b"Content-Length: 0"),
    req(b"POST / HTTP/1.1", b"transfer-encoding: CHUNKED") + b"A\r\n0123456789\r\n0\r\n\r\n",
    chunks(b'3;a;b=c;d="e f"\r\nabc\r\n00\r\n\r\n'),
    chunks(b"0\r\nX-Checksum: 1\r\n\r\n"),
    req(b"PUT / HTTP/1.1", b"Expect: 100-Continue", b"Content-Length: 1") + b"a",
]


@pytest.mark.parametrize("wire", ACCEPTED)
def test_clean_requests_pass_unchanged(wire: bytes) -> None:
    """Unusual but unambiguous requests pass, every byte of them, followed by the next."""
    pieces = cut(wire + GET)
    assert [head.raw for head in heads(pieces)][-1] == GET
    assert len(heads(pieces)) == 2
    assert wire_of(pieces) == wire + GET
    assert comparable(cut(*bytewise(wire + GET))) == comparable(pieces)


def test_a_head_of_exactly_the_limit_passes() -> None:
    """Limits are inclusive."""
    limits = replace(LIMITS, head_bytes=len(GET), target_bytes=1, header_count=1)
    assert len(heads(cut(GET, limits=limits))) == 1
    assert len(heads(cut(*bytewise(GET), limits=limits))) == 1


def test_an_unbounded_body_is_not_held() -> None:
    """Body bytes go out with the feed that brought them."""
    framer = RequestFramer(LIMITS)
    framer.feed(CHUNKED + b"ffffff\r\n")
    for _ in range(100):
        assert framer.feed(b"x" * 1000) == [Body(b"x" * 1000)]


def test_many_small_chunks_make_one_piece() -> None:
    """One feed gives one body piece, so tiny chunks cost the reader no more than large ones."""
    pieces = RequestFramer(LIMITS).feed(CHUNKED + b"1\r\na\r\n" * 1000)
    assert [type(piece).__name__ for piece in pieces] == ["Head", "Body"]


FRAGMENTS = st.sampled_from(
    [
        *(GET, POST, CHUNKED, WEBSOCKET, b"GET / HTTP/1.1\r\n", b"Host: a\r\n", b"Expect: x\r\n"),
        *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n\r\n"),
        *(b"3\r\nabc\r\n", b"0\r\n\r\n", b"ffffffff\r\n", b"abc", b";a=b"),
        *(b"\r\n", b"\r", b"\n", b" ", b":", b"\x00", b"#", b"/"),
    ]
)
STREAMS = st.one_of(
    st.binary(max_size=200),
    st.lists(st.one_of(FRAGMENTS, st.binary(max_size=4)), max_size=12).map(b"".join),
)


@given(wire=STREAMS, cuts=st.lists(st.integers(0, 300), max_size=6))
@example(wire=GET + b"\r\n\r\n", cuts=[])
@example(wire=CHUNKED + b"3\r\nabc\r\n0\r\nA: b\r\n\r\n", cuts=[len(CHUNKED) + 4])
def test_any_bytes_give_the_same_pieces_however_they_are_cut(wire: bytes, cuts: list[int]) -> None:
    """No exception; whole, cut anywhere, or byte by byte it is the same; no byte is made up."""
    whole = cut(wire)
    edges = [0, *sorted(at for at in cuts if at < len(wire)), len(wire)]
    feeds = [wire[a:b] for a, b in pairwise(edges)]
    assert comparable(cut(*feeds)) == comparable(whole)
    assert comparable(cut(*bytewise(wire))) == comparable(whole)
    assert wire.startswith(wire_of(whole))
    assert not any(isinstance(piece, Refused) for piece in whole[:-1])


def test_a_bare_line_feed_is_refused_at_once() -> None:
    """A client that ends its lines with LF gets an answer, not the head's deadline."""
    for feeds in ([b"A\n\r\n\r\n"], bytewise(b"A\n\r\n\r\n")):
        [refused] = cut(*feeds)
        assert isinstance(refused, Refused)
        assert refused.error.reason is Reason.LINE_END
    assert len(cut(b"GET / HTTP/1.1\n")) == 1
