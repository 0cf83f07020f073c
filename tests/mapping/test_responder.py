import struct

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.query import Query
from mapping.reply import AnswerKind, Decision, Transport
from mapping.responder import Responder, failed
from tests.mapping.network import STRANGER, ask, flags, low_level, top_level

QUESTION = dns.message.make_query("shop.cdn.test", "A", use_edns=0, id=7).to_wire()
RESPONDERS = [top_level(), low_level()]


@pytest.mark.parametrize("responder", RESPONDERS)
@pytest.mark.parametrize(
    ("rdtype", "rdclass", "rcode"),
    [
        ("AXFR", "IN", "REFUSED"),
        ("IXFR", "IN", "REFUSED"),
        ("MAILB", "IN", "NOTIMP"),
        ("TKEY", "IN", "NOTIMP"),
        ("TYPE0", "IN", "FORMERR"),
        ("OPT", "IN", "FORMERR"),
        ("TXT", "CH", "REFUSED"),
        ("A", "HS", "REFUSED"),
        ("A", "ANY", "REFUSED"),
        ("A", "NONE", "REFUSED"),
        ("TYPE666", "IN", "NOERROR"),
    ],
)
def test_refusals_are_the_same_for_both_tiers(
    responder: Responder, rdtype: str, rdclass: str, rcode: str
) -> None:
    """Transfers, meta types and other classes never reach a zone."""
    response = ask(responder, "shop.cdn.test", rdtype, rdclass=rdclass)
    assert dns.rcode.to_text(response.rcode()) == rcode


@pytest.mark.parametrize("opcode", range(1, 16))
def test_other_opcodes(opcode: int) -> None:
    """All but QUERY is not implemented; no flag but QR means anything there."""
    wire = struct.pack("!HHHHHH", 9, opcode << 11 | 0x07B0, 1, 0, 0, 0)
    reply = low_level().respond(wire, STRANGER, Transport.UDP)
    assert reply.kind is AnswerKind.NOTIMP
    assert reply.wire == struct.pack("!HHHHHH", 9, 0x8000 | opcode << 11 | 4, 0, 0, 0, 0)


@pytest.mark.parametrize("size", range(12))
def test_too_short_to_answer(size: int) -> None:
    """Without a header there is nobody to answer."""
    reply = low_level().respond(QUESTION[:size], STRANGER, Transport.UDP)
    assert (reply.kind, reply.wire) == (AnswerKind.DROPPED, None)


def test_responses_are_dropped() -> None:
    """Answering an answer would let two servers talk for ever."""
    wire = QUESTION[:2] + b"\x80" + QUESTION[3:]
    assert low_level().respond(wire, STRANGER, Transport.UDP).wire is None


def test_garbage_after_a_header() -> None:
    """FORMERR carries identity and RD, and no question that was not understood."""
    reply = low_level().respond(QUESTION[:12] + b"\xff" * 30, STRANGER, Transport.UDP)
    assert reply.wire == struct.pack("!HHHHHH", 7, 0x8101, 0, 0, 0, 0)


def test_formerr_speaks_edns_where_it_was_spoken() -> None:
    """Two OPT records are FORMERR, with an OPT record of our own."""
    opt = QUESTION[-11:]
    wire = QUESTION[:11] + b"\x02" + QUESTION[12:] + opt
    reply = low_level().respond(wire, STRANGER, Transport.UDP)
    assert reply.wire is not None
    response = dns.message.from_wire(reply.wire)
    assert response.rcode() == dns.rcode.FORMERR
    assert (response.edns, response.payload) == (0, 1232)


def test_badvers() -> None:
    """An EDNS version we do not know is told which one we do, and the question comes back."""
    response = ask(low_level(), "shop.cdn.test", use_edns=1)
    assert response.rcode() == dns.rcode.BADVERS
    assert (response.edns, response.payload) == (0, 1232)
    assert not response.answer
    assert flags(response) == "QR RD"


@pytest.mark.parametrize("name", ["shop.cdn.test", "no.shop.cdn.test", "example.org"])
@pytest.mark.parametrize("do", [0, dns.flags.DO])
def test_edns_comes_back(name: str, do: int) -> None:
    """OPT is answered with OPT, DO as asked, everything else in it clear."""
    response = ask(low_level(), name, use_edns=0, ednsflags=do | 0x1234 & ~0x8000)
    assert (response.edns, response.payload) == (0, 1232)
    assert response.ednsflags == do
    assert response.options == ()


def test_no_edns_unless_asked() -> None:
    """A query without OPT gets none."""
    assert ask(low_level(), "shop.cdn.test").edns == -1


@pytest.mark.parametrize(
    ("responder", "name", "rdtype"),
    [
        pytest.param(top_level(), "shop.cdn.test", "A", id="referral"),
        pytest.param(top_level(), "low-east.ns.cdn.test", "A", id="a server's own address"),
        pytest.param(low_level(), "shop.cdn.test", "NS", id="delegation"),
        pytest.param(low_level(), "shop.cdn.test", "TXT", id="no such data"),
        pytest.param(low_level(), "no.shop.cdn.test", "A", id="no such name"),
    ],
)
@pytest.mark.parametrize(
    ("address", "bits"), [("198.51.100.0", 24), ("2001:db8:77::", 56), ("0.0.0.0", 0)]
)
def test_client_subnet_comes_back_with_scope_zero(
    responder: Responder, name: str, rdtype: str, address: str, bits: int
) -> None:
    """All but users' addresses is the same for all users (RFC 7871 7.4), and said to be."""
    subnet = dns.edns.ECSOption(address, bits)
    response = ask(responder, name, rdtype, use_edns=0, options=[subnet])
    [echoed] = response.options
    assert echoed == dns.edns.ECSOption(address, bits, 0)


