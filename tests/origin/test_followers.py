"""Who has done a purge, who is waited for, and what is said of the others."""

from edge.purge_log import Numbered, Position
from edge.store.purges import Purge, Scope
from origin.followers import LIVE_S, Followers

THIRD = Numbered(parent="a", stamp="10", number=3, purge=Purge(site="shop", scope=Scope.SITE))


def test_whoever_is_at_a_purge_has_done_it() -> None:
    """Also in a later log of the same parent, for which all was dropped; not in an older one."""
    nodes = Followers(("b", "east", "west", "north", "south"), 0.0)
    for node, position in (
        ("b", "a=10:3, b=20:1"),
        ("east", "a=10:4"),
        ("west", "a=11:0"),
        ("north", "a=f:9"),
        ("south", "a=10:2"),
    ):
        nodes.heard(node, Position.of(position), 1.0)
    assert set(nodes.lacking(THIRD, 1.0)) == {"north", "south"}


def test_only_those_who_are_there_are_waited_for() -> None:
    """Whoever was silent for longer than a question takes may be gone."""
    nodes = Followers(("east", "west"), 0.0)
    nodes.heard("east", Position.of("a=10:2"), 100.0)
    assert nodes.awaited(THIRD, 100.0 + LIVE_S - 0.1) == {"east"}
    assert nodes.awaited(THIRD, 100.0 + LIVE_S) == frozenset()
    nodes.heard("east", Position.of("a=10:3"), 110.0)
    assert nodes.awaited(THIRD, 110.0) == frozenset()


def test_a_parent_that_has_just_begun_waits_for_all() -> None:
    """They had no time to ask it."""
    nodes = Followers(("east", "west"), 50.0)
    assert nodes.awaited(THIRD, 51.0) == {"east", "west"}
    assert nodes.awaited(THIRD, 50.0 + LIVE_S) == frozenset()


def test_why_a_node_is_listed() -> None:
    """As an operator would want to know."""
    nodes = Followers(("east", "west", "north"), 0.0)
    nodes.heard("east", Position.of("a=10:2"), 99.0)
    nodes.heard("west", Position.of("a=10:2"), 40.0)
    assert nodes.lacking(THIRD, 100.0) == {
        "east": "has not done it in time",
        "west": "not heard of for 60 s",
        "north": "not heard of since this parent began 100 s ago",
    }
