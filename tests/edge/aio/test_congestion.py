"""The tunnel's TCP uses BBR where the kernel lets it."""

import logging
import socket
from pathlib import Path

import pytest

from edge.aio import congestion
from edge.aio.congestion import PREFERRED, prefer_bbr, tunnel_listeners, tunnel_socket
from edge.aio.worker import EdgeWorker
from origin.aio.worker import ParentWorker
from tests.kit.delivery import delivery
from tests.kit.delivery import keys as keys  # noqa: PLC0414 (a fixture)
from tests.kit.talk import origin, saying


def control(sock: socket.socket) -> str:
    """What the kernel says that a socket uses."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode()


def expected() -> str:
    """What a socket uses that has asked for BBR: that, if this process may have it."""
    with socket.socket() as sock:
        before = control(sock)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, PREFERRED.encode())
        except OSError:
            return before
        return PREFERRED


def test_who_connects_is_sent_to_with_it() -> None:
    """A listener hands it on to all that it accepts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert prefer_bbr(listener) == expected()
        with socket.create_connection(listener.getsockname()) as client:
            accepted, _ = listener.accept()
            with accepted:
                assert control(accepted) == expected()
            assert client.getpeername() == listener.getsockname()


def test_an_edge_sends_with_it_too() -> None:
    """Aiohttp's connector gives an addrinfo and wants a socket that does not block."""
    address = socket.getaddrinfo("127.0.0.1", 1, type=socket.SOCK_STREAM)[0]
    with tunnel_socket(address) as sock:
        assert (control(sock), sock.getblocking()) == (expected(), False)


async def test_the_way_to_a_parent_has_it(keys: Path) -> None:
    """And the way from the parent to an origin, which is near, has the system's own."""
    async with origin(saying()) as shop, delivery(keys, shop) as net, net.client() as client:
        await client.ask()
        used = []
        for node in (net.edge, net.parents[0]):
            assert isinstance(node.worker, EdgeWorker | ParentWorker)
            ((kept, _),) = next(iter(node.worker._fetcher._upstream._pool._kept._conns.values()))
            assert kept.transport is not None
            used.append(control(kept.transport.get_extra_info("socket")))
        with socket.socket() as plain:
            assert used == [expected(), control(plain)]


def test_the_operator_is_told_where_it_cannot_be(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It works all the same, with what the system uses."""
    monkeypatch.setattr(congestion, "PREFERRED", "none-such")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        before = control(listener)
        with caplog.at_level(logging.INFO):
            tunnel_listeners([listener])
        assert control(listener) == before
    (record,) = caplog.records
    assert record.__dict__["event"] == "congestion-control"
    assert before in record.message
