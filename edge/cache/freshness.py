"""How long a response stays fresh, and how old it is (RFC 9111 4.2).

Dates are compared on the wall clock, on which the origin wrote them; the time a response has been
here is monotonic, so that a step of our clock neither revives nor kills anything.
"""

from dataclasses import dataclass
from enum import StrEnum

from edge.cache.dates import parse_date
from edge.cache.directives import INFINITY_S, Directives
from edge.config import SiteRules
from edge.fields import decimal
from edge.message import Headers, Response
from edge.moment import Moment

HEURISTIC_STATUSES = frozenset({200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501})
"""Heuristically cacheable (RFC 9110 15.1)."""


class LifetimeSource(StrEnum):
    """Where a freshness lifetime comes from."""

    S_MAXAGE = "s-maxage"
    """The directive for shared caches."""
    MAX_AGE = "max-age"
    """The directive for all caches."""
    TARGETED = "cdn-cache-control"
    """The same in the field for caches like ours."""
    EXPIRES = "expires"
    """Expires minus Date."""
    HEURISTIC = "heuristic"
    """A part of the time since Last-Modified, where the operator's `heuristic_ttl` allows it."""
    SITE = "site-default"
    """The operator's `default_ttl`."""
    NEGATIVE = "site-negative"
    """The operator's `negative_ttl`, for errors."""
    NONE = "none"
    """Nothing says how long."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A freshness lifetime and its source."""

    seconds: float
    source: LifetimeSource

    @classmethod
    def none(cls) -> "Lifetime":
        """That of a response about which nobody says anything."""
        return cls(0.0, LifetimeSource.NONE)

    @property
    def explicit(self) -> bool:
        """Whether the origin gave it."""
        return self.source not in _NOT_STATED


_NOT_STATED = frozenset(
    {LifetimeSource.HEURISTIC, LifetimeSource.SITE, LifetimeSource.NEGATIVE, LifetimeSource.NONE}
)
_HEURISTIC_SHARE = 0.1
"""Of the time since Last-Modified: the typical one (RFC 9111 4.2.2)."""


def freshness_lifetime(
    response: Response,
    directives: Directives,
    rules: SiteRules,
    received_wall_s: float,
    *,
    guess: bool = True,
) -> Lifetime:
    """RFC 9111 4.2.1, first match; never longer than the site's `max_ttl_s`.

    Without `guess` there is no heuristic freshness.
    """
    lifetime = _stated(response.headers, directives, received_wall_s)
    if lifetime is None:
        lifetime = _not_stated(response, directives, rules, received_wall_s, guess=guess)
    return Lifetime(min(lifetime.seconds, rules.max_ttl_s), lifetime.source)


def _stated(headers: Headers, directives: Directives, received_wall_s: float) -> Lifetime | None:
    for source in (LifetimeSource.S_MAXAGE, LifetimeSource.MAX_AGE):
        seconds = directives.seconds(source.value)
        if seconds is not None:
            return Lifetime(seconds, LifetimeSource.TARGETED if directives.targeted else source)
    expires = headers.lines("expires")
    if not expires or directives.targeted:
        return None
    # An invalid date, notably "0", is one in the past (5.3); of several none is believed.
    until = parse_date(expires[0], received_wall_s) if len(expires) == 1 else None
    if until is None:
        return Lifetime(0.0, LifetimeSource.EXPIRES)
    seconds_left = until - _date(headers, received_wall_s)
    return Lifetime(min(max(0.0, seconds_left), INFINITY_S), LifetimeSource.EXPIRES)


def _not_stated(
    response: Response,
    directives: Directives,
    rules: SiteRules,
    received_wall_s: float,
    *,
    guess: bool,
) -> Lifetime:
    # RFC 9111 4.2.2: only where the status, or `public`, allows a lifetime the origin did not give.
    if response.status not in HEURISTIC_STATUSES and "public" not in directives:
        return Lifetime.none()
    if response.status >= 400 and rules.negative_ttl_s is not None:
        seconds = rules.negative_ttl_s
        return Lifetime(seconds, LifetimeSource.NEGATIVE) if seconds else Lifetime.none()
    lines = response.headers.lines("last-modified")
    modified_s = parse_date(lines[0], received_wall_s) if len(lines) == 1 else None
    if guess and rules.heuristic_ttl_s > 0 and modified_s is not None:
        since_s = max(0.0, _date(response.headers, received_wall_s) - modified_s)
        seconds = min(since_s * _HEURISTIC_SHARE, rules.heuristic_ttl_s)
        return Lifetime(seconds, LifetimeSource.HEURISTIC)
    if rules.default_ttl_s > 0:
        return Lifetime(rules.default_ttl_s, LifetimeSource.SITE)
    return Lifetime.none()


def initial_age(headers: Headers, sent: Moment, received: Moment) -> float:
    """RFC 9111 4.2.3 corrected_initial_age: age on arrival; `sent` is when the request went out."""
    apparent_s = max(0.0, received.wall_s - _date(headers, received.wall_s))
    delay_s = max(0.0, received.mono_s - sent.mono_s)
    return max(apparent_s, _age_value(headers) + delay_s)


def _age_value(headers: Headers) -> int:
    """5.1: the first member counts, an invalid one is ignored."""
    first = (headers.first("age") or "").partition(",")[0].strip(" \t")
    return decimal(first, ceiling=INFINITY_S) or 0


def _date(headers: Headers, received_wall_s: float) -> float:
    parsed = parse_date(headers.first("date") or "", received_wall_s)
    return received_wall_s if parsed is None else parsed
