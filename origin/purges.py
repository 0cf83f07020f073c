"""A parent's log of purges, and its copies of the other parents' logs.

It numbers what was asked of this parent, takes in what other parents tell, and says what somebody
missed who is at some position (`edge.purge_log`). What changes is also kept on the disk
(`origin.aio.purge_book`); telling it to anybody is the keeper's business.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge.purge_log import (
    MOST_AT_ONCE,
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
MOST_CHARACTERS = 256 * 1024
"""Of what is purged, in one piece of news: it must fit a line between keeper and worker, where a
character can take twelve bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What has changed in one log, for whoever keeps it."""

    name: str
    """The parent's whose log it is."""
    stamp: str
    number: int
    """The last purge in it."""
    records: tuple[Numbered, ...] = ()
    """Those that have come to it, in order; the last has that number."""
    anew: bool = False
    """Nothing that was known of this parent's log before counts any more."""


def stamp_of(now_s: float, *, after: str = "0") -> str:
    """The stamp of a log that begins now, as wall clocks have it, and later than `after`."""
    return f"{max(int(now_s), age(after) + 1):x}"


class _Log:
    """One parent's log, as far back as it is kept."""

    __slots__ = ("number", "records", "released", "stamp")

    def __init__(self, change: Change, most: int) -> None:
        self.stamp = change.stamp
        self.number = self.released = change.number - len(change.records)
        self.records: deque[Numbered] = deque(maxlen=most)
        self.add(change.records)

    @property
    def begin(self) -> int:
        """The last purge that is not kept any more."""
        return self.number - len(self.records)

    def add(self, records: Iterable[Numbered]) -> None:
        for record in records:
            assert (record.stamp, record.number) == (self.stamp, self.number + 1)
            self.records.append(record)
            self.number += 1

    def place(self, *, released: bool) -> Place:
        return Place(self.stamp, self.released if released else self.number)

    def between(self, after: int, last: int) -> list[Numbered]:
        """The purges after one number, up to another; all must be kept."""
        begin = self.begin
        return [self.records[number - begin] for number in range(after, last)]


class PurgeLog:
    """What one parent knows of all parents' purges."""

    def __init__(self, name: str, kept: Iterable[Change], most: int = MOST_RECORDS) -> None:
        """`name`: this parent's; `kept`: all logs as they were left, its own among them."""
        self._name = name
        self._most = most
        self._logs = {each.name: _Log(each, most) for each in kept}
        self.release(self.position)

    @property
    def position(self) -> Position:
        """How far the logs are known here."""
        return self._position(released=False)

    @property
    def released(self) -> Position:
        """How far edges are told: a purge is done by the parents first."""
        return self._position(released=True)

    def _position(self, *, released: bool) -> Position:
        return Position({name: log.place(released=released) for name, log in self._logs.items()})

    def next(self, purge: Purge) -> Numbered:
        """The next record of this parent's own log, which is not in it yet."""
        log = self._logs[self._name]
        return Numbered(parent=self._name, stamp=log.stamp, number=log.number + 1, purge=purge)

    def append(self, record: Numbered) -> None:
        """Take in what `next` gave."""
        self._logs[self._name].add([record])

    @property
    def last(self) -> Numbered | None:
        """The last purge that was asked of this parent, if it is kept."""
        records = self._logs[self._name].records
        return records[-1] if records else None

    def release(self, position: Position) -> None:
        """Let edges know all up to there."""
        for name, place in position.places.items():
            log = self._logs.get(name)
            if log is not None and log.stamp == place.stamp:
                log.released = max(log.released, min(place.number, log.number))

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
        goes_on = log is not None and log.stamp == place.stamp
        known = log.number if log is not None and goes_on else 0
        records = tuple(
            each
            for each in told
            if each.parent == name and each.stamp == place.stamp and each.number <= place.number
        )
        whole = [each.number for each in records] == list(range(known + 1, place.number + 1))
        if not whole and not everything:
            raise PurgeLogError(f"news of {name}'s purges with a gap after {known}")
        return Change(
            name=name,
            stamp=place.stamp,
            number=place.number,
            records=records if whole else (),
            anew=not (whole and goes_on),
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
        """Begin this parent's own log again, later than the one in `position`; wall clock."""
        stamps = [self._logs[self._name].stamp]
        if (theirs := position.places.get(self._name)) is not None:
            stamps.append(theirs.stamp)
        stamp = stamp_of(now_s, after=max(stamps, key=age))
        change = Change(name=self._name, stamp=stamp, number=0, anew=True)
        self._carry_out([change])
        return change

    def _carry_out(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.anew:
                self._logs[change.name] = _Log(change, self._most)
            else:
                self._logs[change.name].add(change.records)

    def went_back(self, position: Position) -> bool:
        """Whether somebody knows more of this parent's own log than it does itself.

        Then what it kept is older than what it told (a backup was put back), and its next numbers
        would mean something else to others.
        """
        theirs = position.places.get(self._name)
        return theirs is not None and not self.position.has(self._name, theirs)

    def lacks(self, position: Position) -> Position:
        """What in `position` is not known here, of the other parents' logs."""
        return Position(
            {
                name: place
                for name, place in position.places.items()
                if name != self._name and not self.position.has(name, place)
            }
        )

    def snapshot(self, name: str) -> Change:
        """All of one log."""
        log = self._logs[name]
        return Change(
            name=name, stamp=log.stamp, number=log.number, records=tuple(log.records), anew=True
        )

    def since(self, position: Position, *, released: bool) -> News:
        """What a follower missed who is at `position`; with `released`, of what edges may know.

        Of another parent's log the follower may know more, or a later one: that is left out.
        """
        logs = {
            name: log
            for name, log in sorted(self._logs.items())
            if name == self._name or not _is_later(position.places.get(name), log)
        }
        places, records, room = dict[str, Place](), list[Numbered](), _Room()
        more = False
        for name, log in logs.items():
            place, theirs = log.place(released=released), position.places.get(name)
            goes_on = theirs is not None and theirs.stamp == log.stamp
            known = theirs.number if theirs is not None and goes_on else 0
            lost = known < min(log.begin, place.number) or (theirs is not None and not goes_on)
            if lost or not position:
                at = {each: logs[each].place(released=released) for each in logs}
                return News(position=Position(at), everything=True)
            missed = log.between(known, place.number)
            told = room.let_in(missed)
            more = more or len(told) < len(missed)
            records += told
            if told:
                places[name] = Place(log.stamp, told[-1].number)
            elif theirs is None and not place.number:
                places[name] = place
        return News(position=Position(places), records=tuple(records), more=more)


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


def _is_later(place: Place | None, log: _Log) -> bool:
    return place is not None and age(place.stamp) > age(log.stamp)
