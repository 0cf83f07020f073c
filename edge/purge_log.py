"""The log of purges as nodes tell it to each other: who numbered what, and how far somebody is.

Each parent numbers the purges that were asked of it. A position says of each parent how much of its
log is known; in a tunnel's header field (`edge.tunnel.PURGES`) it is

    parent-a=65b2c1f0:12, parent-b=65b2c204:3

where the second part is a stamp. Whatever a parent numbers between two starts has a stamp of its
own, later than all before, while the numbers go on: so a number that is given twice, since the log
was lost or put back from a backup, is never taken for the one that was given first. A parent keeps
its own log and copies of the others' (`origin.purges`), and every node follows the parents
(`edge.aio.follow`): it sends its position and is told the news since.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import cast

from edge.store.purges import Purge, Scope

LEASE_S = 10.0
"""A node that has heard of no parent for so long may have missed something: what it has stored is
to be asked about."""
HOLD_S = 2.0
"""For so long a parent keeps a follower waiting that knows everything already."""
MOST_AT_ONCE = 1_000
"""Records in one piece of news; whoever gets so many asks again at once."""
MOST_CHARACTERS = 256 * 1024
"""Of what is purged, in one piece of news: it must fit a line between keeper and worker, where a
character can take twelve bytes. One purge alone has no more either."""
PATH = "/.well-known/midmile/purges"
"""Where followers ask, with POST: `{"position": ...}`. Host is the parent's name."""

LATEST = 2**52
"""No stamp is later (they are milliseconds, as wall clocks have them): whoever told of one that has
no later one could keep its parent from ever beginning anew."""

_MOST_TEXT = 4_096
_MOST_NAME = 255
"""Characters of a site's name."""
_MOST_NUMBER = 2**53
_NAME = re.compile(r"[A-Za-z0-9._-]{1,63}")
_STAMP = re.compile(r"0|[1-9a-f][0-9a-f]{0,13}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")


class PurgeLogError(ValueError):
    """What somebody told is no position, or no news."""


def age(stamp: str) -> int:
    """What stamps of one parent are compared by: the later one has more."""
    return int(stamp, 16)


@dataclass(frozen=True, slots=True)
class Place:
    """How far one parent's log is known."""

    stamp: str
    """Hexadecimal digits, more in what was numbered, or in a log that was begun, later."""
    number: int
    """The last purge in it; 0: none yet."""

    @classmethod
    def of(cls, stamp: str, number: int) -> "Place":
        """A place that somebody else told. Raises PurgeLogError."""
        if not (_STAMP.fullmatch(stamp) and age(stamp) <= LATEST and 0 <= number <= _MOST_NUMBER):
            raise PurgeLogError(f"no place in a log, with the stamp {stamp[:20]!r}")
        return cls(stamp, number)

    def reaches(self, other: "Place") -> bool:
        """Whether who is here knows what is known there.

        Who goes over to a later stamp has done all that was numbered before it, or dropped all that
        it had stored.
        """
        if self.stamp == other.stamp:
            return self.number >= other.number
        return age(self.stamp) > age(other.stamp)


