"""Asking about what is popular before it is stale."""

from dataclasses import replace

import pytest

from edge.cache.entry import Entry
from edge.cache.refresh import farthest_lead_s, refresh_due
from edge.moment import Moment
from tests.edge.cache.stories import keep, say

STEP_S = 0.1


def stored(lifetime_s: float, *, fetch_s: float = 0.1, key: str = "k") -> Entry:
    """A response that came at 0 s."""
    kept = keep(say(cache_control=f"max-age={lifetime_s:.0f}"))
    return replace(kept, key=key, received=Moment(0.0, 0.0), fetch_s=fetch_s)


def first_due_s(entry: Entry, node: str = "east") -> float | None:
    """When it is first asked about, if somebody asks for it all the time."""
    for step in range(int(entry.lifetime_s / STEP_S)):
        if refresh_due(entry, node, Moment(0.0, step * STEP_S)):
            return step * STEP_S
    return None


@pytest.mark.parametrize("lifetime_s", [60.0, 600.0])
def test_most_are_asked_about_in_time(lifetime_s: float) -> None:
    """Long enough before the end for the answer to come, but not much sooner; each at its own."""
    leads = []
    for number in range(200):
        due_s = first_due_s(stored(lifetime_s, key=str(number)))
        leads.append(lifetime_s - due_s if due_s is not None else 0.0)
    in_time = [lead for lead in leads if lead > 0.1]
    assert len(in_time) > 190
    assert max(leads) < 0.1 * lifetime_s
    assert sum(leads) / len(leads) < 0.04 * lifetime_s
    assert len({round(lead, 1) for lead in leads}) > 10


def test_nodes_differ() -> None:
    """An object that came to all at once is not asked about by all at once."""
    entry = stored(3_600.0)
    moments = [first_due_s(entry, f"edge-{number}") for number in range(50)]
    assert max(map(moments.count, moments)) < 10
    assert len(set(moments)) > 15


def test_what_is_slow_to_fetch_is_asked_about_sooner() -> None:
    """The answer must be there before the end."""
    slow = [first_due_s(stored(60.0, fetch_s=3.0, key=str(number))) for number in range(100)]
    assert sum(due_s is not None and due_s < 57 for due_s in slow) > 85


def test_never_when_it_makes_no_sense() -> None:
    """Not in the first half of its life, not when it has just come, not when it is stale."""
    assert farthest_lead_s(stored(10.0, fetch_s=8.0)) == 5.0
    slow = [first_due_s(stored(60.0, fetch_s=8.0, key=str(number))) for number in range(100)]
    assert 30 <= min(due_s for due_s in slow if due_s is not None) < 35
    old = replace(stored(1_000.0), initial_age_s=999.0)
    assert not any(refresh_due(old, "east", Moment(0.0, step / 100)) for step in range(99))
    ended = stored(5.0)
    assert not any(refresh_due(ended, "east", Moment(0.0, 5 + step / 10)) for step in range(99))


def test_all_who_ask_at_once_agree() -> None:
    """The moment depends on nothing that two requests do not share."""
    entry = stored(100.0)
    due_s = first_due_s(entry)
    assert due_s is not None
    assert all(refresh_due(entry, "east", Moment(wall, due_s)) for wall in (0.0, 1e9))
