"""What the supervisor remembers of its network, and the view that is made of it when asked.

Remembering costs little: each heartbeat goes into its node's meter, each warning into a ring.
Everything else is worked out by `view`, which nobody calls while nobody watches. Times are
monotonic seconds but for `time`, which is a text.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.overview.meter import Meter
from deploy.overview.rings import STEP_S, STEPS
from deploy.overview.topology import Link, LinkKind, Topology
from deploy.overview.troubles import Troubles
from deploy.overview.view import (
    Condition,
    History,
    LinkState,
    LinkView,
    NodeView,
    SiteView,
    TotalsView,
    TroublesView,
    View,
    WorkerView,
)

EDGE = "edge"
"""The role that serves users: what the network does is what its edges do."""
RECENT_STEPS = round(60.0 / STEP_S)
Report = Mapping[str, Any]
"""A node: `name`, `role`, `admin`, what its slot reports, and under `status` its heartbeat."""
_CONDITIONS = {
    "ready": Condition.WELL,
    "starting": Condition.CHANGING,
    "draining": Condition.CHANGING,
    "paused": Condition.DOWN,
    "asleep": Condition.DOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the chronicle is about."""

    network: str
    source: str
    """The network file."""
    version: str
    status: str
    """URL of the status page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a view is made."""

    now: float
    """Monotonic."""
    time: str
    """RFC 3339."""
    uptime_s: float


