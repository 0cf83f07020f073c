"""Purges: which stored responses are not to be used any more, by what they were filed under.

A purge of a tag, a prefix or a whole site is not carried out on all that is stored, which may be a
million responses; it is a record, and a response is compared with the records when somebody asks
for it. Each response has a mark: the place in the order of events at which its fetch began, or at
which it was last compared. Only records behind its mark concern it.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from edge.cache.entry import Entry
from edge.cache.key import parts
from edge.moment import Moment

MOST_RECORDS = 10_000
"""Beyond that the oldest go, and what was not compared since counts as purged."""

SOFT_S = 60.0
"""For so long after a soft purge users may be given a response while it is asked about."""


class Scope(StrEnum):
    """What a purge's value names."""

    URL = "url"
    """Host and target: all variants, over either scheme."""
    PREFIX = "prefix"
    """The beginning of host and target."""
    TAG = "tag"
    """A tag of the site's responses."""
    GROUP = "group"
    """A tag of one origin's responses (RFC 9875): scheme, host, and group, joined by spaces."""
    SITE = "site"
    """Nothing: all of the site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """What is purged. Soft: it counts as stale, but may be used while the origin is asked."""

    site: str
    scope: Scope
    value: str = ""
    soft: bool = False


_Name = tuple[str, Scope, str]


@dataclass(slots=True)
class _Record:
    """The last purges of one name, as places in the order of events; 0: there was none."""

    hard: int = 0
    soft: int = 0
    soft_s: float = 0.0
    """When the soft one was; monotonic."""

    @property
    def last(self) -> int:
        """The newer of both."""
        return max(self.hard, self.soft)


class Purges:
    """The records of one store."""

    def __init__(self, most: int = MOST_RECORDS, *, served_s: float = SOFT_S) -> None:
        """`served_s`: how long what is purged softly may be used while it is asked about."""
        self._most = most
        self._served_s = served_s
        self._records: OrderedDict[_Name, _Record] = OrderedDict()
        self._lengths: dict[str, dict[int, int]] = {}  # of prefixes, by site; how many have each
        self._forgotten = 0
        self.last = 0
        """The place of the newest in the order of events."""

    def __len__(self) -> int:
        return len(self._records)

    def add(self, purge: Purge, place: int, now: Moment) -> None:
        """Record a purge, which is the newest event."""
        name = (purge.site, purge.scope, purge.value)
        record = self._records.pop(name, None)
        if record is None:
            record = _Record()
            self._count_length(name, 1)
        self._records[name] = record
        if purge.soft:
            record.soft, record.soft_s = place, now.mono_s
        else:
            record.hard = place
        self.last = place
        while len(self._records) > self._most:
            self._forget(next(iter(self._records)))

    def settle(self, place: int) -> None:
        """Drop the records up to `place`: all that is stored has been compared with them since.

        What is still being fetched, from before, will count as purged.
        """
        while self._records and next(iter(self._records.values())).last <= place:
            self._forget(next(iter(self._records)))

    def _forget(self, name: _Name) -> None:
        self._forgotten = max(self._forgotten, self._records.pop(name).last)
        self._count_length(name, -1)

    def _count_length(self, name: _Name, change: int) -> None:
        site, scope, value = name
        if scope is Scope.PREFIX:
            lengths = self._lengths.setdefault(site, {})
            lengths[len(value)] = lengths.get(len(value), 0) + change
            if not lengths[len(value)]:
                del lengths[len(value)]

    def compare(self, entry: Entry, mark: int) -> Entry | None:
        """`entry` as the purges after `mark` leave it: itself, aged by a soft one, or None."""
        if mark < self._forgotten:
            return None
        if mark >= self.last:
            return entry
        soft_s = None
        for name in self._names(entry):
            record = self._records.get(name)
            if record is None or record.last <= mark:
                continue
            if record.hard > mark:
                return None
            soft_s = max(soft_s or 0.0, record.soft_s)
        return entry if soft_s is None else _aged(entry, soft_s, self._served_s)

    def _names(self, entry: Entry) -> Iterator[_Name]:
        """All under which `entry` can have been purged."""
        site, scheme, host, target = parts(entry.key)
        place = host + target
        yield site, Scope.SITE, ""
        yield site, Scope.URL, place
        for tag in entry.tags:
            yield site, Scope.TAG, tag
            yield site, Scope.GROUP, f"{scheme} {host} {tag}"
        for length in self._lengths.get(site, ()):
            yield site, Scope.PREFIX, place[:length]


def _aged(entry: Entry, purged_s: float, served_s: float) -> Entry:
    """`entry`, stale since it was purged.

    It is made older instead of its lifetime shorter: Age tells whoever gets it that it is stale.
    """
    left_s = entry.ttl_s(Moment(wall_s=0.0, mono_s=purged_s))
    return replace(
        entry,
        initial_age_s=entry.initial_age_s + max(0.0, left_s),
        stale_while_revalidate_s=max(entry.stale_while_revalidate_s, served_s),
    )
