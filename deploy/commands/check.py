"""`midmile check FILE`: says what a network file describes, or everything that is wrong with it."""

import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.network import Network, Node, Region, Site, read


def check(path: Path) -> None:
    """Print a summary of a good file; NetworkFileError tells what is wrong with a bad one."""
    network = read(path)
    print(f"{path}: good")
    for line in summary(network):
        print(line)
    for line in missing_files(network):
        print(f"midmile: {path}: {line}", file=sys.stderr)


def summary(network: Network) -> Iterator[str]:
    """A line for the network and for each of its sites, regions and nodes."""
    table = [
        ("network", network.name, f"zone {network.zone}"),
        *(("site", site.name, _site(site)) for site in network.sites),
        *(("region", region.name, _region(network, region)) for region in network.regions),
        *(("node", node.name, _node(network, node)) for node in network.nodes),
    ]
    width = max(len(name) for _, name, _ in table)
    for what, name, text in table:
        yield f"  {what:<7}  {name:<{width}}  {text}"


def missing_files(network: Network) -> Iterator[str]:
    """A note for each certificate file that is not on this machine; edges need them, others not."""
    for index, site in enumerate(network.sites):
        for key, named in (("certificate", site.certificate), ("key", site.key)):
            if named is not None and not network.file(named).is_file():
                yield f"note: site[{index}].{key} is not here: {network.file(named)}"


def _site(site: Site) -> str:
    origins = ", ".join(map(str, site.origins))
    return f"{', '.join(site.hostnames)} from {origins}"


def _region(network: Network, region: Region) -> str:
    edges = [edge.name for edge in network.edges if edge.region == region.name]
    lows = [low.name for low in network.lows if low.region == region.name]
    text = f"edges {', '.join(edges)}; DNS {', '.join(lows)}"
    return f"{text}; clients {', '.join(region.clients)}" if region.clients else text


def _node(network: Network, node: Node) -> str:
    listeners = "; ".join(
        f"{listener} {', '.join(map(str, addresses))}"
        for listener, addresses in node.listen
        if addresses
    )
    workers = "1 worker" if node.workers == 1 else f"{node.workers} workers"
    return f"{node.role:<6}  {listeners}; admin {network.admin_address(node)}; {workers}"
