"""What a parent knows of purges, and what it tells whom."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.purge_log import (
    LATEST,
    MOST_AT_ONCE,
    MOST_CHARACTERS,
    Caught,
    News,
    Numbered,
    Place,
    Position,
    PurgeLogError,
    catch_up,
)
from edge.store.purges import Purge, Scope
from origin.purges import Change, PurgeLog, stamp_of


def purge(value: str = "red") -> Purge:
    """A purge of a tag."""
    return Purge(site="shop", scope=Scope.TAG, value=value)


def log_of(name: str, stamp: str = "10", most: int = 10_000) -> PurgeLog:
    """A parent's log that has just begun."""
    return PurgeLog(name, [Change(name=name, stamp=stamp, number=0, anew=True)], most)


def number(log: PurgeLog, count: int, *, released: bool = True, value: str = "red") -> None:
    """Ask a parent for so many purges."""
    for _ in range(count):
        log.append(log.next(purge(value)))
    if released:
        log.release(log.position)


def told(log: PurgeLog, text: str, *, released: bool = True) -> Caught:
    """What a follower at a position has to do, asking again until there is no more."""
    at, records = Position.of(text), list[Numbered]()
    while True:
        caught = catch_up(at, log.since(at, released=released))
        records += caught.records
        if caught.everything or caught.position == at:
            return replace(caught, records=tuple(records))
        at = caught.position


def exchange(teller: PurgeLog, follower: PurgeLog) -> None:
    """Let one parent follow another until it hears nothing new."""
    for _ in range(100):
        before = follower.position
        follower.take(teller.since(follower.position, released=False))
        if follower.position == before:
            return
    raise AssertionError("it hears the same news for ever")


def test_purges_are_numbered_from_one() -> None:
    """In the log of the parent that was asked."""
    log = log_of("a")
    record = log.next(purge())
    assert (record.parent, record.stamp, record.number) == ("a", "10", 1)
    assert str(log.position) == "a=10:0"
    log.append(record)
    assert str(log.position) == "a=10:1"
    assert log.next(purge()).number == 2
    assert log.last == record


def test_edges_are_told_what_is_released() -> None:
    """Parents hear of it before; a position that is not ours releases nothing."""
    log = log_of("a")
    number(log, 2, released=False)
    assert str(log.released) == "a=10:0"
    log.release(Position.of("a=10:1, b=3:9"))
    assert str(log.released) == "a=10:1"
    log.release(Position.of("a=11:2"))
    assert str(log.released) == "a=10:1"
    assert len(told(log, "a=10:0").records) == 1
    assert len(told(log, "a=10:0", released=False).records) == 2
    log.release(Position.of("a=10:9"))
    assert str(log.released) == "a=10:1"
    log.release(log.position)
    assert str(log.released) == "a=10:2"


def test_a_follower_is_told_what_it_missed() -> None:
    """Each purge once and in order; nothing when it knows all, or more."""
    log = log_of("a")
    number(log, 3)
    news = log.since(Position.of("a=10:1"), released=True)
    assert [each.number for each in news.records] == [2, 3]
    assert (str(news.position), news.everything) == ("a=10:3", False)
    for known in ("a=10:3", "a=10:4"):
        news = log.since(Position.of(known), released=True)
        assert (news.records, news.everything) == ((), False)
        assert Position.of(known).covers(news.position)
        assert news.more is (known == "a=10:4")  # the log went back: that is not all


def test_whoever_knows_nothing_drops_everything() -> None:
    """And is told no records, which would be of no use to it."""
    log = log_of("a")
    number(log, 3)
    news = log.since(Position(), released=True)
    assert (news.everything, news.records, str(news.position)) == (True, (), "a=10:3")


def test_what_is_forgotten_counts_as_everything() -> None:
    """A log keeps so many; who is further behind has missed too much."""
    log = log_of("a", most=3)
    number(log, 5)
    assert len(told(log, "a=10:2").records) == 3
    late = told(log, "a=10:1")
    assert (late.everything, str(late.position)) == (True, "a=10:5")


