"""docker-compose.yml, its network file and its Prometheus agree with each other."""

import re
from functools import cache
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from deploy.network import read
from tests.house.tree import ROOT

_NETWORK = read(ROOT / "deploy" / "networks" / "compose.toml")
_NODES = [node.name for node in _NETWORK.nodes]
_KEYS = "/var/lib/midmile/keys"


@cache
def _compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def _service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = _compose()["services"][name]
    return found


def test_each_node_is_a_service() -> None:
    """Under its own name, besides what makes keys and what watches."""
    assert set(_compose()["services"]) == {*_NODES, "keys", "prometheus"}


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
    """One volume, at its own place, to read; no capability; after the keys are made."""
    service = _service(name)
    assert service["command"][:2] == ["node", name]
    assert service["volumes"] == [f"keys-{name}:{_KEYS}/nodes/{name}:ro"]
    assert service["depends_on"] == {"keys": {"condition": "service_healthy"}}
    assert service["cap_drop"] == ["ALL"]
    assert "user" not in service


def test_the_keys_service_fills_every_volume() -> None:
    """It has the CA's folder, and each node's where that node will see it."""
    assert _service("keys")["volumes"] == [
        f"ca:{_KEYS}",
        *(
            mount.removesuffix(":ro")
            for name in _in_file_order()
            for mount in _service(name)["volumes"]
        ),
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
    assert {port for port in ports if not port.startswith(where)} == set()


def test_nothing_of_the_host_is_mounted() -> None:
    """Only volumes that the file declares: it runs as well where the engine is elsewhere."""
    volumes = _compose()["volumes"]
    for service in _compose()["services"].values():
        assert {mount.partition(":")[0] for mount in service["volumes"]} <= set(volumes)


def test_logs_are_bounded() -> None:
    """Docker keeps a few files of each container's access log and no more."""
    for service in _compose()["services"].values():
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}


def test_one_image_runs_every_node() -> None:
    """Built by the service that starts first, under the name that all others use."""
    images = {_service(name)["image"] for name in [*_NODES, "keys"]}
    assert images == {"${MIDMILE_IMAGE:-midmile:local}"}
    builders = {name for name, service in _compose()["services"].items() if "build" in service}
    assert builders == {"keys", "prometheus"}


def test_prometheus_scrapes_every_node() -> None:
    """Each under its service's name, with its role."""
    found = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    [job] = found["scrape_configs"]
    scraped = {
        target: group["labels"]["role"]
        for group in job["static_configs"]
        for target in group["targets"]
    }
    assert scraped == {f"{node.name}:8900": str(node.role) for node in _NETWORK.nodes}


def test_the_files_ask_for_nothing_that_an_old_engine_lacks() -> None:
    """No BuildKit-only syntax, no raised limits: they build wherever Docker runs."""
    for place in (ROOT / "deploy", ROOT / "deploy" / "prometheus"):
        dockerfile = (place / "Dockerfile").read_text()
        assert not re.search(r"^# *syntax|<<|--link|--mount|--chmod", dockerfile, re.MULTILINE)
    assert not any("ulimits" in service for service in _compose()["services"].values())
