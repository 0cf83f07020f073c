"""Which server is asked first."""

from collections import Counter

from edge.servers import FIRST_PAUSE_S, LONGEST_PAUSE_S, Servers

NAMES = ("a", "b", "c")


def test_each_site_has_a_home() -> None:
    """The order is the same each time, whatever order the names come in, and sites spread."""
    servers = Servers()
    homes = Counter(servers.order(f"site {number}", NAMES, 0)[0] for number in range(300))
    assert set(homes) == set(NAMES)
    assert min(homes.values()) > 60
    assert servers.order("shop", NAMES, 0) == servers.order("shop", NAMES[::-1], 5)


def test_a_server_that_leaves_moves_only_its_own_sites() -> None:
    """Rendezvous hashing: the others keep their homes."""
    servers = Servers()
    for number in range(100):
        with_all = servers.order(f"site {number}", NAMES, 0)
        without = servers.order(f"site {number}", ("a", "b"), 0)
        assert without == [name for name in with_all if name != "c"]


def test_the_story_of_a_failure() -> None:
    """It rests, one request probes it, and it rests longer or is well again."""
    servers = Servers()
    home, other = servers.order("shop", ("a", "b"), 0)
    assert servers.failed(home, 0)
    assert servers.order("shop", ("a", "b"), FIRST_PAUSE_S / 2) == [other, home]
    later = FIRST_PAUSE_S + 0.1
    assert servers.order("shop", ("a", "b"), later)[0] == home  # the probe
    assert servers.order("shop", ("a", "b"), later)[0] == other  # while that is out
    assert servers.failed(home, later)
    assert servers.order("shop", ("a", "b"), later + FIRST_PAUSE_S)[0] == other
    assert servers.order("shop", ("a", "b"), later + 2 * FIRST_PAUSE_S)[0] == home
    assert servers.answered(home)
    assert not servers.answered(home)
    assert [servers.order("shop", ("a", "b"), later)[0] for _ in range(3)] == [home] * 3


def test_many_requests_meet_one_failure() -> None:
    """They count once and are told once, so that the first pause stays short."""
    servers = Servers()
    home = servers.order("shop", NAMES, 0)[0]
    assert [servers.failed(home, 0.01 * number) for number in range(50)] == [True] + [False] * 49
    assert servers.order("shop", NAMES, 1.1 * FIRST_PAUSE_S)[0] == home


def test_pauses_do_not_grow_for_ever() -> None:
    """However often it failed, it is probed again soon."""
    servers, now = Servers(), 0.0
    home = servers.order("shop", NAMES, now)[0]
    for _ in range(50):
        servers.failed(home, now)
        now += LONGEST_PAUSE_S
        assert servers.order("shop", NAMES, now)[0] == home


def test_all_are_ill() -> None:
    """Then they are asked in their own order: better an attempt than none."""
    servers = Servers()
    order = servers.order("shop", NAMES, 0)
    for name in NAMES:
        servers.failed(name, 0)
    assert servers.order("shop", NAMES, 0.1) == order


def test_nobody_to_ask() -> None:
    """No names, no order."""
    assert Servers().order("shop", (), 0) == []


def test_standings_are_told_and_not_changed() -> None:
    """The order, failures and pauses; whoever looks does not become the probe."""
    servers = Servers()
    home, other = servers.order("shop", ("a", "b"), 0)
    servers.failed(home, 0)
    at_once = servers.standings("shop", ("a", "b"), 0.25)
    assert [standing.name for standing in at_once] == [other, home]
    assert (at_once[1].failures, at_once[1].rests_s) == (1, FIRST_PAUSE_S - 0.25)
    for _ in range(2):
        later = servers.standings("shop", ("a", "b"), FIRST_PAUSE_S + 1)
        assert [(one.name, one.failures, one.rests_s) for one in later] == [
            (home, 1, 0),
            (other, 0, 0),
        ]
