"""Puts the rooms together: the `Builders` of real networks.

Each role is imported by the function that builds it: a DNS server's process then holds no HTTP
server, and twenty processes start on a small machine in the time of their own imports.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, cast

from prometheus_client import CollectorRegistry

from deploy.exits import ExitCode, Refusal
from deploy.layout import KeyRoom, shown
from deploy.network import (
    EdgeNode,
    LowNode,
    Network,
    Node,
    OriginNode,
    ParentNode,
    Role,
    TopNode,
    load,
)
from deploy.plan import (
    Listener,
    NetworkPlan,
    NodePlan,
    Place,
    Transport,
)
from deploy.roles import Keeper, Link, Message, Tell, Worker
from edge.trail import AccessLog

if TYPE_CHECKING:
    from deploy.keys import KeyPlan

log = logging.getLogger("midmile.deploy")

DNS_DRAIN_S = 2.0
HTTP_DRAIN_S = 10.0
_STOP_STAGES = {Role.TOP: 0, Role.LOW: 0, Role.EDGE: 1, Role.PARENT: 2, Role.ORIGIN: 3}
"""Those who ask stop before those whom they ask; low-level servers ask edges how they are."""


def read_plan(text: str, source: Path, state: Path) -> NetworkPlan:
    """The plan in a network file's text; `Refusal` where it is wrong."""
    from deploy.commands.pointers import pointers
    from deploy.overview.survey import survey

    network = load(text, str(source))
    return NetworkPlan(
        name=network.name,
        nodes=tuple(_node_plan(network, node) for node in network.nodes),
        status=network.about.status,
        topology=survey(network),
        pointers=pointers(network, source, state),
        parsed=network,
    )


def _node_plan(network: Network, node: Node) -> NodePlan:
    return NodePlan(
        name=node.name,
        role=node.role.value,
        workers=node.workers,
        listeners=tuple(
            Listener(
                name=name,
                transport=Transport.UDP if name.endswith("-udp") else Transport.TCP,
                addresses=addresses,
            )
            for name, addresses in node.sockets().items()
        ),
        admin=network.admin_address(node),
        admin_hosts=frozenset(node.admin_hosts),
        drain_s=DNS_DRAIN_S if isinstance(node, TopNode | LowNode) else HTTP_DRAIN_S,
        stop_stage=_STOP_STAGES[node.role],
    )


def prepare_keys(network: NetworkPlan, state: Path) -> None:
    """Make the keys that are missing or due, and say so."""
    from datetime import UTC, datetime

    from deploy.keys import Action, ensure

    report = ensure(state, key_plan(_parsed(network)), datetime.now(UTC))
    if report.changed:
        made, renewed = len(report.of(Action.MADE)), len(report.of(Action.RENEWED))
        log.info(
            "made %d key files, renewed %d; certificate of the network's CA: %s",
            made,
            renewed,
            shown(KeyRoom(state).ca_crt),
            extra={"event": "keys-made"},
        )


def key_plan(network: Network) -> "KeyPlan":
    """For whom keys are made; `Refusal` where certificates cannot carry a name."""
    from deploy.keys import KeyPlan, NodeKeys, SiteKeys

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


def build_keeper(place: Place, registry: CollectorRegistry, link: Link) -> Keeper:
    """The keeper of a place's role."""
    network, node = _standing(place)
    if isinstance(node, EdgeNode | ParentNode):
        _require_keys(place, network)
    if isinstance(node, EdgeNode) and node.listen.https:
        _require_certificates(network)
    match node:
        case EdgeNode():
            from deploy.settings import edge_settings
            from edge.aio.disk.keeper import DiskKeeper
            from edge.aio.keeper import EdgeKeeper
            from edge.metrics import DiskMetrics, PurgeMetrics

            edge = edge_settings(network, node, place.state)
            disk = DiskKeeper(edge.disk, DiskMetrics(registry), link, distrusted=place.crashed)
            return EdgeKeeper(edge, PurgeMetrics(registry), link, disk)
        case ParentNode():
            from deploy.settings import parent_settings
            from edge.aio.disk.keeper import DiskKeeper
            from edge.metrics import DiskMetrics
            from origin.aio.keeper import ParentKeeper
            from origin.metrics import PurgeLogMetrics

            parent = parent_settings(network, node, place.state)
            disk = DiskKeeper(
                parent.disk, DiskMetrics(registry, "origin"), link, distrusted=place.crashed
            )
            return ParentKeeper(parent, PurgeLogMetrics(registry), link, disk)
        case OriginNode():
            return IdleKeeper()
        case _:
            from deploy.settings import mapping_settings
            from mapping.aio.keeper import MappingKeeper
            from mapping.metrics import MappingMetrics

            return MappingKeeper(
                mapping_settings(network, node), MappingMetrics(registry), link.tell
            )