class Chronicle:
    """Meters of all nodes, and the last troubles."""

    def __init__(self, topology: Topology, subject: Subject) -> None:
        self._topology = topology
        self._subject = subject
        self._stations = {station.name: station for station in topology.stations}
        self._meters: dict[str, Meter] = {}
        self.troubles = Troubles()

    def heard(self, node: str, status: Mapping[str, Any], now: float) -> None:
        """A node's heartbeat has come."""
        self._meter(node).receive(status, now)

    def lost(self, node: str) -> None:
        """A node has died."""
        self._meter(node).lost()

    def view(self, reports: Sequence[Report], at: Moment) -> View:
        """All that can be shown now."""
        by_name = {report["name"]: report for report in reports}
        links = tuple(self._link(link, by_name) for link in self._topology.links)
        nodes = tuple(self._node(report, links, at) for report in reports)
        edges = [node for node in nodes if node.role == EDGE]
        return View(
            network=self._subject.network,
            source=self._subject.source,
            version=self._subject.version,
            status=self._subject.status,
            time=at.time,
            uptime_s=round(at.uptime_s, 1),
            totals=self._totals(nodes, edges, [by_name[edge.name]["status"] for edge in edges], at),
            nodes=nodes,
            links=links,
            sites=tuple(self._sites([by_name[edge.name] for edge in edges])),
            history=self._history(edges, at),
            troubles=TroublesView(
                warnings=self.troubles.warnings,
                errors=self.troubles.errors,
                last=self.troubles.last(),
            ),
        )

    def _meter(self, node: str) -> Meter:
        return self._meters.setdefault(node, Meter())

    def _node(self, report: Report, links: Sequence[LinkView], at: Moment) -> NodeView:
        status, meter = report["status"], self._meter(report["name"])
        station = self._stations.get(report["name"])
        workers = tuple(_workers(status, meter))
        hits = status.get("hits")
        return NodeView(
            name=report["name"],
            role=report["role"],
            region=station.region if station else "",
            state=report["state"],
            condition=_node_condition(report["state"], workers),
            pid=report["pid"],
            restarts=report["restarts"],
            uptime_s=report["uptime_s"],
            admin=report["admin"],
            address=station.address if station else "",
            requests=status.get("requests", 0),
            hits=hits,
            hit_ratio=_part(hits, status.get("requests", 0)),
            recent_hit_ratio=None if hits is None else self._recent_hits([report["name"]], at),
            errors=status.get("errors", 0),
            requests_per_s=round(meter.rate("requests"), 2),
            errors_per_s=round(meter.rate("errors"), 2),
            cpu_share=round(_cpu_share(meter, workers), 4),
            rss_bytes=_rss(status) + sum(worker.rss_bytes for worker in workers),
            keeper_rss_bytes=_rss(status),
            connections=status.get("connections", 0),
            in_flight=status.get("in_flight", 0),
            cache_bytes=status.get("cache_bytes", 0),
            cache_objects=status.get("cache_objects", 0),
            history=self._per_second([report["name"]], "requests", at),
            named_by=_judges(links, report["name"], named=True),
            left_out_by=_judges(links, report["name"], named=False),
            workers=workers,
        )

    def _totals(
        self, nodes: Sequence[NodeView], edges: Sequence[NodeView], told: list[Report], at: Moment
    ) -> TotalsView:
        requests, hits = sum(edge.requests for edge in edges), _hits(edges)
        served = sum(status.get("served_bytes", 0) for status in told)
        fetched = sum(status.get("fetched_bytes", 0) for status in told)
        crossed = _part(fetched, served)
        names = [edge.name for edge in edges]
        return TotalsView(
            requests=requests,
            hits=hits,
            hit_ratio=_part(hits, requests),
            recent_hit_ratio=None if hits is None else self._recent_hits(names, at),
            errors=sum(edge.errors for edge in edges),
            requests_per_s=round(sum(edge.requests_per_s for edge in edges), 2),
            errors_per_s=round(sum(edge.errors_per_s for edge in edges), 2),
            served_bytes=served,
            fetched_bytes=fetched,
            saved_ratio=None if crossed is None else round(1.0 - crossed, 4),
            served_bytes_per_s=round(sum(self._meter(name).rate("served_bytes") for name in names)),
            connections=sum(edge.connections for edge in edges),
            nodes=len(nodes),
            nodes_well=sum(node.condition is Condition.WELL for node in nodes),
            cpu_share=round(sum(node.cpu_share for node in nodes), 4),
            rss_bytes=sum(node.rss_bytes for node in nodes),
        )

    def _recent_hits(self, names: Sequence[str], at: Moment) -> float | None:
        """The hit ratio of the last minute."""
        hits, requests = (
            sum(sum(self._meter(name).rings[what].last(at.now, RECENT_STEPS)) for name in names)
            for what in ("hits", "requests")
        )
        return _part(hits, requests)

    def _per_second(self, names: Sequence[str], what: str, at: Moment) -> tuple[float, ...]:
        """The last minutes of some nodes together, as far back as there was a supervisor."""
        steps = max(1, min(STEPS, int(at.uptime_s / STEP_S)))
        rings = [self._meter(name).rings[what].last(at.now, steps) for name in names]
        return tuple(round(sum(step) / STEP_S, 2) for step in zip(*rings, strict=True))

    def _history(self, edges: Sequence[NodeView], at: Moment) -> History:
        names = [edge.name for edge in edges]
        requests, hits, errors = (
            self._per_second(names, what, at) for what in ("requests", "hits", "errors")
        )
        return History(
            step_s=STEP_S,
            requests_per_s=requests,
            hit_ratio=tuple(map(_part, hits, requests)),
            errors_per_s=errors,
        )

    def _link(self, link: Link, by_name: Mapping[str, Report]) -> LinkView:
        source = by_name.get(link.source, {})
        told = source.get("status", {}).get("upstreams", {}).get(link.counted_as, {})
        meter, name = self._meter(link.source), f"upstream/{link.counted_as}"
        answers, failures = meter.rate(f"{name}/answers"), meter.rate(f"{name}/failures")
        return LinkView(
            source=link.source,
            target=link.target,
            kind=link.kind,
            state=_link_state(link, by_name, answers, failures),
            answers=told.get("answers", 0),
            failures=told.get("failures", 0),
            requests_per_s=round(answers + failures, 2),
            failures_per_s=round(failures, 2),
            named=told.get("named"),
        )

    def _sites(self, edges: Sequence[Report]) -> Iterator[SiteView]:
        """Sites that were asked for, in the order of their names."""
        told = [edge["status"].get("sites", {}) for edge in edges]
        for name in sorted({name for sites in told for name in sites}):
            counts = [sites.get(name, {}) for sites in told]
            requests, hits, errors = (
                sum(each.get(what) or 0 for each in counts)
                for what in ("requests", "hits", "errors")
            )
            rates = (
                sum(self._meter(edge["name"]).rate(f"site/{name}/{what}") for edge in edges)
                for what in ("requests", "errors")
            )
            requests_per_s, errors_per_s = (round(rate, 2) for rate in rates)
            yield SiteView(
                name=name,
                requests=requests,
                hits=hits,
                hit_ratio=_part(hits, requests),
                errors=errors,
                requests_per_s=requests_per_s,
                errors_per_s=errors_per_s,
            )


