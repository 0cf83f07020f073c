"""A lab that really runs: what it does to packets is what its links say."""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from math import sqrt
from pathlib import Path

import pytest

from bench.errors import LabError
from bench.lab.link import Conditions, Drop, Link
from bench.lab.running import Host, Lab, lab, opened
from bench.lab.topologies import standard
from bench.lab.topology import Location, Topology, both_ways
from tests.kit.lab import answers, bound, echo, need_lab
from tests.kit.programs import need

pytestmark = pytest.mark.system

_SEED = 11
_SILENCE_S = 0.5
"""An answer takes a tenth of this; one that must not come is waited for so long."""
_PATIENCE_S = 10.0
_PAIR = Topology(
    name="pair",
    locations=(Location(name="here", hosts=("here", "neighbour")), Location(name="there")),
)


def _pair(conditions: Conditions) -> Topology:
    return replace(_PAIR, middles=both_ways([("here", "there")], conditions))


@pytest.fixture(autouse=True)
def _lab_or_skip() -> None:
    need_lab()


@pytest.fixture
async def far() -> AsyncIterator[Lab]:
    async with lab(standard("far"), seed=_SEED) as running:
        # Losses are another test's matter.
        running.degrade("edge", "origin", loss=0)
        running.degrade("user", "origin", loss=0)
        yield running


