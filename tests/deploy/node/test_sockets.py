"""Binding a node's sockets: all or none, and why not in one line."""

import socket
import threading

import pytest

from deploy.exits import ExitCode, Refusal
from deploy.names import Address
from deploy.node import sockets
from deploy.plan import Listener, NodePlan, Transport
from tests.kit.processes import free_ports


def node(*listeners: Listener) -> NodePlan:
    """A node with these listeners and an admin port of its own."""
    (admin,) = free_ports(1)
    address = Address(host="127.0.0.1", port=admin)
    return NodePlan(name="n", role="r", workers=1, listeners=listeners, admin=address)


def at(host: str, port: int, transport: Transport = Transport.TCP) -> Listener:
    """A listener at one address."""
    addresses = (Address(host=host, port=port),)
    return Listener(name="x", transport=transport, addresses=addresses)


@pytest.mark.parametrize("transport", list(Transport))
def test_port_in_use_is_named_and_nothing_is_kept(transport: Transport) -> None:
    """A taken TCP or UDP port is refused by its address, and the sockets before it are closed."""
    kind = socket.SOCK_STREAM if transport is Transport.TCP else socket.SOCK_DGRAM
    free, taken_port = free_ports(2)
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", taken_port))
        if transport is Transport.TCP:
            taken.listen()
        with pytest.raises(Refusal) as refused:
            sockets.bind_all(
                node(at("127.0.0.1", free), at("127.0.0.1", taken_port, transport)), 0.0
            )
    assert refused.value.code is ExitCode.ADDRESS
    expected = f"{transport.value} 127.0.0.1:{taken_port} is in use by another program"
    assert str(refused.value) == expected
    with socket.create_server(("127.0.0.1", free)):
        pass


def test_foreign_address_is_refused() -> None:
    """An address that this machine does not have is told as such."""
    with pytest.raises(Refusal, match=r"tcp 192\.0\.2\.1:80 is not an address of this machine"):
        sockets.bind_all(node(at("192.0.2.1", 80)), 0.0)


def test_ipv6_address_is_shown_in_brackets() -> None:
    """An IPv6 address and its port can be told apart."""
    assert str(Address(host="::1", port=80)) == "[::1]:80"


def test_addresses_of_a_dying_predecessor_are_waited_for() -> None:
    """After an unclean end a taken address is tried again for a moment."""
    (port,) = free_ports(1)
    orphan = socket.create_server(("127.0.0.1", port))
    leaving = threading.Timer(0.15, orphan.close)
    leaving.start()
    bound = sockets.bind_all(node(at("127.0.0.1", port)), 5.0)
    leaving.join()
    assert [sock.getsockname()[1] for sock in bound["x"]] == [port]
    sockets.close_all(bound, spare=lambda _: False)
