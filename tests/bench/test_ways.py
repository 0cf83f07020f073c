"""The ways to a site through a lab: each is what results take it for."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench import ways
from bench.certificate import Pair, certify
from bench.lab.topologies import standard
from bench.load import curl
from bench.peers import nginx
from bench.place import HOST, Place
from bench.ways import Way
from tests.kit.benching import need_programs, small_place
from tests.kit.lab import need_lab

pytestmark = pytest.mark.system

_PATH = "/objects/100KB"
_SIZE = 100 * 1024


@pytest.fixture(autouse=True)
def _lab_or_skip() -> None:
    need_lab()
    need_programs("nginx")


@contextmanager
def _standing(*names: str, congestion: str = "cubic") -> Iterator[tuple[list[Way], Pair]]:
    """Ways to the benchmarks' static origin, 20 ms away, with nothing lost."""
    with small_place() as place:
        pair = certify(place.home, HOST)
        with ways.standing(
            place, standard("regional"), pair, names, congestion=congestion, origin=nginx.origin
        ) as found:
            for name in ("edge", "user"):
                found[0].lab.degrade(name, "origin", loss=0)
            yield found, pair


def _ask(way: Way, pair: Pair, path: str = _PATH) -> tuple[float, ways.Cost]:
    with (
        curl.connected(
            way.user, way.https, ca=pair.certificate, http2=way.http2, warm="/objects/1KB"
        ) as client,
        way.counting() as cost,
    ):
        (answer,) = client.ask(path)
    assert answer.size_bytes == _SIZE
    return answer.ms, cost


def test_each_way_is_as_long_as_its_name_says() -> None:
    """What is kept near the user comes from there; straight from the origin each time from afar."""
    with _standing("direct", "nginx", "midmile") as (found, pair):
        for way in found:
            for turn in ("cold", "warm"):
                took_ms, cost = _ask(way, pair)
                near = turn == "warm" and way.name != "direct"
                assert took_ms >= (10 if near else 30), (way.name, turn)
                assert (cost.crossed.text_bytes == 0) is near, (way.name, turn)
                assert (cost.link_bytes < _SIZE / 10) is near, (way.name, turn)


def test_what_crossed_is_counted_before_tls_and_on_the_link() -> None:
    """Text by its name, compressed or not; packets are a few per cent more than their bytes."""
    with _standing("nginx", "nginx-nogzip", "midmile") as (found, pair):
        crossed = {way.name: _ask(way, pair)[1] for way in found}
    for cost in crossed.values():
        assert cost.crossed.image_bytes == 0
        assert cost.crossed.text_bytes < cost.link_bytes < 1.2 * cost.crossed.text_bytes + 4_000
        assert cost.cpu_s > 0
    assert crossed["nginx-nogzip"].crossed.text_bytes > _SIZE
    assert crossed["nginx"].crossed.text_bytes < _SIZE / 2
    assert crossed["midmile"].crossed.text_bytes < _SIZE / 2


def test_no_way_finds_what_another_one_cached() -> None:
    """The same servers over another protocol are other servers."""
    with _standing("nginx", "nginx-h2") as (found, pair):
        for way in found:
            _, cost = _ask(way, pair)
            assert cost.link_bytes > _SIZE / 4


def test_names_tell_the_congestion_control() -> None:
    """Unless it is cubic, which is what kernels do."""
    with _standing("direct", "direct-h2", congestion="bbr") as (found, _):
        assert [way.name for way in found] == ["direct-bbr", "direct-h2-bbr"]
        assert found[0].lab.congestion == "bbr"
        assert [way.http2 for way in found] == [False, True]


def test_other_visitors_keep_connections_open() -> None:
    """So that a user's request does not wait for a handshake between the hops."""
    with _standing("nginx") as ((way,), pair):
        way.keep_warm("/objects/8KB-uncacheable", 1)
        with (
            curl.connected(way.user, way.https, ca=pair.certificate, warm="/objects/1KB") as client,
            way.counting() as cost,
        ):
            client.ask("/objects/8KB-uncacheable")
    assert cost.link_bytes < 8_000, "a handshake would add its certificates"


def test_a_place_may_be_a_host_of_a_lab() -> None:
    """Addresses, programs and looks at a server are then that host's."""
    with _standing("direct") as ((way,), _), small_place() as place:
        here, there = place.at(way.lab.host("origin")), place.at(way.user)
        assert here.address(1)[0] == way.lab.host("origin").ipv4
        assert here.command("true")[0] == "nsenter"
        assert here.listening(way.https)
        assert there.listening(way.https)
        assert not place.listening(way.https)
        assert Place(home=place.home).command("true") == ["true"]
