"""When a stored response may be used though it is no longer fresh (RFC 9111 4.2.4, RFC 5861).

`must-revalidate`, `proxy-revalidate` and `no-cache` forbid it whatever else is said. `s-maxage`
implies `proxy-revalidate` (RFC 9111 5.2.2.10), so it forbids what nobody spelt out; but an origin
that says `stale-while-revalidate` or `stale-if-error` in the same breath means it.
"""

from enum import StrEnum

from edge.cache.directives import Directives
from edge.cache.entry import Entry
from edge.config import SiteRules
from edge.moment import Moment

ERRORS = frozenset({500, 502, 503, 504})
"""Statuses for which a stale response may stand in (RFC 5861 4)."""


class StaleReason(StrEnum):
    """Why a stale response is used."""

    WHILE_REVALIDATE = "stale-while-revalidate"
    """The origin lets it, while it is asked (RFC 5861 3)."""
    MAX_STALE = "request-max-stale"
    """The client takes it (RFC 9111 5.2.1.2)."""
    IF_ERROR = "stale-if-error"
    """The origin lets it where it fails (RFC 5861 4)."""
    UNREACHABLE = "unreachable"
    """Nobody can be asked, and the site's `stale_ttl` allows it (RFC 9111 4.2.4)."""


def before_asking(entry: Entry, wanted: Directives, now: Moment) -> StaleReason | None:
    """Why a stale `entry` answers a request with the directives `wanted` at once; None: not so."""
    if entry.never_stale or "no-cache" in wanted or "min-fresh" in wanted:
        return None
    most_s = wanted.seconds("max-age")
    if most_s is not None and entry.age_s(now) > most_s and "max-stale" not in wanted:
        return None
    late_s = -entry.ttl_s(now)
    if late_s < entry.stale_while_revalidate_s:
        return StaleReason.WHILE_REVALIDATE
    taken = "max-stale" in wanted and not entry.stale_only_if_told
    if taken and late_s <= _most_stale_s(wanted):
        return StaleReason.MAX_STALE
    return None


def instead_of_failure(
    entry: Entry, wanted: Directives, rules: SiteRules, now: Moment, *, answered: bool
) -> StaleReason | None:
    """Why `entry` answers after the origin failed; `answered`: with one of `ERRORS`."""
    if entry.never_stale or "no-cache" in wanted:
        return None
    late_s = max(0.0, -entry.ttl_s(now))
    if late_s < entry.stale_if_error_s:
        return StaleReason.IF_ERROR
    if not answered and not entry.stale_only_if_told and late_s < rules.stale_ttl_s:
        return StaleReason.UNREACHABLE
    return None


def _most_stale_s(wanted: Directives) -> float:
    """Without an argument any age will do."""
    if None in wanted.arguments["max-stale"]:
        return float("inf")
    return wanted.seconds("max-stale") or 0
