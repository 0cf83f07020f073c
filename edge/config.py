"""Frozen settings of the edge room. `deploy/wiring.py` makes them from the network file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginServer:
    """One of the customer's own web servers."""

    scheme: Literal["http", "https"]
    host: str
    port: int

    @property
    def url(self) -> str:
        """`scheme://host:port`, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRules:
    """What the operator wants for one site; `[[site]]` of the network file."""

    name: str
    hostnames: frozenset[str]
    """Lower-case, without port."""
    origins: tuple[OriginServer, ...]
    origin_host: str | None = None
    """Host field, perhaps with a port, that the origin is sent; None: what the user asked for."""
    default_ttl_s: float = 0.0
    """Freshness of a response that states none (only statuses cacheable by default, and not to
    requests with cookies); 0: none."""
    negative_ttl_s: float | None = None
    """The same of errors: 404, 405, 410, 414, 501, any that is `public`; None: as of the others."""
    heuristic_ttl_s: float = 0.0
    """Longest freshness guessed from Last-Modified; 0: none is."""
    stale_ttl_s: float = 86_400.0
    """How long past its freshness a response is served while nobody can be asked."""
    max_ttl_s: float = 31_536_000.0
    """No response is reused without validation for longer."""
    query_parameters: frozenset[str] | None = None
    """Parameters that take part in the cache key; None: the whole query as it came."""
    never_cache: tuple[str, ...] = ()
    """Path patterns (`/cart/*`): `*` matches any run of characters, in either case."""
    store_set_cookie: bool = False
    """Whether a response with Set-Cookie and explicit freshness may be stored."""
    body_bytes: int = 1024 * 1024 * 1024
    """The largest request body that is passed on."""
    harmless_fields: tuple[str, ...] = ()
    """Patterns of lower-case names: request fields besides the usual ones that change no answer."""


HOP_ROOM_BYTES = 8 * 1024
"""For what a node of ours adds to a head, 1xx heads before it included."""

HOP_ROOM_FIELDS = 24
"""A node of ours adds about ten."""

CONNECTIONS_PER_COPY = 8

HOP_PATIENCE = 10
"""A node of ours waits so much longer for another one, which may itself wait for a slow client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Every bound of an HTTP listener and the fetches behind it."""

    head_bytes: int = 32_768
    """A request or response head. Cookies of 16 KB exist; twice that is room enough."""
    header_count: int = 100
    target_bytes: int = 8_192
    """RFC 9110 4.1 recommends at least 8,000."""
    head_timeout_s: float = 10.0
    """From a head's first byte to its empty line: a slow head is an attack or a dead client."""
    idle_timeout_s: float = 75.0
    """A keep-alive connection between two requests."""
    body_stall_s: float = 30.0
    """Longest pause between two pieces of a request body."""
    write_stall_s: float = 60.0
    """Longest time in which a client takes none of what is written to it."""
    least_bytes_s: float = 500.0
    """A request's body must come, and an answer be taken, at this average rate; 0: at any. A tenth
    of what the slowest mobile networks do."""
    slack_s: float = 60.0
    """So far a transfer may fall behind that rate."""
    connect_timeout_s: float = 3.0
    answer_timeout_s: float = 60.0
    """From a request's end to the response's head: above it the user has left."""
    read_stall_s: float = 60.0
    """Longest pause between two pieces of an upstream body."""
    connections: int = 8_000
    """Of clients, per worker; half of a usual 20,000-descriptor limit, upstreams need theirs."""
    connections_per_client: int = 1_000
    """Of one address, or one /64 of IPv6. Thousands of people share an address, each with a few
    connections to all workers together; seven such addresses can still not keep others out."""
    uploads_per_client: int = 100
    """Request bodies of one address that are passed on before they are whole: each takes an
    upstream connection. Others wait for their turn, or until they are whole."""
    upstream_connections: int = 4_000
    """Half of the clients may be uploading, listening to events or reading slowly at a time."""
    object_bytes: int = 16 * 1024 * 1024
    """Larger bodies are streamed and not stored."""
    drain_s: float = 10.0
    """Requests in flight get this long to finish when a node stops."""

    @property
    def copies(self) -> int:
        """Of large bodies that are often sent, each an open file (`edge.aio.copies`)."""
        return self.connections // CONNECTIONS_PER_COPY

    def roomier(self) -> "Limits":
        """For heads from a node of ours: what passed there must pass here, with what it added."""
        return replace(
            self,
            head_bytes=self.head_bytes + HOP_ROOM_BYTES,
            header_count=self.header_count + HOP_ROOM_FIELDS,
        )

    def patient(self) -> "Limits":
        """For a listener whose clients are nodes of ours, each with many clients of its own.

        The node has judged how slow its client may be. What waits here for that client it takes
        in large pieces, whenever its own buffers have run empty, so pauses are longer.
        """
        return replace(
            self.roomier(),
            body_stall_s=self.body_stall_s * HOP_PATIENCE,
            write_stall_s=self.write_stall_s * HOP_PATIENCE,
            least_bytes_s=0.0,
            connections_per_client=self.connections,
            uploads_per_client=self.connections,
        )


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Files of a node's key bundle: its tunnel certificate, key, and the CA certificates."""

    certificate: str
    key: str
    authorities: str
    """PEM of one CA, or two while keys are rotated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """A certificate chain and its key, PEM files."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentAddress:
    """Where an edge finds a parent, and the name its certificate must carry."""

    name: str
    host: str
    port: int
    identity: str
    """DNS name in the parent's certificate: `NAME.parent.NETWORK.midmile`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSettings:
    """A node's store on disk."""

    folder: str
    budget_bytes: int
    """Of what is stored, with what that takes in the index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """All an edge's processes need to know."""

    node: str
    cdn_id: str
    """Our name in CDN-Loop (RFC 8586)."""
    sites: tuple[SiteRules, ...]
    parents: tuple[ParentAddress, ...]
    identity: Identity
    site_certificates: Mapping[str, CertificateFiles] = field(default_factory=dict)
    """By site name."""
    cache_bytes: int = 256 * 1024 * 1024
    """Budget of one worker's memory store."""
    disk: DiskSettings | None = None
    """The store that its workers share; None: there is none."""
    limits: Limits = DEFAULT_LIMITS
