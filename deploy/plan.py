"""What the shell must know of a network: nodes, addresses, numbers of workers.

`deploy/wiring.py` makes these values from the network file, and the roles from these values. The
shell knows no role; tests bring a network and a role of their own (`Builders`).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from deploy.layout import NodeFiles, node_home
from deploy.names import Address
from deploy.overview.topology import Topology
from deploy.roles import Keeper, Link, Tell, Worker
from edge.trail import AccessLog

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class Transport(StrEnum):
    """What kind of socket a listener is."""

    TCP = "tcp"
    """A stream socket, already listening when a worker gets it."""
    UDP = "udp"
    """A datagram socket, shared by all workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One name under which a role gets sockets (`http`, `dns-udp`), and their addresses."""

    name: str
    transport: Transport
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """One node, as the shell sees it."""

    name: str
    role: str
    workers: int
    listeners: tuple[Listener, ...]
    admin: Address
    admin_hosts: frozenset[str] = frozenset()
    """Names that the admin port accepts in Host besides the loopback's."""
    drain_s: float = 10.0
    """How long requests in flight may take when the node stops."""
    stop_stage: int = 0
    """Nodes stop in ascending stages, so that what drains still has its upstream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    """All nodes of a network file."""

    name: str
    nodes: tuple[NodePlan, ...]
    status: Address
    """Where the supervisor serves the status page."""
    topology: Topology = field(default_factory=Topology)
    """Who asks whom; empty where nothing is to be drawn."""
    pointers: tuple[tuple[str, str], ...] = ()
    """What to show when the network runs: (for what, address or command)."""
    parsed: object = None
    """The network file as its own reader has it; only the builders look inside."""

    def node(self, name: str) -> NodePlan | None:
        """The node called `name`."""
        return next((node for node in self.nodes if node.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a node process stands: which node, of which network, with which files."""

    network: NetworkPlan
    node: NodePlan
    source: Path
    """The network file; what it names is sought in its folder."""
    state: Path
    crashed: bool = False
    """Whether the keeper's last run was ended by a fault of memory."""

    @property
    def keys(self) -> Path:
        """The node's own key bundle."""
        return NodeFiles(self.state, self.node.name).root

    @property
    def home(self) -> Path:
        """The node's run-time files."""
        return node_home(self.state, self.node.name)

    @property
    def metrics(self) -> Path:
        """What the node's processes count."""
        return self.home / "metrics"


class Builders(Protocol):
    """A module that turns a network file into a plan, and a place into a role."""

    def read_plan(self, text: str, source: Path, state: Path) -> NetworkPlan:
        """The plan in a network file's text; `Refusal` where it is wrong."""

    def prepare_keys(self, network: NetworkPlan, state: Path) -> None:
        """Make the keys that this machine's nodes lack."""

    def build_keeper(self, place: Place, registry: "CollectorRegistry", link: Link) -> Keeper:
        """The keeper of the place's role."""

    def build_worker(
        self, place: Place, registry: "CollectorRegistry", access_log: AccessLog, tell: Tell
    ) -> Worker:
        """A worker of the place's role; `tell` reaches its keeper."""