async def _fastest_ping_ms(host: Host, to: str) -> float:
    ping = need("ping", package="iputils-ping")
    process = await asyncio.create_subprocess_exec(
        *host.command(ping, "-c", "5", "-i", "0.02", "-W", "5", "-q", to),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    found = re.search(r"min/avg/max/mdev = ([\d.]+)/", said.decode())
    assert found, said.decode()
    return float(found[1])


async def test_pings_take_as_long_as_asked(far: Lab) -> None:
    """210 ms from user to origin, 200 from edge to origin, 10 from user to edge; over IPv6 too."""
    user, edge, origin = far.host("user"), far.host("edge"), far.host("origin")
    ways = [(user, origin.ipv4), (user, origin.ipv6), (edge, origin.ipv4), (user, edge.ipv4)]
    took = await asyncio.gather(*(_fastest_ping_ms(host, to) for host, to in ways))
    for rtt_ms, asked_ms in zip(took, (210, 210, 200, 10), strict=True):
        assert asked_ms <= rtt_ms < asked_ms + 10


async def test_a_location_is_shared_without_distance(far: Lab) -> None:
    """Parent and origin talk at once, even when the world is cut off."""
    far.cut("origin")
    async with echo(far.host("origin")) as address:
        assert await answers(far.host("parent"), address, within_s=_SILENCE_S)
        assert not await answers(far.host("edge"), address, within_s=_SILENCE_S)


async def test_losses_are_those_of_the_seed() -> None:
    """Of 2,000 packets exactly those come that the link alone, given the seed, lets through."""
    packets = 2000
    conditions = Conditions(delay_ms=1, loss=0.03, burst_loss=0.02, burst_packets=3)
    async with lab(_pair(conditions), seed=_SEED) as running:
        with bound(running.host("here")) as sender, bound(running.host("there")) as receiver:
            for number in range(packets):
                sender.sendto(number.to_bytes(2), receiver.getsockname())
            came = await _received(receiver, until=(packets - 1).to_bytes(2))
        counted = running.statistics()
    link = Link(conditions, seed=f"{_SEED}/here>there")
    expected = [number for number in range(packets) if link.carry(30, 0.0) is not None]
    assert came == expected
    assert counted.links["here>there"].drops[Drop.LOSS] == packets - len(came)
    assert counted.is_sound
    # Four standard deviations of the binomial, widened by the bursts' mean length.
    share, bound_share = conditions.total_loss, 4 * sqrt(3 * 0.05 * 0.95 / packets)
    assert abs((packets - len(came)) / packets - share) < bound_share


async def _received(sock: socket.socket, *, until: bytes) -> list[int]:
    """Numbers of the datagrams that came, up to one that does come (the seed sees to that)."""
    loop = asyncio.get_running_loop()
    came: list[int] = []
    async with asyncio.timeout(_PATIENCE_S):
        while not came or came[-1] != int.from_bytes(until):
            came.append(int.from_bytes(await loop.sock_recv(sock, 100)))
    return came


async def test_a_rate_is_kept_to_within_a_tenth() -> None:
    """A thousand packets sent at once come in the time that 20 Mbit/s take for them."""
    packets, size = 1000, 1500
    conditions = Conditions(delay_ms=10, mbit=20, queue_bytes=packets * size)
    loop = asyncio.get_running_loop()
    async with lab(_pair(conditions), seed=_SEED) as running:
        with bound(running.host("here")) as sender, bound(running.host("there")) as receiver:
            for _ in range(packets):
                sender.sendto(bytes(size - 28), receiver.getsockname())
            async with asyncio.timeout(_PATIENCE_S):
                await loop.sock_recv(receiver, size)
                began = time.monotonic()
                for _ in range(packets - 1):
                    await loop.sock_recv(receiver, size)
            took_s = time.monotonic() - began
        counted = running.statistics()
    assert (packets - 1) * size * 8 / took_s == pytest.approx(20e6, rel=0.1)
    assert counted.links["here>there"].bytes == packets * size
    assert counted.links["here>there"].queue_max_ms == pytest.approx(600, rel=0.1)


async def test_what_is_cut_heals(far: Lab) -> None:
    """Nothing comes through, then everything again; the rest of the network does not notice."""
    edge, user = far.host("edge"), far.host("user")
    async with echo(far.host("origin")) as origin:
        assert await answers(edge, origin, within_s=_PATIENCE_S)
        far.cut("edge", "parent")
        assert not await answers(edge, origin, within_s=_SILENCE_S)
        assert await answers(user, origin, within_s=_PATIENCE_S)
        far.heal("edge", "parent")
        far.degrade("edge", "parent", loss=0)
        assert await answers(edge, origin, within_s=_PATIENCE_S)
    assert far.statistics().links["edge>origin"].drops[Drop.CUT] == 1


async def test_a_cut_can_be_one_way(far: Lab) -> None:
    """Requests arrive, answers do not."""
    far.cut("origin", "edge", one_way=True)
    async with echo(far.host("origin")) as origin:
        assert not await answers(far.host("edge"), origin, within_s=_SILENCE_S)
    counted = far.statistics().links
    assert counted["edge>origin"].packets == 1
    assert counted["origin>edge"].drops[Drop.CUT] == 1


async def test_a_last_miles_fate_is_shared(far: Lab) -> None:
    """Without it a user reaches nobody, and others still reach those he wanted."""
    far.cut("user")
    async with echo(far.host("origin")) as origin, echo(far.host("edge")) as edge:
        for lost in (origin, edge):
            assert not await answers(far.host("user"), lost, within_s=_SILENCE_S)
        assert await answers(far.host("visitor-1"), edge, within_s=_PATIENCE_S)
    assert far.statistics().links["user>"].drops[Drop.CUT] == 2


async def test_a_link_is_degraded_while_it_runs(far: Lab) -> None:
    """A ping sees the new delay."""
    far.degrade("edge", "origin", delay_ms=30)
    rtt_ms = await _fastest_ping_ms(far.host("edge"), far.host("origin").ipv4)
    assert 60 <= rtt_ms < 70


async def test_nonsense_changes_nothing(far: Lab) -> None:
    """Impossible conditions, unknown words, unknown hosts and links."""
    with pytest.raises(LabError, match="loss is a share"):
        far.degrade("edge", "origin", loss=7)
    with pytest.raises(LabError, match="altitude"):
        far.degrade("edge", "origin", altitude=3)
    with pytest.raises(KeyError, match="no host moon"):
        far.cut("moon")
    with pytest.raises(LabError, match="moon>"):
        far.change({"edge>origin": Conditions(cut=True), "moon>": Conditions()})
    async with echo(far.host("origin")) as origin:
        assert await answers(far.host("edge"), origin, within_s=_PATIENCE_S)


async def test_statistics_begin_anew_when_taken(far: Lab) -> None:
    """Links' counts do; the relay's own CPU time goes on."""
    async with echo(far.host("origin")) as origin:
        await answers(far.host("user"), origin, within_s=_PATIENCE_S)
    first = far.statistics(reset=True)
    second = far.statistics()
    assert (first.links["user>"].packets, second.links["user>"].packets) == (1, 0)
    assert first.links["origin>user"].bytes == len(b"are you there?") + 28
    assert 0 < first.cpu_s <= second.cpu_s
    assert (first.strays, first.unread, first.overflow) == (0, 0, 0)


async def test_congestion_control_is_each_hosts_own() -> None:
    """What was asked for, then what one host is given; the machine's own list stays as it was."""
    before = _controls("allowed")
    async with lab(_PAIR, congestion="cubic") as running:
        assert running.congestion == "cubic"
        for name in _controls("available"):
            running.set_congestion_control(name, "there")
            assert _used_by(running.host("there")) == name
            assert _used_by(running.host("here")) == "cubic"
        with pytest.raises(LabError, match="this kernel has no warp"):
            running.set_congestion_control("warp")
    assert _controls("allowed") == before


def _controls(which: str) -> list[str]:
    return Path(f"/proc/sys/net/ipv4/tcp_{which}_congestion_control").read_text().split()


def _used_by(host: Host) -> str:
    with host.socket() as sock:
        used = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    return used.rstrip(b"\0").decode()


async def test_paths_are_forgotten(far: Lab) -> None:
    """What TCP keeps of a destination after a connection has ended."""
    user, origin = far.host("user"), far.host("origin")
    with origin.socket() as listener:
        listener.bind((origin.ipv4, 0))
        listener.listen()
        with user.socket() as sock:
            await asyncio.to_thread(sock.connect, listener.getsockname())
            sock.shutdown(socket.SHUT_WR)
            with listener.accept()[0] as accepted:
                assert await asyncio.to_thread(accepted.recv, 1) == b""
            assert await asyncio.to_thread(sock.recv, 1) == b"", "closed from both sides"
    assert origin.ipv4 in _remembered(user)
    far.forget_paths()
    assert _remembered(user) == ""


def _remembered(host: Host) -> str:
    shown = host.run("ip", "tcp_metrics", "show", capture_output=True, text=True, check=True)
    return str(shown.stdout)


async def test_labs_run_side_by_side() -> None:
    """With the same addresses, each its own world."""
    async with lab(_PAIR) as one, lab(_PAIR) as other:
        async with echo(one.host("there")) as there:
            one_hears = await answers(one.host("here"), there, within_s=_PATIENCE_S)
            other_hears = await answers(other.host("here"), there, within_s=_SILENCE_S)
        assert one.name != other.name
    assert (one_hears, other_hears) == (True, False)


def test_programs_run_on_hosts() -> None:
    """As themselves: their process is the one that was asked for, and sees its host only."""
    with opened(_PAIR) as running:
        here = running.host("neighbour")
        shown = here.run("ip", "-brief", "address", capture_output=True, text=True)
        assert {line.split()[0] for line in shown.stdout.splitlines()} == {"lo", "wan0"}
        assert here.ipv4 in shown.stdout
        with here.popen("sleep", "infinity") as process:
            pid = process.pid
            assert process.poll() is None
            process.terminate()
        assert not Path(f"/proc/{pid}").exists()