def _workers(status: Mapping[str, Any], meter: Meter) -> Iterator[WorkerView]:
    for index, worker in enumerate(status.get("workers", ())):
        hits, requests = worker.get("hits"), worker.get("requests", 0)
        yield WorkerView(
            state=worker["state"],
            condition=_CONDITIONS.get(worker["state"], Condition.AWAY),
            pid=worker["pid"],
            restarts=worker["restarts"],
            uptime_s=worker["uptime_s"],
            requests=requests,
            hits=hits,
            hit_ratio=_part(hits, requests),
            requests_per_s=round(meter.rate(f"worker/{index}/requests"), 2),
            cpu_share=round(meter.rate(f"worker/{index}/cpu_s"), 4),
            rss_bytes=_rss(worker),
        )


def _serves(report: Report) -> bool:
    workers = report["status"].get("workers", ())
    states = [worker["state"] for worker in workers]
    return report["state"] == "ready" and (not states or "ready" in states)


def _node_condition(state: str, workers: Sequence[WorkerView]) -> Condition:
    condition = _CONDITIONS.get(state, Condition.AWAY)
    if condition is not Condition.WELL or not workers:
        return condition
    well = sum(worker.condition is Condition.WELL for worker in workers)
    if well == len(workers):
        return Condition.WELL
    return Condition.PARTLY if well else Condition.DOWN


def _judges(links: Sequence[LinkView], edge: str, *, named: bool) -> tuple[str, ...]:
    """DNS servers that name an edge, or that do not."""
    return tuple(link.source for link in links if link.target == edge and link.named is named)


def _link_state(
    link: Link, by_name: Mapping[str, Report], answers: float, failures: float
) -> LinkState:
    if link.kind is LinkKind.REFERRAL:
        return LinkState.UNTOLD
    # Rates tell of the last seconds, and a node that has died may have answered in them.
    ends = [by_name[name] for name in (link.source, link.target) if name in by_name]
    if link.source not in by_name or not all(map(_serves, ends)):
        return LinkState.CUT
    told = by_name[link.source]["status"].get("upstreams", {}).get(link.counted_as, {})
    if told.get("failing") or (failures and not answers):
        return LinkState.FAILING
    return LinkState.FLOWING if answers else LinkState.IDLE


def _cpu_share(meter: Meter, workers: Sequence[WorkerView]) -> float:
    return meter.rate("cpu_s") + sum(worker.cpu_share for worker in workers)


def _rss(told: Mapping[str, Any]) -> int:
    return int(told.get("rss_bytes", 0))


def _hits(nodes: Sequence[NodeView]) -> int | None:
    known = [node.hits for node in nodes if node.hits is not None]
    return sum(known) if known else None


def _part(part: float | None, whole: float) -> float | None:
    """A part of a whole, rounded; None where there is no whole."""
    return round(part / whole, 4) if whole and part is not None else None
