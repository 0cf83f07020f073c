"""What an edge or a parent counts. One method an event; the metric objects stay inside.

A label's values are closed vocabularies, checked numbers, or names that the network file gives to
sites, parents and origins: never a target, a host that a client made up, or a client's address.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

NO_SITE = "-"
"""Label of requests for no site of ours."""
LATENCY_BUCKETS_S = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)


class Direction(StrEnum):
    """Which way bytes went."""

    CLIENT_IN = "client-in"
    """Read from clients (at a parent: from edges)."""
    CLIENT_OUT = "client-out"
    """Written to clients (at a parent: to edges)."""
    UPSTREAM_IN = "upstream-in"
    """Read from parents or origins."""
    UPSTREAM_OUT = "upstream-out"
    """Written to parents or origins."""


class Peer(StrEnum):
    """Whom a connection is with."""

    CLIENT = "client"
    """A user, or at a parent an edge."""
    UPSTREAM = "upstream"
    """A parent through the tunnel, or at a parent an origin."""


class EdgeMetrics:
    """The counters of one worker; `package` is `edge`, or `origin` at a parent."""

    def __init__(self, registry: CollectorRegistry, package: str = "edge") -> None:
        prefix = f"midmile_{package}_"

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(prefix + name, text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(
                prefix + name, text, labels, registry=registry, multiprocess_mode="livesum"
            )

        self._disk_reads = counter("disk_reads", "Look-ups in the store on disk.", "result")
        self._requests = counter("requests", "Requests answered.", "site", "status", "verdict")
        self._latency = Histogram(
            prefix + "request_seconds",
            "From a request's first byte to its answer's last.",
            ("site", "verdict"),
            registry=registry,
            buckets=LATENCY_BUCKETS_S,
        )
        moved = counter("bytes", "Bytes of bodies and heads, by way.", "direction")
        self._bytes = {direction: moved.labels(direction.value) for direction in Direction}
        self._in_flight = gauge("requests_in_flight", "Requests being answered.")
        self._connections = gauge("connections", "Open connections.", "peer")
        self._cache_bytes = gauge("cache_bytes", "Memory that stored responses take.")
        self._cache_objects = gauge("cache_objects", "Stored responses.")
        self._evictions = counter("cache_evictions", "Stored responses dropped for room.")
        self._not_stored = counter("not_stored", "Responses not stored, by reason.", "reason")
        self._refused = counter("requests_refused", "Streams that are no clean HTTP.", "reason")
        self._upstream_errors = counter("upstream_errors", "Failures of upstreams.", "reason")
        self._upstream_answers = counter("upstream_answers", "Answers of upstreams.", "upstream")
        self._upstream_failures = counter(
            "upstream_failures", "Attempts to ask an upstream that failed.", "upstream"
        )
        self._upstream_failing = gauge(
            "upstream_failing", "Workers whose last attempt at an upstream failed.", "upstream"
        )
        self._collapsed = counter("collapsed", "Requests answered by another request's fetch.")
        self._evicted = 0

        @cache
        def hits(site: str, status: int) -> tuple[Counter, Histogram]:
            return (
                self._requests.labels(site, _status(status), "hit"),
                self._latency.labels(site, "hit"),
            )

        self._hits = hits  # to find them by their labels costs as much as to count some hits

    def request_began(self) -> None:
        """A request's head is complete."""
        self._in_flight.inc()

    def request_ended(self, *, site: str, status: int, verdict: str, seconds: float) -> None:
        """A request begun before has been answered or given up; `verdict` may be empty."""
        self._in_flight.dec()
        site, verdict = site or NO_SITE, verdict or "none"
        self._requests.labels(site, _status(status), verdict).inc()
        self._latency.labels(site, verdict).observe(seconds)

    def hits(self, site: str, status: int, seconds: Sequence[float]) -> None:
        """Requests answered from what was ready, and how long each took."""
        requests, latency = self._hits(site, status)
        requests.inc(len(seconds))
        _observe_all(latency, seconds)

    def moved(self, direction: Direction, size_bytes: int) -> None:
        """Bytes were read or written."""
        self._bytes[direction].inc(size_bytes)

    def connection_opened(self, peer: Peer) -> None:
        """A connection stands."""
        self._connections.labels(peer.value).inc()

    def connection_closed(self, peer: Peer) -> None:
        """A connection that stood is gone."""
        self._connections.labels(peer.value).dec()

    def disk_read(self, result: str) -> None:
        """Something was looked for in the store on disk."""
        self._disk_reads.labels(result).inc()

    def cache_is(self, *, size_bytes: int, objects: int, evictions: int) -> None:
        """The store's present numbers; `evictions` is its count since it was made."""
        self._cache_bytes.set(size_bytes)
        self._cache_objects.set(objects)
        self._evictions.inc(evictions - self._evicted)
        self._evicted = evictions

    def not_stored(self, reason: StrEnum) -> None:
        """A response to a cacheable request was not stored."""
        self._not_stored.labels(reason.value).inc()

    def refused(self, reason: StrEnum) -> None:
        """The framer refused a stream."""
        self._refused.labels(reason.value).inc()

    def upstream_failed(self, upstream: str, reason: StrEnum) -> None:
        """One attempt to ask an upstream failed."""
        self._upstream_errors.labels(reason.value).inc()
        self._upstream_failures.labels(upstream).inc()
        self._upstream_failing.labels(upstream).set(1)

    def upstream_answered(self, upstream: str, *, recovered: bool) -> None:
        """An upstream gave an answer; `recovered` where the attempt before it had failed."""
        self._upstream_answers.labels(upstream).inc()
        if recovered:
            self._upstream_failing.labels(upstream).set(0)

    def collapsed(self) -> None:
        """A request got its answer from another one's fetch."""
        self._collapsed.inc()


