"""Topologies: the standard ones are what the project says, names and addresses are sound."""

import ipaddress

import pytest

from bench.lab.link import Conditions
from bench.lab.topologies import FIGURE_2, STANDARD, VISITORS, figure_2, standard
from bench.lab.topology import Location, Topology, both_ways, middle


def _rtt_ms(topology: Topology, a: str, b: str) -> float:
    """What a ping would see on an idle network."""
    hosts, links = topology.hosts(), topology.links()
    places = {hosts[a].location, hosts[b].location}
    ways = [way for way in topology.ways() if {way.source, way.destination} == places]
    return sum(links[name].delay_ms for way in ways for name in way.links)


@pytest.mark.parametrize(
    ("name", "user_to_origin_ms", "loss", "queue_bytes"),
    [
        ("regional", 30, 0.001, 250_000),
        ("continental", 90, 0.005, 1_000_000),
        ("far", 210, 0.015, 2_500_000),
    ],
)
def test_the_standard_middle_miles(
    name: str, user_to_origin_ms: float, loss: float, queue_bytes: int
) -> None:
    """Distances, loss per direction, 100 Mbit/s, a queue of one bandwidth-delay product."""
    topology = standard(name)
    assert _rtt_ms(topology, "user", "origin") == user_to_origin_ms
    assert _rtt_ms(topology, "edge", "origin") == user_to_origin_ms - 10
    assert _rtt_ms(topology, "user", "edge") == 10
    for link in ("edge>origin", "origin>edge", "user>origin", "origin>user"):
        conditions = topology.links()[link]
        assert (conditions.loss, conditions.mbit) == (loss, 100)
        assert conditions.queue_bytes == queue_bytes


@pytest.mark.parametrize("name", STANDARD)
def test_the_last_mile(name: str) -> None:
    """50 Mbit/s down, 10 up, no loss, for the user and for every visitor."""
    links = standard(name).links()
    for who in ("user", *VISITORS):
        up, down = links[f"{who}>"], links[f">{who}"]
        assert (up.mbit, down.mbit) == (10, 50)
        assert (up.delay_ms, down.delay_ms) == (5, 5)
        assert (up.total_loss, down.total_loss) == (0, 0)


@pytest.mark.parametrize(
    ("name", "rtt_ms", "loss", "queue_bytes"),
    [
        ("local", 1.6, 0.006, 65_536),
        ("regional", 16, 0.007, 200_000),
        ("cross-continent", 48, 0.010, 600_000),
        ("multi-continent", 96, 0.014, 1_200_000),
    ],
)
def test_the_papers_distances(name: str, rtt_ms: float, loss: float, queue_bytes: int) -> None:
    """From user and edge to the origin, both ways alike; the least queue where it is short."""
    topology = figure_2(name)
    assert _rtt_ms(topology, "user", "origin") == _rtt_ms(topology, "edge", "parent") == rtt_ms
    for link in ("edge>origin", "origin>edge", "user>origin", "origin>user"):
        conditions = topology.links()[link]
        assert (conditions.loss, conditions.mbit) == (loss, 100)
        assert conditions.queue_bytes == queue_bytes


@pytest.mark.parametrize("name", FIGURE_2)
def test_the_papers_user_is_near_the_edge(name: str) -> None:
    """At its local distance, whatever the origin's is, and behind no last mile."""
    topology = figure_2(name)
    assert list(topology.hosts()) == ["user", "visitor-1", "edge", "origin", "parent"]
    assert _rtt_ms(topology, "user", "edge") == 1.6
    assert {topology.links()[link].loss for link in ("user>edge", "edge>user")} == {0.006}
    assert not {"user>", ">user"} & topology.links().keys()


def test_users_are_in_four_networks() -> None:
    """What a site learns from one user's neighbours is learned from elsewhere."""
    hosts = standard("far").hosts()
    networks = {
        ipaddress.ip_network(f"{hosts[who].ipv4}/24", strict=False) for who in ("user", *VISITORS)
    }
    assert len(networks) == 4


