"""Reads a query's bytes: header, the one question, and EDNS.

Not `dns.message.from_wire`: it decodes every record of a message, at a cost that grows with the
square of what a stranger sends. A query's other records mean nothing to an authoritative server
without transfers, updates or TSIG, so they are only stepped over. Any bytes at all give a `Query`
or a `MalformedQueryError`.
"""

import ipaddress
import struct
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rdatatype
import dns.wire

from mapping.clients import Block
from mapping.errors import MalformedQueryError

HEADER = struct.Struct("!HHHHHH")
MAX_QUERY_BYTES = 4_096
"""Real queries stay below 512 bytes, padded ones (RFC 8467) below 1,024."""

_ECS = 8
_ADDRESS_BITS = {0: 0, 1: 32, 2: 128}
"""By ECS family. Family 0 with an empty address says "do not use mine" in some old clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The twelve bytes before everything else."""

    id: int
    flags: int
    counts: tuple[int, int, int, int]
    """Records in question, answer, authority, additional."""

    @property
    def is_response(self) -> bool:
        """QR is set."""
        return bool(self.flags & 0x8000)

    @property
    def opcode(self) -> int:
        """QUERY is 0."""
        return self.flags >> 11 & 0xF

    @property
    def recursion_desired(self) -> bool:
        """RD is set."""
        return bool(self.flags & 0x0100)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSubnet:
    """EDNS client subnet (RFC 7871)."""

    family: int
    source: int
    """Bits of the address that the resolver tells."""
    address: bytes
    """Just as many octets as `source` needs."""

    @property
    def block(self) -> Block | None:
        """The clients meant; None: the answer must not depend on them (RFC 7871 7.1.2)."""
        bits = _ADDRESS_BITS[self.family]
        if not self.source:
            return None
        value = int.from_bytes(self.address.ljust(bits // 8, b"\0"), "big")
        make = ipaddress.IPv4Network if self.family == 1 else ipaddress.IPv6Network
        return make((value, self.source))

    def answered(self, scope: int) -> bytes:
        """The option's data in a response: what was asked, and the bits the answer holds for."""
        return struct.pack("!HBB", self.family, self.source, scope) + self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Edns:
    """What the OPT record says (RFC 6891)."""

    version: int
    payload: int
    """Largest UDP response the asker can take."""
    dnssec_ok: bool
    subnet: ClientSubnet | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A well-formed query."""

    header: Header
    name: dns.name.Name
    """In the case in which it was asked: resolvers check it (draft-vixie-dnsext-dns0x20)."""
    rdtype: int
    rdclass: int
    edns: Edns | None = None


def read_header(wire: bytes) -> Header | None:
    """The header, or None where the bytes are too few to have one."""
    if len(wire) < HEADER.size:
        return None
    identity, flags, *counts = HEADER.unpack_from(wire)
    questions, answers, authorities, additionals = counts
    return Header(id=identity, flags=flags, counts=(questions, answers, authorities, additionals))


def read_query(header: Header, wire: bytes) -> Query:
    """Read what follows the header; a `MalformedQueryError` says why that is no query."""
    if len(wire) > MAX_QUERY_BYTES:
        raise MalformedQueryError(f"{len(wire)} bytes, expected at most {MAX_QUERY_BYTES}")
    if header.counts[0] != 1:  # RFC 9619: a query has exactly one question.
        raise MalformedQueryError(f"{header.counts[0]} questions")
    parser = dns.wire.Parser(wire, HEADER.size)
    try:
        # Nothing stands before the first name that it could be compressed against.
        name = parser.get_name(decompress=False)
        rdtype, rdclass = parser.get_struct("!HH")
        for _ in range(header.counts[1] + header.counts[2]):
            _skip_name(parser)
            _record_head(parser)
        edns = _read_additional(parser, header.counts[3])
    except dns.exception.DNSException as error:
        raise MalformedQueryError(type(error).__name__) from None
    if parser.remaining():
        raise MalformedQueryError("trailing bytes", saw_opt=edns is not None)
    return Query(header=header, name=name, rdtype=rdtype, rdclass=rdclass, edns=edns)


def _read_additional(parser: dns.wire.Parser, count: int) -> Edns | None:
    edns: Edns | None = None
    for _ in range(count):
        at_root = _skip_name(parser)
        rdtype, rdclass, ttl, rdata = _record_head(parser)
        if rdtype != dns.rdatatype.OPT:
            continue
        if edns is not None:  # RFC 6891 6.1.1
            raise MalformedQueryError("more than one OPT", saw_opt=True)
        if not at_root:
            raise MalformedQueryError("OPT not at the root", saw_opt=True)
        edns = _read_opt(rdclass, ttl, rdata)
    return edns


def _record_head(parser: dns.wire.Parser) -> tuple[int, int, int, bytes]:
    """Type, class, TTL and data; the parser then stands at the next record."""
    rdtype, rdclass, ttl, length = parser.get_struct("!HHIH")
    return rdtype, rdclass, ttl, parser.get_bytes(length)


def _skip_name(parser: dns.wire.Parser) -> bool:
    """Step over an owner name, following no pointer; True if it is the root."""
    first = length = parser.get_uint8()
    while length:
        if length >= 0xC0:
            parser.get_uint8()
            break
        if length >= 0x40:
            raise MalformedQueryError("label type")
        parser.get_bytes(length)
        length = parser.get_uint8()
    return first == 0


def _read_opt(payload: int, ttl: int, rdata: bytes) -> Edns:
    version = ttl >> 16 & 0xFF
    # Of a later version only the fixed part is known, and BADVERS needs no more (RFC 6891 6.1.3).
    subnet = _read_options(rdata) if version == 0 else None
    return Edns(version=version, payload=payload, dnssec_ok=bool(ttl & 0x8000), subnet=subnet)


def _read_options(rdata: bytes) -> ClientSubnet | None:
    """Step through the options; those we do not know are ignored (RFC 6891 6.1.2)."""
    parser = dns.wire.Parser(rdata)
    subnet: ClientSubnet | None = None
    try:
        while parser.remaining():
            code, length = parser.get_struct("!HH")
            value = parser.get_bytes(length)
            if code != _ECS:
                continue
            if subnet is not None:
                raise MalformedQueryError("more than one client subnet", saw_opt=True)
            subnet = _read_subnet(value)
    except dns.exception.DNSException as error:
        raise MalformedQueryError(f"OPT: {type(error).__name__}", saw_opt=True) from None
    return subnet


def _read_subnet(value: bytes) -> ClientSubnet:
    """RFC 7871 6: a wrong length, bits beyond the prefix, or a scope in a query are FORMERR."""
    family, source, scope = dns.wire.Parser(value).get_struct("!HBB")
    address = value[4:]
    fits = source <= _ADDRESS_BITS.get(family, -1) and len(address) == (source + 7) // 8
    spare = -source % 8
    if not fits or scope or (spare and address[-1] & ((1 << spare) - 1)):
        raise MalformedQueryError("client subnet", saw_opt=True)
    return ClientSubnet(family=family, source=source, address=address)
