"""`docker compose up` for real: the image is built, every container starts, and it is a CDN.

The tests stand in the order of a day and share one network: it is started in the foreground, ended
with Ctrl-C, started in the background, watched, hurt, and removed. Promised deadlines have
threefold slack.
"""

import json
import re
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.network import read
from tests.containers.docker import PUBLISHED, Engine, running_engine
from tests.containers.newcomer import terminal, visiting
from tests.house.tree import ROOT
from tests.kit.programs import need

pytestmark = pytest.mark.system

_FILE = "/etc/midmile/network.toml"
_STATE = "/var/lib/midmile"
_KEYS = f"{_STATE}/keys"
_NETWORK = read(ROOT / "deploy" / "networks" / "compose.toml")
_NODES = [node.name for node in _NETWORK.nodes]
_EAST, _WEST = "172.31.214.11", "172.31.214.21"

_BUILD_S = 200.0
_SETTLE_S = 60.0
_BACK_S = 3 * 5.0
_LEAVES_ANSWERS_S = 3 * 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRun:
    """What came of `docker compose up` on a machine without image, volume or container."""

    page: str
    ca: str
    exit_code: int
    exit_codes: dict[str, int]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine on which nothing of ours is; whatever the tests leave is removed."""
    with running_engine() as engine:
        engine.remove()
        try:
            yield engine
        finally:
            engine.remove()


@pytest.fixture(scope="module")
def first_run(engine: Engine) -> FirstRun:
    """`docker compose up`, a look at the page, Ctrl-C."""
    with terminal(engine) as opened:
        opened.until_ready(set(_NODES), _BUILD_S)
        page = _curl("http://localhost:8080/")
        ca = _ca(engine)
        exit_code = opened.interrupt(within_s=_SETTLE_S)
    codes = {name: one["State"]["ExitCode"] for name, one in engine.containers().items()}
    return FirstRun(page=page, ca=ca, exit_code=exit_code, exit_codes=codes)


@pytest.fixture(scope="module")
def network(engine: Engine, first_run: FirstRun) -> Engine:
    """The same started again after its first run, in the background."""
    _start(engine)
    return engine


@pytest.fixture(scope="module")
def ca(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate that the first run gave to its user, for `curl --cacert`."""
    path = tmp_path_factory.mktemp("ca") / "ca.crt"
    path.write_text(first_run.ca)
    return path


def _start(engine: Engine) -> None:
    """Everything up and healthy, whatever has run before."""
    try:
        engine.compose("up", "--detach", "--wait", "--wait-timeout", "120")
    except AssertionError as error:
        pytest.fail(f"{error}\n{engine.compose('logs', '--tail', '20')}")


def _ca(engine: Engine) -> str:
    return engine.compose("exec", "-T", "keys", "cat", f"{_KEYS}/ca.crt")


def _curl(*arguments: str) -> str:
    """What curl prints, asked where the tests publish the ports."""
    curl = need("curl", package="curl")
    # An empty port in --connect-to means the URL's own.
    there = ["--connect-to", f"::{PUBLISHED}:"]
    return _said(str(curl), "-sS", "--fail", "--max-time", "10", *there, *arguments)


def _dig(port: int, *arguments: str) -> str:
    kdig = need("kdig", package="knot-dnsutils")
    return _said(str(kdig), f"@{PUBLISHED}", "-p", str(port), "+norecurse", "+time=3", *arguments)


def _said(*command: str) -> str:
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert finished.returncode == 0, f"{' '.join(command)}\n{finished.stdout}{finished.stderr}"
    return finished.stdout


def _edges(port: int) -> list[str]:
    """The addresses that a low-level server answers."""
    return _dig(port, "+short", "shop.cdn.test", "A").split()


def _serial(ca: Path) -> str:
    """Which certificate the east edge shows to a visitor who trusts `ca`."""
    context = ssl.create_default_context(cafile=ca)
    with (
        socket.create_connection((PUBLISHED, 8443), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="shop.cdn.test") as secured,
    ):
        found = secured.getpeercert()
    assert found is not None
    return str(found["serialNumber"])


