"""Purges: which stored responses are not to be used any more, by what they were filed under.

A purge of a tag, a prefix or a whole site is not carried out on all that is stored, which may be a
million responses; it is a record, and a response is compared with the records when somebody asks
for it (Varnish calls such records bans). Each response has a mark: where in the sequence of events
its fetch began, or it was last compared. Only records after its mark concern it.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from edge.cache.entry import Entry
from edge.cache.key import parts, place
from edge.moment import Moment

MOST_RECORDS = 10_000
"""Of one site. Beyond that its oldest go, and what was not compared since counts as purged."""

SOFT_S = 60.0
"""For so long after a soft purge users may be given a response while it is asked about."""


class Scope(StrEnum):
    """What a purge's value names."""

    URL = "url"
    """Host and target: all variants, over either scheme and on any port."""
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


@dataclass(slots=True)
class _Record:
    """When one name was last purged, in the sequence of events; 0: never."""

    hard: int = 0
    soft: int = 0
    soft_s: float = 0.0
    """When the soft one was; monotonic."""

    @property
    def last(self) -> int:
        """The newer of both."""
        return max(self.hard, self.soft)


class _Site:
    """The records of one site, by what was purged; the last purged comes last."""

    def __init__(self) -> None:
        self.records: OrderedDict[tuple[Scope, str], _Record] = OrderedDict()
        self.lengths: Counter[int] = Counter()
        """How many prefixes have each length."""
        self.forgotten = 0
        """The newest event that is recorded no more."""
        self.last = 0

    def take(self, name: tuple[Scope, str]) -> _Record:
        """The record of a name, which becomes the last one."""
        record = self.records.pop(name, None)
        if record is None:
            record = _Record()
            if name[0] is Scope.PREFIX:
                self.lengths[len(name[1])] += 1
        self.records[name] = record
        return record

    def forget_oldest(self) -> None:
        """Drop the record that was not renewed for longest."""
        (scope, value), record = self.records.popitem(last=False)
        self.forgotten = max(self.forgotten, record.last)
        if scope is Scope.PREFIX:
            self.lengths[len(value)] -= 1
            if not self.lengths[len(value)]:
                del self.lengths[len(value)]


class Purges:
    """The records of one store."""

    def __init__(self, most: int = MOST_RECORDS, *, served_s: float = SOFT_S) -> None:
        """`served_s`: how long what is purged softly may be used while it is asked about."""
        self._most = most
        self._served_s = served_s
        self._sites: dict[str, _Site] = {}
        self.last = 0
        """The newest purge in the sequence of events."""

    def __len__(self) -> int:
        return sum(len(site.records) for site in self._sites.values())

    def add(self, purge: Purge, sequence: int, now: Moment) -> None:
        """Record a purge, which is the newest event."""
        site = self._sites.setdefault(purge.site, _Site())
        record = site.take((purge.scope, purge.value))
        if purge.soft:
            record.soft, record.soft_s = sequence, now.mono_s
        else:
            record.hard = sequence
        self.last = site.last = sequence
        while len(site.records) > self._most:
            site.forget_oldest()

    def forget(self, site: str, sequence: int) -> None:
        """Whatever of a site was not compared since that event counts as purged."""
        held = self._sites.setdefault(site, _Site())
        held.forgotten = max(held.forgotten, sequence)
        held.last = max(held.last, sequence)
        self.last = max(self.last, sequence)

    def settle(self, sequence: int) -> None:
        """Drop the records up to `sequence`: all that is stored has been compared with them since.

        What is still being fetched, from before, will count as purged.
        """
        for site in self._sites.values():
            while site.records and next(iter(site.records.values())).last <= sequence:
                site.forget_oldest()

    def since(self, site: str, mark: int) -> bool:
        """Whether anything of the site was purged after `mark`."""
        return site in self._sites and self._sites[site].last > mark

    def compare(self, entry: Entry, mark: int) -> Entry | None:
        """`entry` as the purges after `mark` leave it: itself, aged by a soft one, or None."""
        if mark >= self.last:
            return entry
        name, scheme, host, target = parts(entry.key)
        site = self._sites.get(name)
        if site is None or mark >= site.last:
            return entry
        if mark < site.forgotten:
            return None
        soft_s = None
        for each in _names(entry, f"{scheme} {host}", place(host, target), site.lengths):
            record = site.records.get(each)
            if record is None or record.last <= mark:
                continue
            if record.hard > mark:
                return None
            soft_s = max(soft_s or 0.0, record.soft_s)
        return entry if soft_s is None else _aged(entry, soft_s, self._served_s)


def _names(
    entry: Entry, origin: str, place: str, lengths: Iterable[int]
) -> Iterator[tuple[Scope, str]]:
    """All under which `entry`, of this origin and place, can have been purged."""
    yield Scope.SITE, ""
    yield Scope.URL, place
    for tag in entry.tags:
        yield Scope.TAG, tag
        yield Scope.GROUP, f"{origin} {tag}"
    for length in lengths:
        yield Scope.PREFIX, place[:length]


def _aged(entry: Entry, purged_s: float, served_s: float) -> Entry:
    """`entry`, stale since it was purged.

    It is made older instead of its lifetime shorter: Age tells whoever gets it that it is stale.
    """
    left_s = entry.ttl_s(Moment(wall_s=0.0, mono_s=purged_s))
    if left_s <= 0:
        return entry
    # `s-maxage` forbids to serve what the origin itself would call stale.
    allowed_s = min(served_s, left_s) if entry.stale_only_if_told else served_s
    return replace(
        entry,
        initial_age_s=entry.initial_age_s + left_s,
        stale_while_revalidate_s=max(entry.stale_while_revalidate_s, allowed_s),
    )
