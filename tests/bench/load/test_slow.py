"""Slow clients do what they are called for, and what was held is told."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.errors import LoadError
from bench.load.slow import Attack, Crowd, attacking
from bench.load.visitors import ADDRESS, Visitors, visit
from bench.place import Address
from tests.kit.benching import CountingOrigin

_PATIENCE_S = 30.0


def _crowd(attack: Attack, connections: int = 4) -> Crowd:
    return Crowd(attack=attack, connections=connections, addresses=2, path="/large")


class _Patient:
    """Takes connections, keeps all that comes, and says nothing."""

    def __init__(self, listener: socket.socket) -> None:
        self.address: Address = listener.getsockname()
        self.came: list[tuple[str, bytes]] = []
        """Where each connection came from, and its first bytes."""
        self._listener = listener
        self._kept: list[socket.socket] = []

    def take(self, number: int, *, silent: bool = False) -> None:
        """So many connections."""
        for _ in range(number):
            sock, source = self._listener.accept()
            sock.settimeout(_PATIENCE_S)
            self._kept.append(sock)
            self.came.append((source[0], b"" if silent else sock.recv(65_536)))

    def more(self) -> bytes:
        """What comes next on the first of them."""
        return self._kept[0].recv(1)

    def close(self) -> None:
        """All of them."""
        for sock in self._kept:
            sock.close()


@contextmanager
def _patient() -> Iterator[_Patient]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_PATIENCE_S)
        patient = _Patient(listener)
        yield patient
        patient.close()


@pytest.mark.parametrize(
    ("attack", "opening"),
    [
        (Attack.SLOW_HEAD, b"GET /large HTTP/1.1\r\nHost: shop.bench.test\r\nX-Slow: "),
        (
            Attack.SLOW_BODY,
            b"POST /large HTTP/1.1\r\nHost: shop.bench.test\r\nContent-Length: 1000000\r\n\r\n",
        ),
    ],
)
def test_a_slow_sender_goes_on_byte_by_byte(attack: Attack, opening: bytes) -> None:
    """From as many addresses as there are to be; and all of them are held."""
    with _patient() as server, attacking(server.address, _crowd(attack)) as held:
        server.take(4)
        assert {first for _, first in server.came} == {opening}
        assert {source for source, _ in server.came} == {"127.68.2.1", "127.68.2.2"}
        assert server.more() == b"a"
    assert held.connections == 4


def test_a_silent_client_is_held() -> None:
    """With nothing but its connection."""
    with _patient() as server, attacking(server.address, _crowd(Attack.SILENT)) as held:
        server.take(4, silent=True)
    assert held.connections == 4


def test_who_is_answered_stays_where_that_is_the_attack() -> None:
    """Idle connections had their answer; whoever still sends goes when it is answered."""
    with CountingOrigin() as origin:
        with attacking(origin.address, _crowd(Attack.SLOW_READ)) as held:
            pass
        assert origin.asked.count("/large") == 4
    assert held.connections == 4


def test_who_is_cut_off_comes_again() -> None:
    """And does not count as held meanwhile."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        attacking(listener.getsockname(), _crowd(Attack.SLOW_HEAD, 1)) as held,
    ):
        listener.settimeout(_PATIENCE_S)
        for _ in range(2):
            sock, _ = listener.accept()
            sock.close()
        again, _ = listener.accept()
        again.close()
    assert held.connections <= 1


def test_too_many_for_this_machine_is_said() -> None:
    """Before anybody comes."""
    with pytest.raises(LoadError, match="did not come"), _patient() as server:  # noqa: SIM117
        with attacking(server.address, _crowd(Attack.SILENT, 10**9)):
            pass


def test_visitors_are_timed_and_counted() -> None:
    """Each kind by itself, at its rate, from their own address."""
    with CountingOrigin() as origin:
        served = visit(
            origin.address,
            {
                "new": Visitors(path="/a", per_s=40),
                "kept": Visitors(path="/b", per_s=40, kept=True),
            },
            0.2,
        )
    for kind, path in (("new", "/a"), ("kept", "/b")):
        assert len(served[kind].times_ms) == origin.asked.count(path) == 8
        assert served[kind].failed_percent == 0
        assert served[kind].percentile_ms(99) == max(served[kind].times_ms)
    assert ADDRESS.startswith("127.")


def test_visitors_who_are_cut_off_have_failed() -> None:
    """Which is a number, and no end of the measurement: it is what an attack may do."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def refuse() -> None:
            while not over.is_set():
                listener.accept()[0].close()

        thread = threading.Thread(target=refuse)
        thread.start()
        where = listener.getsockname()
        served = visit(where, {"new": Visitors(path="/", per_s=20)}, 0.2)
        over.set()
        socket.create_connection(where).close()
        thread.join()
    assert served["new"].failed == 4
    assert served["new"].failed_percent == 100
    assert served["new"].percentile_ms(99) is None


def test_visitors_on_kept_connections_come_again() -> None:
    """One that was cut is opened anew by whoever comes next."""
    with CountingOrigin() as origin:
        where = origin.address
        kept = {"kept": Visitors(path="/", per_s=40, kept=True)}
        assert visit(where, kept, 0.5)["kept"].failed == 0
    assert visit(where, kept, 0.5)["kept"].failed == 20
