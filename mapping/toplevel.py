"""The top-level tier: refers resolvers to low-level servers near them, for half an hour.

Authoritative for the network's zone: its apex and the name servers' own names. Every site's
hostname is a zone cut, answered with the servers of a few regions, nearest first.
"""

from collections.abc import Sequence

import dns.name
import dns.rdatatype
import dns.rrset

from mapping.choose import choose_servers
from mapping.clients import ClientMap
from mapping.config import MappingSettings, NameServer
from mapping.errors import SettingsError
from mapping.query import Query
from mapping.reply import AnswerKind, Decision
from mapping.zone import (
    SERVER_LABEL,
    Apex,
    address_rrsets,
    empty_non_terminals,
    mailbox,
    minimal_any,
    name_of,
    ns_rdata,
    rrset,
    server_name,
)

NEGATIVE_TTL_S = 300
"""A hostname asked for too early is found this much later at the latest."""


class TopLevel:
    """Decides what a top-level server says."""

    def __init__(self, settings: MappingSettings) -> None:
        """Lay out the zone; a `SettingsError` says what DNS cannot serve."""
        if not settings.top:
            raise SettingsError(f"zone {settings.zone}: no top-level server")
        self._ttl_s = settings.referral_ttl_s
        self._referral_regions = settings.referral_regions
        self._clients = ClientMap(settings.regions)
        self._zone = name_of(settings.zone)
        self._names = {s.name: server_name(self._zone, s) for s in _all_servers(settings)}
        self._ns = {name: ns_rdata(name) for name in self._names.values()}
        self._servers = self._server_addresses(settings)
        self._apex = Apex(
            self._zone,
            primary=self._names[settings.top[0].name],
            contact=mailbox(settings.contact),
            ttl_s=self._ttl_s,
            negative_ttl_s=min(NEGATIVE_TTL_S, self._ttl_s),
        )
        self._apex_ns = self._name_servers(self._zone, settings.top)
        self._cuts = _zone_cuts(self._zone, settings)
        self._deepest_cut = max((len(cut) for cut in self._cuts), default=0)
        self._empty = empty_non_terminals((*self._servers, *self._cuts), self._zone)

    def _server_addresses(
        self, settings: MappingSettings
    ) -> dict[dns.name.Name, tuple[dns.rrset.RRset, ...]]:
        found: dict[dns.name.Name, tuple[dns.rrset.RRset, ...]] = {}
        for server in _all_servers(settings):
            name = self._names[server.name]
            found[name] = address_rrsets(name, server.addresses, self._ttl_s)
            if not found[name]:
                raise SettingsError(f"name server {server.name}: no address")
        return found

    def decide(self, query: Query, client: str) -> Decision:
        """Decide about a query from the resolver at `client`."""
        if not query.name.is_subdomain(self._zone):
            return Decision(kind=AnswerKind.REFUSED)
        cut = self._cut_above(query.name)
        if cut is not None:
            # DS alone lives on the parent's side of a cut (RFC 4035 3.1.4.1).
            if query.rdtype == dns.rdatatype.DS and query.name == cut:
                return self._apex.nodata()
            return self._referral(cut, client)
        return self._own(query)

    def _cut_above(self, name: dns.name.Name) -> dns.name.Name | None:
        """The cut at or above a name of the zone. Cuts are never nested, so there is one at most.

        Walks from the zone downwards, over at most as many labels as a cut has.
        """
        for depth in range(len(self._zone) + 1, min(len(name), self._deepest_cut) + 1):
            candidate = dns.name.Name(name.labels[-depth:])
            if candidate in self._cuts:
                return candidate
        return None

    def _own(self, query: Query) -> Decision:
        """A name of the zone's own: its apex, a name server, or none."""
        name, rdtype = query.name, query.rdtype
        if name == self._zone:
            return self._at_apex(rdtype)
        addresses = self._servers.get(name)
        if addresses is None:
            return self._apex.nodata() if name in self._empty else self._apex.nxdomain()
        if rdtype == dns.rdatatype.ANY:
            return minimal_any(name, self._ttl_s)
        found = tuple(records for records in addresses if records.rdtype == rdtype)
        return Decision(kind=AnswerKind.ANSWER, answer=found) if found else self._apex.nodata()

    def _at_apex(self, rdtype: int) -> Decision:
        match rdtype:
            case dns.rdatatype.SOA:
                return Decision(kind=AnswerKind.ANSWER, answer=(self._apex.soa,))
            case dns.rdatatype.NS:
                records, addresses = self._apex_ns
                return Decision(kind=AnswerKind.ANSWER, answer=(records,), additional=addresses)
            case dns.rdatatype.ANY:
                return minimal_any(self._zone, self._ttl_s)
            case _:
                return self._apex.nodata()

    def _referral(self, cut: dns.name.Name, client: str) -> Decision:
        ranked = self._clients.ranked(client)
        servers = choose_servers(ranked, regions=self._referral_regions)
        records, glue = self._name_servers(cut, servers)
        return Decision(kind=AnswerKind.REFERRAL, authority=(records,), additional=glue)

    def _name_servers(
        self, owner: dns.name.Name, servers: Sequence[NameServer]
    ) -> tuple[dns.rrset.RRset, tuple[dns.rrset.RRset, ...]]:
        names = [self._names[server.name] for server in servers]
        addresses = tuple(records for name in names for records in self._servers[name])
        return rrset(owner, self._ttl_s, [self._ns[name] for name in names]), addresses


def _all_servers(settings: MappingSettings) -> list[NameServer]:
    """The name servers of both tiers."""
    return [*settings.top, *(s for region in settings.regions for s in region.servers)]


def _zone_cuts(zone: dns.name.Name, settings: MappingSettings) -> frozenset[dns.name.Name]:
    """The outermost of the delegated hostnames; the low-level servers know the inner ones."""
    names = [name_of(hostname) for hostname in settings.delegations]
    if names and not any(region.servers for region in settings.regions):
        raise SettingsError(f"zone {settings.zone}: no low-level server to delegate to")
    reserved = name_of(f"{SERVER_LABEL}.{zone.to_text()}")
    for name in names:
        _check_delegable(name, zone, reserved)
    return frozenset(n for n in names if not any(n != o and n.is_subdomain(o) for o in names))


def _check_delegable(name: dns.name.Name, zone: dns.name.Name, reserved: dns.name.Name) -> None:
    text = name.to_text(omit_final_dot=True)
    if name == zone or not name.is_subdomain(zone):
        raise SettingsError(f"{text} is not below the zone {zone.to_text(omit_final_dot=True)}")
    if name.is_subdomain(reserved):
        raise SettingsError(f"{text}: names below {reserved} are the name servers' own")
    if name.is_wild():  # RFC 4592 4.2: what a wildcard NS means is undefined.
        raise SettingsError(f"{text}: a wildcard cannot be delegated")