def _eventually(holds: Callable[[], bool], within_s: float = _SETTLE_S) -> bool:
    """Whether it holds in time; programs in containers can only be asked again and again."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _health(engine: Engine) -> dict[str, str | None]:
    found = engine.containers()
    return {name: one["State"].get("Health", {}).get("Status") for name, one in found.items()}


def test_plain_up_is_enough(first_run: FirstRun) -> None:
    """It builds the images, makes the keys and serves the page that README promises."""
    assert "<html" in first_run.page.lower()


def test_ctrl_c_stops_it_in_order(first_run: FirstRun) -> None:
    """Every node drains and ends with code 0, before Docker would kill it."""
    assert first_run.exit_codes == dict.fromkeys([*_NODES, "keys", "prometheus"], 0)
    assert first_run.exit_code in {0, 130}


def test_every_container_is_healthy(network: Engine) -> None:
    """Keys first, then every node; none had to be started twice."""
    assert _health(network) == dict.fromkeys([*_NODES, "keys"], "healthy") | {"prometheus": None}
    found = network.containers()
    assert all(one["State"]["Running"] and not one["RestartCount"] for one in found.values())


def test_the_second_start_keeps_the_keys(network: Engine, first_run: FirstRun) -> None:
    """What users trust outlives the containers."""
    assert _ca(network) == first_run.ca


@pytest.mark.parametrize("name", [*_NODES, "keys"])
def test_a_container_may_do_little(network: Engine, name: str) -> None:
    """Not root, no capability, no way to either."""
    status = network.compose("exec", "-T", name, "cat", "/proc/1/status")
    found = dict(re.findall(r"^(Uid|Gid|CapEff|CapBnd|NoNewPrivs):\s+(\S+)", status, re.MULTILINE))
    nothing = "0" * 16
    assert found == {
        "Uid": "10001",
        "Gid": "10001",
        "CapEff": nothing,
        "CapBnd": nothing,
        "NoNewPrivs": "1",
    }


def test_the_image_is_small(network: Engine) -> None:
    """What we add to the base image, with all libraries."""
    kilobytes, _ = network.compose("exec", "-T", "edge", "du", "-sk", "/opt/midmile").split()
    assert int(kilobytes) < 80_000


@pytest.mark.parametrize("port", [8080, 8081], ids=["edge", "edge-west"])
def test_the_site_is_served(network: Engine, port: int) -> None:
    """What README tells a newcomer to type, at each edge."""
    head = _curl("--head", "-H", "Host: shop.cdn.test", f"http://localhost:{port}/")
    assert " 200 " in head.splitlines()[0]
    assert "cache-status:" in head.lower()
    page = _curl("-H", "Host: shop.cdn.test", f"http://localhost:{port}/")
    assert "<html" in page.lower()


@pytest.mark.parametrize("port", [8443, 8444], ids=["edge", "edge-west"])
def test_the_site_is_served_over_https(network: Engine, ca: Path, port: int) -> None:
    """With the network's own CA and no exception."""
    page = _curl("--cacert", str(ca), f"https://localhost:{port}/")
    assert "<html" in page.lower()


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_the_top_tier_refers_to_both_regions(network: Engine, transport: str) -> None:
    """NS of the nearer region first, with glue."""
    answer = _dig(5300, transport, "shop.cdn.test", "A")
    assert "NOERROR" in answer
    servers = re.findall(r"IN\s+NS\s+(\S+)\.ns\.cdn\.test\.", answer)
    assert servers == ["dns-east", "dns-west"]
    assert {"172.31.214.61", "172.31.214.71"} <= set(answer.split())


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
@pytest.mark.parametrize(
    ("port", "expected"), [(5301, [_EAST, _WEST]), (5302, [_WEST, _EAST])], ids=["east", "west"]
)
def test_the_low_tier_answers_with_edges(
    network: Engine, transport: str, port: int, expected: list[str]
) -> None:
    """Both edges, the region's own first."""
    assert _dig(port, transport, "+short", "shop.cdn.test", "A").split() == expected


def test_both_tiers_are_walked_inside(network: Engine) -> None:
    """`midmile resolve` in a container reaches the servers at their own addresses."""
    walk = network.compose(
        "exec", "-T", "dns-b", "midmile", "resolve", "shop.cdn.test", "--network", _FILE
    )
    assert "referral" in walk
    assert walk.index(_EAST) < walk.index(_WEST)


@pytest.fixture(scope="module")
def secret(network: Engine) -> str:
    """The CA's private key, without line ends."""
    find = ["find", f"{_KEYS}/authority", "-name", "*.key", "-exec", "cat", "{}", "+"]
    pem = network.compose("exec", "-T", "keys", *find)
    found = re.search(r"PRIVATE KEY-----(.{60,})-----END", pem.replace("\n", ""))
    assert found
    return found[1]


