"""What is shown of a running network, as values: the page, the terminal and `--json` have the same.

`chronicle.py` makes them. Rates are a second, over the last seconds; ratios are parts of one;
`recent_hit_ratio` is of the last minute, None where there was no request or there is no cache.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from deploy.overview.topology import LinkKind
from deploy.overview.troubles import Trouble


class Condition(StrEnum):
    """How a node or worker is, in one word for the eye."""

    WELL = "well"
    """It serves."""
    CHANGING = "changing"
    """It starts or drains."""
    PARTLY = "partly"
    """A node serves with fewer workers than it should have."""
    DOWN = "down"
    """It died, and is started again or asleep."""
    AWAY = "away"
    """It has ended as it should."""


class LinkState(StrEnum):
    """What is known of a link."""

    UNTOLD = "untold"
    """Nothing counts what passes here."""
    IDLE = "idle"
    """Nothing passed in the last seconds."""
    FLOWING = "flowing"
    """Requests passed in the last seconds, and were answered."""
    FAILING = "failing"
    """The last attempts failed: the target rests, and others are asked if there are any."""
    CUT = "cut"
    """One of its two ends does not serve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerView:
    """One worker process."""

    state: str
    condition: Condition
    pid: int | None
    restarts: int
    uptime_s: float
    requests: int
    hits: int | None
    hit_ratio: float | None
    requests_per_s: float
    cpu_share: float
    """Of one core."""
    rss_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One node: its keeper's process, and all its processes together."""

    name: str
    role: str
    region: str
    state: str
    condition: Condition
    pid: int | None
    restarts: int
    uptime_s: float
    admin: str
    address: str
    requests: int
    hits: int | None
    hit_ratio: float | None
    recent_hit_ratio: float | None
    errors: int
    requests_per_s: float
    errors_per_s: float
    cpu_share: float
    """Of one core, keeper and workers together."""
    rss_bytes: int
    """Keeper and workers together."""
    keeper_rss_bytes: int
    connections: int
    in_flight: int
    cache_bytes: int
    cache_objects: int
    history: tuple[float, ...]
    """Requests a second, as in `History`."""
    named_by: tuple[str, ...]
    """Low-level DNS servers that may name this edge in answers."""
    left_out_by: tuple[str, ...]
    """Those that may not, since their probes of it failed."""
    workers: tuple[WorkerView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """One link."""

    source: str
    target: str
    kind: LinkKind
    state: LinkState
    answers: int
    failures: int
    requests_per_s: float
    failures_per_s: float
    named: bool | None
    """Whether the asking DNS server may name the edge in answers; None for other links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    """One site at all edges."""

    name: str
    requests: int
    hits: int
    hit_ratio: float | None
    errors: int
    requests_per_s: float
    errors_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsView:
    """The network as its users see it: all edges together."""

    requests: int
    hits: int | None
    hit_ratio: float | None
    recent_hit_ratio: float | None
    errors: int
    requests_per_s: float
    errors_per_s: float
    served_bytes: int
    """Written to users."""
    fetched_bytes: int
    """Read from parents."""
    saved_ratio: float | None
    """Part of what users got that did not cross the middle mile; below 0 where more crossed."""
    served_bytes_per_s: float
    connections: int
    nodes: int
    nodes_well: int
    cpu_share: float
    """Of one core, all nodes together."""
    rss_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The last minutes of all edges together, oldest first."""

    step_s: float
    requests_per_s: tuple[float, ...]
    hit_ratio: tuple[float | None, ...]
    errors_per_s: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TroublesView:
    """Warnings and errors since the supervisor's start."""

    warnings: int
    errors: int
    last: tuple[Trouble, ...]
    """Newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that is shown."""

    network: str
    source: str
    """The network file."""
    version: str
    status: str
    """URL of the status page."""
    time: str
    uptime_s: float
    totals: TotalsView
    nodes: tuple[NodeView, ...]
    links: tuple[LinkView, ...]
    sites: tuple[SiteView, ...]
    history: History
    troubles: TroublesView

    def to_json(self) -> dict[str, Any]:
        """As `midmile status --json` prints it."""
        return asdict(self)
