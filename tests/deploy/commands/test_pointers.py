"""What a running network shows its user."""

from pathlib import Path

import pytest

from deploy.commands.pointers import pointers, program
from deploy.layout import DEMO
from deploy.network import read
from tests.deploy.networks import demo


def test_demo_network_is_pointed_at() -> None:
    """The demo's table names a browser's URL, curl with the CA, dig, Prometheus and status."""
    source = DEMO
    shown = pointers(read(source), source, Path.cwd() / "var")
    ways = [how for _, how in shown]
    assert "http://shop.localhost:8080/" in ways
    assert "curl --cacert var/keys/ca.crt https://shop.localhost:8443/" in ways
    assert "dig @127.0.10.1 -p 5300 shop.cdn.test" in ways
    assert "http://127.0.0.1:8900/metrics   (east; others: see status)" in ways
    assert ("both DNS tiers", "midmile resolve shop.cdn.test") in shown
    assert ("status page", "http://127.0.0.1:8899/") in shown
    assert shown[-1] == ("status, stop", "midmile status, Ctrl-C")


def test_commands_name_a_file_and_a_state_of_the_users_own() -> None:
    """What is shown can be typed as it stands, also with another file and state directory."""
    here = Path.cwd()
    shown = pointers(read(DEMO), here / "my net.toml", here / "mine")
    assert ("both DNS tiers", "midmile resolve shop.cdn.test --network 'my net.toml'") in shown
    assert shown[-1] == ("status, stop", "midmile status --state mine, Ctrl-C")


def test_an_edge_elsewhere_is_reached_by_its_address() -> None:
    """`shop.localhost` means this machine, so it is shown only where the edge listens there."""
    network = demo((', "127.0.0.1:8080"', ""), (', "127.0.0.1:8443"', ""))
    ways = [how for _, how in pointers(network, DEMO, Path.cwd() / "var")]
    assert ways[:2] == [
        "curl --connect-to ::127.0.1.1:8080 http://shop.cdn.test/",
        ("curl --cacert var/keys/ca.crt --connect-to ::127.0.1.1:8443 https://shop.cdn.test/"),
    ]


def test_midmile_is_called_as_the_user_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name where the shell finds it, else by the path that was typed."""
    own = tmp_path / "venv" / "midmile"
    own.parent.mkdir()
    own.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["venv/midmile", "up"])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == "venv/midmile"
    monkeypatch.setenv("PATH", str(own.parent))
    assert program() == "midmile"
    monkeypatch.setattr("sys.argv", ["deploy/__main__.py", "up"])
    assert program() == "midmile"
