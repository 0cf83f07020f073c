"""`midmile targets`: what Prometheus reads."""

import json
from pathlib import Path

import pytest

from deploy.commands.targets import print_targets, targets
from deploy.exits import ExitCode, Refusal
from deploy.layout import DEMO
from deploy.network import read
from tests.deploy.networks import NETWORKS, demo


def test_every_node_is_a_target(capsys: pytest.CaptureFixture[str]) -> None:
    """One group a node, in the file's order, at its admin address; JSON and nothing else."""
    print_targets(DEMO)
    said = capsys.readouterr()
    found = [
        (*group["targets"], group["labels"]["node"], group["labels"]["role"])
        for group in json.loads(said.out)
    ]
    assert found == [
        ("127.0.0.1:8900", "east", "edge"),
        ("127.0.0.1:8901", "west", "edge"),
        ("127.0.0.1:8902", "parent-a", "parent"),
        ("127.0.0.1:8903", "parent-b", "parent"),
        ("127.0.0.1:8904", "shop-origin", "origin"),
        ("127.0.0.1:8905", "top-a", "top"),
        ("127.0.0.1:8906", "top-b", "top"),
        ("127.0.0.1:8907", "low-east", "low"),
        ("127.0.0.1:8908", "low-west", "low"),
    ]
    assert said.err == ""


def test_labels_tell_network_and_region() -> None:
    """A region only for nodes that belong to one."""
    east, _, parent, *_ = targets(demo())
    assert east["labels"] == {"network": "demo", "node": "east", "role": "edge", "region": "east"}
    assert parent["labels"] == {"network": "demo", "node": "parent-a", "role": "parent"}


def test_a_node_with_an_admin_address_of_its_own_is_asked_there() -> None:
    """As in containers, where each has one."""
    network = read(NETWORKS / "compose.toml")
    assert next(targets(network))["targets"] == ["172.31.214.11:8900"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ('admin = "[2001:db8::1]:9000"', "[2001:db8::1]:9000"),
        ('admin = "0.0.0.0:9000"', "east:9000"),
        ('admin = "[::]:9000"\nadmin_hosts = ["e.example", "f.example"]', "e.example:9000"),
    ],
    ids=["IPv6", "wildcard", "wildcard with names"],
)
def test_a_target_is_an_address_that_can_be_asked(keys: str, expected: str) -> None:
    """Where the node listens everywhere, a name that its admin port accepts."""
    network = demo(('name = "east"\nrole', f'name = "east"\n{keys}\nrole'))
    assert next(targets(network))["targets"] == [expected]


def test_a_wrong_file_prints_no_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Code 2, and nothing that Prometheus could take for a list."""
    path = tmp_path / "my.toml"
    path.write_text("[network]\n")
    with pytest.raises(Refusal) as refused:
        print_targets(path)
    assert refused.value.code is ExitCode.USAGE
    assert capsys.readouterr().out == ""
