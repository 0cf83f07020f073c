"""`docker compose up` for real: the image is built, every container starts, and it is a CDN.

The tests stand in the order of a day and share one network: it is started in the foreground, ended
with Ctrl-C, started in the background, watched, hurt, and removed. Promised deadlines have
threefold slack. What was typed and answered is kept in var/compose-transcript-v2.txt.
"""

import re
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.network import read
from tests.containers.asking import (
    EAST,
    SETTLE_S,
    WEST,
    curl,
    curl_resolved,
    dig,
    edges,
    eventually,
    health,
    resolved,
    start,
    targets,
    visit_inside,
)
from tests.containers.docker import PUBLISHED, Compose, Engine, running_engine
from tests.containers.newcomer import terminal, visiting
from tests.house.tree import ROOT

pytestmark = pytest.mark.system

_FILE = "/etc/midmile/network.toml"
_STATE = "/var/lib/midmile"
_KEYS = f"{_STATE}/keys"
_KEPT = f"{_STATE}/nodes/origin/kept"
_NETWORK = read(ROOT / "deploy" / "networks" / "compose.toml")
_NODES = [node.name for node in _NETWORK.nodes]
_WATCHED = [*_NODES, "keys", "resolver"]
"""Services whose health Docker checks."""

_BUILD_S = 200.0
_BACK_S = 3 * 5.0
_LEAVES_ANSWERS_S = 3 * 3.0
_LEAVES_RESOLVER_S = 3 * (20.0 + 3.0)
"""An answer's life, and the time after which no new one names a dead edge."""


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
    with running_engine(Compose.V2) as engine:
        engine.remove()
        try:
            yield engine
        finally:
            engine.remove()


@pytest.fixture(scope="module")
def first_run(engine: Engine) -> FirstRun:
    """`docker compose up`, a look at the page, Ctrl-C."""
    engine.transcript.head("docker compose up, a look at the page, Ctrl-C")
    with terminal(engine) as opened:
        opened.until_ready(set(_NODES), _BUILD_S)
        page = curl(engine, "http://localhost:8080/")
        ca = _ca(engine)
        engine.compose("exec", "-T", "origin", "touch", _KEPT)
        exit_code = opened.interrupt(within_s=SETTLE_S)
    codes = {name: one["State"]["ExitCode"] for name, one in engine.containers().items()}
    return FirstRun(page=page, ca=ca, exit_code=exit_code, exit_codes=codes)


@pytest.fixture(scope="module")
def network(engine: Engine, first_run: FirstRun) -> Engine:
    """All containers removed after their first run, and made anew in the background."""
    engine.transcript.head("docker compose down, and up again in the background")
    engine.compose("down")
    start(engine)
    return engine


@pytest.fixture(autouse=True)
def _headed(engine: Engine, request: pytest.FixtureRequest) -> None:
    """The transcript says what each part of it is for."""
    engine.transcript.head(request.node.name)


