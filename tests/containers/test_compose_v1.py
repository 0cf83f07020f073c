"""The same files with `docker-compose` 1.29, which Debian and Ubuntu package: a shorter day.

What was typed and answered is kept in var/compose-transcript-v1.txt.
"""

import time
from collections.abc import Iterator

import pytest

from deploy.network import read
from tests.containers.asking import (
    EAST,
    SETTLE_S,
    WEST,
    curl,
    curl_resolved,
    edges,
    eventually,
    health,
    resolved,
    start,
    targets,
    visit_inside,
)
from tests.containers.docker import Compose, Engine, running_engine
from tests.containers.newcomer import visiting
from tests.house.tree import ROOT

pytestmark = pytest.mark.system

_NETWORK = read(ROOT / "deploy" / "networks" / "compose.toml")
_SERVICES = [*(node.name for node in _NETWORK.nodes), "keys", "resolver", "prometheus"]
_LEAVES_RESOLVER_S = 3 * (20.0 + 3.0)


@pytest.fixture(scope="module")
def network() -> Iterator[Engine]:
    """Built and started in the background; whatever the tests leave is removed."""
    with running_engine(Compose.V1) as engine:
        engine.remove()
        try:
            engine.transcript.head("docker-compose up, on a machine that has nothing of ours")
            start(engine)
            yield engine
        finally:
            engine.remove()


@pytest.fixture(autouse=True)
def _headed(network: Engine, request: pytest.FixtureRequest) -> None:
    """The transcript says what each part of it is for."""
    network.transcript.head(request.node.name)


def test_every_container_is_healthy(network: Engine) -> None:
    """After the keys were made; none had to be started twice."""
    assert health(network) == dict.fromkeys(_SERVICES, "healthy") | {"prometheus": None}
    assert not any(one["RestartCount"] for one in network.containers().values())


@pytest.mark.parametrize("port", [8080, 8081], ids=["edge", "edge-west"])
def test_the_site_is_served(network: Engine, port: int) -> None:
    """At each edge."""
    page = curl(network, "-H", "Host: shop.cdn.test", f"http://localhost:{port}/")
    assert "<html" in page.lower()


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_a_resolver_finds_the_edges(network: Engine, transport: str) -> None:
    """Through both tiers; the page is there for this machine and for containers."""
    assert resolved(network, transport) == {EAST, WEST}
    assert "<html" in curl_resolved(network, EAST).lower()
    assert "<html" in visit_inside(network).lower()


def test_prometheus_sees_every_node(network: Engine) -> None:
    """All targets are up."""
    expected = {
        node.name: (str(_NETWORK.admin_address(node)), str(node.role), "up")
        for node in _NETWORK.nodes
    }
    assert eventually(lambda: targets(network) == expected)


def test_a_dead_parent_and_a_dead_edge_cost_no_visitor_a_request(network: Engine) -> None:
    """Nobody notices the parent; the edge leaves the low tier's answers, then the resolver's."""
    with visiting() as visitors:
        visitors.visits(10, within_s=SETTLE_S)
        network.kill("parent")
        network.kill("edge-west")
        assert eventually(lambda: edges(network, 5301) == [EAST])
        assert eventually(lambda: resolved(network) == {EAST}, _LEAVES_RESOLVER_S)
        visitors.visits(50, within_s=SETTLE_S)
    assert visitors.failures == []
    network.compose("ps")


def test_it_leaves_nothing_behind(network: Engine) -> None:
    """After `docker-compose down -v`: no container, no volume, no network; all ended well."""
    since = time.time()
    network.compose("down", "--volumes")
    assert network.leftovers() == []
    alive = set(_SERVICES) - {"parent", "edge-west"}
    assert network.exit_codes(since) == dict.fromkeys(alive, 0)