@dataclass(frozen=True, slots=True)
class Position:
    """How far the logs of all parents are known, by the parents' names."""

    places: Mapping[str, Place] = field(default_factory=dict)

    def __str__(self) -> str:
        """As it stands in the header field."""
        return ", ".join(
            f"{name}={place.stamp}:{place.number}" for name, place in sorted(self.places.items())
        )

    def __bool__(self) -> bool:
        return bool(self.places)

    @property
    def is_too_long(self) -> bool:
        """Whether nobody would take it: there are too many parents in it."""
        return len(str(self)) > _MOST_TEXT

    @classmethod
    def of(cls, text: str) -> "Position":
        """The position in a header field. Raises PurgeLogError."""
        if len(text) > _MOST_TEXT:
            raise PurgeLogError("a position that is too long")
        places = {}
        for each in filter(None, (part.strip() for part in text.split(","))):
            name, _, where = each.partition("=")
            stamp, _, number = where.partition(":")
            if name in places or not (_NAME.fullmatch(name) and _NUMBER.fullmatch(number)):
                raise PurgeLogError(f"no position: {each[:80]!r}")
            places[name] = Place.of(stamp, int(number))
        return cls(places)

    def only(self, parents: Collection[str]) -> "Position":
        """Of these parents alone."""
        return Position({name: at for name, at in self.places.items() if name in parents})

    def has(self, parent: str, place: Place) -> bool:
        """Whether one parent's log is known up to there."""
        return parent in self.places and self.places[parent].reaches(place)

    def covers(self, other: "Position") -> bool:
        """Whether all that is known there is known here."""
        return all(self.has(parent, place) for parent, place in other.places.items())

    def joined(self, other: "Position") -> "Position":
        """What is known at either."""
        further = {
            parent: place for parent, place in other.places.items() if not self.has(parent, place)
        }
        return Position({**self.places, **further})


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """One purge in the log of the parent of which it was asked."""

    parent: str
    stamp: str
    number: int
    purge: Purge

    @property
    def place(self) -> Place:
        """Where whoever has done it is."""
        return Place(self.stamp, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a follower is told: all that happened between its position and the new one."""

    position: Position
    records: tuple[Numbered, ...] = ()
    """Each log's in order, with no gap."""
    everything: bool = False
    """What it missed is not known any more: all that it has stored is purged."""
    more: bool = False
    """There is more than fits: the follower has still missed something."""

    def as_json(self) -> dict[str, object]:
        """For the wire."""
        return {
            "position": str(self.position),
            "records": [
                [each.parent, each.stamp, each.number, asdict(each.purge)] for each in self.records
            ],
            "everything": self.everything,
            "more": self.more,
        }

    @classmethod
    def of(cls, said: object) -> "News":
        """What `as_json` gave. Raises PurgeLogError."""
        match said:
            case {
                "position": str(position),
                "records": list(records),
                "everything": bool(all_),
                "more": bool(more),
            }:
                if len(records) > MOST_AT_ONCE:
                    raise PurgeLogError("too many purges at once")
                numbered = tuple(_numbered(each) for each in cast("list[object]", records))
                if sum(len(each.purge.value) for each in numbered) > MOST_CHARACTERS:
                    raise PurgeLogError("too much is purged at once")
                return cls(
                    position=Position.of(position), records=numbered, everything=all_, more=more
                )
        raise PurgeLogError("no news of purges")


def _numbered(said: object) -> Numbered:
    match said:
        case [str(parent), str(stamp), int(number), dict(purge)]:
            known = purge_of(cast("dict[str, object]", purge))
            at = Place.of(stamp, number)
            return Numbered(parent=parent, stamp=at.stamp, number=at.number, purge=known)
    raise PurgeLogError("no record of a purge")


def purge_of(said: Mapping[str, object]) -> Purge:
    """The purge that `dataclasses.asdict` made this of. Raises PurgeLogError."""
    match said:
        case {"site": str(site), "scope": str(scope), "value": str(value), "soft": bool(soft)} if (
            len(site) <= _MOST_NAME
        ):
            try:
                return Purge(site=site, scope=Scope(scope), value=value, soft=soft)
            except ValueError:
                pass
    raise PurgeLogError("no purge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """What a follower has to do after some news."""

    position: Position
    """Where it is when it has done it."""
    records: tuple[Numbered, ...]
    """Those that it did not know yet."""
    everything: bool


def catch_up(position: Position, news: News) -> Caught:
    """What `news` means to a follower that is at `position` by now.

    It may be further than when it asked: other parents tell it the same.
    """
    # An empty log that was never heard of says that nothing was missed in it.
    missed = [
        parent
        for parent, place in news.position.places.items()
        if not position.has(parent, place) and (place.number or parent in position.places)
    ]
    new = tuple(each for each in news.records if not position.has(each.parent, each.place))
    return Caught(
        position=position.joined(news.position),
        records=new,
        everything=news.everything and bool(missed or not position),
    )
