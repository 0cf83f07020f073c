"""Forwarding: a browser on the machine's loopback uses a lab's server as if it sat at a host."""

import asyncio
import random
import select
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.errors import LabError
from bench.lab import forward
from bench.lab.forward import forwarding
from bench.lab.link import Conditions
from bench.lab.running import Host, Lab, opened
from bench.lab.topology import Location, Topology, both_ways
from tests.kit.lab import need_lab

pytestmark = pytest.mark.system

_PATIENCE_S = 20.0
_SILENCE_S = 0.5
"""For what must not come."""
_RTT_S = 0.04
_LONG_RTT_S = 0.5
"""So long that one round trip too many is no accident of a busy machine."""
_PAIR = Topology(
    name="forward",
    locations=(Location(name="user", hosts=("neighbour", "user")), Location(name="server")),
    middles=both_ways([("user", "server")], Conditions(delay_ms=_RTT_S * 500)),
)
_RESET = struct.pack("ii", 1, 0)
_BUFFER_BYTES = 64 * 1024
_MOST_UNREAD_BYTES = 8_000_000
"""The kernel lets the far socket of the host grow to a megabyte while buffers after it fill up; the
others have what they were told, twice."""


@pytest.fixture(scope="module")
def running() -> Iterator[Lab]:
    """Two places 40 ms apart."""
    need_lab()
    with opened(_PAIR) as running:
        yield running


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes sockets."""
    with ExitStack() as stack:
        yield stack


@dataclass(slots=True, eq=False)
class _Ends:
    """A connection's two ends, and where it was forwarded."""

    browser: socket.socket
    server: socket.socket
    port: int

    def __getitem__(self, name: str) -> socket.socket:
        return self.browser if name == "browser" else self.server

    def other(self, name: str) -> socket.socket:
        return self["server" if name == "browser" else "browser"]


def _listening(host: Host, stack: ExitStack, *, six: bool = False) -> socket.socket:
    listener = stack.enter_context(host.socket(socket.AF_INET6 if six else socket.AF_INET))
    # Small, so that what a test cannot send is soon more than what kernels hold.
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        listener.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
    listener.bind((host.ipv6 if six else host.ipv4, 0))
    listener.listen()
    listener.setblocking(False)
    return listener


def _where(listener: socket.socket) -> tuple[str, int]:
    host, port = listener.getsockname()[:2]
    return host, port


async def _browser(port: int, stack: ExitStack, *, to: str = "127.0.0.1") -> socket.socket:
    browser = stack.enter_context(
        socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_STREAM)
    )
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        browser.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
    browser.setblocking(False)
    async with asyncio.timeout(_PATIENCE_S):
        await asyncio.get_running_loop().sock_connect(browser, (to, port))
    return browser


async def _accepted(listener: socket.socket, stack: ExitStack) -> socket.socket:
    async with asyncio.timeout(_PATIENCE_S):
        server, _ = await asyncio.get_running_loop().sock_accept(listener)
    return stack.enter_context(server)


@asynccontextmanager
async def _joined(
    running: Lab, *, six: bool = False, near: str = "127.0.0.1"
) -> AsyncIterator[_Ends]:
    with ExitStack() as stack:
        listener = _listening(running.host("server"), stack, six=six)
        async with forwarding(0, running.host("user"), _where(listener)) as port:
            browser = await _browser(port, stack, to=near)
            yield _Ends(browser, await _accepted(listener, stack), port)


async def _send(sock: socket.socket, sent: bytes) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        await asyncio.get_running_loop().sock_sendall(sock, sent)


async def _received(sock: socket.socket, size: int | None = None) -> bytes:
    """So many bytes, or all to the end."""
    received = bytearray()
    async with asyncio.timeout(_PATIENCE_S):
        while size is None or len(received) < size:
            part = await asyncio.get_running_loop().sock_recv(sock, _BUFFER_BYTES)
            if not part:
                break
            received += part
    return bytes(received)


