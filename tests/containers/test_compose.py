"""`docker compose up` for real: the image is built, every container starts, and it is a CDN.

The tests stand in the order of a visitor's day and share one network; the last two end it.
"""

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.network import read
from tests.containers.docker import Engine, running_engine
from tests.house.tree import ROOT
from tests.kit.programs import need

pytestmark = pytest.mark.system

_NETWORK = read(ROOT / "deploy" / "networks" / "compose.toml")
_NODES = [node.name for node in _NETWORK.nodes]
_KEYS = "/var/lib/midmile/keys"
_SETTLE_S = 30.0


@pytest.fixture(scope="module")
def network() -> Iterator[Engine]:
    """All services up and healthy; whatever the tests leave is removed."""
    with running_engine() as engine:
        engine.compose("down", "--volumes", "--timeout", "5")
        try:
            engine.compose("up", "--build", "--detach", "--wait", "--wait-timeout", "120")
            yield engine
        except AssertionError as error:
            pytest.fail(f"{error}\n{engine.compose('logs', '--tail', '20')}")
        finally:
            engine.compose("down", "--volumes", "--timeout", "5")


@pytest.fixture(scope="module")
def ca(network: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate that a user gives to `curl --cacert`."""
    path = tmp_path_factory.mktemp("ca") / "ca.crt"
    path.write_text(network.compose("exec", "-T", "keys", "cat", f"{_KEYS}/ca.crt"))
    return path


def _curl(*arguments: str) -> str:
    curl = need("curl", package="curl")
    command = [str(curl), "--silent", "--show-error", "--fail", "--max-time", "10", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _dig(*arguments: str) -> str:
    kdig = need("kdig", package="knot-dnsutils")
    command = [str(kdig), "+norecurse", "+time=3", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _eventually(holds: Callable[[], bool]) -> bool:
    """Whether it holds within `_SETTLE_S`; Prometheus can only be asked again and again."""
    deadline = time.monotonic() + _SETTLE_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


def test_every_container_is_healthy(network: Engine) -> None:
    """Plain `up` is enough: keys first, then every node; none of them as root."""
    found = network.containers()
    health = {name: one["State"].get("Health", {}).get("Status") for name, one in found.items()}
    assert health == dict.fromkeys([*_NODES, "keys"], "healthy") | {"prometheus": None}
    assert all(one["State"]["Running"] and not one["RestartCount"] for one in found.values())
    assert network.compose("exec", "-T", "edge", "id", "-u").strip() == "10001"


@pytest.mark.parametrize("port", [8080, 8081], ids=["edge", "edge-west"])
def test_the_site_is_served(network: Engine, port: int) -> None:
    """What README tells a newcomer to type, at each edge."""
    head = _curl("--head", "-H", "Host: shop.cdn.test", f"http://localhost:{port}/")
    assert " 200 " in head.splitlines()[0]
    assert "cache-status:" in head.lower()
    page = _curl("-H", "Host: shop.cdn.test", f"http://localhost:{port}/")
    assert "<html" in page.lower()


def test_the_site_is_served_over_https(network: Engine, ca: Path) -> None:
    """With the network's own CA and no exception."""
    page = _curl("--cacert", str(ca), "https://localhost:8443/")
    assert "<html" in page.lower()


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_the_top_tier_refers_to_both_regions(network: Engine, transport: str) -> None:
    """NS of the nearer region first, with glue."""
    answer = _dig(transport, "@127.0.0.1", "-p", "5300", "shop.cdn.test", "A")
    assert "NOERROR" in answer
    assert {"172.31.214.61", "172.31.214.71"} <= set(answer.split())


def test_the_low_tier_answers_with_edges(network: Engine) -> None:
    """Both edges, the region's own first."""
    for server, expected in [
        ("172.31.214.61", ["172.31.214.11", "172.31.214.21"]),
        ("172.31.214.71", ["172.31.214.21", "172.31.214.11"]),
    ]:
        assert _dig("+short", f"@{server}", "shop.cdn.test", "A").split() == expected


@pytest.mark.parametrize("node", _NODES)
def test_a_container_sees_its_own_keys_only(network: Engine, node: str) -> None:
    """Its bundle; no other node's, and nothing of the CA's folder."""
    listing = network.compose("exec", "-T", node, "find", _KEYS, "-type", "f")
    files = set(listing.split())
    own = f"{_KEYS}/nodes/{node}/"
    assert {path for path in files if not path.startswith(own)} == set()
    assert f"{own}tls.key" in files
    keys = network.compose("exec", "-T", node, "sh", "-c", f"cat $(find {own} -name '*.crt')")
    assert "PRIVATE" not in keys


def test_no_container_but_one_sees_the_key_of_the_ca(network: Engine) -> None:
    """The volume with the CA is mounted by `keys` alone."""
    volume = "midmile-test_ca"
    seeing = {
        name
        for name, one in network.containers().items()
        if volume in {mount.get("Name") for mount in one["Mounts"]}
    }
    assert seeing == {"keys"}


def test_prometheus_sees_every_node(network: Engine) -> None:
    """Each target is up, with its role."""

    def up() -> bool:
        with urllib.request.urlopen("http://127.0.0.1:9090/api/v1/targets", timeout=5) as answer:
            targets = json.load(answer)["data"]["activeTargets"]
        health = {target["labels"]["instance"]: target["health"] for target in targets}
        return health == dict.fromkeys([f"{name}:8900" for name in _NODES], "up")

    assert _eventually(up)


def test_keys_stay_when_the_containers_are_made_anew(network: Engine, ca: Path) -> None:
    """What users trust outlives an upgrade of the image."""
    network.compose("up", "--detach", "--wait", "--force-recreate", "keys", "edge")
    assert network.compose("exec", "-T", "keys", "cat", f"{_KEYS}/ca.crt") == ca.read_text()
    assert "<html" in _curl("--cacert", str(ca), "https://localhost:8443/").lower()


def test_it_stops_in_order(network: Engine) -> None:
    """Every node drains on SIGTERM and ends with code 0, before Docker would kill it."""
    network.compose("stop")
    codes = {name: one["State"]["ExitCode"] for name, one in network.containers().items()}
    assert codes == dict.fromkeys([*_NODES, "keys", "prometheus"], 0)


def test_it_leaves_nothing_behind(network: Engine) -> None:
    """After `docker compose down -v`: no container, no volume, no network."""
    network.compose("down", "--volumes")
    assert network.leftovers() == []
