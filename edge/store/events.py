"""What has put stored responses out of date, numbered by a node's keeper for all its processes.

A response on the disk says up to which event it is known to be current (its mark). Purges are
remembered as rows, so that a process that starts, and the next run, can compare too; so is the
number up to which a site's purges are remembered no more.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from edge.cache.entry import Entry
from edge.moment import Moment
from edge.store.purges import MOST_RECORDS, Purge, Purges, Scope

Row = Mapping[str, object]
"""JSON-able: a purge and when it was, or a site of which older ones are forgotten."""

_Name = tuple[Scope, str, bool]


@dataclass(slots=True)
class Rows:
    """What has changed of what is remembered."""

    new: dict[int, Row] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)


class Events:
    """The events of one store."""

    def __init__(self, *, served_s: float, most: int = MOST_RECORDS) -> None:
        """As `Purges` has them."""
        self._most = most
        self._served_s = served_s
        self._purges = Purges(most, served_s=served_s)
        self._rows: dict[str, OrderedDict[_Name, int]] = {}
        self._forgotten: dict[str, int] = {}

    def add(self, number: int, purge: Purge, store_s: float) -> Rows:
        """A purge has happened, at that time in the store's own; gives what is to be remembered."""
        self._purges.add(purge, number, Moment(wall_s=0.0, mono_s=store_s))
        rows = self._rows.setdefault(purge.site, OrderedDict())
        name = (purge.scope, purge.value, purge.soft)
        changed = Rows(new={number: _row(purge, store_s)})
        before = rows.pop(name, None)
        if before is not None:
            changed.gone.append(before)
        rows[name] = number
        if len(rows) > self._most:
            _, oldest = rows.popitem(last=False)
            if purge.site in self._forgotten:
                changed.gone.append(self._forgotten[purge.site])
            self._forgotten[purge.site] = oldest
            changed.new[oldest] = {"forgotten": purge.site}
            self._purges.forget(purge.site, oldest)
        return changed

    def load(self, rows: Iterable[tuple[int, Row]]) -> None:
        """Take what was remembered, the oldest first. Raises ValueError where it is no row."""
        for number, row in rows:
            match row:
                case {"forgotten": str(site)}:
                    self._forgotten[site] = number
                    self._purges.forget(site, number)
                case {"site": str(site), "scope": str(scope), "value": str(value), **rest}:
                    soft = rest.get("soft") is True
                    purge = Purge(site=site, scope=Scope(scope), value=value, soft=soft)
                    self.add(number, purge, cast("float", rest.get("at_s", 0.0)))
                case _:
                    raise ValueError("an event of another version")

    def current(self, entry: Entry, mark: int) -> Entry | None:
        """`entry` as the events after its mark leave it; None: it must not be used.

        Its time is the store's own.
        """
        return self._purges.compare(entry, mark)


def _row(purge: Purge, store_s: float) -> Row:
    return {
        "site": purge.site,
        "scope": purge.scope.value,
        "value": purge.value,
        "soft": purge.soft,
        "at_s": store_s,
    }
