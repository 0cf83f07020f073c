"""The tables of a network file, and the network they make up.

Each field's description is what `docs/network-file.md` and error messages say about its key. A
model holds the file's values already read (seconds, bytes, addresses) with defaults filled in.
What must hold between tables is checked in `references.py`.
"""

import os
from collections.abc import Mapping
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from deploy.names import NETWORK_NAME_MAX, Address, identity_name
from deploy.network.hosts import (
    AddressKind,
    HostKind,
    HostPortKind,
    Origin,
    OriginKind,
    PrefixKind,
)
from deploy.network.texts import (
    CountKind,
    FileKind,
    LabelKind,
    MailKind,
    PatternKind,
    QueryKind,
    SwitchKind,
    TokenKind,
)
from deploy.network.units import DurationKind, SizeKind

MOST_LISTENERS = 16
"""Addresses per listener; each is a socket in every worker."""

MOST_WORKERS = 128
"""More processes than a machine for edges has cores."""

MOST_CONNECTIONS = 8_000
"""What a worker takes of all clients together (`edge.config.Limits`)."""

Label = Annotated[str, LabelKind()]
NetworkLabel = Annotated[str, LabelKind(most=NETWORK_NAME_MAX)]
Token = Annotated[str, TokenKind()]
Mail = Annotated[str, MailKind()]
Host = Annotated[str, HostKind()]
HostPort = Annotated[str, HostPortKind()]
Zone = Annotated[str, HostKind(addresses=False)]
FilePath = Annotated[str, FileKind()]
Prefix = Annotated[str, PrefixKind()]
OriginUrl = Annotated[Origin, OriginKind()]
Query = Annotated[frozenset[str] | None, QueryKind()]
PathPattern = Annotated[str, PatternKind()]
Ttl = Annotated[float, DurationKind()]
ReferralTtl = Annotated[float, DurationKind(least="1s", most="7d", whole=True)]
AnswerTtl = Annotated[float, DurationKind(least="1s", most="1d", whole=True)]
Memory = Annotated[int, SizeKind()]
Disk = Annotated[int, SizeKind(least="0MiB", most="16384GiB")]
Workers = Annotated[int, CountKind(least=1, most=MOST_WORKERS)]
Connections = Annotated[int, CountKind(least=1, most=MOST_CONNECTIONS)]
Switch = Annotated[bool, SwitchKind()]
ListenAddress = Annotated[Address, AddressKind()]
PublicAddress = Annotated[Address, AddressKind(reachable=True)]
NamedAddress = Annotated[Address, AddressKind(reachable=True, names=True)]
Listeners = Annotated[tuple[ListenAddress, ...], Field(min_length=1, max_length=MOST_LISTENERS)]

Sockets = Mapping[str, tuple[Address, ...]]
"""Addresses to bind, by listener name."""


class Role(StrEnum):
    """What a node is for."""

    EDGE = "edge"
    """Serves users, and keeps what it may."""
    PARENT = "parent"
    """Stands beside the origins; edges fetch through it."""
    ORIGIN = "origin"
    """The demo shop, an origin to try things with."""
    TOP = "top"
    """Top-level DNS: chooses regions, with answers that live long."""
    LOW = "low"
    """Low-level DNS of a region: chooses edges, with answers that live seconds."""


class Table(BaseModel):
    """A table of the file: known keys only, never changed once read."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class About(Table):
    """The network as a whole."""

    name: NetworkLabel = Field(
        description="Name of the network, as certificates and the CDN-Loop field carry it."
    )
    zone: Zone = Field(description="DNS zone that the top-level servers answer for.")
    contact: Mail = Field(
        description="Mail address of who runs the zone; published in its SOA record."
    )
    admin: ListenAddress = Field(
        default=Address("127.0.0.1", 8900),
        description="First admin address (metrics, health). Nodes without `admin` of their own "
        "take this port and the next ones, in the file's order.",
    )
    status: ListenAddress = Field(
        default=Address("127.0.0.1", 8899),
        description="Where `midmile up` serves its status page.",
    )
    cdn_id: Token | None = Field(
        default=None,
        description="What this network calls itself in CDN-Loop (RFC 8586).",
        json_schema_extra={"default": '`"midmile-"` and the name'},
    )
    referral_ttl: ReferralTtl = Field(
        default=1800.0, description="How long resolvers keep the choice of regions."
    )
    answer_ttl: AnswerTtl = Field(
        default=20.0, description="How long resolvers and users keep the choice of edges."
    )


class Pages(Table):
    """What is done to a site's pages. Read and checked now; later versions act on it."""

    prefetch: Switch = Field(
        default=False, description="Fetch what a page embeds before browsers ask for it."
    )
    esi: Switch = Field(default=False, description="Assemble pages from fragments (ESI).")
    delta: Switch = Field(
        default=False, description="Send only what changed since an older version."
    )
    identity_cookie: Token | None = Field(
        default=None,
        description="Cookie by which the site's own servers tell users apart, declared to midmile "
        "for pages kept per user; it changes nothing at the servers.",
    )


