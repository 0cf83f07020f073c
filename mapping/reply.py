"""What is decided about a query, and its bytes.

The only place that writes DNS messages: flags, EDNS, sizes and truncation. What goes into the
sections is decided in `toplevel.py` and `lowlevel.py`.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from mapping.query import HEADER, Edns, Header, Query

UDP_PAYLOAD = 1_232
"""What we take and the most that we send: fits IPv6's least MTU, so nothing is fragmented."""
LEAST_UDP_PAYLOAD = 512
TCP_PAYLOAD = 65_535

_NO_FLAGS = dns.flags.Flag(0)


class Transport(StrEnum):
    """How a query came."""

    UDP = "udp"
    """One datagram each way; what does not fit is truncated."""
    TCP = "tcp"
    """RFC 7766."""


class AnswerKind(StrEnum):
    """What became of a query; also the `kind` label of the metrics."""

    ANSWER = "answer"
    """Records of the name and type asked."""
    REFERRAL = "referral"
    """The servers of a zone below ours."""
    NODATA = "nodata"
    """The name exists without the type asked."""
    NXDOMAIN = "nxdomain"
    """No such name."""
    REFUSED = "refused"
    """Not our zone, not our class, or a transfer."""
    NOTIMP = "notimp"
    """An opcode or type that nobody needs from us."""
    FORMERR = "formerr"
    """Not a well-formed query."""
    BADVERS = "badvers"
    """An EDNS version above 0."""
    SERVFAIL = "servfail"
    """Our own fault; logged."""
    DROPPED = "dropped"
    """Too short to answer, or itself a response; silence, or two servers could talk for ever."""


_RCODES = {
    AnswerKind.NXDOMAIN: dns.rcode.NXDOMAIN,
    AnswerKind.REFUSED: dns.rcode.REFUSED,
    AnswerKind.NOTIMP: dns.rcode.NOTIMP,
    AnswerKind.FORMERR: dns.rcode.FORMERR,
    AnswerKind.BADVERS: dns.rcode.BADVERS,
    AnswerKind.SERVFAIL: dns.rcode.SERVFAIL,
}
_AUTHORITATIVE = frozenset({AnswerKind.ANSWER, AnswerKind.NODATA, AnswerKind.NXDOMAIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to answer: its kind (which fixes RCODE and AA) and its sections."""

    kind: AnswerKind
    answer: tuple[dns.rrset.RRset, ...] = ()
    authority: tuple[dns.rrset.RRset, ...] = ()
    additional: tuple[dns.rrset.RRset, ...] = ()
    """Of a referral its glue, without which it is worth nothing (RFC 9471); else a courtesy."""
    scope: int = 0
    """So many bits of the client subnet decided; resolvers share the answer among all that have
    the same. Referrals and negative answers never depend on it (RFC 7871 7.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The bytes to send, or None for silence, and what they are."""

    kind: AnswerKind
    wire: bytes | None
    truncated: bool = False


def bare(header: Header, kind: AnswerKind, *, with_opt: bool = False) -> Reply:
    """A reply without any section, for queries that could not be read.

    Flags mean what they mean only under opcode QUERY, so RD is copied only there.
    """
    opcode = header.opcode << 11
    flags = dns.flags.QR | opcode | _RCODES[kind]
    if not opcode and header.recursion_desired:
        flags |= dns.flags.RD
    wire = HEADER.pack(header.id, flags, 0, 0, 0, int(with_opt))
    if with_opt:
        wire += b"\0\0\x29" + UDP_PAYLOAD.to_bytes(2, "big") + bytes(6)
    return Reply(kind=kind, wire=wire)


def encode(query: Query, decision: Decision, transport: Transport) -> Reply:
    """The decision's bytes, in as many of its sections as fit.

    Additional records that are only a courtesy go first; then the reply is empty with TC set, and
    the asker comes again over TCP (RFC 2181 9: never part of an RRset).
    """
    attempts = [decision]
    if decision.additional and decision.kind is not AnswerKind.REFERRAL:
        attempts.append(replace(decision, additional=()))
    size = _size_limit(query.edns, transport)
    for attempt in attempts:
        try:
            return Reply(kind=decision.kind, wire=_render(query, attempt, size))
        except dns.exception.TooBig:
            continue
    empty = replace(decision, answer=(), authority=(), additional=())
    wire = _render(query, empty, TCP_PAYLOAD, extra_flags=dns.flags.TC)
    return Reply(kind=decision.kind, wire=wire, truncated=True)


def _size_limit(edns: Edns | None, transport: Transport) -> int:
    if transport is Transport.TCP:
        return TCP_PAYLOAD
    if edns is None:
        return LEAST_UDP_PAYLOAD
    return max(LEAST_UDP_PAYLOAD, min(edns.payload, UDP_PAYLOAD))


def _flags(query: Query, kind: AnswerKind) -> dns.flags.Flag:
    """RD as asked; RA, AD, CD and Z clear: we neither recurse nor validate."""
    flags = dns.flags.QR
    if kind in _AUTHORITATIVE:
        flags |= dns.flags.AA
    if query.header.recursion_desired:
        flags |= dns.flags.RD
    return flags


def _render(
    query: Query, decision: Decision, size: int, extra_flags: dns.flags.Flag = _NO_FLAGS
) -> bytes:
    message = dns.message.QueryMessage(query.header.id)
    message.flags = _flags(query, decision.kind) | extra_flags
    message.question = [_question(query)]
    message.answer = list(decision.answer)
    message.authority = list(decision.authority)
    message.additional = list(decision.additional)
    if query.edns is not None:
        flags = dns.flags.DO if query.edns.dnssec_ok else 0  # RFC 3225 3: copied
        message.use_edns(0, flags, UDP_PAYLOAD, options=_options(query.edns, decision.scope))
    message.set_rcode(_RCODES.get(decision.kind, dns.rcode.NOERROR))
    # Left to itself dnspython shuffles each RRset, and "nearest first" would mean nothing.
    return message.to_wire(max_size=size, want_shuffle=False)


def _question(query: Query) -> dns.rrset.RRset:
    return dns.rrset.RRset(
        query.name,
        dns.rdataclass.RdataClass.make(query.rdclass),
        dns.rdatatype.RdataType.make(query.rdtype),
    )


def _options(edns: Edns, scope: int) -> list[dns.edns.Option]:
    """The client subnet comes back, with the bits that the answer holds for (RFC 7871 7.2.1)."""
    if edns.subnet is None:
        return []
    return [dns.edns.GenericOption(dns.edns.OptionType.ECS, edns.subnet.answered(scope))]
