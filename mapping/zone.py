"""The records that both tiers say of a zone: SOA, NS, addresses, and the negative answers.

Which name has which records is decided in `toplevel.py` and `lowlevel.py`.
"""

import ipaddress
from collections.abc import Iterable, Sequence

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from mapping.config import NameServer
from mapping.errors import SettingsError
from mapping.reply import AnswerKind, Decision

IN = dns.rdataclass.IN
A = dns.rdatatype.A
AAAA = dns.rdatatype.AAAA

SERVER_LABEL = "ns"
"""Name servers are called `NAME.ns.ZONE`."""

# There are no transfers, so no secondary ever compares serials or waits these times; all servers
# must only say the same.
_SERIAL = 1
_REFRESH_S, _RETRY_S, _EXPIRE_S = 7_200, 1_800, 1_209_600


def name_of(text: str) -> dns.name.Name:
    """An absolute name; a `SettingsError` names what cannot be one."""
    try:
        return dns.name.from_text(text.lower())
    except (dns.exception.DNSException, UnicodeError) as error:
        raise SettingsError(f"{text!r} is no domain name: {error}") from None


def server_name(zone: dns.name.Name, server: NameServer) -> dns.name.Name:
    """`NAME.ns.ZONE`."""
    return name_of(f"{server.name}.{SERVER_LABEL}.{zone.to_text()}")


def mailbox(contact: str) -> dns.name.Name:
    """A mail address as RNAME: the part before the @ is one label, dots and all (RFC 1035 8)."""
    local, at, domain = contact.rpartition("@")
    if not (local and at and domain):
        raise SettingsError(f"contact {contact!r} is no mail address")
    try:
        return dns.name.Name((local.encode(), *name_of(domain).labels))
    except dns.exception.DNSException as error:
        raise SettingsError(f"contact {contact!r}: {error}") from None


def rrset(owner: dns.name.Name, ttl_s: int, rdatas: Sequence[dns.rdata.Rdata]) -> dns.rrset.RRset:
    """Records of one name and type, in the given order."""
    return dns.rrset.from_rdata_list(owner, ttl_s, rdatas)


def ns_rdata(target: dns.name.Name) -> dns.rdata.Rdata:
    """The data of an NS record."""
    return dns.rdata.from_text(IN, dns.rdatatype.NS, target.to_text())


def address_rdatas(
    addresses: Iterable[str], rdtype: dns.rdatatype.RdataType
) -> tuple[dns.rdata.Rdata, ...]:
    """Those of the addresses that are of the type's family (A or AAAA)."""
    version = 4 if rdtype == A else 6
    try:
        fitting = [a for a in addresses if ipaddress.ip_address(a).version == version]
    except ValueError as error:
        raise SettingsError(f"a server's address: {error}") from None
    return tuple(dns.rdata.from_text(IN, rdtype, address) for address in fitting)


def address_rrsets(
    owner: dns.name.Name, addresses: Sequence[str], ttl_s: int
) -> tuple[dns.rrset.RRset, ...]:
    """The A and AAAA records of a name, as far as it has any."""
    families = (address_rdatas(addresses, rdtype) for rdtype in (A, AAAA))
    return tuple(rrset(owner, ttl_s, rdatas) for rdatas in families if rdatas)


class Apex:
    """A zone's own name and what every answer about the zone may need."""

    def __init__(
        self,
        name: dns.name.Name,
        *,
        primary: dns.name.Name,
        contact: dns.name.Name,
        ttl_s: int,
        negative_ttl_s: int,
    ) -> None:
        """`primary` becomes MNAME, `negative_ttl_s` the SOA's MINIMUM."""
        times = f"{_SERIAL} {_REFRESH_S} {_RETRY_S} {_EXPIRE_S} {negative_ttl_s}"
        soa = dns.rdata.from_text(IN, dns.rdatatype.SOA, f"{primary} {contact} {times}")
        self.name = name
        self.soa = rrset(name, ttl_s, [soa])
        # RFC 2308 3: the lesser of the two says how long "no" may be remembered.
        self._negative = rrset(name, min(ttl_s, negative_ttl_s), [soa])

    def nodata(self) -> Decision:
        """The name exists, the type does not."""
        return Decision(kind=AnswerKind.NODATA, authority=(self._negative,))

    def nxdomain(self) -> Decision:
        """No such name, nor any below it (RFC 8020)."""
        return Decision(kind=AnswerKind.NXDOMAIN, authority=(self._negative,))


_MINIMAL_ANY = dns.rdata.from_text(IN, dns.rdatatype.HINFO, '"RFC8482" ""')


def minimal_any(owner: dns.name.Name, ttl_s: int) -> Decision:
    """The answer to ANY that amplifies nothing (RFC 8482 4.2)."""
    return Decision(kind=AnswerKind.ANSWER, answer=(rrset(owner, ttl_s, [_MINIMAL_ANY]),))


def empty_non_terminals(
    names: Iterable[dns.name.Name], below: dns.name.Name
) -> frozenset[dns.name.Name]:
    """Names that exist only because longer ones do; NODATA, not NXDOMAIN (RFC 8020 2)."""
    found: set[dns.name.Name] = set()
    for name in names:
        parent = name.parent() if name != dns.name.root else name
        while parent != below and parent.is_subdomain(below):
            found.add(parent)
            parent = parent.parent()
    return frozenset(found)