def test_parent_and_origin_share_a_location() -> None:
    """Each with addresses of its own, and nothing between them to change."""
    topology = standard("far")
    hosts = topology.hosts()
    assert hosts["parent"].location == hosts["origin"].location
    assert hosts["parent"].ipv4 != hosts["origin"].ipv4
    with pytest.raises(ValueError, match="same location"):
        topology.links_of("parent", "origin")


def test_addresses_are_of_the_blocks_for_benchmarks() -> None:
    """RFC 2544 and RFC 5180, also with hundreds of locations, all different."""
    many = Topology(name="many", locations=tuple(Location(name=f"n{n}") for n in range(400)))
    hosts = many.hosts().values()
    assert {ipaddress.ip_address(h.ipv4) in _BLOCK for h in hosts} == {True}
    assert {ipaddress.ip_address(h.ipv6) in _BLOCK_6 for h in hosts} == {True}
    assert len({h.ipv4 for h in hosts} | {h.ipv6 for h in hosts}) == 800


_BLOCK = ipaddress.ip_network("198.18.0.0/15")
_BLOCK_6 = ipaddress.ip_network("2001:2::/48")


@pytest.mark.parametrize(
    ("asked", "links"),
    [
        (("edge", "origin"), ["edge>origin", "origin>edge"]),
        (("edge", "parent"), ["edge>origin", "origin>edge"]),
        (("user",), ["user>", ">user"]),
    ],
)
def test_links_are_found_by_hosts(asked: tuple[str, ...], links: list[str]) -> None:
    """Between two of them, or one's own miles."""
    assert standard("far").links_of(*asked) == links


def test_one_way_is_from_the_first_to_the_second() -> None:
    """Not back; of one alone it is what leaves him."""
    far = standard("far")
    assert far.links_of("edge", "origin", one_way=True) == ["edge>origin"]
    assert far.links_of("user", one_way=True) == ["user>"]
    assert len(far.links_of("edge", one_way=True)) == 5


def test_a_data_centre_is_cut_off_by_all_that_meets_it() -> None:
    """It has no mile of its own."""
    links = standard("far").links_of("edge")
    assert len(links) == 10
    assert all("edge" in link.split(">") for link in links)


def test_an_unknown_host_is_named() -> None:
    """With those that there are."""
    with pytest.raises(KeyError, match="no host moon; there are user, "):
        standard("far").links_of("edge", "moon")
    with pytest.raises(KeyError, match="regional, continental, far"):
        standard("lunar")
    with pytest.raises(KeyError, match="local, regional, cross-continent, multi-continent"):
        figure_2("lunar")


@pytest.mark.parametrize(
    ("locations", "pairs", "word"),
    [
        ((Location(name="a"), Location(name="a")), [], "two locations called a"),
        ((Location(name="a"), Location(name="b", hosts=("a",))), [], "two hosts called a"),
        ((Location(name="a>b"),), [], "cannot be a name"),
        ((Location(name="a"),), [("a", "b")], "no location b"),
    ],
)
def test_what_cannot_be_built_is_refused(
    locations: tuple[Location, ...], pairs: list[tuple[str, str]], word: str
) -> None:
    """In one line."""
    middles = both_ways(pairs, Conditions())
    with pytest.raises(ValueError, match=word):
        Topology(name="wrong", locations=locations, middles=middles)


@pytest.mark.parametrize("name", ["", "two words", "Upper", "\x1b[31m", "a/b", "a" * 61])
def test_a_topology_has_a_plain_name(name: str) -> None:
    """Its lab is found by it."""
    with pytest.raises(ValueError, match="cannot be a topology's name"):
        Topology(name=name, locations=(Location(name="a"),))


def test_a_middle_has_room_even_when_short() -> None:
    """One bandwidth-delay product of a millisecond would be eight packets."""
    assert middle(rtt_ms=1, mbit=100).queue_bytes == 65_536
    assert middle(rtt_ms=100, mbit=100).queue_bytes == 1_250_000
