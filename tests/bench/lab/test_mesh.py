"""All links together, on a fake clock: ways, shared miles, order, and chance that repeats."""

import ipaddress
from random import Random

import pytest

from bench.lab import mesh
from bench.lab.link import Conditions, Drop
from bench.lab.mesh import Mesh
from bench.lab.topologies import standard
from bench.lab.topology import Location, Topology, both_ways


def _mesh(topology: Topology, seed: int = 1) -> Mesh:
    plan = topology.plan(seed=seed)
    packed = [[ipaddress.ip_address(a).packed for a in own] for own in plan.addresses.values()]
    return Mesh(plan, packed)


def _packet(topology: Topology, to: str, *, size: int = 100, six: bool = False) -> bytes:
    """Enough of an IP head for the mesh."""
    host = topology.hosts()[to]
    if six:
        head = b"\x60".ljust(24, b"\0") + ipaddress.ip_address(host.ipv6).packed
    else:
        head = b"\x45".ljust(16, b"\0") + ipaddress.ip_address(host.ipv4).packed
    return head.ljust(size, b"\0")


def _arrivals(net: Mesh) -> list[tuple[float, int]]:
    """Let time pass until nothing is on its way: when each packet came out, and where."""
    came: list[tuple[float, int]] = []
    while (due := net.next_due()) is not None:
        came += [(due, place) for place, _ in net.advance(due)]
    return came


_FORK = Topology(
    name="fork",
    locations=(
        Location(
            name="user",
            up=Conditions(delay_ms=5),
            down=Conditions(delay_ms=5, mbit=12, queue_bytes=15_000),
        ),
        Location(name="near"),
        Location(name="off"),
    ),
    middles=both_ways([("user", "near")], Conditions(delay_ms=10))
    | both_ways([("user", "off")], Conditions(delay_ms=100)),
)
_USER, _NEAR, _OFF = range(3)


@pytest.mark.parametrize("six", [False, True], ids=["IPv4", "IPv6"])
def test_a_packet_meets_every_link_of_its_way(six: bool) -> None:
    """First mile, then middle; to a neighbour in a data centre there is no last mile."""
    net = _mesh(_FORK)
    net.enter(_USER, _packet(_FORK, "off", six=six), 0.0)
    [(due, place)] = _arrivals(net)
    assert (round(due, 9), place) == (0.105, _OFF)
    counted = net.statistics().links
    assert {name for name, link in counted.items() if link.packets} == {"user>", "user>off"}


def test_a_shared_last_mile_is_one_queue() -> None:
    """Two senders fill it together, in the order in which their packets get there."""
    net = _mesh(_FORK)
    for _ in range(6):
        net.enter(_OFF, _packet(_FORK, "user", size=1500), 0.0)
        net.enter(_NEAR, _packet(_FORK, "user", size=1500), 0.09)
    came = [due for due, _ in _arrivals(net)]
    assert came == pytest.approx([0.1 + 0.001 * n + 0.005 for n in range(1, 11)])
    last_mile = net.statistics().links[">user"]
    assert last_mile.drops[Drop.QUEUE] == 2, "ten packets fit; alone, each sender's six would"


def test_a_packet_from_afar_takes_no_place_before_it_is_there() -> None:
    """A near one that is sent later but arrives first does not wait for it."""
    net = _mesh(_FORK)
    net.enter(_OFF, _packet(_FORK, "user", size=1500), 0.0)
    net.enter(_NEAR, _packet(_FORK, "user", size=1500), 0.05)
    assert [due for due, _ in _arrivals(net)] == pytest.approx([0.066, 0.106])


def test_a_cut_last_mile_cuts_every_way_to_it() -> None:
    """And no other."""
    net = _mesh(_FORK)
    net.change(">user", Conditions(cut=True))
    for source in (_NEAR, _OFF):
        net.enter(source, _packet(_FORK, "user"), 0.0)
    net.enter(_NEAR, _packet(_FORK, "off"), 0.0)
    assert [place for _, place in _arrivals(net)] == [_OFF]
    assert net.statistics().links[">user"].drops[Drop.CUT] == 2


def test_being_late_at_one_link_makes_no_later_at_the_next() -> None:
    """A clock that jumps delays what was due, not what is due afterwards."""
    net = _mesh(_FORK)
    net.enter(_USER, _packet(_FORK, "near"), 0.0)
    assert net.advance(0.012) == [], "due at the middle since 0.005"
    assert net.next_due() == pytest.approx(0.015)
    net.advance(0.025)
    counted = net.statistics()
    assert counted.late_max_ms == pytest.approx(10)
    assert counted.late_mean_ms == pytest.approx(10)
    assert counted.delivered == 1


def test_strays_go_nowhere() -> None:
    """Multicast, addresses of nobody, one's own address, and what is no whole head."""
    net = _mesh(_FORK)
    for packet in (
        b"\x45".ljust(16, b"\0") + bytes([224, 0, 0, 1]),
        b"\x60".ljust(40, b"\xff"),
        _packet(_FORK, "user"),
        b"\x45",
    ):
        net.enter(_USER, packet, 0.0)
    assert net.next_due() is None
    assert net.statistics().strays == 4


def test_what_is_on_its_way_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood into a link without a rate loses packets, and says that nobody asked for it."""
    monkeypatch.setattr(mesh, "_MOST_IN_FLIGHT", 10)
    net = _mesh(_FORK)
    for _ in range(15):
        net.enter(_NEAR, _packet(_FORK, "off"), 0.0)
    assert len(_arrivals(net)) == 10
    assert net.statistics().overflow == 5


def test_a_seed_settles_a_whole_run() -> None:
    """The same packets at the same times come out the same, with another seed otherwise."""

    def run(seed: int) -> list[tuple[float, int]]:
        topology = standard("far")
        net, rng = _mesh(topology, seed), Random(7)
        now, places = 0.0, list(topology.plan(seed=0).addresses)
        hosts = ("user", "edge", "origin")
        for _ in range(2000):
            now += rng.random() / 1000
            source, to = rng.sample(hosts, 2)
            net.enter(places.index(source), _packet(topology, to, size=1500), now)
        return _arrivals(net)

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_reset_begins_every_count_anew() -> None:
    """Those of the links and those of the mesh."""
    net = _mesh(_FORK)
    net.enter(_NEAR, _packet(_FORK, "off"), 0.0)
    net.enter(_NEAR, b"\x45", 0.0)
    _arrivals(net)
    net.reset()
    counted = net.statistics()
    assert (counted.strays, counted.delivered, counted.late_max_ms) == (0, 0, 0)
    assert not any(link.packets for link in counted.links.values())
