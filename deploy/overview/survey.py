"""From a network file to its topology."""

from collections.abc import Iterator

from deploy.network import EdgeNode, LowNode, Network, Node, Origin, OriginNode, ParentNode, Role
from deploy.overview.topology import Link, LinkKind, Station, Topology


def survey(network: Network) -> Topology:
    """Who asks whom. An origin server that is a node of the file is not shown twice."""
    origins = _origins(network)
    named = [url for url, station in origins.items() if station == url]
    strangers = (Station(name=url, role=Role.ORIGIN, address=url) for url in dict.fromkeys(named))
    return Topology(
        regions=tuple(region.name for region in network.regions),
        stations=(*map(_station, network.nodes), *strangers),
        links=tuple(_links(network, origins)),
    )


def _station(node: Node) -> Station:
    region = node.region if isinstance(node, EdgeNode | LowNode) else ""
    return Station(name=node.name, role=node.role, region=region, address=_address(node))


def _address(node: Node) -> str:
    match node:
        case EdgeNode():
            return str(node.advertise.http)
        case ParentNode():
            return str(node.advertise.tunnel)
        case OriginNode():
            return str(node.listen.http[0])
        case _:
            return str(node.advertise.dns)


def _origins(network: Network) -> dict[str, str]:
    """Each origin server's URL, and the station that it is."""
    urls = (origin for site in network.sites for origin in site.origins)
    return {str(origin): _whose(network, origin) for origin in urls}


def _whose(network: Network, origin: Origin) -> str:
    for node in network.nodes:
        if isinstance(node, OriginNode):
            # In containers a node's name is its host's name.
            hosts = {(each.host, each.port) for each in node.listen.http}
            hosts |= {(node.name, each.port) for each in node.listen.http}
            if (origin.host, origin.port) in hosts:
                return node.name
    return str(origin)


def _links(network: Network, origins: dict[str, str]) -> Iterator[Link]:
    for top in network.tops:
        for low in network.lows:
            yield _link(top.name, low.name, LinkKind.REFERRAL)
    for low in network.lows:
        for edge in network.edges:
            yield _link(low.name, edge.name, LinkKind.PROBE)
    for edge in network.edges:
        for parent in network.parents:
            yield _link(edge.name, parent.name, LinkKind.TUNNEL)
    for parent in network.parents:
        for url, station in origins.items():
            yield Link(source=parent.name, target=station, kind=LinkKind.FETCH, counted_as=url)


def _link(source: str, target: str, kind: LinkKind) -> Link:
    return Link(source=source, target=target, kind=kind, counted_as=target)