@pytest.mark.parametrize("transport", Transport)
def test_client_subnet_comes_back_with_the_bits_that_decided(transport: Transport) -> None:
    """Also where the answer does not fit (RFC 7871 7.2.1)."""

    class Fat:
        def decide(self, query: Query, _client: str, /) -> Decision:
            records = dns.rrset.from_text_list(
                query.name, 20, "IN", "A", [f"10.0.0.{n}" for n in range(200)]
            )
            return Decision(kind=AnswerKind.ANSWER, answer=(records,), scope=21)

    subnet = dns.edns.ECSOption("192.0.2.0", 24)
    query = dns.message.make_query("a.test", "A", use_edns=0, options=[subnet])
    reply = Responder(Fat()).respond(query.to_wire(), STRANGER, transport)
    assert reply.wire is not None
    assert reply.truncated == (transport is Transport.UDP)
    [echoed] = dns.message.from_wire(reply.wire).options
    assert echoed == dns.edns.ECSOption("192.0.2.0", 24, 21)


def test_flags_that_are_not_for_us_are_cleared() -> None:
    """AD, CD, Z, TC, AA and RA of a query do not come back."""
    noise = dns.flags.AD | dns.flags.CD | dns.flags.TC | dns.flags.AA | dns.flags.RA | 0x40
    response = ask(low_level(), "shop.cdn.test", "SOA", flags=noise)
    assert response.flags == dns.flags.QR | dns.flags.AA


@pytest.mark.parametrize(
    ("payload", "limit"), [(0, 512), (511, 512), (700, 700), (1232, 1232), (65_535, 1232)]
)
def test_udp_answers_fit(payload: int, limit: int) -> None:
    """No datagram is larger than the asker takes, nor than 1232; 512 always fits."""

    class Fat:
        def decide(self, query: Query, _client: str, /) -> Decision:
            records = dns.rrset.from_text_list(
                query.name, 20, "IN", "A", [f"10.0.{n}.{m}" for n in range(9) for m in range(20)]
            )
            return Decision(kind=AnswerKind.ANSWER, answer=(records,))

    wire = dns.message.make_query("a.test", "A", use_edns=0, payload=payload).to_wire()
    reply = Responder(Fat()).respond(wire, STRANGER, Transport.UDP)
    assert reply.wire is not None
    assert reply.truncated
    assert len(reply.wire) <= limit
    assert dns.message.from_wire(reply.wire).flags & dns.flags.TC
    over_tcp = Responder(Fat()).respond(wire, STRANGER, Transport.TCP)
    assert over_tcp.wire is not None
    assert not over_tcp.truncated
    assert len(dns.message.from_wire(over_tcp.wire).answer[0]) == 180


def test_a_broken_responder_says_servfail() -> None:
    """The reply to a query that broke us sends the asker to another server."""
    response = dns.message.from_wire(failed(QUESTION).wire or b"")
    assert response.rcode() == dns.rcode.SERVFAIL
    assert response.id == 7


def assert_answered_soundly(wire: bytes) -> None:
    """Whatever came in: silence, or a message that dnspython reads, with our identity."""
    for responder in RESPONDERS:
        for transport in Transport:
            reply = responder.respond(wire, STRANGER, transport)
            if reply.wire is None:
                assert reply.kind is AnswerKind.DROPPED
                continue
            assert reply.wire[:2] == wire[:2]
            assert reply.wire[2] & 0x80
            assert len(reply.wire) <= (1232 if transport is Transport.UDP else 65_535)
            response = dns.message.from_wire(reply.wire)
            assert response.opcode() == (wire[2] >> 3 & 0xF)


@given(st.binary(max_size=600))
def test_any_bytes(wire: bytes) -> None:
    """Noise never breaks the responder."""
    assert_answered_soundly(wire)


@given(
    st.sampled_from(["shop.cdn.test", "x.cdn.test", "low-east.ns.cdn.test", "cdn.test", "."]),
    st.integers(0, 0x7FFF),
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
    st.binary(max_size=64),
    st.integers(0, 0xFFFF),
)
def test_almost_queries(
    name: str, flag_bits: int, counts: list[int], tail: bytes, rdtype: int
) -> None:
    """Queries that are right in part: any flags, counts, type, and noise where records stand."""
    head = struct.pack("!HHHHHH", 1, flag_bits, *counts)
    question = dns.name.from_text(name).to_wire()
    assert question is not None
    assert_answered_soundly(head + question + struct.pack("!HH", rdtype, 1) + tail)


@given(st.data())
def test_mutated_queries(data: st.DataObject) -> None:
    """A good query with some bytes changed."""
    wire = bytearray(QUESTION)
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    assert_answered_soundly(bytes(wire))
