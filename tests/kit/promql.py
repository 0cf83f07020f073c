"""What PromQL expressions name, to be held against what our code counts.

No parser: Prometheus' own promtool says whether an expression is well-formed (`promtool`).
"""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from deploy.telemetry import ShellMetrics
from edge.cache.storable import StoreReason
from edge.cache.verdict import Kind
from edge.errors import FramingReason, OurReason, RequestReason, UpstreamReason
from edge.metrics import Direction, DiskMetrics, EdgeMetrics, Peer, PurgeMetrics
from edge.store.purges import Scope
from mapping.health import ProbeOutcome
from mapping.metrics import MappingMetrics
from mapping.reply import AnswerKind, Transport
from origin.metrics import PurgeLogMetrics, SiteMetrics
from tests.kit.programs import need

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
_PROMETHEUS_LABELS = frozenset({"instance", "job", "role", "le", "alertstate"})
"""Given by Prometheus itself or by its scrape configuration."""
_VALUES = {
    "verdict": {*Kind, "none"},
    "reason": {*FramingReason, *RequestReason, *UpstreamReason, *OurReason, *StoreReason},
    "kind": {*AnswerKind},
    "outcome": {*ProbeOutcome},
    "transport": {*Transport},
    "peer": {*Peer},
    "direction": {*Direction},
    "scope": {*Scope},
}
_NAME = re.compile(r"(?<![\w:])(?:[a-z]+:)?midmile_[\w:]+")
_MATCHER = re.compile(r'(\w+) *(=~|!~|!=|=) *"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring) *\(([^)]*)\)")


@cache
def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    EdgeMetrics(registry)
    EdgeMetrics(registry, "origin")
    MappingMetrics(registry)
    SiteMetrics(registry)
    DiskMetrics(registry)
    DiskMetrics(registry, "origin")
    PurgeMetrics(registry)
    PurgeLogMetrics(registry)
    ShellMetrics(registry, version="0", role="edge")
    return registry


@cache
def known_series() -> frozenset[str]:
    """Every series that a node of ours may show, without labels."""
    return frozenset(
        family.name + suffix
        for family in _registry().collect()
        for suffix in _SUFFIXES[family.type]
    )


@cache
def _known_labels() -> frozenset[str]:
    ours = (metric for metric in _registry()._collector_to_names)
    named = (each._labelnames for each in ours if isinstance(each, MetricWrapperBase))
    return _PROMETHEUS_LABELS.union(*named)


def names_in(expression: str) -> set[str]:
    """The series of ours, and those recorded from them, that an expression names."""
    return set(_NAME.findall(expression))


def strange(expression: str, recorded: frozenset[str] = frozenset()) -> list[str]:
    """Series, labels and labels' values that an expression names and our code never shows."""
    return [*_strange_names(expression, recorded), *_strange_labels(expression)]


def _strange_names(expression: str, recorded: frozenset[str]) -> Iterator[str]:
    yield from sorted(names_in(expression) - known_series() - recorded)


def _strange_labels(expression: str) -> Iterator[str]:
    grouped = ",".join(_GROUPING.findall(expression)).replace(",", " ").split()
    matched = _MATCHER.findall(expression)
    yield from sorted({*grouped, *(label for label, _, _ in matched)} - _known_labels())
    for label, sign, value in matched:
        if label in _VALUES and sign in {"=", "!="} and value not in _VALUES[label]:
            yield f"{label}={value}"


def promtool(*arguments: str | Path) -> str:
    """What Debian's promtool says; what it complains of fails the test."""
    program = need("promtool", package="prometheus", unpack=True)
    finished = subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    said = finished.stdout + finished.stderr
    assert finished.returncode == 0, said
    return said
