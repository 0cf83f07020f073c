"""`midmile targets`: every node's admin address, as Prometheus reads targets from a file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.names import Address
from deploy.network import EdgeNode, LowNode, Network, Node, read


def print_targets(path: Path) -> None:
    """Print a network file's targets, for Prometheus' `file_sd_configs` and `http_sd_configs`."""
    print(json.dumps(list(targets(read(path))), indent=2))


def targets(network: Network) -> Iterator[dict[str, Any]]:
    """A group for each node, in the file's order: `targets` (one) and its `labels`."""
    for node in network.nodes:
        labels = {"network": network.name, "node": node.name, "role": str(node.role)}
        if isinstance(node, EdgeNode | LowNode):
            labels["region"] = node.region
        yield {"targets": [str(_asked_at(network, node))], "labels": labels}


def _asked_at(network: Network, node: Node) -> Address:
    """The admin address; of one that is bound everywhere, a name that it accepts in Host."""
    admin = network.admin_address(node)
    if not admin.is_wildcard:
        return admin
    return Address(next(iter(node.admin_hosts), node.name), admin.port)
