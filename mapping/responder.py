"""From a query's bytes to a reply's: what is refused whatever the zone, and then one tier's say."""

from typing import Protocol

import dns.rdataclass
import dns.rdatatype

from mapping.errors import MalformedQueryError
from mapping.query import Query, read_header, read_query
from mapping.reply import AnswerKind, Decision, Reply, Transport, bare, encode

_TYPES_NEVER_ANSWERED = {
    dns.rdatatype.AXFR: AnswerKind.REFUSED,  # the map is nobody's business
    dns.rdatatype.IXFR: AnswerKind.REFUSED,
    dns.rdatatype.MAILA: AnswerKind.NOTIMP,  # obsolete (RFC 1035 3.2.3)
    dns.rdatatype.MAILB: AnswerKind.NOTIMP,
    dns.rdatatype.TKEY: AnswerKind.NOTIMP,
    # These live in the additional section only; type 0 is reserved (RFC 6895 3.1).
    dns.rdatatype.OPT: AnswerKind.FORMERR,
    dns.rdatatype.TSIG: AnswerKind.FORMERR,
    dns.rdatatype.TYPE0: AnswerKind.FORMERR,
}


class Tier(Protocol):
    """One of the two servers: what it says to a well-formed query of class IN."""

    def decide(self, query: Query, client: str, /) -> Decision:
        """Decide about a query that came from the IP address `client`."""


class Responder:
    """Answers queries for one tier; holds no state of its own."""

    def __init__(self, tier: Tier) -> None:
        self._tier = tier

    def respond(self, wire: bytes, client: str, transport: Transport) -> Reply:
        """The reply to any bytes at all."""
        header = read_header(wire)
        if header is None or header.is_response:
            return Reply(kind=AnswerKind.DROPPED, wire=None)
        if header.opcode:
            return bare(header, AnswerKind.NOTIMP)
        try:
            query = read_query(header, wire)
        except MalformedQueryError as error:
            return bare(header, AnswerKind.FORMERR, with_opt=error.saw_opt)
        return encode(query, self._decide(query, client), transport)

    def _decide(self, query: Query, client: str) -> Decision:
        if query.edns is not None and query.edns.version > 0:
            return Decision(kind=AnswerKind.BADVERS)
        never = _TYPES_NEVER_ANSWERED.get(dns.rdatatype.RdataType.make(query.rdtype))
        if never is not None:
            return Decision(kind=never)
        if query.rdclass != dns.rdataclass.IN:
            return Decision(kind=AnswerKind.REFUSED)
        return self._tier.decide(query, client)


def failed(wire: bytes) -> Reply:
    """What to send where `respond` broke down: the asker then tries another server."""
    header = read_header(wire)
    assert header is not None
    return bare(header, AnswerKind.SERVFAIL)
