"""Puts the rooms together: the `Builders` of real networks.

Each role is imported by the function that builds it: a DNS server's process then holds no HTTP
server, and twenty processes start on a small machine in the time of their own imports.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, cast

from prometheus_client import CollectorRegistry

from deploy.exits import ExitCode, Refusal
from deploy.network import (
    EdgeNode,
    LowNode,
    Network,
    NetworkFileError,
    Node,
    OriginNode,
    ParentNode,
    Role,
    TopNode,
    load,
)
from deploy.plan import (
    AccessLog,
    Address,
    Listener,
    NetworkPlan,
    NodePlan,
    Place,
    Transport,
)
from deploy.roles import Keeper, Message, Tell, Worker

if TYPE_CHECKING:
    from deploy.keys import KeyPlan

log = logging.getLogger("midmile.deploy")

DNS_DRAIN_S = 2.0
HTTP_DRAIN_S = 10.0
_STOP_STAGES = {Role.EDGE: 0, Role.TOP: 0, Role.LOW: 0, Role.PARENT: 1, Role.ORIGIN: 2}
"""Those who ask stop before those whom they ask."""


def read_plan(text: str, source: Path, state: Path) -> NetworkPlan:
    """The plan in a network file's text; `Refusal` where it is wrong."""
    from deploy.pointers import pointers

    try:
        network = load(text, str(source))
    except NetworkFileError as error:
        raise Refusal(str(error), ExitCode.USAGE) from None
    return NetworkPlan(
        name=network.name,
        nodes=tuple(_node_plan(network, node) for node in network.nodes),
        pointers=pointers(network, state),
        parsed=network,
    )


def _node_plan(network: Network, node: Node) -> NodePlan:
    host, port = network.admin_address(node)
    return NodePlan(
        name=node.name,
        role=node.role.value,
        workers=node.workers,
        listeners=tuple(
            Listener(
                name=name,
                transport=Transport.UDP if name.endswith("-udp") else Transport.TCP,
                addresses=tuple(Address(host=host, port=port) for host, port in addresses),
            )
            for name, addresses in node.sockets().items()
        ),
        admin=Address(host=host, port=port),
        admin_hosts=frozenset(node.admin_hosts),
        drain_s=DNS_DRAIN_S if isinstance(node, TopNode | LowNode) else HTTP_DRAIN_S,
        stop_stage=_STOP_STAGES[node.role],
    )


def prepare_keys(network: NetworkPlan, source: Path, state: Path) -> None:  # noqa: ARG001
    """Make the keys that are missing or due."""
    from datetime import UTC, datetime

    from deploy.keys import KeysError, ensure

    try:
        ensure(state, key_plan(_parsed(network)), datetime.now(UTC))
    except KeysError as error:
        raise Refusal(str(error), ExitCode.USAGE) from None


def key_plan(network: Network) -> "KeyPlan":
    """For whom keys are made."""
    from deploy.keys import KeyPlan, KeysError, NodeKeys, SiteKeys

    try:
        sites = tuple(
            SiteKeys(
                name=site.name,
                hostnames=site.hostnames,
                certificate_configured=site.certificate is not None,
            )
            for site in network.sites
        )
        nodes = tuple(
            NodeKeys(
                name=node.name,
                role=node.role.value,
                sites=sites if isinstance(node, EdgeNode) else (),
            )
            for node in network.nodes
        )
        return KeyPlan(network=network.name, nodes=nodes)
    except KeysError as error:
        raise Refusal(str(error), ExitCode.USAGE) from None


def build_keeper(place: Place, registry: CollectorRegistry, tell: Tell) -> Keeper:
    """The keeper of a place's role."""
    network, node = _standing(place)
    if isinstance(node, EdgeNode | ParentNode):
        _require_keys(place, network)
    match node:
        case EdgeNode() | ParentNode() | OriginNode():
            return IdleKeeper()
        case _:
            from deploy.settings import mapping_settings
            from mapping.aio.keeper import MappingKeeper
            from mapping.metrics import MappingMetrics

            return MappingKeeper(mapping_settings(network, node), MappingMetrics(registry), tell)


def build_worker(
    place: Place,
    registry: CollectorRegistry,
    access_log: AccessLog,
    tell: Tell,  # noqa: ARG001  no role's worker speaks to its keeper yet
) -> Worker:
    """A worker of a place's role."""
    network, node = _standing(place)
    match node:
        case EdgeNode():
            from deploy.settings import edge_settings
            from edge.aio.worker import EdgeWorker
            from edge.metrics import EdgeMetrics

            edge = edge_settings(network, node, place.state)
            return EdgeWorker(edge, EdgeMetrics(registry), access_log)
        case ParentNode():
            from deploy.settings import parent_settings
            from edge.metrics import EdgeMetrics
            from origin.aio.worker import ParentWorker

            parent = parent_settings(network, node, place.state)
            return ParentWorker(parent, EdgeMetrics(registry, "origin"), access_log)
        case OriginNode():
            from deploy.settings import site_settings
            from origin.aio.site.worker import SiteWorker

            return SiteWorker(site_settings(node))
        case _:
            from deploy.settings import mapping_settings
            from mapping.aio.worker import MappingWorker
            from mapping.metrics import MappingMetrics

            return MappingWorker(mapping_settings(network, node), MappingMetrics(registry))


def _require_keys(place: Place, network: Network) -> None:
    """Refuse to run with a bundle that is missing, damaged or another node's."""
    from datetime import UTC, datetime

    from deploy.keys import KeysError, check_node

    try:
        warnings = check_node(place.state, key_plan(network), place.node.name, datetime.now(UTC))
    except KeysError as error:
        raise Refusal(str(error), ExitCode.USAGE) from None
    for warning in warnings:
        log.warning("%s", warning, extra={"event": "keys-warning"})


class IdleKeeper:
    """The keeper of a role that has nothing to do once per node."""

    async def start(self) -> None:
        """Nothing to begin."""

    async def stop(self) -> None:
        """Nothing to end."""

    def receive(self, worker: int, message: Message) -> None:
        """Its workers say nothing."""

    def greeting(self) -> Message | None:
        """Its workers need not know anything."""
        return None


def _parsed(network: NetworkPlan) -> Network:
    return cast("Network", network.parsed)


def _standing(place: Place) -> tuple[Network, Node]:
    network = _parsed(place.network)
    return network, network.node(place.node.name)
