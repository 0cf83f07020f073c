"""docker-compose.yml, its network file and its Prometheus agree with each other."""

import re
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from deploy.network import read
from tests.containers.docker import RESOLVER
from tests.house.tree import ROOT

_NETWORK = read(ROOT / "deploy" / "networks" / "compose.toml")
_NODES = [node.name for node in _NETWORK.nodes]
_STATE = "/var/lib/midmile"
_KEYS = f"{_STATE}/keys"


@cache
def _compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def _service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = _compose()["services"][name]
    return found


def test_each_node_is_a_service() -> None:
    """Under its own name, besides what makes keys, what asks the DNS, and what watches."""
    assert set(_compose()["services"]) == {*_NODES, "keys", "resolver", "prometheus"}


@pytest.mark.parametrize("node", _NETWORK.nodes, ids=_NODES)
def test_a_service_has_the_addresses_of_its_node(node: Any) -> None:
    """A container's address is the one that its node binds, for every listener and admin."""
    address = _service(node.name)["networks"]["midmile"]["ipv4_address"]
    bound = {host.host for addresses in node.sockets().values() for host in addresses}
    assert bound == {address}
    assert str(node.admin) == f"{address}:8900"
    assert node.admin_hosts == (node.name,)


@pytest.mark.parametrize("name", _NODES)
def test_a_node_runs_itself_and_sees_its_own_keys_only(name: str) -> None:
    """Two volumes, keys to read and state, at its own places; no capability; after the keys."""
    service = _service(name)
    assert service["command"][:2] == ["node", name]
    assert service["volumes"] == [
        f"keys-{name}:{_KEYS}/nodes/{name}:ro",
        f"state-{name}:{_STATE}/nodes/{name}",
    ]
    assert service["depends_on"] == {"keys": {"condition": "service_healthy"}}
    assert service["cap_drop"] == ["ALL"]
    assert "user" not in service


def test_the_keys_service_fills_every_volume() -> None:
    """It has the CA's folder, each node's where that node sees it, and what Prometheus reads."""
    assert _service("keys")["volumes"] == [
        f"targets:{_STATE}/targets",
        f"ca:{_KEYS}",
        *(_service(name)["volumes"][0].removesuffix(":ro") for name in _in_file_order()),
    ]


def _in_file_order() -> list[str]:
    return [name for name in _compose()["services"] if name in _NODES]


def test_only_this_machine_reaches_what_is_published() -> None:
    """Every port is published on the loopback address, unless the user says where."""
    ports = {
        port for service in _compose()["services"].values() for port in service.get("ports", [])
    }
    assert ports
    where = "${MIDMILE_PUBLISH:-127.0.0.1}:"
    assert {port for port in ports if not port.startswith(where)} == set(
        _service("prometheus")["ports"]
    )


def test_prometheus_is_opened_by_a_word_of_its_own() -> None:
    """It asks nobody for a password, so what opens the rest does not open it."""
    assert _service("prometheus")["ports"] == ["${MIDMILE_PUBLISH_PROMETHEUS:-127.0.0.1}:9090:9090"]


def test_no_container_s_files_can_be_changed() -> None:
    """Only volumes and a small scratch folder in memory take what is written."""
    for name, service in _compose()["services"].items():
        assert service["read_only"] is True, name
        assert service.get("tmpfs", []) in ([], ["/tmp:size=16m"]), name


def test_nothing_of_the_host_is_mounted() -> None:
    """Only volumes that the file declares: it runs as well where the engine is elsewhere."""
    volumes = _compose()["volumes"]
    for service in _compose()["services"].values():
        assert {mount.partition(":")[0] for mount in service.get("volumes", [])} <= set(volumes)


def test_logs_are_bounded() -> None:
    """Docker keeps a few files of each container's access log and no more."""
    for service in _compose()["services"].values():
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}


def test_one_image_runs_every_node() -> None:
    """Built by the service that starts first, under the name that all others use."""
    images = {_service(name)["image"] for name in [*_NODES, "keys"]}
    assert images == {"${MIDMILE_IMAGE:-midmile:local}"}
    builders = {name for name, service in _compose()["services"].items() if "build" in service}
    assert builders == {"keys", "resolver", "prometheus"}


@pytest.mark.parametrize("name", ["keys", "resolver", "prometheus"])
def test_no_service_may_more_than_a_node(name: str) -> None:
    """No capability, and no way to get one."""
    for key in ("cap_drop", "security_opt", "restart"):
        assert _service(name)[key] == _service(_NODES[0])[key]


def test_prometheus_scrapes_what_the_keys_service_writes_down() -> None:
    """The targets of the network file, by a volume; no list of them is kept by hand."""
    found = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    [job] = found["scrape_configs"]
    assert job["job_name"] == "midmile"
    assert job["file_sd_configs"] == [{"files": ["targets/*.json"]}]
    assert not {key for key in job if key.endswith("_configs")} - {
        "file_sd_configs",
        "relabel_configs",
    }
    assert "targets:/etc/prometheus/targets:ro" in _service("prometheus")["volumes"]
    [script] = _service("keys")["command"]
    assert "midmile targets /etc/midmile/network.toml > $$list.new" in script
    assert "list=/var/lib/midmile/targets/" in script


def test_the_resolver_knows_the_top_tier_and_nothing_else() -> None:
    """The zone and its top-level servers, as in the network file; no way to the Internet."""
    settings = (ROOT / "deploy" / "resolver" / "unbound.conf").read_text()
    tops = [str(node.advertise.dns) for node in _NETWORK.tops]
    addresses = [f"{address}:53" for address in re.findall(r"stub-addr: (\S+)", settings)]
    assert addresses == tops
    assert re.findall(r'^ +name: "(.+)"', settings, re.MULTILINE) == [_NETWORK.zone]
    assert re.findall(r'local-zone: "(.+)" (\w+)', settings) == [
        (".", "refuse"),
        (f"{_NETWORK.zone}.", "transparent"),
    ]
    assert "forward-zone" not in settings


def test_the_resolver_tells_strangers_little_and_seldom() -> None:
    """Neither its name nor its version, and one address only so many answers a second."""
    settings = (ROOT / "deploy" / "resolver" / "unbound.conf").read_text()
    told = dict(re.findall(r"^ +(hide-\w+|ip-ratelimit): (\w+)", settings, re.MULTILINE))
    assert told == {"hide-identity": "yes", "hide-version": "yes", "ip-ratelimit": "1000"}


def test_the_resolver_has_the_address_that_containers_are_told() -> None:
    """In the part of the network that Docker gives to nobody by itself."""
    assert _service("resolver")["networks"]["midmile"]["ipv4_address"] == RESOLVER
    [pool] = _compose()["networks"]["midmile"]["ipam"]["config"]
    assert ip_address(RESOLVER) in ip_network(pool["subnet"])
    assert ip_address(RESOLVER) not in ip_network(pool["ip_range"])


def test_the_files_ask_for_nothing_that_an_old_engine_lacks() -> None:
    """No BuildKit-only syntax, no raised limits: they build wherever Docker runs."""
    dockerfiles = list((ROOT / "deploy").rglob("Dockerfile"))
    assert len(dockerfiles) == 3
    for place in dockerfiles:
        dockerfile = place.read_text()
        assert not re.search(r"^# *syntax|<<|--link|--mount|--chmod", dockerfile, re.MULTILINE)
    assert not any("ulimits" in service for service in _compose()["services"].values())
