"""Frozen settings of the mapping room. `deploy/wiring.py` makes them from the network file."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class NameServer:
    """One of our DNS servers, as answers name it."""

    name: str
    """Node name; answers call it `NAME.ns.ZONE`."""
    addresses: tuple[str, ...]
    """Advertised IP addresses (v4 or v6), without port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeServer:
    """An edge that answers may name."""

    name: str
    addresses: tuple[str, ...]
    """IP addresses (v4 or v6) that users connect to."""
    probe_host: str
    """Where its advertised HTTP listener is probed."""
    probe_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Edges that fail over for each other, and the low-level servers they share."""

    name: str
    clients: tuple[str, ...]
    """Prefixes (CIDR) of resolvers that are nearest to this region."""
    servers: tuple[NameServer, ...]
    edges: tuple[EdgeServer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingSettings:
    """All a DNS node's processes need to know."""

    node: str
    tier: Literal["top", "low"]
    region: str | None
    """The region a low-level server belongs to; None for a top-level one."""
    zone: str
    """Without trailing dot, lower-case: `cdn.test`."""
    contact: str
    """Mail address for SOA RNAME."""
    top: tuple[NameServer, ...]
    regions: tuple[Region, ...]
    """In the order of the network file, which breaks ties."""
    delegations: tuple[str, ...]
    """The sites' hostnames inside the zone: `shop.cdn.test`."""
    referral_ttl_s: int = 1800
    answer_ttl_s: int = 20
    referral_regions: int = 2
    """How many regions a referral names."""
    answer_edges: int = 2
    """How many edges an answer names."""
