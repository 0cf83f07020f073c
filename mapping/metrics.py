"""What Prometheus is told about the mapping room. No label takes a value from a query."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from mapping.health import ProbeOutcome
from mapping.reply import Reply, Transport

_LATENCY_BUCKETS_S = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05)


class MappingMetrics:
    """All metrics of a DNS node; one per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter(
            "midmile_mapping_answers",
            "DNS queries by what became of them.",
            ("tier", "kind", "transport"),
            registry=registry,
        )
        self._truncated = Counter(
            "midmile_mapping_truncated",
            "UDP answers that did not fit and sent the asker to TCP.",
            ("tier",),
            registry=registry,
        )
        self._latency = Histogram(
            "midmile_mapping_query_duration_seconds",
            "From a query's bytes to its answer's, without the network.",
            ("tier",),
            buckets=_LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.tcp_connections = Gauge(
            "midmile_mapping_tcp_connections",
            "Open DNS connections.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._probes = Counter(
            "midmile_mapping_probes",
            "Health probes of edges by how they ended.",
            ("edge", "outcome"),
            registry=registry,
        )
        self._edges_up = Gauge(
            "midmile_mapping_edges_up",
            "Edges that answers may name, as this node's probes see them.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._edge_up = Gauge(
            "midmile_mapping_edge_up",
            "1 while answers may name this edge, as this node's probes see it.",
            ("edge",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._watch_failures = Counter(
            "midmile_mapping_watch_failures",
            "Times the watch over edges broke down and was started anew.",
            registry=registry,
        )

    def answered(self, tier: str, transport: Transport, reply: Reply, duration_s: float) -> None:
        """Count a query."""
        self._answers.labels(tier, reply.kind, transport).inc()
        self._latency.labels(tier).observe(duration_s)
        if reply.truncated:
            self._truncated.labels(tier).inc()

    def probed(self, edge: str, outcome: ProbeOutcome) -> None:
        """Count a probe."""
        self._probes.labels(edge, outcome).inc()

    def edges_up(self, edges: Mapping[str, bool]) -> None:
        """Set which edges may be named, and how many these are."""
        self._edges_up.set(sum(edges.values()))
        for edge, up in edges.items():
            self._edge_up.labels(edge).set(up)

    def watch_failed(self) -> None:
        """Count a breakdown of the watch."""
        self._watch_failures.inc()
