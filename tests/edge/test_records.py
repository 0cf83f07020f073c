"""Errors, trails and metrics: what is said of a request afterwards."""

import json
import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from edge.cache.storable import StoreReason
from edge.errors import (
    EdgeError,
    FramingError,
    FramingReason,
    OurError,
    OurReason,
    RequestError,
    RequestReason,
    Side,
    UpstreamError,
    UpstreamReason,
)
from edge.metrics import Direction, EdgeMetrics, Peer
from edge.trail import Trail


@pytest.mark.parametrize(
    ("error", "side", "status", "idempotent", "post"),
    [
        (FramingError(FramingReason.HOST, "x"), Side.CLIENT, 400, False, False),
        (RequestError(RequestReason.UNKNOWN_SITE, "x"), Side.CLIENT, 421, False, False),
        (RequestError(RequestReason.LOOP, "x"), Side.CLIENT, 508, False, False),
        (UpstreamError(UpstreamReason.CONNECT_FAILED, "x"), Side.UPSTREAM, 502, True, True),
        (UpstreamError(UpstreamReason.CLOSED, "x"), Side.UPSTREAM, 502, True, False),
        (UpstreamError(UpstreamReason.ANSWER_TIMEOUT, "x"), Side.UPSTREAM, 504, False, False),
        (UpstreamError(UpstreamReason.BROKEN_BODY, "x"), Side.UPSTREAM, 502, True, False),
        (OurError(OurReason.INTERNAL, "x"), Side.OURS, 500, False, False),
        (OurError(OurReason.BUSY, "x"), Side.OURS, 503, False, False),
    ],
)
def test_errors_know_what_follows(
    error: EdgeError, side: Side, status: int, idempotent: bool, post: bool
) -> None:
    """Side, status, and whether the request may be sent again, by its method."""
    assert (error.side, error.status) == (side, status)
    assert (error.may_retry("PUT"), error.may_retry("POST")) == (idempotent, post)


def test_every_reason_has_a_status() -> None:
    """No reason is left without an answer."""
    assert all(RequestError(reason, "").status >= 400 for reason in RequestReason)
    assert all(UpstreamError(reason, "").status >= 500 for reason in UpstreamReason)
    assert all(OurError(reason, "").status >= 500 for reason in OurReason)


def test_a_trail_becomes_one_line() -> None:
    """Facts that apply, sizes, and seconds from the request's beginning."""
    trail = Trail(request_id="r1", started_s=10.0, method="GET", target="/", site="shop")
    trail.mark("asked", 10.25)
    trail.mark("asked", 99.0)
    trail.fail("connect-failed", "upstream")
    trail.fail("client-gone", "client")
    trail.status, trail.response_bytes, trail.body_bytes = 502, 7, 3
    trail.media_type = "text/plain"
    assert json.loads(json.dumps(trail.record(10.5))) == {
        "request_id": "r1",
        "method": "GET",
        "target": "/",
        "site": "shop",
        "status": 502,
        "type": "text/plain",
        "error": "connect-failed",
        "error_side": "upstream",
        "request_bytes": 0,
        "response_bytes": 7,
        "body_bytes": 3,
        "seconds": 0.5,
        "asked_s": 0.25,
    }


def samples(registry: CollectorRegistry) -> dict[str, float]:
    """Name and labels to value, without the times of creation."""
    text = generate_latest(registry).decode()
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    pairs = (line.rsplit(" ", 1) for line in lines)
    return {name: float(value) for name, value in pairs if "_created" not in name}


def test_events_are_counted() -> None:
    """Each event moves its own numbers, under the package's name."""
    registry = CollectorRegistry()
    metrics = EdgeMetrics(registry, package="origin")
    metrics.request_began()
    metrics.request_began()
    metrics.request_ended(site="shop", status=200, verdict="hit", seconds=0.002)
    metrics.moved(Direction.CLIENT_OUT, 10)
    metrics.connection_opened(Peer.CLIENT)
    metrics.cache_is(size_bytes=5, objects=1, evictions=3)
    metrics.cache_is(size_bytes=6, objects=2, evictions=4)
    metrics.not_stored(StoreReason.PRIVATE)
    metrics.refused(FramingReason.HOST)
    metrics.upstream_failed("parent-a", UpstreamReason.CLOSED)
    metrics.upstream_answered("parent-b", recovered=False)
    metrics.collapsed()
    seen = samples(registry)
    for name, value in (
        ('requests_total{site="shop",status="200",verdict="hit"}', 1),
        ("requests_in_flight", 1),
        ('request_seconds_count{site="shop",verdict="hit"}', 1),
        ('request_seconds_bucket{le="0.0025",site="shop",verdict="hit"}', 1),
        ('request_seconds_bucket{le="0.001",site="shop",verdict="hit"}', 0),
        ('bytes_total{direction="client-out"}', 10),
        ('connections{peer="client"}', 1),
        ("cache_bytes", 6),
        ("cache_objects", 2),
        ("cache_evictions_total", 4),
        ('not_stored_total{reason="private"}', 1),
        ('requests_refused_total{reason="bad-host"}', 1),
        ('upstream_errors_total{reason="closed-before-answer"}', 1),
        ('upstream_failures_total{upstream="parent-a"}', 1),
        ('upstream_answers_total{upstream="parent-b"}', 1),
        ('upstream_failing{upstream="parent-a"}', 1),
        ("collapsed_total", 1),
    ):
        assert seen[f"midmile_origin_{name}"] == value


def test_labels_are_bounded() -> None:
    """A request for no site, and a status that nobody knows, make no new labels."""
    registry = CollectorRegistry()
    metrics = EdgeMetrics(registry)
    for status in (999, 600, 0):
        metrics.request_began()
        metrics.request_ended(site="", status=status, verdict="", seconds=0)
    assert (
        samples(registry)['midmile_edge_requests_total{site="-",status="other",verdict="none"}']
        == 3
    )


def test_the_words_of_vocabularies_are_fit_for_labels() -> None:
    """Reasons are lower case and hyphens, so that they need no escaping anywhere."""
    for vocabulary in (FramingReason, RequestReason, UpstreamReason, OurReason, StoreReason):
        assert all(re.fullmatch("[a-z0-9-]+", word) for word in vocabulary)
