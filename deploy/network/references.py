"""What must hold between the tables of a network file whose structure is right.

Each check is a generator of faults over the whole network; `faults` runs them all.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import combinations, groupby

from deploy.names import NODE_DOMAIN, Address
from deploy.network.models import EdgeNode, LowNode, Network, OriginNode, Role
from deploy.network.problems import Fault, Location, shown, toml_path
from deploy.network.units import DurationKind

_LAST_PORT = 65_535
_MOST_NAMED = 20
"""Regions that a message lists or compares a misspelt one with."""
_TABLES = ("network", "site", "region", "node")


def faults(network: Network) -> list[Fault]:
    """Everything that does not hold, in the order of the tables."""
    checks = (
        _names,
        _hostnames,
        _reserved,
        _lifetimes,
        _certificates,
        _clients,
        _regions_exist,
        _regions_staffed,
        _roles_present,
        _one_address_an_edge,
        _listening,
        _advertised,
    )
    found = [fault for check in checks for fault in check(network)]
    return sorted(found, key=lambda fault: _position(fault.at))


def _position(at: Location) -> tuple[int, int]:
    index = at[1] if len(at) > 1 else 0
    return _TABLES.index(str(at[0])), index if isinstance(index, int) else 0


def _names(network: Network) -> Iterator[Fault]:
    for table, items in (
        ("site", network.sites),
        ("region", network.regions),
        ("node", network.nodes),
    ):
        names = [((table, index, "name"), item.name) for index, item in enumerate(items)]
        yield from _repeated(names, f"a name that no other {table} has")


def _hostnames(network: Network) -> Iterator[Fault]:
    yield from _repeated(
        [
            (("site", index, "hostnames", place), hostname)
            for index, site in enumerate(network.sites)
            for place, hostname in enumerate(site.hostnames)
        ],
        "a host name that leads to one site, once",
    )


def _reserved(network: Network) -> Iterator[Fault]:
    """Host names that would pass for the zone itself, its name servers, or nodes."""
    servers = f"ns.{network.zone}"
    reasons = {
        servers: f"names at and below {servers} are those of the DNS servers",
        NODE_DOMAIN: f"names below .{NODE_DOMAIN} are those of nodes, as certificates prove them",
    }
    for index, site in enumerate(network.sites):
        for place, hostname in enumerate(site.hostnames):
            below = [top for top in reasons if f".{hostname}".endswith(f".{top}")]
            if below or hostname == network.zone:
                yield Fault(
                    at=("site", index, "hostnames", place),
                    found=shown(hostname),
                    expected=f'another name, such as "{site.name}.{network.zone}"',
                    hint=reasons[below[0]] if below else "a zone cannot be delegated by itself",
                )


def _lifetimes(network: Network) -> Iterator[Fault]:
    for index, site in enumerate(network.sites):
        for name in ("default_ttl", "negative_ttl", "heuristic_ttl"):
            given = getattr(site, name) or 0.0
            if given > site.max_ttl:
                yield Fault(
                    at=("site", index, name),
                    found=_span(given),
                    expected=f"no more than max_ttl, {_span(site.max_ttl)}",
                )
    about = network.about
    if about.answer_ttl > about.referral_ttl:
        yield Fault(
            at=("network", "answer_ttl"),
            found=_span(about.answer_ttl),
            expected=f"no more than referral_ttl, {_span(about.referral_ttl)}",
        )


def _span(seconds: float) -> str:
    return DurationKind().shown(seconds)


def _certificates(network: Network) -> Iterator[Fault]:
    for index, site in enumerate(network.sites):
        for given, lacking in (("certificate", "key"), ("key", "certificate")):
            if getattr(site, given) is not None and getattr(site, lacking) is None:
                yield Fault(
                    at=("site", index, lacking),
                    found="no such key",
                    expected=f"the path of a file, since {given} is given; both or none",
                )


def _clients(network: Network) -> Iterator[Fault]:
    yield from _repeated(
        [
            (("region", index, "clients", place), prefix)
            for index, region in enumerate(network.regions)
            for place, prefix in enumerate(region.clients)
        ],
        "a prefix that one region has, once",
    )


def _regions_exist(network: Network) -> Iterator[Fault]:
    meant = _meant_regions(network)
    known = ", ".join(shown(region.name) for region in network.regions[:_MOST_NAMED])
    more = ", ..." if len(network.regions) > _MOST_NAMED else ""
    for index, node in enumerate(network.nodes):
        if isinstance(node, EdgeNode | LowNode) and meant[node.region] != node.region:
            nearest = meant[node.region]
            yield Fault(
                at=("node", index, "region"),
                found=shown(node.region),
                expected=f"the name of a [[region]]: {known}{more}",
                hint=f"did you mean {shown(nearest)}?" if nearest else "",
            )


def _regions_staffed(network: Network) -> Iterator[Fault]:
    meant = _meant_regions(network)
    staffed = {(Role.EDGE, meant[edge.region]) for edge in network.edges}
    staffed |= {(Role.LOW, meant[low.region]) for low in network.lows}
    for index, region in enumerate(network.regions):
        for role in (Role.EDGE, Role.LOW):
            if (role, region.name) not in staffed:
                yield Fault(
                    at=("region", index),
                    found=f'no [[node]] of role "{role}" in this region',
                    expected="at least one",
                )


def _meant_regions(network: Network) -> dict[str, str | None]:
    """For each region that nodes name: itself, the one it nearly names, or None."""
    known = dict.fromkeys(region.name for region in network.regions)
    compared = list(known)[:_MOST_NAMED]
    named = {edge.region for edge in network.edges} | {low.region for low in network.lows}
    meant: dict[str, str | None] = {name: name for name in known}
    for name in sorted(named - known.keys()):
        meant[name] = next(iter(get_close_matches(name, compared, n=1)), None)
    return meant


def _roles_present(network: Network) -> Iterator[Fault]:
    for role, needed_for in (
        (Role.TOP, "to answer for the zone"),
        (Role.PARENT, "for edges to ask"),
    ):
        if not network.nodes_of(role):
            yield Fault(
                at=("node",),
                found=f'no [[node]] of role "{role}"',
                expected=f"at least one, {needed_for}",
            )


def _one_address_an_edge(network: Network) -> Iterator[Fault]:
    for index, node in enumerate(network.nodes):
        if not isinstance(node, EdgeNode) or node.advertise.https is None:
            continue
        http, https = node.advertise.http, node.advertise.https
        if http.host != https.host:
            yield Fault(
                at=("node", index, "advertise", "https"),
                found=shown(https),
                expected=f"the IP address of advertise.http, {http.host}",
                hint="DNS answers name one address for both; the default is the first of listen",
            )


def _listening(network: Network) -> Iterator[Fault]:
    """No two listeners take one address.

    Wildcards of different nodes may be equal, since such nodes run on different machines.
    """
    bound = list(_bound(network))
    expected = "an address that no other listener has"
    yield from _repeated([at for at in bound if not at[1].is_wildcard], expected)
    for _, own in groupby(bound, key=lambda listener: listener[0][1]):
        for (first, one), (second, other) in combinations(own, 2):
            if _overlap(one, other):
                yield Fault(
                    at=second,
                    found=f"{shown(other)}, beside {shown(one)} at {toml_path(first)}",
                    expected=expected,
                )
    yield from _status_page(network, bound)
    last = network.admin_addresses[-1]
    if last.port > _LAST_PORT:
        yield Fault(
            at=("network", "admin"),
            found=shown(network.about.admin),
            expected=f"a port low enough for {len(network.nodes)} nodes in turn",
        )


def _status_page(network: Network, bound: Iterable[tuple[Location, Address]]) -> Iterator[Fault]:
    """The status page stands beside all nodes of the file, so no wildcard may cover it either."""
    status = network.about.status
    for at, address in bound:
        if address == status or _overlap(address, status):
            yield Fault(
                at=("network", "status"),
                found=f"{shown(status)}, beside {shown(address)} at {toml_path(at)}",
                expected="an address that no other listener has",
            )
            return


def _bound(network: Network) -> Iterator[tuple[Location, Address]]:
    """Every address that is bound, nodes in order."""
    for index, (node, admin) in enumerate(zip(network.nodes, network.admin_addresses, strict=True)):
        for listener, addresses in node.listen:
            for place, address in enumerate(addresses):
                yield ("node", index, "listen", listener, place), address
        yield ("node", index, "admin"), admin


def _overlap(one: Address, other: Address) -> bool:
    """Whether one machine cannot bind both, where at least one is a wildcard."""
    if one.port != other.port or (":" in one.host) != (":" in other.host):
        return False
    return one.is_wildcard or other.is_wildcard


def _advertised(network: Network) -> Iterator[Fault]:
    """No two nodes are found at one address; what is bound twice has been told already."""
    bound = Counter(address for _, address in _bound(network))
    told = [
        (("node", index, "advertise", listener), address)
        for index, node in enumerate(network.nodes)
        if not isinstance(node, OriginNode)
        for listener, address in node.advertise
        if address is not None and bound[address] <= 1
    ]
    yield from _repeated(told, "an address that leads to this node alone")


def _repeated(values: Iterable[tuple[Location, str | Address]], expected: str) -> Iterator[Fault]:
    """A fault for each value that an earlier place has too."""
    first: dict[str | Address, Location] = {}
    for at, value in values:
        if value in first:
            found = f"{shown(value)}, as at {toml_path(first[value])}"
            yield Fault(at=at, found=found, expected=expected)
        else:
            first[value] = at
