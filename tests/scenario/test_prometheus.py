"""Prometheus watches a network as the handbook says: targets, rules, the dashboard's queries.

The program is Debian's; whom it scrapes is what `midmile targets` makes of the network file.
"""

import json
import math
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yaml  # type: ignore[import-untyped]

from deploy.network import EdgeNode, LowNode
from tests.house.tree import ROOT
from tests.kit.network import Running, grounds, running
from tests.kit.prometheus import ALERTS, Prometheus, watching
from tests.scenario.visitor import addresses, get

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.system]

_WINDOW = "15s"
"""For `$__rate_interval`: some scrapes long."""
_PATHS = ("/objects/1KB", "/objects/8KB-uncacheable", "/")
_NUMBERS = ("Requests a second", "Hit ratio", "Middle-mile saving", "Server errors")
"""Panels that show one number for all edges."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network() -> AsyncIterator[Running]:
    with grounds() as place:
        async with running(place) as started:
            yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prometheus(
    network: Running, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Prometheus]:
    """It has seen some traffic over HTTP and DNS, with a scrape before, amid and after it."""
    async with watching(network, tmp_path_factory.mktemp("prometheus")) as started:
        for _ in range(2):
            await _visit(network)
            await started.scrapes()
        yield started


async def _visit(network: Running) -> None:
    """All edges, several times, and both DNS tiers."""
    assert await addresses(network)
    async with aiohttp.ClientSession() as session:
        for edge in network.network.edges:
            assert isinstance(edge, EdgeNode)
            for path in _PATHS * 3:
                url = f"http://{edge.advertise.http}{path}"
                assert (await get(session, url, host="shop.cdn.test")).status == 200


def _panels() -> list[tuple[str, str]]:
    """Each panel's title with each of its queries, Grafana's variables put in."""
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "midmile.json").read_text())
    queries = [
        (panel["title"], target["expr"])
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    ]
    queries += [(each["name"], each["expr"]) for each in dashboard["annotations"]["list"]]
    return [(title, _filled(query)) for title, query in queries]


def _filled(query: str) -> str:
    for name, value in {"$__rate_interval": _WINDOW, "$instance": ".+", "$site": ".+"}.items():
        query = query.replace(name, value)
    return query


async def test_every_node_is_scraped(network: Running, prometheus: Prometheus) -> None:
    """Under its own name, with its role, network and region."""
    found = (await prometheus.get("targets"))["activeTargets"]
    ours = {each["labels"]["instance"]: each for each in found if each["scrapePool"] == "midmile"}
    assert {each["health"] for each in ours.values()} == {"up"}, found
    for node in network.network.nodes:
        labels = ours.pop(node.name)["labels"]
        assert (labels["network"], labels["role"]) == (network.network.name, node.role)
        region = node.region if isinstance(node, EdgeNode | LowNode) else None
        assert labels.get("region") == region
    assert ours == {}


async def test_the_rules_are_loaded_and_work(prometheus: Prometheus) -> None:
    """All of them have been evaluated without an error."""
    wanted = [
        rule.get("alert") or rule["record"]
        for group in yaml.safe_load(ALERTS.read_text())["groups"]
        for rule in group["rules"]
    ]
    groups: list[dict[str, Any]] = (await prometheus.get("rules"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert sorted(rule["name"] for rule in rules) == sorted(wanted)
    assert {rule["name"]: rule.get("lastError") for rule in rules} == dict.fromkeys(wanted)
    assert {rule["health"] for rule in rules} == {"ok"}


async def test_no_alert_on_a_network_that_is_well(prometheus: Prometheus) -> None:
    """None fires, and none is about to."""
    assert await prometheus.ask("ALERTS") == []


async def test_each_role_shows_what_it_does(network: Running, prometheus: Prometheus) -> None:
    """Its main counter has counted the visits."""
    visits = 2 * len(network.network.edges) * 3 * len(_PATHS)
    edges = "sum(midmile_edge_requests_total)"
    assert await prometheus.value(edges) == visits
    assert await prometheus.value('sum(midmile_edge_requests_total{verdict="hit"})') > visits / 3
    for counter in ("midmile_origin_requests_total", "midmile_origin_site_requests_total"):
        assert 0 < await prometheus.value(f"sum({counter})") < visits
    for tier in ("top", "low"):
        asked = f'sum(midmile_mapping_answers_total{{role="{tier}",tier="{tier}"}})'
        assert await prometheus.value(asked) >= 2
    assert await prometheus.value("min(midmile_mapping_edges_up{role='low'})") == 2
    roles = await prometheus.ask("count by (role) (midmile_deploy_build_info)")
    assert {each["metric"]["role"] for each in roles} == {
        node.role.value for node in network.network.nodes
    }


async def test_every_query_of_the_dashboard_works(prometheus: Prometheus) -> None:
    """The live server takes each; what is one number is a number."""
    answers = {query: await prometheus.ask(query) for _, query in _panels()}
    for title in _NUMBERS:
        [query] = [each for name, each in _panels() if name == title]
        [sample] = answers[query]
        assert math.isfinite(float(sample["value"][1])), title
    [ratio] = [query for name, query in _panels() if name == "Hit ratio"]
    assert 0 < await prometheus.value(ratio) < 1


async def test_the_dashboards_variables_have_values(
    network: Running, prometheus: Prometheus
) -> None:
    """Instances are nodes' names, sites those of the network file."""
    instances = await prometheus.get(
        "label/instance/values", **{"match[]": "midmile_deploy_start_time_seconds"}
    )
    assert set(instances) == {node.name for node in network.network.nodes}
    sites = await prometheus.get("label/site/values", **{"match[]": "midmile_edge_requests_total"})
    assert sites == ["shop"]