def _abort(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    sock.close()


@pytest.mark.parametrize(
    ("six", "near"), [(False, "127.0.0.1"), (True, "::1"), (True, "127.0.0.1")]
)
async def test_bytes_arrive_as_they_were_sent(running: Lab, six: bool, near: str) -> None:
    """Megabytes both ways at once, over either version of IP on either side."""
    rng = random.Random(5)
    up, down = rng.randbytes(1_000_000), rng.randbytes(2_000_000)
    async with _joined(running, six=six, near=near) as ends:
        *_, at_server, at_browser = await asyncio.gather(
            _send(ends.browser, up),
            _send(ends.server, down),
            _received(ends.server, len(up)),
            _received(ends.browser, len(down)),
        )
    assert at_server == up
    assert at_browser == down


async def test_the_server_sees_the_host(running: Lab) -> None:
    """Its own address, also where others share its location."""
    async with _joined(running) as ends:
        seen = ends.server.getpeername()[0]
    assert seen == running.host("user").ipv4


@pytest.fixture
def slow(running: Lab) -> Iterator[Lab]:
    """The same, farther apart."""
    running.degrade("user", "server", delay_ms=_LONG_RTT_S * 500)
    yield running
    running.heal("user", "server")


async def test_small_messages_wait_for_no_acknowledgement(slow: Lab) -> None:
    """A question's second part is sent before anybody has said that the first one is there."""
    async with _joined(slow) as ends:
        began = time.monotonic()
        for _ in range(2):
            for part in (b"he", b"llo"):
                await _send(ends.browser, part)
                assert await _received(ends.server, len(part)) == part
            await _send(ends.server, b"yes")
            assert await _received(ends.browser, 3) == b"yes"
        took_s = time.monotonic() - began
    # Two questions, each half a round trip for either part and for the answer; else two whole ones.
    assert 3 * _LONG_RTT_S <= took_s < 4 * _LONG_RTT_S


async def test_a_connection_takes_its_round_trips(slow: Lab) -> None:
    """One for the handshake and one for question and answer, as at the host itself; no third."""
    with ExitStack() as stack:
        listener = _listening(slow.host("server"), stack)
        async with forwarding(0, slow.host("user"), _where(listener)) as port:
            began = time.monotonic()
            browser = await _browser(port, stack)
            await _send(browser, b"hello")
            server = await _accepted(listener, stack)
            await _send(server, await _received(server, 5))
            assert await _received(browser, 5) == b"hello"
            took_s = time.monotonic() - began
    assert 2 * _LONG_RTT_S <= took_s < 3 * _LONG_RTT_S


@pytest.mark.parametrize("first", ["browser", "server"])
async def test_a_half_close_is_one(running: Lab, first: str) -> None:
    """Who has said all still hears the other, then both have ended."""
    async with _joined(running) as ends:
        await _send(ends[first], b"all")
        ends[first].shutdown(socket.SHUT_WR)
        assert await _received(ends.other(first)) == b"all"
        await _send(ends.other(first), b"and this")
        assert await _received(ends[first], 8) == b"and this"
        ends.other(first).shutdown(socket.SHUT_WR)
        assert await _received(ends[first]) == b""


@pytest.mark.parametrize("first", ["browser", "server"])
async def test_a_reset_is_one(running: Lab, first: str) -> None:
    """After what came before it."""
    async with _joined(running) as ends:
        await _send(ends[first], b"half of it")
        assert await _received(ends.other(first), 10) == b"half of it"
        _abort(ends[first])
        with pytest.raises(ConnectionResetError):
            await _received(ends.other(first))


@pytest.mark.parametrize("first", ["browser", "server"])
async def test_a_reset_after_a_half_close_is_one(running: Lab, first: str) -> None:
    """Though nobody reads from a side that has said all."""
    async with _joined(running) as ends:
        ends[first].shutdown(socket.SHUT_WR)
        assert await _received(ends.other(first)) == b""
        _abort(ends[first])
        # It has read the end already: that nobody listens either is an error, not one more end.
        assert await asyncio.to_thread(_fails, ends.other(first))


def _fails(sock: socket.socket) -> bool:
    """Whether a connection fails while nothing is read from it and nothing sent."""
    poll = select.poll()
    poll.register(sock, 0)
    return any(event & select.POLLERR for _, event in poll.poll(_PATIENCE_S * 1e3))


async def test_nobody_there_is_a_reset(running: Lab) -> None:
    """One round trip later: that it was refused."""
    with ExitStack() as stack:
        nowhere = running.host("server").ipv4, 9
        async with forwarding(0, running.host("user"), nowhere) as port:
            browser = await _browser(port, stack)
            with pytest.raises(ConnectionResetError):
                await _received(browser)


async def test_a_lab_that_has_ended_is_a_reset(stack: ExitStack) -> None:
    """Its host cannot be entered any more."""
    need_lab()
    with opened(_PAIR) as ended:
        host = ended.host("user")
    async with forwarding(0, host, (host.ipv4, 80)) as port:
        browser = await _browser(port, stack)
        with pytest.raises(ConnectionResetError):
            await _received(browser)


@pytest.mark.parametrize("sender", ["browser", "server"])
async def test_who_does_not_read_stops_the_sender(running: Lab, sender: str) -> None:
    """After what the kernels' buffers and ours hold; nothing of it is lost."""
    data = random.Random(7).randbytes(_MOST_UNREAD_BYTES)
    async with _joined(running) as ends:
        sent = 0
        while part := await _some_sent(ends[sender], data[sent:]):
            sent += part
        assert sent < len(data)
        ends[sender].shutdown(socket.SHUT_WR)
        received = await _received(ends.other(sender))
    assert received == data[:sent]


async def _some_sent(sock: socket.socket, data: bytes) -> int:
    """How much could be sent; nothing once there was no room for a while."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_writer(sock, ready.set)
    try:
        async with asyncio.timeout(_SILENCE_S):
            await ready.wait()
        return sock.send(data)
    except TimeoutError:
        return 0
    finally:
        loop.remove_writer(sock)


async def test_its_end_resets_connections(running: Lab) -> None:
    """So that nothing looks complete; nobody listens any more, and no descriptor stays."""
    before = _descriptors()
    with ExitStack() as stack:
        async with _joined(running) as ends:
            browser, server = (
                stack.enter_context(ends[side].dup()) for side in ("browser", "server")
            )
        for sock in (browser, server):
            with pytest.raises(ConnectionResetError):
                await _received(sock)
        with pytest.raises(ConnectionRefusedError):
            await _browser(ends.port, stack)
    assert _descriptors() == before


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_an_error_inside_ends_it(running: Lab) -> None:
    """And comes out as it is."""
    with pytest.raises(ZeroDivisionError):
        async with _joined(running):
            _ = 1 / 0


async def test_too_many_are_reset(
    running: Lab, monkeypatch: pytest.MonkeyPatch, stack: ExitStack
) -> None:
    """And there is room again when one has ended, also one that gave up before it was connected."""
    monkeypatch.setattr(forward, "_MOST_CONNECTIONS", 1)
    running.cut("user", "server")
    async with forwarding(0, running.host("user"), (running.host("server").ipv4, 9)) as port:
        first = await _browser(port, stack)
        assert not await _is_admitted(port)
        _abort(first)
        async with asyncio.timeout(_PATIENCE_S):
            while not await _is_admitted(port):
                continue
    running.heal("user", "server")


async def _is_admitted(port: int) -> bool:
    """Whether a connection is not reset at once; where it leads to, nobody answers."""
    with ExitStack() as stack:
        browser = await _browser(port, stack)
        try:
            async with asyncio.timeout(_SILENCE_S):
                await asyncio.get_running_loop().sock_recv(browser, 1)
        except ConnectionResetError:
            return False
        except TimeoutError:
            return True
    raise AssertionError("somebody answered")


async def test_only_loopback_is_listened_on(running: Lab, stack: ExitStack) -> None:
    """127.0.0.1 and ::1, not even the rest of 127.0.0.0/8."""
    async with forwarding(0, running.host("user"), ("198.18.2.10", 80)) as port:
        with pytest.raises(ConnectionRefusedError):
            await _browser(port, stack, to="127.0.0.2")


async def test_a_taken_port_is_named(running: Lab, stack: ExitStack) -> None:
    """In one line; the first one goes on."""
    listener = _listening(running.host("server"), stack)
    async with forwarding(0, running.host("user"), _where(listener)) as port:
        with pytest.raises(LabError, match=f"cannot listen on 127.0.0.1 port {port}: Address alr"):
            async with forwarding(port, running.host("user"), _where(listener)):
                pytest.fail("it listens")
        await _browser(port, stack)
        await _accepted(listener, stack)
