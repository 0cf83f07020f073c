"""Frozen settings of the origin room. `deploy/wiring.py` makes them from the network file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.config import DEFAULT_LIMITS, DiskSettings, Identity, Limits, ParentAddress, SiteRules


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentSettings:
    """All a parent's processes need to know."""

    node: str
    cdn_id: str
    sites: tuple[SiteRules, ...]
    edges: frozenset[str]
    """DNS names that edges' certificates carry: `NAME.edge.NETWORK.midmile`."""
    identity: Identity
    home: str = ""
    """The node's own run-time folder: the log of purges."""
    parents: tuple[ParentAddress, ...] = ()
    """The other parents, whose purges it follows."""
    nodes: Mapping[str, str] = field(default_factory=dict)
    """The name of each parent and edge, by the DNS name in its certificate."""
    cache_bytes: int = 256 * 1024 * 1024
    disk: DiskSettings | None = None
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """What the demo site's node needs to know."""

    node: str
    home: str
    """The node's own run-time folder: pictures, film, and the number of the release."""
    gzip: bool = True
    """Whether text is compressed for who takes it so."""
    faults: bool = False
    """Whether `/admin/faults` is there."""