class Site(Table):
    """A customer's web site."""

    name: Label = Field(description="Name of the site in logs and metrics.")
    hostnames: Annotated[tuple[Host, ...], Field(min_length=1)] = Field(
        description="Host names that lead to this site, without port. Those inside the zone are "
        "answered by this network's DNS; point others at one of those with a CNAME."
    )
    origins: Annotated[tuple[OriginUrl, ...], Field(min_length=1)] = Field(
        description="The site's own web servers."
    )
    host: HostPort | None = Field(
        default=None,
        description="Host field that the origin is sent.",
        json_schema_extra={"default": "what the user asked for"},
    )
    default_ttl: Ttl = Field(
        default=0.0,
        description='Freshness of a response that states none; `"0s"` asks the origin each time, '
        "as is done for visitors with cookies unless the response is `public`.",
    )
    negative_ttl: Ttl | None = Field(
        default=None,
        description="Freshness of an error that states none: 404, 405, 410, 414, 501, and any that "
        "is `public`. A few seconds spare the origin and hide nothing for long.",
        json_schema_extra={"default": "as `default_ttl`"},
    )
    heuristic_ttl: Ttl = Field(
        default=0.0,
        description="Longest freshness guessed where none is stated: a tenth of the time since "
        'Last-Modified, and never with cookies. `"0s"` guesses nothing.',
    )
    stale_ttl: Ttl = Field(
        default=86_400.0,
        description="How long past its freshness a response is served while the origin cannot be "
        "reached, unless its directives forbid it (`must-revalidate`, `s-maxage`); "
        '`"0s"`: not at all.',
    )
    max_ttl: Ttl = Field(
        default=365 * 86_400.0,
        description="No response is used for longer without asking the origin.",
    )
    query: Query = Field(
        default=None,
        description="Which query parameters make a different object: all, none, or those listed.",
        json_schema_extra={"default": '`"all"`'},
    )
    never_cache: tuple[PathPattern, ...] = Field(
        default=(),
        description="Paths whose responses are never stored, however they are spelt; `*` is any "
        "run. `/account/*` is for `/account` too, `/account` for nothing beneath it.",
    )
    store_set_cookie: Switch = Field(
        default=False,
        description="Store responses with Set-Cookie if the origin states a lifetime. Every user "
        "then gets the same cookie.",
    )
    largest_request: Memory = Field(
        default=1024 * 1024 * 1024,
        description="The largest request body; what is larger gets 413.",
    )
    harmless_fields: tuple[Token, ...] = Field(
        default=(),
        description="Request fields that change no response; `*` is any run. A response to a "
        "request with a field that is unusual among visitors is stored only if the field stands "
        'here or in the response\'s Vary; `["*"]` stores them all.',
    )
    certificate: FilePath | None = Field(
        default=None,
        description="Certificate chain (PEM) for the host names.",
        json_schema_extra={"default": "one from the network's own CA"},
    )
    key: FilePath | None = Field(
        default=None,
        description="Private key (PEM) of `certificate`; both or none.",
        json_schema_extra={"default": "with `certificate`"},
    )
    pages: Pages = Field(default=Pages(), description="What is done to pages; see `[site.pages]`.")


class Region(Table):
    """Edges that fail over for each other, with the low-level DNS servers they share."""

    name: Label = Field(description="Name of the region; nodes refer to it.")
    clients: tuple[Prefix, ...] = Field(
        default=(),
        description="Prefixes of resolvers and users that are nearest to this region; the longest "
        "match counts. Others get the regions in the file's order.",
    )


class EdgeListen(Table):
    """Where an edge serves users."""

    http: Listeners = Field(description="HTTP addresses; health probes come here too.")
    https: Annotated[tuple[ListenAddress, ...], Field(max_length=MOST_LISTENERS)] = Field(
        default=(), description="HTTPS addresses."
    )


