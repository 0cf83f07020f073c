"""What a node has done since its start, for its heartbeat: read from its processes' counters.

It runs once a second in every keeper, so it reads counters and gauges but no histogram, and takes
each series' name apart only once.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from deploy.roles import Message
from deploy.telemetry import files

_HITS = frozenset({"hit", "stale"})
"""Verdicts by which nobody waits for an upstream."""
_SERIES = 4096
"""Names taken apart that are kept; a busy edge with a dozen sites has some hundreds."""


@dataclass(slots=True)
class Counts:
    """Requests (at DNS nodes: queries) and what became of them."""

    requests: int = 0
    hits: int | None = None
    """None for a role that has no cache."""
    errors: int = 0
    """Answers of 500 and above, and SERVFAIL."""

    def add(self, number: int, labels: Mapping[str, str]) -> None:
        """Count requests that ended alike."""
        self.requests += number
        if "verdict" in labels:
            self.hits = (self.hits or 0) + (number if labels["verdict"] in _HITS else 0)
        if labels.get("status", "").startswith("5") or labels.get("kind") == "servfail":
            self.errors += number

    def to_json(self) -> Message:
        """For a heartbeat."""
        return {"requests": self.requests, "hits": self.hits, "errors": self.errors}


@dataclass(slots=True)
class Upstream:
    """How often one upstream was asked; at low-level DNS: one edge probed."""

    answers: int = 0
    failures: int = 0
    failing: int = 0
    """Workers whose last attempt failed."""
    named: bool | None = None
    """Whether low-level DNS may name the edge; None for other upstreams."""

    def to_json(self) -> Message:
        """For a heartbeat."""
        return asdict(self)


@dataclass(slots=True)
class Traffic:
    """What a node has done, and what it has open."""

    total: Counts = field(default_factory=Counts)
    processes: dict[str, Counts] = field(default_factory=dict)
    """By process: `worker-0`."""
    sites: dict[str, Counts] = field(default_factory=dict)
    upstreams: dict[str, Upstream] = field(default_factory=dict)
    served_bytes: int = 0
    """Written to clients."""
    fetched_bytes: int = 0
    """Read from upstreams."""
    connections: int = 0
    """Open ones with clients."""
    in_flight: int = 0
    cache_bytes: int = 0
    cache_objects: int = 0

    def to_json(self) -> dict[str, object]:
        """For a heartbeat, without what is counted by process."""
        return {
            **self.total.to_json(),
            "sites": {name: counts.to_json() for name, counts in self.sites.items()},
            "upstreams": {name: each.to_json() for name, each in self.upstreams.items()},
            "served_bytes": self.served_bytes,
            "fetched_bytes": self.fetched_bytes,
            "connections": self.connections,
            "in_flight": self.in_flight,
            "cache_bytes": self.cache_bytes,
            "cache_objects": self.cache_objects,
        }

    def take(self, process: str, name: str, labels: Mapping[str, str], value: int) -> None:
        """Add one series; what is of no interest here is passed over."""
        match name.removeprefix("midmile_").partition("_")[2]:
            case "requests_total" | "site_requests_total" | "answers_total":
                self._take_requests(process, labels, value)
            case "bytes_total" if labels["direction"] == "client-out":
                self.served_bytes += value
            case "bytes_total" if labels["direction"] == "upstream-in":
                self.fetched_bytes += value
            case "probes_total":
                kind = "answers" if labels["outcome"] == "ok" else "failures"
                self._take_attempts(labels["edge"], kind, value)
            case "edge_up":
                self.upstreams.setdefault(labels["edge"], Upstream()).named = value > 0
            case "upstream_answers_total" | "upstream_failures_total" | "upstream_failing" as what:
                kind = what.removeprefix("upstream_").removesuffix("_total")
                self._take_attempts(labels["upstream"], kind, value)
            case what:
                self._take_open(what, labels, value)

    def _take_attempts(self, upstream: str, kind: str, value: int) -> None:
        counts = self.upstreams.setdefault(upstream, Upstream())
        match kind:
            case "answers":
                counts.answers += value
            case "failures":
                counts.failures += value
            case "failing":
                counts.failing += value

    def _take_open(self, what: str, labels: Mapping[str, str], value: int) -> None:
        match what:
            case "connections" if labels["peer"] == "client":
                self.connections += value
            case "tcp_connections":
                self.connections += value
            case "requests_in_flight":
                self.in_flight += value
            case "cache_bytes":
                self.cache_bytes += value
            case "cache_objects":
                self.cache_objects += value

    def _take_requests(self, process: str, labels: Mapping[str, str], value: int) -> None:
        self.total.add(value, labels)
        self.processes.setdefault(process, Counts()).add(value, labels)
        if "site" in labels:
            self.sites.setdefault(labels["site"], Counts()).add(value, labels)


def traffic(directory: Path) -> Traffic:
    """All that a node's processes have counted in `directory`, summed."""
    found = Traffic()
    for process, name, labels, value in _series(directory):
        found.take(process, name, labels, int(value))
    return found


def _series(directory: Path) -> Iterator[tuple[str, str, Mapping[str, str], float]]:
    """Each counter and gauge of each process: process, name, labels, value."""
    for pattern in ("counter_*.db", "gauge_livesum_*.db"):
        for file in files(directory, pattern):
            process = Path(file).stem.removeprefix(pattern.removesuffix("*.db"))
            try:
                entries = MmapedDict.read_all_values_from_file(file)  # type: ignore[no-untyped-call]
            except FileNotFoundError:  # a gauge's, whose process has just died
                continue
            for key, value, _, _ in entries:
                yield process, *_parsed(key), value


@lru_cache(maxsize=_SERIES)
def _parsed(key: str) -> tuple[str, Mapping[str, str]]:
    _, name, labels, _ = json.loads(key)
    return name, labels
