"""Who asks whom in a network: what the picture of the status page is drawn from.

Values only. `survey.py` makes them from a network file; the shell's tests have none.
"""

from dataclasses import dataclass
from enum import StrEnum


class LinkKind(StrEnum):
    """What passes from one station to another."""

    REFERRAL = "referral"
    """Top-level DNS sends resolvers on; the two never speak, so nothing is counted."""
    PROBE = "probe"
    """Low-level DNS asks an edge for its health, and names it in answers."""
    TUNNEL = "tunnel"
    """An edge fetches through a parent."""
    FETCH = "fetch"
    """A parent asks an origin server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A node, or an origin server that is none of ours."""

    name: str
    role: str
    region: str = ""
    """Of edges and low-level DNS."""
    address: str
    """Where the others find it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One station that asks another."""

    source: str
    target: str
    kind: LinkKind
    counted_as: str
    """What the source's metrics call the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Every station and link of a network."""

    regions: tuple[str, ...] = ()
    stations: tuple[Station, ...] = ()
    links: tuple[Link, ...] = ()
