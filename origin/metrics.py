"""What the demo site counts, and a parent's keeper.

A parent's workers count as an edge's do: `edge.metrics` under another name.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge

from edge.metrics import PurgeMetrics


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


class PurgeLogMetrics(PurgeMetrics):
    """What a parent's keeper counts of the purges that were asked of it and of others."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry, "origin")
        self._refused = Counter(
            "midmile_origin_purges_refused",
            "Purges that were not done because they could not be kept.",
            registry=registry,
        )
        self._behind = Gauge(
            "midmile_origin_purge_followers_behind",
            "Parents and edges that have not done the last purge asked of this parent.",
            registry=registry,
            multiprocess_mode="livemax",
        )

    def refused(self) -> None:
        """A purge could not be kept."""
        self._refused.inc()

    def followers(self, *, behind: int) -> None:
        """So many have not done the last purge, as far as is known."""
        self._behind.set(behind)
