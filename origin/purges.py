"""A parent's log of purges, and its copies of the other parents' logs.

It numbers what was asked of this parent, takes in what other parents tell, and says what somebody
missed who is at some position (`edge.purge_log`). What changes is also kept on the disk
(`origin.aio.purge_book`); telling it to anybody is the keeper's business.

A log that was put back from a backup gives numbers again. It is seen by their stamps: each run of
the parent stamps what it numbers anew (`PurgeLog.begin_run`), so whoever is at a place that is not
in the log, and not older than all that is kept of it, was told something that the log does not know
any more (`PurgeLog.went_back`).
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from edge.purge_log import (
    LATEST,
    MOST_AT_ONCE,
    MOST_CHARACTERS,
    News,
    Numbered,
    Place,
    Position,
    PurgeLogError,
    age,
    catch_up,
)
from edge.store.purges import Purge

MOST_RECORDS = 10_000
"""Of one log. Whoever missed more than these drops everything instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What has changed in one log, for whoever keeps it."""

    name: str
    """The parent's whose log it is."""
    stamp: str
    number: int
    """The last purge in it, and its stamp."""
    records: tuple[Numbered, ...] = ()
    """Those that have come to it, in order; the last has that number."""
    anew: bool = False
    """Nothing that was known of this parent's log before counts any more."""
    begin: str = ""
    """With `anew`: the stamp of what came before the records; empty: that of the first of them."""

    @property
    def before(self) -> Place:
        """Where the log was before the records."""
        first = self.records[0].stamp if self.records else self.stamp
        return Place(self.begin or first, self.number - len(self.records))


def stamp_of(now_s: float, *, after: str = "0") -> str:
    """The stamp of what begins now, as wall clocks have it, and later than `after`."""
    return f"{min(max(int(now_s * 1000), age(after) + 1), LATEST):x}"


class _Log:
    """One parent's log, as far back as it is kept."""

    __slots__ = ("begin", "most", "records", "released")

    def __init__(self, change: Change, most: int) -> None:
        self.begin = self.released = change.before
        """The last place before what is kept."""
        self.most = most
        self.records = deque[Numbered]()
        self.add(change.records)

    @property
    def place(self) -> Place:
        """The last one."""
        return self.records[-1].place if self.records else self.begin

    def add(self, records: Iterable[Numbered]) -> None:
        for record in records:
            assert record.number == self.place.number + 1
            self.records.append(record)
            if len(self.records) > self.most:
                self.begin = self.records.popleft().place

    def has(self, place: Place) -> bool:
        """Whether it was there once, as far as is kept."""
        at = place.number - self.begin.number
        if at == 0:
            return place == self.begin
        return 0 < at <= len(self.records) and self.records[at - 1].stamp == place.stamp

    def can_judge(self, place: Place) -> bool:
        """Whether what was missed by who is there can be told, or is too long ago to be told."""
        return self.begin.reaches(place) or self.has(place)

    def between(self, after: int, last: int) -> list[Numbered]:
        """The purges after one number, up to another; all must be kept."""
        begin = self.begin.number
        return [self.records[number - begin] for number in range(after, last)]


