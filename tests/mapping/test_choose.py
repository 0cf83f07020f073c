import random
from collections import Counter
from dataclasses import replace

import pytest

from mapping.choose import choose_edges, choose_servers
from mapping.config import Region
from tests.mapping.network import EAST, SOUTH, WEST


@pytest.mark.parametrize(
    ("ranked", "down", "expected"),
    [
        pytest.param((EAST, WEST), "", {"e1", "e2"}, id="own region suffices"),
        pytest.param((EAST, WEST), "e1", {"e2", "w1"}, id="topped up from the next"),
        pytest.param((WEST, EAST), "e1", {"w1", "e2"}, id="own region has one"),
        pytest.param((WEST, EAST, SOUTH), "e1 e2", {"w1", "s1 s2"}, id="over a dead region"),
        pytest.param((WEST,), "", {"w1"}, id="no more than there are"),
        pytest.param((WEST,), "w1", set(), id="none"),
    ],
)
def test_two_edges(ranked: tuple[Region, ...], down: str, expected: set[str]) -> None:
    """Two usable edges, of the nearest regions that have them (`s1 s2`: either)."""
    chosen = choose_edges(
        ranked,
        count=2,
        usable=lambda edge: edge.name not in down.split(),
        rng=random.Random(1),
    )
    names = {edge.name for edge in chosen}
    assert len(names) == len(expected)
    assert all(any(name in option.split() for option in expected) for name in names)


def test_near_edges_stand_first() -> None:
    """Whatever the draw, an edge of a nearer region precedes one of a farther."""
    for seed in range(20):
        chosen = choose_edges((WEST, EAST), count=2, usable=lambda _: True, rng=random.Random(seed))
        assert chosen[0].name == "w1"


def test_equals_take_turns_fairly() -> None:
    """Every ordered pair of a region's three edges is about equally frequent."""
    three = replace(EAST, edges=(*EAST.edges, *WEST.edges))
    rng = random.Random(7)
    seen = Counter(
        tuple(e.name for e in choose_edges((three,), count=2, usable=lambda _: True, rng=rng))
        for _ in range(6_000)
    )
    assert len(seen) == 6
    assert all(850 < count < 1_150 for count in seen.values())


def test_a_seed_decides_everything() -> None:
    """The same inputs and the same rng give the same answer."""
    first, second = (
        choose_edges((EAST,), count=2, usable=lambda _: True, rng=random.Random(3))
        for _ in range(2)
    )
    assert first == second


def test_servers_of_two_regions() -> None:
    """A referral's servers come from the first regions that have any."""
    empty = replace(EAST, servers=())
    chosen = choose_servers((WEST, empty, SOUTH, EAST), regions=2)
    assert [server.name for server in chosen] == ["low-west", "low-south"]
