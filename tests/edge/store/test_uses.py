"""Who stays on the disk when there is no room."""

from edge.store.uses import MOST_USES, Uses


def test_what_was_not_used_goes() -> None:
    """It had its turn."""
    assert not Uses().stays(b"a", 1_000, 1_000.0)


def test_uses_are_spent_by_staying() -> None:
    """Used once, a key of mean size stays once."""
    uses = Uses()
    uses.add(b"a")
    assert uses.stays(b"a", 1_000, 1_000.0)
    assert not uses.stays(b"a", 1_000, 1_000.0)


def test_room_costs_uses() -> None:
    """Ten times the mean size stays for ten uses."""
    uses = Uses()
    uses.add(b"a", 9)
    assert not uses.stays(b"a", 10_000, 1_000.0)
    uses.add(b"a", 10)
    assert uses.stays(b"a", 10_000, 1_000.0)


def test_the_largest_can_stay_too() -> None:
    """More than so many uses is never asked."""
    uses = Uses()
    uses.add(b"a", 10 * MOST_USES)
    assert uses.stays(b"a", 2**40, 1.0)


def test_uses_are_remembered_of_so_many() -> None:
    """Of those that were used last."""
    uses = Uses(most=2)
    for key in (b"a", b"b", b"a", b"c"):
        uses.add(key)
    assert len(uses) == 2
    assert [uses.stays(key, 1, 1.0) for key in (b"a", b"b", b"c")] == [True, False, True]
