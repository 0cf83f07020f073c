"""The low-level tier: names edges, for seconds.

Authoritative for each delegated hostname, a zone of its own with addresses at its apex: two live
edges, of the region first that the users' network is nearest to, where a resolver tells of it
(RFC 7871), else of this server's own. Edges come and go by what the keeper's probes found.
"""

from collections.abc import Iterable

import dns.name
import dns.rdata
import dns.rdatatype

from mapping.choose import Rng, choose_edges, choose_servers
from mapping.clients import NOWHERE, ClientMap, Nearest
from mapping.config import EdgeServer, MappingSettings, Region
from mapping.errors import SettingsError
from mapping.query import Query
from mapping.reply import AnswerKind, Decision
from mapping.zone import (
    AAAA,
    A,
    Apex,
    address_rdatas,
    empty_non_terminals,
    mailbox,
    minimal_any,
    name_of,
    ns_rdata,
    rrset,
    server_name,
)


class LowLevel:
    """Decides what a low-level server says. Its only state is which edges are down."""

    def __init__(self, settings: MappingSettings, rng: Rng) -> None:
        """Lay out a zone for each delegation; `rng` orders edges that are equals."""
        self._settings = settings
        self._rng = rng
        self._zone = name_of(settings.zone)
        self._own_region = _region_named(settings, settings.region)
        self._clients = ClientMap(settings.regions)
        self._servers = [s for region in settings.regions for s in region.servers]
        self._names = {s.name: server_name(self._zone, s) for s in self._servers}
        self._edges = [edge for region in settings.regions for edge in region.edges]
        self._addresses = {
            (edge.name, rdtype): address_rdatas(edge.addresses, rdtype)
            for edge in self._edges
            for rdtype in (A, AAAA)
        }
        names = [name_of(hostname) for hostname in settings.delegations]
        self._zones = {name: self._apex_of(name) for name in names}
        self._depths = sorted({len(name) for name in names}, reverse=True)
        self._empty = empty_non_terminals(names, self._zone)
        self._down: frozenset[str] = frozenset()

    def _apex_of(self, name: dns.name.Name) -> Apex:
        return Apex(
            name,
            # All servers must say the same SOA, whatever their region: the file's first.
            primary=self._names[self._servers[0].name],
            contact=mailbox(self._settings.contact),
            ttl_s=self._settings.referral_ttl_s,
            negative_ttl_s=self._settings.answer_ttl_s,
        )

    def mark_down(self, names: Iterable[str]) -> None:
        """These edges are down, all others are not.

        With every edge down the probes, not the edges, are the likelier fault: then all are named
        (we fail open; a wrong address harms less than none).
        """
        down = frozenset(names)
        all_down = all(edge.name in down for edge in self._edges)
        self._down = frozenset() if all_down else down

    def decide(self, query: Query, client: str) -> Decision:
        """Decide about a query from the resolver at `client`."""
        apex = self._zone_above(query.name)
        if apex is None:
            return Decision(kind=AnswerKind.REFUSED)
        if query.name == apex.name:
            return self._at_apex(apex, query, client)
        return apex.nodata() if query.name in self._empty else apex.nxdomain()

    def _zone_above(self, name: dns.name.Name) -> Apex | None:
        """The zone that a name belongs to: of nested ones the innermost."""
        for depth in self._depths:
            if depth <= len(name):
                apex = self._zones.get(dns.name.Name(name.labels[-depth:]))
                if apex is not None:
                    return apex
        return None

    def _at_apex(self, apex: Apex, query: Query, client: str) -> Decision:
        match query.rdtype:
            case dns.rdatatype.A | dns.rdatatype.AAAA:
                return self._edge_addresses(apex, query, client)
            case dns.rdatatype.NS:
                return self._name_servers(apex, client)
            case dns.rdatatype.SOA:
                return Decision(kind=AnswerKind.ANSWER, answer=(apex.soa,))
            case dns.rdatatype.ANY:
                return minimal_any(apex.name, self._settings.answer_ttl_s)
            case _:
                return apex.nodata()

    def _edge_addresses(self, apex: Apex, query: Query, client: str) -> Decision:
        rdtype = dns.rdatatype.RdataType(query.rdtype)
        nearest = self._nearest(query)

        def usable(edge: EdgeServer) -> bool:
            return edge.name not in self._down and bool(self._addresses[edge.name, rdtype])

        edges = choose_edges(
            self._ranked(nearest, client),
            count=self._settings.answer_edges,
            usable=usable,
            rng=self._rng,
        )
        rdatas: list[dns.rdata.Rdata] = []
        for edge in edges:
            rdatas += self._addresses[edge.name, rdtype]
        if not rdatas:
            return apex.nodata()
        records = rrset(apex.name, self._settings.answer_ttl_s, rdatas)
        return Decision(kind=AnswerKind.ANSWER, answer=(records,), scope=nearest.scope)

    def _nearest(self, query: Query) -> Nearest:
        """What the map says of the users, as far as the query tells who they are."""
        subnet = None if query.edns is None else query.edns.subnet
        block = None if subnet is None else subnet.block
        return NOWHERE if block is None else self._clients.nearest(block)

    def _ranked(self, nearest: Nearest, client: str) -> Iterable[Region]:
        """The users' regions; then our own, which the resolver found the quickest to answer."""
        ranked = (*nearest.regions, self._own_region, *self._clients.ranked(client))
        return {region.name: region for region in ranked}.values()

    def _name_servers(self, apex: Apex, client: str) -> Decision:
        """Exactly the servers of the referral that brought this client here (RFC 1034 4.2.2).

        Their addresses belong to another zone, which a resolver would not believe us.
        """
        ranked = self._clients.ranked(client)
        servers = choose_servers(ranked, regions=self._settings.referral_regions)
        targets = [ns_rdata(self._names[server.name]) for server in servers]
        records = rrset(apex.name, self._settings.referral_ttl_s, targets)
        return Decision(kind=AnswerKind.ANSWER, answer=(records,))


def _region_named(settings: MappingSettings, name: str | None) -> Region:
    for region in settings.regions:
        if region.name == name:
            if not region.servers:
                raise SettingsError(f"region {name}: no low-level server")
            return region
    raise SettingsError(f"node {settings.node}: no region called {name!r}")