def _observe_all(histogram: Histogram, values: Sequence[float]) -> None:
    """As `observe` for each; all that fall into the first bucket at once.

    The library has no such method. What is used of its inside is held by a test.
    """
    quick = [value for value in values if value <= LATENCY_BUCKETS_S[0]]
    histogram._sum.inc(sum(quick))  # noqa: SLF001
    histogram._buckets[0].inc(len(quick))  # noqa: SLF001
    if len(quick) < len(values):
        for value in values:
            if value > LATENCY_BUCKETS_S[0]:
                histogram.observe(value)


def _status(status: int) -> str:
    """Origins may answer anything; three digits are as many as HTTP has."""
    return str(status) if 100 <= status <= 599 else "other"


class DiskMetrics:
    """What a node's keeper counts of the store on disk; `package` as `EdgeMetrics` has it."""

    def __init__(self, registry: CollectorRegistry, package: str = "edge") -> None:
        prefix = f"midmile_{package}_disk_"

        def counter(name: str, text: str) -> Counter:
            return Counter(prefix + name, text, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(prefix + name, text, registry=registry, multiprocess_mode="livesum")

        self._usable = gauge("usable", "Whether the store on disk is in use: 1, or 0.")
        self._bytes = gauge("bytes", "What is stored on disk takes so much room there.")
        self._objects = gauge("objects", "Responses stored on disk.")
        self._kept = counter("kept", "Responses that were stored on disk.")
        self._evictions = counter("evictions", "Responses that went from the disk to make room.")
        self._faults = counter("faults", "Failures that ended the use of the store on disk.")

    def usable(self, usable: bool) -> None:
        """The store can be used from now on, or cannot."""
        self._usable.set(usable)

    def holds(self, size_bytes: int, objects: int) -> None:
        """So much is stored."""
        self._bytes.set(size_bytes)
        self._objects.set(objects)

    def kept(self) -> None:
        """Another response has been stored."""
        self._kept.inc()

    def evicted(self) -> None:
        """One had to go."""
        self._evictions.inc()

    def failed(self) -> None:
        """The store cannot be used any more."""
        self._faults.inc()


class PurgeMetrics:
    """What a node's keeper counts; `package` as `EdgeMetrics` has it."""

    def __init__(self, registry: CollectorRegistry, package: str = "edge") -> None:
        prefix = f"midmile_{package}_"
        self._purges = Counter(
            prefix + "purges", "Purges carried out by the node.", ("scope",), registry=registry
        )
        self._heard = Gauge(
            prefix + "purges_heard_timestamp_seconds",
            "When a parent last told what was purged.",
            registry=registry,
            multiprocess_mode="max",
        )

    def purged(self, scope: str) -> None:
        """All workers have carried out a purge."""
        self._purges.labels(scope).inc()

    def heard(self) -> None:
        """A parent has told what was purged, or that nothing was."""
        self._heard.set_to_current_time()