class EdgeAdvertise(Table):
    """Where users find an edge. One IP address, since an answer of the DNS carries no more."""

    http: PublicAddress = Field(
        description="Address that DNS answers name and health probes use.",
        json_schema_extra={"default": "the first of `listen.http`"},
    )
    https: PublicAddress | None = Field(
        default=None,
        description="The same for HTTPS; same IP address as `http`.",
        json_schema_extra={"default": "the first of `listen.https`"},
    )


class ParentListen(Table):
    """Where a parent waits for edges."""

    tunnel: Listeners = Field(description="Addresses of the tunnel.")


class ParentAdvertise(Table):
    """Where edges find a parent."""

    tunnel: NamedAddress = Field(
        description="Address or host name that edges connect to.",
        json_schema_extra={"default": "the first of `listen.tunnel`"},
    )


class OriginListen(Table):
    """Where the demo shop serves."""

    http: Listeners = Field(description="HTTP addresses.")


class DnsListen(Table):
    """Where a DNS server answers."""

    dns: Listeners = Field(description="Addresses, each bound for UDP and TCP.")


class DnsAdvertise(Table):
    """Where resolvers find a DNS server."""

    dns: PublicAddress = Field(
        description="Address that referrals name. Resolvers of the world ask port 53 only.",
        json_schema_extra={"default": "the first of `listen.dns`"},
    )


class NodeTable(Table):
    """What nodes of all roles have."""

    name: Label = Field(description="Name of the node; `midmile node NAME` runs it.")
    role: Role = Field(description="What the node is for.")
    listen: Table = Field(description="Where it binds.")
    workers: Workers = Field(default=1, description="Processes that serve.")
    admin: ListenAddress | None = Field(
        default=None,
        description="Address of metrics, health and administration.",
        json_schema_extra={"default": "the next port from `network.admin`"},
    )
    admin_hosts: tuple[Host, ...] = Field(
        default=(),
        description="Names besides the loopback ones under which the admin address is asked.",
    )


class AdvertisingNode(NodeTable):
    """A node that others are told of: by default at its first address of each listener."""

    @field_validator("advertise", mode="before", check_fields=False)
    @classmethod
    def _first_listener(cls, given: object, info: ValidationInfo) -> object:
        if not isinstance(given, dict):
            return given
        listen: Table | None = info.data.get("listen")
        first = {name: addresses[0] for name, addresses in listen or () if addresses}
        return first | given


def _cores() -> int:
    return min(len(os.sched_getaffinity(0)), MOST_WORKERS)


_DISK = (
    "Room in the state folder for what is asked for more than once, kept over a restart. The files "
    "of many small responses are up to twice as large. `0MiB`: none."
)


class EdgeNode(AdvertisingNode):
    """A node that serves users."""

    role: Literal[Role.EDGE] = Field(description="`edge`.")
    region: Label = Field(description="Region it belongs to.")
    listen: EdgeListen = Field(description="Where it binds.")
    advertise: EdgeAdvertise = Field(
        default_factory=dict, validate_default=True, description="What others are told."
    )
    cache: Memory = Field(default=256 * 2**20, description="Memory of each worker's store.")
    disk: Disk = Field(default=2**30, description=_DISK)
    connections_per_client: Connections = Field(
        default=1_000,
        description="Connections of one address (of IPv6: of one /64) to each worker, which takes "
        "8,000 in all. More are needed behind a proxy or balancer that hides its clients.",
    )
    workers: Workers = Field(
        default_factory=_cores,
        description="Processes that serve.",
        json_schema_extra={"default": "one per CPU"},
    )

    def sockets(self) -> Sockets:
        """The addresses to bind: `http`, `https`."""
        return {"http": self.listen.http, "https": self.listen.https}


class ParentNode(AdvertisingNode):
    """A node beside the origins."""

    role: Literal[Role.PARENT] = Field(description="`parent`.")
    listen: ParentListen = Field(description="Where it binds.")
    advertise: ParentAdvertise = Field(
        default_factory=dict, validate_default=True, description="What others are told."
    )
    cache: Memory = Field(default=256 * 2**20, description="Memory of each worker's store.")
    disk: Disk = Field(default=2**30, description=_DISK)

    def sockets(self) -> Sockets:
        """The addresses to bind: `tunnel`."""
        return {"tunnel": self.listen.tunnel}