@pytest.fixture(scope="module")
def ca(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate that the first run gave to its user, for `curl --cacert`."""
    path = tmp_path_factory.mktemp("ca") / "ca.crt"
    path.write_text(first_run.ca)
    return path


def _ca(engine: Engine) -> str:
    return engine.compose("exec", "-T", "keys", "cat", f"{_KEYS}/ca.crt")


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


def test_plain_up_is_enough(first_run: FirstRun) -> None:
    """It builds the images, makes the keys and serves the page that README promises."""
    assert "<html" in first_run.page.lower()


def test_ctrl_c_stops_it_in_order(first_run: FirstRun) -> None:
    """Every node drains and ends with code 0, before Docker would kill it."""
    assert first_run.exit_codes == dict.fromkeys([*_WATCHED, "prometheus"], 0)
    assert first_run.exit_code in {0, 130}


def test_every_container_is_healthy(network: Engine) -> None:
    """Keys first, then every node; none had to be started twice."""
    assert health(network) == dict.fromkeys(_WATCHED, "healthy") | {"prometheus": None}
    found = network.containers()
    assert all(one["State"]["Running"] and not one["RestartCount"] for one in found.values())


def test_keys_and_state_outlive_the_containers(network: Engine, first_run: FirstRun) -> None:
    """What users trust is the same, and what a node has kept is there."""
    assert _ca(network) == first_run.ca
    network.compose("exec", "-T", "origin", "test", "-e", _KEPT)


@pytest.mark.parametrize("node", _NODES)
def test_a_nodes_state_is_its_own(network: Engine, node: str) -> None:
    """In a volume of its own, which nobody else mounts or may read."""
    place, volume = f"{_STATE}/nodes/{node}", f"midmile-test_state-{node}"
    mounts = {name: one["Mounts"] for name, one in network.containers().items()}
    assert {name for name, all_ in mounts.items() if _mounts(all_, volume)} == {node}
    assert place in {mount["Destination"] for mount in mounts[node] if mount["RW"]}
    said = network.compose("exec", "-T", node, "stat", "-c", "%u:%g %a", place)
    assert said.split() == ["10001:10001", "700"]


@pytest.mark.parametrize("name", [*_WATCHED, "prometheus"])
def test_a_container_may_do_little(network: Engine, name: str) -> None:
    """Not root, no capability, no way to either."""
    wanted = "^(Uid|Gid|CapEff|CapBnd|NoNewPrivs):"
    status = network.compose("exec", "-T", name, "grep", "-E", wanted, "/proc/1/status")
    found = dict(re.findall(r"^(\w+):\s+(\S+)", status, re.MULTILINE))
    nothing = "0" * 16
    user = "10001" if name in {*_NODES, "keys"} else "65534"
    assert found == {
        "Uid": user,
        "Gid": user,
        "CapEff": nothing,
        "CapBnd": nothing,
        "NoNewPrivs": "1",
    }


def test_the_image_is_small(network: Engine) -> None:
    """What we add to the base image, with all libraries; Pillow, which paints, is a fifth."""
    kilobytes, _ = network.compose("exec", "-T", "edge", "du", "-sk", "/opt/midmile").split()
    assert int(kilobytes) < 90_000


@pytest.mark.parametrize("port", [8080, 8081], ids=["edge", "edge-west"])
def test_the_site_is_served(network: Engine, port: int) -> None:
    """What README tells a newcomer to type, at each edge."""
    head = curl(network, "--head", "-H", "Host: shop.cdn.test", f"http://localhost:{port}/")
    assert " 200 " in head.splitlines()[0]
    assert "cache-status:" in head.lower()
    page = curl(network, "-H", "Host: shop.cdn.test", f"http://localhost:{port}/")
    assert "<html" in page.lower()


@pytest.mark.parametrize("port", [8443, 8444], ids=["edge", "edge-west"])
def test_the_site_is_served_over_https(network: Engine, ca: Path, port: int) -> None:
    """With the network's own CA and no exception."""
    page = curl(network, "--cacert", str(ca), f"https://localhost:{port}/")
    assert "<html" in page.lower()


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_the_top_tier_refers_to_both_regions(network: Engine, transport: str) -> None:
    """NS of the nearer region first, with glue."""
    answer = dig(network, 5300, transport, "shop.cdn.test", "A")
    assert "NOERROR" in answer
    servers = re.findall(r"IN\s+NS\s+(\S+)\.ns\.cdn\.test\.", answer)
    assert servers == ["dns-east", "dns-west"]
    assert {"172.31.214.61", "172.31.214.71"} <= set(answer.split())


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
@pytest.mark.parametrize(
    ("port", "expected"), [(5301, [EAST, WEST]), (5302, [WEST, EAST])], ids=["east", "west"]
)
def test_the_low_tier_answers_with_edges(
    network: Engine, transport: str, port: int, expected: list[str]
) -> None:
    """Both edges, the region's own first."""
    assert dig(network, port, transport, "+short", "shop.cdn.test", "A").split() == expected


def test_both_tiers_are_walked_inside(network: Engine) -> None:
    """`midmile resolve` in a container reaches the servers at their own addresses."""
    walk = network.compose(
        "exec", "-T", "dns-b", "midmile", "resolve", "shop.cdn.test", "--network", _FILE
    )
    assert "referral" in walk
    assert walk.index(EAST) < walk.index(WEST)


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_a_resolver_finds_the_edges(network: Engine, transport: str) -> None:
    """It knows the top tier's addresses only, follows the referral, and a visitor gets the page."""
    found = resolved(network, transport)
    assert found == {EAST, WEST}
    for address in found:
        assert "<html" in curl_resolved(network, address).lower()


def test_containers_may_use_the_resolver(network: Engine) -> None:
    """It is on port 53, where whatever runs in the network looks for it."""
    assert "<html" in visit_inside(network).lower()


def test_the_resolver_asks_nobody_outside(network: Engine) -> None:
    """Names of other zones are refused at once: whoever reaches its port gains nothing."""
    drill = ["drill", "@127.0.0.1", "www.example.com"]
    assert "rcode: REFUSED" in network.compose("exec", "-T", "resolver", *drill)


@pytest.fixture(scope="module")
def secret(network: Engine) -> str:
    """The CA's private key, without line ends."""
    find = ["find", f"{_KEYS}/authority", "-name", "*.key", "-exec", "cat", "{}", "+"]
    pem = network.unrecorded("exec", "-T", "keys", *find)
    found = re.search(r"PRIVATE KEY-----(.{60,})-----END", pem.replace("\n", ""))
    assert found
    return found[1]


@pytest.mark.parametrize("node", _NODES)
def test_a_container_sees_its_own_keys_only(network: Engine, node: str, secret: str) -> None:
    """Its bundle, which it cannot change; no other node's, and nothing of the CA's folder."""
    own = f"{_KEYS}/nodes/{node}"
    script = f"find {_KEYS} -type f; echo; find {_KEYS} -type f -exec cat {{}} +; touch {own}/x"
    seen = network.unrecorded("exec", "-T", node, "sh", "-c", f"({script}) 2>&1 || true")
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
    """Each node of the network file is up, at its container's address, under its own name."""
    expected = {
        node.name: (str(_NETWORK.admin_address(node)), str(node.role), "up")
        for node in _NETWORK.nodes
    }
    assert eventually(lambda: targets(network) == expected)


@pytest.mark.parametrize(
    ("host", "status"),
    [("edge", 200), ("edge:8900", 200), (EAST, 200), ("edge-west", 421), ("example.com", 421)],
)
def test_an_admin_port_knows_its_own_names(network: Engine, host: str, status: int) -> None:
    """The container's address and what `admin_hosts` lists; whoever uses another is refused."""
    script = (
        "import http.client as h; c = h.HTTPConnection('edge', 8900);"
        f"c.request('GET', '/metrics', headers={{'Host': '{host}'}});"
        "print(c.getresponse().status)"
    )
    assert network.compose("exec", "-T", "edge-west", "python", "-c", script).strip() == str(status)


def test_keys_are_rotated_by_hand_while_it_runs(network: Engine, ca: Path, tmp_path: Path) -> None:
    """All nodes take the new keys; old and new CA are trusted, and no visitor notices."""
    before = _serial(ca)
    with visiting() as visitors:
        rotate = ["midmile", "keys", _FILE, "--state", _STATE, "--rotate"]
        assert "renewed network CA" in network.compose("exec", "-T", "keys", *rotate)
        renewed = tmp_path / "ca.crt"
        renewed.write_text(_ca(network))
        assert renewed.read_text() != ca.read_text()
        assert eventually(lambda: _serial(ca) != before)
        assert _serial(renewed) == _serial(ca)
        visitors.visits(20, within_s=SETTLE_S)
    assert visitors.failures == []


def test_a_dead_parent_costs_no_visitor_a_request(network: Engine) -> None:
    """Idempotent requests go to the other one, and to both when it is back, with the new keys."""
    with visiting() as visitors:
        visitors.visits(10, within_s=SETTLE_S)
        network.kill("parent")
        visitors.visits(100, within_s=SETTLE_S)
        start(network)
        network.kill("parent-b")
        visitors.visits(100, within_s=SETTLE_S)
    assert visitors.failures == []
    start(network)


def test_a_dead_edge_leaves_the_answers(network: Engine) -> None:
    """Within 3 s, of both regions' servers; a resolver forgets it within an answer's life more."""
    assert eventually(lambda: resolved(network) == {EAST, WEST})
    network.kill("edge-west")
    assert eventually(
        lambda: edges(network, 5301) == edges(network, 5302) == [EAST], _LEAVES_ANSWERS_S
    )
    assert eventually(lambda: resolved(network) == {EAST}, _LEAVES_RESOLVER_S)
    start(network)
    assert eventually(
        lambda: WEST in edges(network, 5301) and edges(network, 5302)[0] == WEST, _BACK_S
    )


@pytest.mark.parametrize("service", ["edge", "keys"])
def test_what_crashes_is_started_again(network: Engine, service: str) -> None:
    """Docker does it by the restart policy, and the health check tells when it works again."""
    network.crash(service)
    assert eventually(lambda: network.containers()[service]["RestartCount"] == 1, _BACK_S)
    assert eventually(lambda: health(network)[service] == "healthy")
    assert "<html" in curl(network, "http://localhost:8080/").lower()


def test_it_leaves_nothing_behind(network: Engine) -> None:
    """After `docker compose down -v`: no container, no volume, no network; all ended well."""
    since = time.time()
    network.compose("down", "--volumes")
    assert network.leftovers() == []
    assert network.exit_codes(since) == dict.fromkeys([*_WATCHED, "prometheus"], 0)