@pytest.mark.parametrize("node", _NODES)
def test_a_container_sees_its_own_keys_only(network: Engine, node: str, secret: str) -> None:
    """Its bundle, which it cannot change; no other node's, and nothing of the CA's folder."""
    own = f"{_KEYS}/nodes/{node}"
    script = f"find {_KEYS} -type f; echo; find {_KEYS} -type f -exec cat {{}} +; touch {own}/x"
    seen = network.compose("exec", "-T", node, "sh", "-c", f"({script}) 2>&1 || true")
    listing, _, content = seen.partition("\n\n")
    files = set(listing.split())
    assert {path for path in files if not path.startswith(f"{own}/")} == set()
    assert f"{own}/tls.key" in files
    assert "Read-only file system" in content
    assert secret not in content.replace("\n", "")


def test_no_container_but_one_sees_the_key_of_the_ca(network: Engine) -> None:
    """The volume with the CA is mounted by `keys` alone, and nothing of the host by any."""
    found = network.containers()
    mounts = {name: one["Mounts"] for name, one in found.items()}
    assert {name for name, all_ in mounts.items() if _mounts(all_, "midmile-test_ca")} == {"keys"}
    assert {mount["Type"] for all_ in mounts.values() for mount in all_} == {"volume"}


def _mounts(mounts: list[dict[str, str]], volume: str) -> bool:
    return volume in {mount.get("Name") for mount in mounts}


def test_prometheus_sees_every_node(network: Engine) -> None:
    """Each target is up, with its role."""

    def up() -> bool:
        url = f"http://{PUBLISHED}:9090/api/v1/targets"
        with urllib.request.urlopen(url, timeout=5) as answer:
            targets = json.load(answer)["data"]["activeTargets"]
        health = {
            (one["labels"]["instance"], one["labels"]["role"]): one["health"] for one in targets
        }
        expected = [(f"{node.name}:8900", str(node.role)) for node in _NETWORK.nodes]
        return health == dict.fromkeys(expected, "up")

    assert _eventually(up)


def test_keys_are_rotated_by_hand_while_it_runs(network: Engine, ca: Path, tmp_path: Path) -> None:
    """All nodes take the new keys; old and new CA are trusted, and no visitor notices."""
    before = _serial(ca)
    with visiting() as visitors:
        rotate = ["midmile", "keys", _FILE, "--state", _STATE, "--rotate"]
        assert "renewed network CA" in network.compose("exec", "-T", "keys", *rotate)
        renewed = tmp_path / "ca.crt"
        renewed.write_text(_ca(network))
        assert renewed.read_text() != ca.read_text()
        assert _eventually(lambda: _serial(ca) != before)
        assert _serial(renewed) == _serial(ca)
        visitors.visits(20, within_s=_SETTLE_S)
    assert visitors.failures == []


def test_a_dead_parent_costs_no_visitor_a_request(network: Engine) -> None:
    """Idempotent requests go to the other one, and to both when it is back, with the new keys."""
    with visiting() as visitors:
        visitors.visits(10, within_s=_SETTLE_S)
        network.kill("parent")
        visitors.visits(100, within_s=_SETTLE_S)
        _start(network)
        network.kill("parent-b")
        visitors.visits(100, within_s=_SETTLE_S)
    assert visitors.failures == []
    _start(network)


def test_a_dead_edge_leaves_the_answers(network: Engine) -> None:
    """Within 3 s, of both regions' servers; it is back in them soon after its start."""
    network.kill("edge-west")
    assert _eventually(lambda: _edges(5301) == _edges(5302) == [_EAST], _LEAVES_ANSWERS_S)
    _start(network)
    assert _eventually(lambda: _WEST in _edges(5301) and _edges(5302)[0] == _WEST, _BACK_S)


@pytest.mark.parametrize("service", ["edge", "keys"])
def test_what_crashes_is_started_again(network: Engine, service: str) -> None:
    """Docker does it by the restart policy, and the health check tells when it works again."""
    network.crash(service)
    assert _eventually(lambda: network.containers()[service]["RestartCount"] == 1, _BACK_S)
    assert _eventually(lambda: _health(network)[service] == "healthy")
    assert "<html" in _curl("http://localhost:8080/").lower()


def test_it_leaves_nothing_behind(network: Engine) -> None:
    """After `docker compose down -v`: no container, no volume, no network; all ended well."""
    since = time.time()
    network.compose("down", "--volumes")
    assert network.leftovers() == []
    assert network.exit_codes(since) == dict.fromkeys([*_NODES, "keys", "prometheus"], 0)
