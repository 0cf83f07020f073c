"""Where measurements run: addresses of their own, configurations from templates."""

import socket
from pathlib import Path

import pytest

from bench.place import configure, place, shown


def test_a_place_is_cleared_away() -> None:
    """With everything that servers left in it."""
    with place(smoke=True, quiet=True) as where:
        (where.folder("nginx/cache") / "file").write_text("cached")
        assert where.corner("one").folder("nginx") == where.home / "one" / "nginx"
    assert not where.home.exists()


def test_an_address_is_free() -> None:
    """For TCP and UDP at once, which DNS servers want, and not on the machine's own 127.0.0.1."""
    with place(smoke=True, quiet=True) as here:
        where = here.address(7, udp=True)
    assert where[0] == "127.68.0.7"
    assert shown(where) == f"127.68.0.7:{where[1]}"
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as sock:
            sock.bind(where)


def test_a_template_is_filled(tmp_path: Path) -> None:
    """Each `@name@`; what is written like an address with a port stays as it is."""
    template = tmp_path / "template"
    template.write_text("listen @host@@53 user@example.org; @host@")
    text = configure(template, tmp_path / "made", {"host": "127.0.0.1"}).read_text()
    assert text == "listen 127.0.0.1@53 user@example.org; 127.0.0.1"


def test_a_template_that_wants_more_is_an_error(tmp_path: Path) -> None:
    """A server must not start with `@port@` as its port."""
    template = tmp_path / "template"
    template.write_text("listen @port@;")
    with pytest.raises(KeyError):
        configure(template, tmp_path / "made", {})
