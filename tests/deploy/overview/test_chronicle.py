"""The view: what is shown of a running network."""

import json
from typing import Any

import pytest

from deploy.overview.chronicle import Chronicle
from deploy.overview.page import Pages
from deploy.overview.topology import LinkKind, Topology
from deploy.overview.view import Condition, LinkState, View
from tests.deploy.overview.samples import (
    SUBJECT,
    at,
    beat,
    busy,
    busy_view,
    report,
    topology,
    worker,
)


def test_totals_are_those_of_the_edges() -> None:
    """Requests, ratios, bytes kept off the middle mile, all processes' load."""
    totals = busy_view().totals
    assert (totals.requests, totals.hits, totals.errors) == (200, 160, 20)
    assert (totals.requests_per_s, totals.errors_per_s) == (10, 1)
    assert (totals.hit_ratio, totals.recent_hit_ratio, totals.saved_ratio) == (0.8, 0.8, 0.75)
    assert (totals.nodes, totals.nodes_well, totals.connections) == (9, 9, 3)
    assert totals.cpu_share == pytest.approx(0.4)


def test_a_node_has_the_sums_and_its_workers() -> None:
    """Memory and CPU of the keeper and the workers together; a region where it has one."""
    east, *_, low_west = busy_view().nodes
    assert (east.name, east.region, east.address) == ("east", "east", "127.0.1.1:8080")
    assert east.rss_bytes == 90_000_000
    assert east.cpu_share == pytest.approx(0.4)
    assert east.workers[0].requests_per_s == 10
    assert east.history[-9:] == pytest.approx([10.0] * 9)
    assert (low_west.hits, low_west.hit_ratio, low_west.recent_hit_ratio) == (None, None, None)


@pytest.mark.parametrize(
    ("state", "workers", "condition"),
    [
        ("ready", ("ready", "ready"), Condition.WELL),
        ("ready", (), Condition.WELL),
        ("ready", ("ready", "asleep"), Condition.PARTLY),
        ("ready", ("paused", "asleep"), Condition.DOWN),
        ("starting", (), Condition.CHANGING),
        ("draining", ("draining",), Condition.CHANGING),
        ("paused", (), Condition.DOWN),
        ("asleep", (), Condition.DOWN),
        ("stopped", (), Condition.AWAY),
    ],
)
def test_a_node_s_condition(state: str, workers: tuple[str, ...], condition: Condition) -> None:
    """A node whose workers do not serve is down, however well its keeper is."""
    status = beat(workers=[worker(state=each) for each in workers])
    view = Chronicle(Topology(), SUBJECT).view([report("a", "edge", status, state=state)], at(5.0))
    assert view.nodes[0].condition is condition


def _link(view: View, source: str, target: str) -> LinkState:
    return next(each.state for each in view.links if (each.source, each.target) == (source, target))


def test_links_tell_what_passes() -> None:
    """Busy, idle, and the referrals that nobody counts."""
    view = busy_view()
    assert _link(view, "east", "parent-b") is LinkState.FLOWING
    assert _link(view, "east", "parent-a") is LinkState.IDLE
    assert _link(view, "top-a", "low-east") is LinkState.UNTOLD
    tunnel = next(link for link in view.links if link.kind is LinkKind.TUNNEL and link.answers)
    assert (tunnel.requests_per_s, tunnel.answers) == (2, 40)


def test_links_that_fail() -> None:
    """The last attempt failed, or all of late did; a link of a dead node is cut."""
    chronicle, reports = busy()
    by_name: dict[str, dict[str, Any]] = {each["name"]: each for each in reports}
    by_name["east"]["status"]["upstreams"]["parent-a"] = {"failures": 1, "failing": 1}
    for second in range(3):
        probes = {"east": {"answers": 9, "failures": second}}
        by_name["low-east"]["status"] = beat(upstreams=probes)
        chronicle.heard("low-east", by_name["low-east"]["status"], 998.0 + second)
    by_name["west"] |= {"state": "paused", "status": {}}
    view = chronicle.view(reports, at(1000.0))
    assert _link(view, "east", "parent-a") is LinkState.FAILING
    assert _link(view, "low-east", "east") is LinkState.FAILING
    assert _link(view, "west", "parent-a") is LinkState.CUT


def test_a_link_to_a_node_that_does_not_serve_is_cut() -> None:
    """Also while rates still tell of the seconds before it died."""
    chronicle, reports = busy()
    by_name: dict[str, dict[str, Any]] = {each["name"]: each for each in reports}
    for second in range(3):
        probes = {name: {"answers": 9 + second} for name in ("east", "west")}
        by_name["low-east"]["status"] = beat(upstreams=probes)
        chronicle.heard("low-east", by_name["low-east"]["status"], 998.0 + second)
    by_name["west"] |= {"state": "starting", "status": {}}
    by_name["parent-b"]["status"] = beat(workers=[worker(state="paused")])
    view = chronicle.view(reports, at(1000.0))
    assert _link(view, "low-east", "west") is LinkState.CUT
    assert _link(view, "low-east", "east") is LinkState.FLOWING
    assert _link(view, "east", "parent-b") is LinkState.CUT


def test_edges_tell_which_dns_servers_name_them() -> None:
    """As these have it in their heartbeats."""
    chronicle, reports = busy()
    by_name: dict[str, dict[str, Any]] = {each["name"]: each for each in reports}
    for low, west in (("low-east", False), ("low-west", True)):
        named = {"east": {"named": True}, "west": {"named": west}}
        by_name[low]["status"] = beat(upstreams=named)
    view = chronicle.view(reports, at(1000.0))
    nodes = {node.name: node for node in view.nodes}
    assert (nodes["west"].named_by, nodes["west"].left_out_by) == (("low-west",), ("low-east",))
    assert nodes["east"].named_by == ("low-east", "low-west")
    assert nodes["parent-a"].named_by == nodes["parent-a"].left_out_by == ()
    assert [link.named for link in view.links if link.kind is LinkKind.TUNNEL] == [None] * 4
    parts = Pages(topology()).parts(view)
    assert "in DNS 1/2" in parts["picture"]
    assert 'title="left out by low-east">in DNS 1/2<' in parts["nodes"]
    assert "left out" in parts["links"]


def test_sites_are_summed_over_edges() -> None:
    """With their own rates."""
    (site,) = busy_view().sites
    assert (site.name, site.requests, site.hit_ratio) == ("shop", 200, 0.8)
    assert (site.requests_per_s, site.errors_per_s) == (10, 1)


def test_history_goes_back_to_the_start() -> None:
    """Not further: a network that has just started has a short curve, never an empty one."""
    chronicle, reports = busy()
    assert len(chronicle.view(reports, at(1000.0, uptime_s=7.0)).history.requests_per_s) == 3
    assert len(chronicle.view(reports, at(1000.0, uptime_s=0.0)).history.hit_ratio) == 1
    assert len(chronicle.view(reports, at(1000.0, uptime_s=9e9)).history.errors_per_s) == 150


def test_the_view_is_json() -> None:
    """Enumerations are their words; nothing is lost on the way."""
    told = json.loads(json.dumps(busy_view().to_json()))
    assert told["nodes"][0]["condition"] == "well"
    assert {"network", "source", "uptime_s", "nodes", "links", "history", "troubles"} <= set(told)


def test_before_anything_is_known() -> None:
    """A network that is starting is shown as what it is."""
    view = Chronicle(Topology(), SUBJECT).view([report("a", "edge", {}, state="starting")], at(0.5))
    assert (view.totals.requests, view.totals.hit_ratio, view.totals.saved_ratio) == (0, None, None)
    assert view.nodes[0].workers == ()