def build_worker(
    place: Place,
    registry: CollectorRegistry,
    access_log: AccessLog,
    tell: Tell,
) -> Worker:
    """A worker of a place's role."""
    network, node = _standing(place)
    match node:
        case EdgeNode():
            from deploy.settings import edge_settings
            from edge.aio.worker import EdgeWorker
            from edge.metrics import EdgeMetrics

            edge = edge_settings(network, node, place.state)
            return EdgeWorker(edge, EdgeMetrics(registry), access_log, tell)
        case ParentNode():
            from deploy.settings import parent_settings
            from edge.metrics import EdgeMetrics
            from origin.aio.worker import ParentWorker

            parent = parent_settings(network, node, place.state)
            return ParentWorker(parent, EdgeMetrics(registry, "origin"), access_log, tell)
        case OriginNode():
            from deploy.settings import site_settings
            from origin.aio.site.worker import SiteWorker
            from origin.metrics import SiteMetrics

            return SiteWorker(site_settings(node, place.home), SiteMetrics(registry))
        case _:
            from deploy.settings import mapping_settings
            from mapping.aio.worker import MappingWorker
            from mapping.metrics import MappingMetrics

            return MappingWorker(mapping_settings(network, node), MappingMetrics(registry))


def _require_keys(place: Place, network: Network) -> None:
    """Refuse to run with a bundle that is missing, damaged or another node's."""
    from datetime import UTC, datetime

    from deploy.keys import check_node

    warnings = check_node(place.state, key_plan(network), place.node.name, datetime.now(UTC))
    for warning in warnings:
        log.warning("%s", warning, extra={"event": "keys-warning"})


def _require_certificates(network: Network) -> None:
    """Refuse certificate files of the operator's own that cannot be used."""
    import ssl

    for site in network.sites:
        if site.certificate is None or site.key is None:
            continue
        pair = network.file(site.certificate), network.file(site.key)
        try:
            for path in pair:
                path.read_bytes()
            # An empty password, so that nobody is asked for one.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*pair, password="")
        except ssl.SSLError as error:
            what = f"{shown(pair[0])} and {shown(pair[1])} are no certificate with its key"
            why = (error.reason or str(error)).lower().replace("_", " ")
            raise Refusal(f"site {site.name}: {what} ({why})", ExitCode.USAGE) from None
        except OSError as error:
            file, why = shown(Path(error.filename)), str(error.strerror).lower()
            raise Refusal(f"site {site.name}: cannot read {file}: {why}", ExitCode.USAGE) from None


class IdleKeeper:
    """The keeper of a role that has nothing to do once per node."""

    async def start(self) -> None:
        """Nothing to begin."""

    async def stop(self) -> None:
        """Nothing to end."""

    def receive(self, worker: int, message: Message) -> None:
        """Its workers say nothing."""

    def worker_died(self, how: str) -> None:
        """It had told it nothing."""

    def greeting(self) -> Message | None:
        """Its workers need not know anything."""
        return None

    async def purge(self, asked: Message) -> Message | None:  # noqa: ARG002
        """It numbers no purges."""
        return None


def _parsed(network: NetworkPlan) -> Network:
    return cast("Network", network.parsed)


def _standing(place: Place) -> tuple[Network, Node]:
    network = _parsed(place.network)
    return network, network.node(place.node.name)
