"""What the demo site counts. A parent counts as an edge does: `edge.metrics` under another name."""

from prometheus_client import CollectorRegistry, Counter


class SiteMetrics:
    """The demo site's counters; one per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "midmile_origin_site_requests",
            "Requests that the demo site has begun to answer.",
            ("status",),
            registry=registry,
        )

    def answered(self, status: int) -> None:
        """A response has begun; `status` is 101 or 200 to 599, whatever `/status/CODE` is asked."""
        self._requests.labels(str(status)).inc()
