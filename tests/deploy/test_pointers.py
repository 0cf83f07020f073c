"""What a running network shows its user."""

from pathlib import Path

from deploy.cli import network_file
from deploy.network import read
from deploy.pointers import pointers


def test_demo_network_is_pointed_at() -> None:
    """The demo's table names a browser's URL, curl with the CA, dig, Prometheus and status."""
    shown = pointers(read(network_file(None)), Path.cwd() / "var")
    ways = [how for _, how in shown]
    assert "http://shop.localhost:8080/" in ways
    assert "curl --cacert var/keys/ca.crt https://shop.localhost:8443/" in ways
    assert "dig @127.0.10.1 -p 5300 shop.cdn.test" in ways
    assert "http://127.0.0.1:8900/metrics   (east)" in ways
    assert shown[-1] == ("status, stop", "midmile status, Ctrl-C")
