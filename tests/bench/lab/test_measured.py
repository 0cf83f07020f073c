"""Topologies from measurements: the distances are those that were measured."""

import pytest

from bench.data.latencies import planetlab, wondernetwork
from bench.lab.measured import cities, city_rtt_ms, nodes


def test_cities_are_as_far_apart_as_pings_said() -> None:
    """User and edge in one city, parent and origin in another; the last mile comes on top."""
    topology = cities({"user": "Sao Paulo", "edge": "Sao Paulo", "origin": "Frankfurt"})
    links = topology.links()
    assert links["edge>origin"].delay_ms == pytest.approx(215.31 / 2, abs=0.01)
    assert links["origin>edge"].delay_ms == pytest.approx(216.56 / 2, abs=0.01)
    assert links["user>edge"].delay_ms == 0
    assert (links["user>"].delay_ms, links[">user"].delay_ms) == (5, 5)
    assert "edge>" not in links


def test_a_ping_that_failed_is_taken_from_its_other_end() -> None:
    """Some cities measured in one direction only."""
    data = wondernetwork()
    missing = [
        (a, b)
        for a, row in zip(data.cities, data.avg_ms, strict=True)
        for b, rtt_ms in zip(data.cities, row, strict=True)
        if a != b and rtt_ms != rtt_ms  # noqa: PLR0124 (not a number)
    ]
    one_sided = [(a, b) for a, b in missing if (b, a) not in missing]
    a, b = one_sided[0]
    assert city_rtt_ms(a, b) == city_rtt_ms(b, a) > 0


def test_an_unknown_city_is_named() -> None:
    """With some that begin alike."""
    with pytest.raises(KeyError, match="Frankfurt"):
        city_rtt_ms("Frankfort", "Paris")


def test_nodes_are_as_far_apart_as_in_their_slice() -> None:
    """And in another slice their links are others."""
    topology = nodes([3, 17, 200], moment=0)
    links = topology.links()
    assert links["node-3>node-200"].delay_ms == float(planetlab()[0, 3, 200]) / 2
    later = nodes([3, 17, 200], moment=9).links()
    assert later.keys() == links.keys()
    assert later != links
