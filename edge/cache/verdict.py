"""What to do with a request (RFC 9111 4).

Answer it from the store, ask whether what is there still holds, fetch it, or keep out of its way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge.cache.directives import Directives, request_directives
from edge.cache.entry import Entry
from edge.cache.never import never_cached
from edge.cache.stale import StaleReason, before_asking
from edge.cache.storable import has_body
from edge.cache.vary import RequestFields
from edge.config import SiteRules
from edge.fields import tokens
from edge.message import Request
from edge.moment import Moment


class Kind(StrEnum):
    """What is done."""

    HIT = "hit"
    """Answered from the store, nobody is asked."""
    STALE = "stale"
    """Answered from the store though it is not fresh; if the origin is asked, then behind it."""
    REVALIDATE = "revalidate"
    """A conditional request is made of the stored response."""
    MISS = "miss"
    """Fetched; the response may be stored."""
    BYPASS = "bypass"
    """Fetched; the cache takes no part."""
    REFUSE = "refuse"
    """The client wants a stored response or none: 504 (RFC 9111 5.2.1.7)."""


class VerdictReason(StrEnum):
    """Why it is done."""

    FRESH = "fresh"
    """The stored response is fresh and nothing speaks against it."""
    STALE = "stale"
    """The stored response is older than its lifetime."""
    WHILE_REVALIDATE = StaleReason.WHILE_REVALIDATE.value
    """The stored response is stale, and may be used while it is asked about."""
    UNREACHABLE = StaleReason.UNREACHABLE.value
    """Nobody could be asked a moment ago: what is stored is used, and asked about meanwhile."""
    REQUEST_MAX_STALE = StaleReason.MAX_STALE.value
    """The stored response is stale, which the client takes."""
    NO_CACHE = "no-cache"
    """The stored response may be used only with the origin's word."""
    PURGES_UNKNOWN = "purges-unknown"
    """This node may not have heard of all purges: what is stored, if anything, needs the origin's
    word, and a parent keeps out of the way."""
    REQUEST_NO_CACHE = "request-no-cache"
    """The client wants the origin's word."""
    REQUEST_MAX_AGE = "request-max-age"
    """The client wants a younger response."""
    REQUEST_MIN_FRESH = "request-min-fresh"
    """The client wants a response that stays fresh longer."""
    NOTHING_STORED = "nothing-stored"
    """There is no response under this key."""
    NO_VARIANT = "no-variant"
    """There are responses under this key, but for other request fields."""
    METHOD = "method"
    """Neither GET nor HEAD."""
    REQUEST_BODY = "request-body"
    """The request has a body, which is no part of the key."""
    UPGRADE = "upgrade"
    """The client wants to speak another protocol."""
    NEVER_CACHE = "never-cache"
    """A rule of the site."""
    ONLY_IF_CACHED = "only-if-cached"
    """The client wants a stored response and there is none it may have."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, why, and with which stored response.

    `entry` is there with HIT, STALE and REVALIDATE, and with a MISS that replaces an unusable one.
    """

    kind: Kind
    reason: VerdictReason
    entry: Entry | None = None

    @property
    def refreshes(self) -> bool:
        """With STALE: whether the origin is asked meanwhile."""
        return self.reason is not VerdictReason.REQUEST_MAX_STALE

    def when_asking(self) -> "Verdict":
        """The verdict without leave to use what is stale."""
        assert self.entry is not None
        kind = Kind.REVALIDATE if self.entry.has_validator else Kind.MISS
        return Verdict(kind, VerdictReason.STALE, self.entry)


def decide(
    request: Request,
    stored: Sequence[Entry],
    now: Moment,
    rules: SiteRules,
    *,
    doubtful: bool = False,
) -> Verdict:
    """The verdict on `request`, as received, given all that is stored under its key.

    `doubtful`: purges may have been missed, so nothing stored is used before it was asked about.
    """
    bypass = _bypass(request, rules)
    if bypass is not None:
        return Verdict(Kind.BYPASS, bypass)
    directives = request_directives(request.headers)
    entry = select(stored, request)
    if entry is None:
        reason = VerdictReason.NO_VARIANT if stored else VerdictReason.NOTHING_STORED
    else:
        reason = _use(entry, directives, now, doubtful=doubtful)
    if entry is not None and reason is VerdictReason.FRESH:
        return Verdict(Kind.HIT, reason, entry)
    if entry is not None and reason is VerdictReason.STALE:
        allowed = before_asking(entry, directives, now)
        if allowed is not None:
            return Verdict(Kind.STALE, VerdictReason(allowed.value), entry)
    if "only-if-cached" in directives:
        return Verdict(Kind.REFUSE, VerdictReason.ONLY_IF_CACHED)
    if entry is not None and entry.has_validator:
        return Verdict(Kind.REVALIDATE, reason, entry)
    return Verdict(Kind.MISS, reason, entry)


def select(stored: Sequence[Entry], request: Request) -> Entry | None:
    """The most recent stored response for the request's fields (RFC 9111 4.1)."""
    fields = RequestFields(request.headers)
    matching = [entry for entry in stored if fields.match(entry.selecting, entry.language)]
    return max(matching, key=lambda entry: (entry.date_s, entry.received.mono_s), default=None)


def _bypass(request: Request, rules: SiteRules) -> VerdictReason | None:
    if request.method not in ("GET", "HEAD"):
        return VerdictReason.METHOD
    if has_body(request):
        return VerdictReason.REQUEST_BODY
    if "websocket" in tokens(request.headers.lines("upgrade")):
        return VerdictReason.UPGRADE
    if never_cached(request.path, rules):
        return VerdictReason.NEVER_CACHE
    return None


def _use(entry: Entry, directives: Directives, now: Moment, *, doubtful: bool) -> VerdictReason:
    """FRESH, or what stands against using `entry` without validation; the most lasting first."""
    if entry.always_validate or doubtful:
        return VerdictReason.PURGES_UNKNOWN if doubtful else VerdictReason.NO_CACHE
    if not entry.is_fresh(now):
        return VerdictReason.STALE
    if "no-cache" in directives:
        return VerdictReason.REQUEST_NO_CACHE
    most_s = directives.seconds("max-age")
    if most_s is not None and entry.age_s(now) > most_s:
        return VerdictReason.REQUEST_MAX_AGE
    if entry.ttl_s(now) < (directives.seconds("min-fresh") or 0):
        return VerdictReason.REQUEST_MIN_FRESH
    return VerdictReason.FRESH