def test_a_log_that_was_lost_counts_as_everything() -> None:
    """Whoever knew the former log of this parent missed what nobody can name.

    Nobody goes back from a later log: the parent, which so hears of it, begins another.
    """
    late = told(log_of("a"), "a=f:7")
    assert (late.everything, str(late.position)) == (True, "a=10:0")
    later = told(log_of("a"), "a=11:7")
    assert (later.everything, str(later.position)) == (False, "a=11:7")
    assert log_of("a").went_back(later.position)


def test_one_piece_of_news_has_its_bounds() -> None:
    """In records and in characters; whoever asks again comes to the end."""
    log = log_of("a")
    number(log, 2 * MOST_AT_ONCE + 1)
    first = log.since(Position.of("a=10:0"), released=True)
    assert (len(first.records), first.more) == (MOST_AT_ONCE, True)
    assert not log.since(Position.of(f"a=10:{MOST_AT_ONCE + 1}"), released=True).more
    assert len(told(log, "a=10:0").records) == 2 * MOST_AT_ONCE + 1
    log = log_of("a")
    number(log, 3, value="x" * (MOST_CHARACTERS // 2 + 1))
    assert len(log.since(Position.of("a=10:0"), released=True).records) == 1
    assert len(told(log, "a=10:0").records) == 3
    log = log_of("a")
    number(log, 2, value="x" * (2 * MOST_CHARACTERS))
    assert len(told(log, "a=10:0").records) == 2


def test_parents_tell_what_they_heard() -> None:
    """An edge that can ask one of them alone hears of the others' purges too."""
    a, b = log_of("a"), log_of("b", "20")
    number(a, 2)
    exchange(a, b)
    assert str(b.position) == "a=10:2, b=20:0"
    b.release(b.position)
    assert [each.number for each in told(b, "a=10:1, b=20:0").records] == [2]
    number(a, 1)
    exchange(a, b)
    assert str(b.released) == "a=10:2, b=20:0"  # its own workers have still to do it


def test_a_parent_that_missed_too_much_drops_everything_as_well() -> None:
    """It then knows where the log is, but no purge before that."""
    a, b = log_of("a", most=2), log_of("b", "20")
    number(a, 1)
    exchange(a, b)
    number(a, 4)
    news = a.since(b.position, released=False)
    assert news.everything
    (change,) = b.take(news)
    assert (change.anew, change.number, change.records) == (True, 5, ())
    b.release(b.position)
    assert told(b, "a=10:4, b=20:0").everything
    number(a, 1)
    exchange(a, b)
    b.release(b.position)
    assert [each.number for each in told(b, "a=10:5, b=20:0").records] == [6]


def test_a_log_that_began_anew_takes_the_place_of_the_former() -> None:
    """Everywhere, also where it comes from another parent; the former never comes back."""
    old, new, b, c = log_of("a"), log_of("a", "11"), log_of("b", "20"), log_of("c", "30")
    number(old, 3)
    exchange(old, b)
    exchange(old, c)
    exchange(new, b)
    assert str(b.position) == "a=11:0, b=20:0"
    exchange(c, b)
    assert b.position.places["a"] == Place("11", 0)
    exchange(b, c)
    assert c.position.places["a"] == Place("11", 0)
    c.release(c.position)
    assert not told(c, "a=12:0, b=20:0, c=30:0").everything  # who asks knows a later one


def test_nobody_tells_a_parent_of_its_own_log() -> None:
    """Whatever others remember of it."""
    old, new, b = log_of("a"), log_of("a", "11"), log_of("b", "20")
    number(old, 3)
    exchange(old, b)
    exchange(b, new)
    assert str(new.position) == "a=11:0, b=20:0"


@pytest.mark.parametrize(
    ("theirs", "back"),
    [("a=10:2", False), ("a=10:3", True), ("a=11:0", True), ("a=f:9", False), ("b=99:9", False)],
)
def test_a_log_that_went_back(theirs: str, back: bool) -> None:
    """Somebody knows more of it than it does itself: it was put back from a backup."""
    log = log_of("a")
    number(log, 2)
    assert log.went_back(Position.of(theirs)) is back


def put_back(backup: Change, now_s: float = 0.0) -> PurgeLog:
    """A log that was put back from a backup, as its parent begins with it."""
    log = PurgeLog(backup.name, [backup])
    log.begin_run(now_s)
    return log


def test_a_run_that_numbers_nothing_changes_nothing() -> None:
    """Parents may be started as often as anybody likes."""
    log = log_of("a")
    number(log, 2)
    for _ in range(3):
        log = put_back(log.snapshot("a"))
        assert str(log.position) == str(log.released) == "a=10:2"
        assert told(log, "a=10:2").records == ()


def test_each_run_stamps_what_it_numbers() -> None:
    """The numbers go on, and so does whoever follows."""
    log = log_of("a")
    number(log, 2)
    for run in ("11", "12"):
        log = put_back(log.snapshot("a"))
        number(log, 2)
        assert log.position.places["a"].stamp == run
    caught = told(log, "a=10:1")
    assert [(each.stamp, each.number) for each in caught.records] == [
        ("10", 2),
        ("11", 3),
        ("11", 4),
        ("12", 5),
        ("12", 6),
    ]
    assert (str(caught.position), caught.everything) == ("a=12:6", False)
    for known in ("a=10:0", "a=10:2", "a=11:3", "a=11:4", "a=12:5", "a=12:6"):
        assert not log.went_back(Position.of(known))
        assert not told(log, known).everything


def test_a_part_of_the_news_may_end_within_a_run() -> None:
    """And what edges may know as well."""
    log = log_of("a")
    number(log, MOST_AT_ONCE + 1)
    log = put_back(log.snapshot("a"))
    number(log, 2, released=False)
    assert str(log.released) == f"a=10:{MOST_AT_ONCE + 1}"
    first = log.since(Position.of("a=10:0"), released=False)
    assert str(first.position) == f"a=10:{MOST_AT_ONCE}"
    second = log.since(first.position, released=False)
    assert str(second.position) == f"a=11:{MOST_AT_ONCE + 3}"
    log.release(Position.of(f"a=11:{MOST_AT_ONCE + 2}"))
    assert str(log.released) == f"a=11:{MOST_AT_ONCE + 2}"


@pytest.mark.parametrize("theirs", ["a=10:4", "a=10:5", "a=10:7", "a=11:4", "a=11:5"])
def test_numbers_that_are_given_twice(theirs: str) -> None:
    """By a log that was put back: whoever knows the former ones is not taken to know the later.

    That holds also if nobody had the time to say so before they were given again.
    """
    log = log_of("a")
    number(log, 3)
    backup = log.snapshot("a")
    log = put_back(backup, 1.0)
    number(log, 2)
    assert str(log.position) == "a=3e8:5"
    assert log.went_back(Position.of(theirs))
    news = log.since(Position.of(theirs), released=True)
    assert (news, news.more) == (News(position=Position(), more=True), True)
    assert told(log, "a=10:3").records[0].number == 4


def test_what_is_older_than_all_that_is_kept() -> None:
    """It may be of a log that was lost: its follower drops everything, and nobody else."""
    for log, theirs in ((log_of("a"), "a=f:7"), (log_of("a", most=2), "a=10:2")):
        number(log, 5)
        assert not log.went_back(Position.of(theirs))
        assert told(log, theirs).everything


def test_a_trimmed_log_remembers_where_it_begins() -> None:
    """Whoever is just there has missed nothing but what is kept."""
    log = log_of("a", most=3)
    number(log, 2)
    log.begin_run(0.0)
    number(log, 3)
    for each in (log, PurgeLog("a", [log.snapshot("a")], 3)):
        assert [record.number for record in told(each, "a=10:2").records] == [3, 4, 5]
        assert told(each, "a=10:1").everything


def test_runs_are_known_to_other_parents() -> None:
    """Who follows those hears of each purge once, and drops nothing."""
    a, b, c = log_of("a"), log_of("b", "20"), log_of("c", "30")
    exchange(a, b)
    exchange(b, c)
    for run in ("11", "12"):
        a = put_back(a.snapshot("a"))
        number(a, 1)
        exchange(a, b)
        exchange(b, c)
        assert c.position.places["a"].stamp == run
    again = PurgeLog("c", [c.snapshot(name) for name in ("a", "b", "c")])
    for each in (c, again):
        each.release(each.position)
        caught = told(each, "a=10:0, b=20:0, c=30:0")
        assert ([record.number for record in caught.records], caught.everything) == ([1, 2], False)


def test_another_parent_goes_over_to_what_was_begun_anew() -> None:
    """It drops everything, as does whoever follows it and knows the former numbers."""
    a, b = log_of("a"), log_of("b", "20")
    backup = a.snapshot("a")
    number(a, 2)
    exchange(a, b)
    a = put_back(backup, 1.0)
    number(a, 3)
    news = a.since(b.position, released=False)
    assert (news.records, news.everything, news.more) == ((), False, True)
    a.begin_anew(2.0, b.position)
    (change,) = b.take(a.since(b.position, released=False))
    assert (change.anew, str(b.position)) == (True, "a=7d0:1, b=20:0")
    b.release(b.position)
    assert told(b, "a=10:2, b=20:0").everything


def test_whose_log_it_is_must_judge() -> None:
    """Another parent does not lead a follower away that could show that the log went back.

    Nor does it let it believe that all is well. To be behind a follower is nothing special.
    """
    a, b = log_of("a"), log_of("b", "20")
    exchange(a, b)
    backup = a.snapshot("a")
    number(a, 3)
    assert not b.since(a.position.joined(b.position), released=False).more
    knows = Position.of("a=10:1, b=20:0")
    a = put_back(backup, 1.0)
    number(a, 2)
    exchange(a, b)
    news = b.since(knows, released=False)
    assert (news.records, news.everything, news.more) == ((), False, True)
    assert a.went_back(knows)
    assert not b.went_back(knows)


def test_news_of_before_a_log_was_put_back() -> None:
    """They are late, and said to whoever knew less: nothing is taken in that has a gap."""
    a, b, c = log_of("a"), log_of("b", "20"), log_of("c", "30")
    backup = a.snapshot("a")
    asked = b.position.joined(a.position)
    exchange(a, b)
    exchange(a, c)
    number(a, 1)
    exchange(a, b)
    a = put_back(backup, 1.0)
    number(a, 2)
    exchange(a, c)
    late = c.since(asked, released=False)
    assert [each.number for each in late.records] == [1, 2]
    with pytest.raises(PurgeLogError, match="gap"):
        b.take(late)
    assert c.since(b.position, released=False).more


def test_stamps_out_of_order_are_no_news() -> None:
    """No parent stamps so."""
    a, b = log_of("a"), log_of("b", "20")
    number(a, 2)
    first, second = a.since(Position.of("a=10:0"), released=True).records
    for records in ((replace(first, stamp="12"), second), (first, replace(second, stamp="f"))):
        with pytest.raises(PurgeLogError, match="gap"):
            b.take(News(position=Position.of("a=12:2"), records=records))


def test_only_parents_of_the_network_count() -> None:
    """What an edge tells of others is neither missed nor kept; parents may know of a new one."""
    kept = [Change(name=name, stamp="10", number=0, anew=True) for name in ("a", "b", "c")]
    log = PurgeLog("a", kept, parents=["b"])
    assert str(log.position) == "a=10:0, b=10:0"
    told = Position.of("b=10:1, c=10:1, d=10:1")
    assert str(log.lacks(told)) == "b=10:1"
    assert [each.name for each in log.take_over(told)] == ["b"]
    assert str(log.position) == "a=10:0, b=10:1"
    log.take(News(position=Position.of("d=10:0")))
    assert str(log.lacks(told)) == "d=10:1"


def test_there_is_no_log_later_than_the_latest() -> None:
    """Who tells of one is not believed: the log could not begin anew after it."""
    log = log_of("a")
    assert not log.went_back(Position.of(f"a={LATEST:x}:1"))
    assert log.went_back(Position.of(f"a={LATEST - 1:x}:1"))
    log.begin_anew(0.0, Position.of(f"a={LATEST - 1:x}:1"))
    log.begin_run(0.0)
    number(log, 1)
    assert str(log.position) == str(Position.of(str(log.position))) == f"a={LATEST:x}:2"


class Follower:
    """A node, and what it has done of the purges, by their values."""

    def __init__(self) -> None:
        self.at = Position()
        self.has_done = set[str]()

    def hear(self, log: PurgeLog, numbered: set[str], now_s: float) -> None:
        """Ask, as a parent's keeper answers, and do it; all there were if everything goes."""
        if log.went_back(self.at):
            log.begin_anew(now_s, self.at)
        self.do(log.since(self.at, released=False), numbered)

    def do(self, news: News, numbered: set[str]) -> None:
        """Carry news out."""
        caught = catch_up(self.at, news)
        self.at = caught.position
        self.has_done |= {each.purge.value for each in caught.records}
        if caught.everything:
            self.has_done |= numbered


class Scene:
    """Parent a, whose log may be put back; parent b, which follows it; and their followers."""

    def __init__(self) -> None:
        self.a, self.b = log_of("a"), log_of("b", "20")
        self.nodes = {name: Follower() for name in "bxy"}
        self.nodes["b"].at = self.b.position
        self.backup = self.a.snapshot("a")
        self.numbered, self.heard = set[str](), set[str]()

    def play(self, step: str, now_s: float) -> None:
        """Let something happen."""
        match step.split():
            case ["purge"]:
                self.numbered.add(str(now_s))
                self.a.append(self.a.next(purge(str(now_s))))
            case ["start"]:
                self.a = put_back(self.a.snapshot("a"), now_s)
            case ["back-up"]:
                self.backup = self.a.snapshot("a")
            case ["put-back"]:
                self.a = put_back(self.backup, now_s)
            case ["b", _]:
                self.nodes["b"].hear(self.a, self.numbered, now_s)
                self.b.take(self.a.since(self.b.position, released=False))
                assert self.b.position == self.nodes["b"].at
                self._note()
            case [name, "a"]:
                self.nodes[name].hear(self.a, self.numbered, now_s)
                self._note()
            case [name, _]:
                self.nodes[name].hear(self.b, self.numbered, now_s)

    def _note(self) -> None:
        """Somebody has heard all that is in a's log by now."""
        self.heard |= {each.purge.value for each in self.a.snapshot("a").records}


LIFE = ("purge", "start", "b a", "x a", "y a", "x b", "y b")
CALM = ("b a", "x a", "y a") * 2


@given(st.lists(st.sampled_from([*LIFE, "back-up", "put-back"])))
def test_no_purge_that_anybody_heard_of_is_missed(story: list[str]) -> None:
    """By another follower, whatever happens to a parent meanwhile, and whomever they ask.

    All have heard of all parents before.
    """
    scene = Scene()
    for now_s, step in enumerate((*CALM, *story, *CALM)):
        scene.play(step, now_s)
    for node in scene.nodes.values():
        assert node.has_done >= scene.heard


@given(st.lists(st.sampled_from(LIFE)))
def test_nothing_is_dropped_for_a_start(story: list[str]) -> None:
    """But once by each that knows nothing, at first."""
    scene = Scene()
    for step in CALM:
        scene.play(step, 0)
    for now_s, step in enumerate((*story, *CALM)):
        scene.numbered.add("everything")
        scene.play(step, now_s)
    for node in scene.nodes.values():
        assert len(node.has_done) == story.count("purge")


@pytest.mark.parametrize(("now_s", "stamp"), [(0.5, "1f4"), (0.018, "31"), (0.048, "31")])
def test_it_begins_anew_later_than_any(now_s: int, stamp: str) -> None:
    """Than its own and than theirs, whatever the clock says; the numbers begin again.

    The first is for what nobody can tell any more.
    """
    log = log_of("a", "20")
    number(log, 2)
    change = log.begin_anew(now_s, Position.of("a=30:1"))
    assert (change.stamp, change.number, change.anew) == (stamp, 1, True)
    assert str(log.released) == f"a={stamp}:1"
    assert log.last is None
    assert log.next(purge()).number == 2
    for known in ("a=20:2", "b=1:1"):
        assert told(log, known).everything


def test_what_others_know_and_we_do_not() -> None:
    """Of other parents only, and not what an older log had."""
    a, b = log_of("a"), log_of("b", "20")
    number(a, 2)
    exchange(a, b)
    assert not b.lacks(Position.of("a=10:2, b=20:7"))
    assert not b.lacks(Position.of("a=f:9"))
    assert str(b.lacks(Position.of("a=10:3, c=1:0"))) == "a=10:3, c=1:0"
    assert str(b.lacks(Position.of("a=11:0"))) == "a=11:0"


def test_what_nobody_tells_is_taken_over() -> None:
    """Followers who are behind it drop everything, and those who are there go on."""
    a, b = log_of("a"), log_of("b", "20")
    number(a, 2)
    exchange(a, b)
    (change,) = b.take_over(Position.of("a=10:7, b=20:3"))
    assert (change.name, change.number, change.anew) == ("a", 7, True)
    b.release(b.position)
    assert str(b.released) == "a=10:7, b=20:0"
    assert told(b, "a=10:6, b=20:0").everything
    assert not told(b, "a=10:7, b=20:0").everything


def test_news_with_a_gap_is_no_news() -> None:
    """Nothing of it is taken in."""
    a, b = log_of("a"), log_of("b", "20")
    number(a, 3)
    whole = a.since(Position.of("a=10:0"), released=True)
    for records in (whole.records[1:], whole.records[:-1], ()):
        with pytest.raises(PurgeLogError, match="gap"):
            b.take(News(position=whole.position, records=records))
        assert str(b.position) == "b=20:0"


def test_the_same_news_twice_is_taken_in_once() -> None:
    """From two parents, or from one that was asked before the other had answered."""
    a, b = log_of("a"), log_of("b", "20")
    number(a, 2)
    early = a.since(Position.of("a=10:0"), released=True)
    number(a, 1)
    late = a.since(Position.of("a=10:0"), released=True)
    assert [len(change.records) for change in b.take(early)] == [2]
    assert [len(change.records) for change in b.take(late)] == [1]
    assert b.take(early) == b.take(late) == ()


def test_a_new_parent_makes_nobody_drop_anything() -> None:
    """Its log is short: who has not heard of it is told all of it."""
    log = log_of("c", "30")
    assert str(told(log, "a=10:2").position) == "a=10:2, c=30:0"
    number(log, 2)
    caught = told(log, "a=10:2")
    assert (len(caught.records), caught.everything) == (2, False)


def test_a_log_is_as_it_was_left() -> None:
    """All that was in it is released: nobody knows who was told."""
    log = log_of("a", most=3)
    number(log, 5, released=False)
    again = PurgeLog("a", [log.snapshot("a")], 3)
    assert again.position == again.released == log.position
    assert told(again, "a=10:2") == told(log, "a=10:2", released=False)


@pytest.mark.parametrize(
    ("after", "stamp"),
    [("0", "64"), ("63", "64"), ("64", "65"), ("ff", "100"), (f"{LATEST:x}", f"{LATEST:x}")],
)
def test_stamps_grow(after: str, stamp: str) -> None:
    """With the clock, unless that went back; there is an end to them."""
    assert stamp_of(0.1009, after=after) == stamp