class PurgeLog:
    """What one parent knows of all parents' purges."""

    def __init__(
        self,
        name: str,
        kept: Iterable[Change],
        most: int = MOST_RECORDS,
        *,
        parents: Collection[str] | None = None,
    ) -> None:
        """`name`: this parent's; `kept`: all logs as they were left, its own among them.

        `parents`: the others, whose logs count, and those of whom they tell; None: anybody's.
        """
        self._name = name
        self._most = most
        self._parents = None if parents is None else frozenset({name, *parents})
        self._logs = {
            each.name: _Log(each, most)
            for each in kept
            if self._parents is None or each.name in self._parents
        }
        self._stamp = self._own.place.stamp
        self.release(self.position)

    def _counts(self, parent: str) -> bool:
        return self._parents is None or parent in self._parents or parent in self._logs

    @property
    def _own(self) -> _Log:
        return self._logs[self._name]

    def begin_run(self, now_s: float) -> None:
        """What is numbered from now on has a stamp of its own; wall clock."""
        self._stamp = stamp_of(now_s, after=self._own.place.stamp)

    @property
    def position(self) -> Position:
        """How far the logs are known here."""
        return Position({name: log.place for name, log in self._logs.items()})

    @property
    def released(self) -> Position:
        """How far edges are told: a purge is done by the parents first."""
        return Position({name: log.released for name, log in self._logs.items()})

    def next(self, purge: Purge) -> Numbered:
        """The next record of this parent's own log, which is not in it yet."""
        number = self._own.place.number + 1
        return Numbered(parent=self._name, stamp=self._stamp, number=number, purge=purge)

    def append(self, record: Numbered) -> None:
        """Take in what `next` gave."""
        self._own.add([record])

    @property
    def last(self) -> Numbered | None:
        """The last purge that was asked of this parent, if it is kept."""
        records = self._own.records
        return records[-1] if records else None

    def release(self, position: Position) -> None:
        """Let edges know all up to there."""
        for name, place in position.places.items():
            log = self._logs.get(name)
            if log is not None and log.has(place) and place.number > log.released.number:
                log.released = place

    def take(self, news: News) -> tuple[Change, ...]:
        """Take in what another parent tells of the others' logs; gives what is new here.

        This parent's own log is nobody else's to tell. Raises PurgeLogError for news with a gap.
        """
        before = self.position
        others = {name: at for name, at in news.position.places.items() if name != self._name}
        caught = catch_up(
            before,
            News(position=Position(others), records=news.records, everything=news.everything),
        )
        changes = [
            self._change(name, caught.position.places[name], caught.records, news.everything)
            for name in others
            if caught.position.places[name] != before.places.get(name)
        ]
        self._carry_out(changes)
        return tuple(changes)

    def _change(
        self, name: str, place: Place, told: Sequence[Numbered], everything: bool
    ) -> Change:
        """What it means to one log that it is told up to `place`."""
        log = self._logs.get(name)
        known = log.place.number if log is not None else 0
        records = tuple(each for each in told if each.parent == name and place.reaches(each.place))
        whole = _leads(records, known, place) or (log is None and not place.number)
        if not whole and not everything:
            raise PurgeLogError(f"news of {name}'s purges with a gap after {known}")
        return Change(
            name=name,
            stamp=place.stamp,
            number=place.number,
            records=records if whole else (),
            anew=log is None or not whole,
        )

    def take_over(self, position: Position) -> tuple[Change, ...]:
        """Count as known what nobody can be asked for; who does so has dropped all it stored."""
        changes = tuple(
            Change(name=name, stamp=place.stamp, number=place.number, anew=True)
            for name, place in self.lacks(position).places.items()
        )
        self._carry_out(changes)
        return changes

    def begin_anew(self, now_s: float, position: Position) -> Change:
        """Begin this parent's own log again, later than the one in `position`; wall clock.

        Its first number stands for all that nobody can tell any more, also to who hears of this
        parent for the first time.
        """
        stamps = [self._stamp, self._own.place.stamp]
        if (theirs := position.places.get(self._name)) is not None:
            stamps.append(theirs.stamp)
        self._stamp = stamp_of(now_s, after=max(stamps, key=age))
        change = Change(name=self._name, stamp=self._stamp, number=1, anew=True)
        self._carry_out([change])
        return change

    def _carry_out(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.anew:
                self._logs[change.name] = _Log(change, self._most)
            else:
                self._logs[change.name].add(change.records)

    def went_back(self, position: Position) -> bool:
        """Whether somebody was told of this parent's own log what it does not know itself.

        Then what it kept is older than what it told (a backup was put back), and some of its
        numbers mean something else to others. What is older than all that it keeps says nothing:
        that can be of a log that was lost, in whose place it began.
        """
        theirs = position.places.get(self._name)
        if theirs is None or age(theirs.stamp) >= LATEST:  # no log can begin after that one
            return False
        return not self._own.can_judge(theirs)

    def lacks(self, position: Position) -> Position:
        """What in `position` is not known here, of the other parents' logs."""
        return Position(
            {
                name: place
                for name, place in position.places.items()
                if name != self._name and self._counts(name) and not self.position.has(name, place)
            }
        )

    def snapshot(self, name: str) -> Change:
        """All of one log."""
        log = self._logs[name]
        return Change(
            name=name,
            stamp=log.place.stamp,
            number=log.place.number,
            records=tuple(log.records),
            anew=True,
            begin=log.begin.stamp,
        )

    def since(self, position: Position, *, released: bool) -> News:
        """What a follower missed who is at `position`; with `released`, of what edges may know.

        Of a log of which the follower knows what is not known here it is told nothing: that is its
        parent's to judge. Unless it is only further than we are, there may be something that it has
        missed, so that is not the last word.
        """
        unknown = {
            name: log
            for name, log in self._logs.items()
            if name in position.places and not log.can_judge(position.places[name])
        }
        logs = {name: log for name, log in sorted(self._logs.items()) if name not in unknown}
        ends = {name: log.released if released else log.place for name, log in logs.items()}
        if not position or any(_has_lost(position.places.get(each), logs[each]) for each in logs):
            return News(position=Position(ends), everything=True)
        places, records, room = dict[str, Place](), list[Numbered](), _Room()
        more = any(
            name == self._name or log.place.reaches(position.places[name])
            for name, log in unknown.items()
        )
        for name, log in logs.items():
            theirs = position.places.get(name)
            missed = log.between(theirs.number if theirs is not None else 0, ends[name].number)
            told = room.let_in(missed)
            more = more or len(told) < len(missed)
            records += told
            if told:
                places[name] = told[-1].place
            elif theirs is None and not ends[name].number:
                places[name] = ends[name]
        return News(position=Position(places), records=tuple(records), more=more)


def _leads(records: Sequence[Numbered], known: int, place: Place) -> bool:
    """Whether they are all purges after a number, up to a place, stamped as a parent does it."""
    if not records or records[-1].place != place:
        return False
    ages = [age(each.stamp) for each in records]
    numbers = [each.number for each in records]
    return numbers == list(range(known + 1, place.number + 1)) and ages == sorted(ages)


def _has_lost(place: Place | None, log: _Log) -> bool:
    """Whether it cannot be told any more what was missed by who is there."""
    return log.begin.number > 0 if place is None else not log.has(place)


class _Room:
    """What one piece of news may still hold."""

    def __init__(self) -> None:
        self._records = MOST_AT_ONCE
        self._characters = MOST_CHARACTERS

    def let_in(self, records: Sequence[Numbered]) -> list[Numbered]:
        """As many as there is room for; the first of all, however large."""
        held = []
        for record in records[: self._records]:
            size = len(record.purge.value)
            if size > self._characters and self._records < MOST_AT_ONCE:
                self._records = 0
                break
            self._records -= 1
            self._characters -= size
            held.append(record)
        return held