class OriginNode(NodeTable):
    """A node that is the demo shop."""

    role: Literal[Role.ORIGIN] = Field(description="`origin`.")
    listen: OriginListen = Field(description="Where it binds.")
    gzip: Switch = Field(
        default=True, description="Compress text for clients that take it, as most origins do."
    )
    faults: Switch = Field(
        default=False,
        description="Fail on demand, for tests: anyone who reaches `/admin/faults` can break it.",
    )

    def sockets(self) -> Sockets:
        """The addresses to bind: `http`."""
        return {"http": self.listen.http}


class DnsNode(AdvertisingNode):
    """What DNS servers of both tiers have."""

    listen: DnsListen = Field(description="Where it binds.")
    advertise: DnsAdvertise = Field(
        default_factory=dict, validate_default=True, description="What others are told."
    )

    def sockets(self) -> Sockets:
        """The addresses to bind: `dns-udp`, `dns-tcp`."""
        return {"dns-udp": self.listen.dns, "dns-tcp": self.listen.dns}


class TopNode(DnsNode):
    """A top-level DNS server."""

    role: Literal[Role.TOP] = Field(description="`top`.")


class LowNode(DnsNode):
    """A low-level DNS server."""

    role: Literal[Role.LOW] = Field(description="`low`.")
    region: Label = Field(description="Region it belongs to.")


Node = EdgeNode | ParentNode | OriginNode | TopNode | LowNode


class Network(Table):
    """A network: all that one file describes."""

    about: About = Field(alias="network", description="The network as a whole; once.")
    sites: tuple[Site, ...] = Field(alias="site", min_length=1, description="One per web site.")
    regions: tuple[Region, ...] = Field(alias="region", min_length=1, description="One per region.")
    nodes: tuple[Annotated[Node, Field(discriminator="role")], ...] = Field(
        alias="node", min_length=1, description="One per node."
    )
    _folder: Path = PrivateAttr(default=Path())

    @property
    def name(self) -> str:
        """The network's name."""
        return self.about.name

    @property
    def zone(self) -> str:
        """The DNS zone, lower-case, without trailing dot."""
        return self.about.zone

    @property
    def cdn_id(self) -> str:
        """Our name in CDN-Loop (RFC 8586)."""
        return self.about.cdn_id or f"midmile-{self.name}"

    @property
    def edges(self) -> tuple[EdgeNode, ...]:
        """The edges, in the file's order."""
        return tuple(node for node in self.nodes if isinstance(node, EdgeNode))

    @property
    def parents(self) -> tuple[ParentNode, ...]:
        """The parents, in the file's order."""
        return tuple(node for node in self.nodes if isinstance(node, ParentNode))

    @property
    def tops(self) -> tuple[TopNode, ...]:
        """The top-level DNS servers, in the file's order."""
        return tuple(node for node in self.nodes if isinstance(node, TopNode))

    @property
    def lows(self) -> tuple[LowNode, ...]:
        """The low-level DNS servers, in the file's order."""
        return tuple(node for node in self.nodes if isinstance(node, LowNode))

    def nodes_of(self, role: str) -> tuple[Node, ...]:
        """The nodes of a role, in the file's order."""
        return tuple(node for node in self.nodes if node.role == role)

    def node(self, name: str) -> Node:
        """The node of that name; KeyError without one."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    @property
    def admin_addresses(self) -> tuple[Address, ...]:
        """Where each node's admin listener binds: its own address, or the next port in turn."""
        host, first = self.about.admin
        ports = count(first)
        return tuple(node.admin or Address(host, next(ports)) for node in self.nodes)

    def admin_address(self, node: Node) -> Address:
        """Where a node's admin listener binds."""
        names = [other.name for other in self.nodes]
        return self.admin_addresses[names.index(node.name)]

    def identity_name(self, node: Node) -> str:
        """The DNS name that a node's tunnel certificate carries."""
        return identity_name(self.name, node.role, node.name)

    def file(self, path: str) -> Path:
        """A file that the network file names, relative to its folder."""
        return self._folder / path


def network_of(document: Mapping[str, Any], folder: Path) -> Network:
    """The network that a parsed file describes; pydantic's ValidationError if it does not."""
    network = Network.model_validate(document)
    network._folder = folder  # noqa: SLF001 - set once, here
    return network
