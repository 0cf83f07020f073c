"""A network that does something: heartbeats, reports and the view of them, for tests."""

from collections.abc import Mapping
from typing import Any

from deploy.overview.chronicle import Chronicle, Moment, Subject
from deploy.overview.survey import survey
from deploy.overview.topology import Topology
from deploy.overview.view import View
from tests.deploy.networks import demo

SUBJECT = Subject(
    network="demo", source="demo.toml", version="1.2.3", status="http://127.0.0.1:8899/"
)
HOSTILE = '</li><script>alert(1)</script>\x1b[2J\u202e"&'
"""What a stranger would like to have shown."""


def worker(**changes: Any) -> dict[str, Any]:
    """A worker's part of a heartbeat."""
    return {
        "state": "ready",
        "pid": 100,
        "restarts": 0,
        "uptime_s": 10.0,
        "requests": 0,
        "hits": None,
        "cpu_s": 0.0,
        "rss_bytes": 50_000_000,
        **changes,
    }


def beat(**changes: Any) -> dict[str, Any]:
    """A node's heartbeat."""
    return {"requests": 0, "hits": None, "errors": 0, "workers": [worker()], **changes}


def report(name: str, role: str, status: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A node as the supervisor reports it."""
    return {
        "name": name,
        "role": role,
        "state": "ready",
        "pid": 99,
        "restarts": 0,
        "uptime_s": 12.0,
        "admin": "127.0.0.1:8900",
        "status": status,
        **changes,
    }


def at(now: float, uptime_s: float = 120.0) -> Moment:
    """A moment at which a view is made."""
    return Moment(now=now, time="2026-11-22T12:00:00.000Z", uptime_s=uptime_s)


def topology() -> Topology:
    """The demo network's."""
    return survey(demo())


def busy(now: float = 1000.0) -> tuple[Chronicle, list[dict[str, Any]]]:
    """The demo network with ten requests a second at east, of which eight are hits."""
    chronicle = Chronicle(topology(), SUBJECT)
    status: dict[str, Any] = {}
    for second in range(21):
        counts = {"requests": 10 * second, "hits": 8 * second, "errors": second}
        status = beat(
            **counts,
            served_bytes=1000 * second,
            fetched_bytes=250 * second,
            connections=3,
            sites={"shop": counts},
            upstreams={"parent-b": {"answers": 2 * second, "failures": 0, "failing": 0}},
            cpu_s=0.1 * second,
            rss_bytes=40_000_000,
            workers=[worker(requests=10 * second, hits=8 * second, cpu_s=0.3 * second)],
        )
        chronicle.heard("east", status, now - 20 + second)
    reports = [
        report(node.name, node.role, status if node.name == "east" else beat())
        for node in demo().nodes
    ]
    return chronicle, reports


def busy_view() -> View:
    """What is shown of it."""
    chronicle, reports = busy()
    return chronicle.view(reports, at(1000.0))
