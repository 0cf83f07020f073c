"""The log of purges as nodes tell it to each other: who numbered what, and how far somebody is.

Each parent numbers the purges that were asked of it. A position says of each parent how much of its
log is known; in a tunnel's header field (`edge.tunnel.PURGES`) it is

    parent-a=65b2c1f0:12, parent-b=65b2c204:3

where the second part is the stamp of the parent's log: one that was lost begins anew with another.
A parent keeps its own log and copies of the others' (`origin.purges`), and every node follows the
parents (`edge.aio.follow`): it sends its position and is told the news since.
"""

from collections.abc import Mapping
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
PATH = "/.well-known/midmile/purges"
"""Where followers ask, with POST: `{"position": ...}`. Host is the parent's name."""

_MOST_TEXT = 4_096


class PurgeLogError(ValueError):
    """What somebody told is no position, or no news."""


def age(stamp: str) -> int:
    """What logs of one parent are compared by: the later log has more."""
    try:
        return int(stamp, 16)
    except ValueError:
        return 0


@dataclass(frozen=True, slots=True)
class Place:
    """How far one parent's log is known."""

    stamp: str
    """Of the log: hexadecimal digits, more in a log that was begun later."""
    number: int
    """The last purge in it; 0: none yet."""

    def reaches(self, other: "Place") -> bool:
        """Whether who is here knows what is known there.

        Who goes over to a later log drops all that is stored, so it has done all of the former.
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

    @classmethod
    def of(cls, text: str) -> "Position":
        """The position in a header field. Raises PurgeLogError."""
        if len(text) > _MOST_TEXT:
            raise PurgeLogError("a position that is too long")
        places = {}
        for each in filter(None, (part.strip() for part in text.split(","))):
            name, _, where = each.partition("=")
            stamp, _, number = where.partition(":")
            plain = number.isascii() and number.isdigit() and len(number) < 19
            if not (name and stamp and plain):
                raise PurgeLogError(f"no position: {each[:80]!r}")
            places[name] = Place(stamp, int(number))
        return cls(places)

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
                return cls(
                    position=Position.of(position),
                    records=tuple(_numbered(each) for each in cast("list[object]", records)),
                    everything=all_,
                    more=more,
                )
        raise PurgeLogError("no news of purges")


def _numbered(said: object) -> Numbered:
    match said:
        case [str(parent), str(stamp), int(number), dict(purge)]:
            known = purge_of(cast("dict[str, object]", purge))
            return Numbered(parent=parent, stamp=stamp, number=number, purge=known)
    raise PurgeLogError("no record of a purge")


def purge_of(said: Mapping[str, object]) -> Purge:
    """The purge that `dataclasses.asdict` made this of. Raises PurgeLogError."""
    match said:
        case {"site": str(site), "scope": str(scope), "value": str(value), "soft": bool(soft)}:
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
