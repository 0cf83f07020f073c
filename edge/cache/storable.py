"""Whether a response may be stored, and for how long it will be fresh (RFC 9111 3).

The method, status and field rules of the text, and where it leaves a choice the one that stores
less: qualified `private` and `no-cache` are read as unqualified ones.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from edge.cache.directives import Directives, request_directives, response_directives
from edge.cache.freshness import HEURISTIC_STATUSES, Lifetime, freshness_lifetime, initial_age
from edge.cache.invalidate import is_about_itself
from edge.cache.key import keyed_target
from edge.cache.never import never_cached
from edge.cache.tags import MOST_TAGS, tags
from edge.cache.unkeyed import invites_errors, unkeyed
from edge.cache.vary import nominated
from edge.config import SiteRules
from edge.message import Request, Response
from edge.moment import Moment


class StoreReason(StrEnum):
    """Why a response is stored or is not."""

    STORED = "stored"
    """Nothing speaks against it."""
    METHOD = "method"
    """Only responses to GET are stored."""
    REQUEST_BODY = "request-body"
    """The request had a body, which is no part of the key."""
    STATUS = "status"
    """The status speaks of this one request, or of a part, or is not final."""
    RANGE = "range"
    """The request asked for a part, and the answer is not the whole."""
    NEVER_CACHE = "never-cache"
    """A rule of the site."""
    REQUEST_NO_STORE = "request-no-store"
    """The client forbids it."""
    NO_STORE = "no-store"
    """The origin forbids it."""
    PRIVATE = "private"
    """The origin forbids it to shared caches."""
    AUTHORIZATION = "authorization"
    """The request was authenticated, and the response does not allow sharing (3.5)."""
    SET_COOKIE = "set-cookie"
    """It sets a cookie, and the site does not allow that or the origin gave no lifetime."""
    TAGS = "tags"
    """More tags than are kept: it could not be purged by all of them."""
    COOKIE = "cookie"
    """The request had a cookie, and a lifetime is given by the site alone: it may be one visitor's
    own page."""
    UNKEYED = "unkeyed-field"
    """The request had a field that may have changed the answer, and Vary does not name it; or an
    error may come of its fields."""
    VARY = "vary"
    """`Vary: *`, or too many fields in it."""
    NO_FRESHNESS = "no-freshness"
    """Nothing says for how long."""
    STALE = "stale"
    """It is stale on arrival and has no validator: it could never be used."""
    TOO_LARGE = "too-large"
    """Larger than the store takes."""
    NOT_WORTH = "not-worth"
    """What would have to go for it is asked for more; the second request for it may change that."""
    INCOMPLETE = "incomplete"
    """Its body did not come whole."""
    CROWDED = "crowded"
    """Too much is on its way into the store already."""
    INVALIDATED = "invalidated"
    """The key was invalidated or purged after the fetch had begun."""


_REQUEST_STATUSES = frozenset(
    # About ranges, conditions and preferences that this client sent.
    {206, 304, 406, 412, 416}
    # About this client's connection, fields or habits: another client must not be told the same.
    | {401, 407, 408, 411, 413, 415, 417, 421, 425, 426, 428, 429, 431, 511}
)
_UNDERSTOOD = frozenset(
    {200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 402, 403, 404, 405, 409, 410, 414, 422}
    | {500, 501, 502, 503, 504, 505}
)
"""Final statuses of RFC 9110 15 that ask nothing of a cache but what we do with each."""
SHAREABLE = ("public", "must-revalidate", "s-maxage")
"""One of these lets the answer to an authenticated request be shared (RFC 9111 3.5)."""
_STALE_USES = ("stale-while-revalidate", "stale-if-error")
_NO_LIFETIME = Lifetime.none()
_COOKIES = frozenset({"cookie", "set-cookie"})
"""Where they are no lifetime is guessed: it may be one visitor's, and nobody said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreDecision:
    """Whether to store, and what the entry needs to know."""

    reason: StoreReason
    lifetime: Lifetime = _NO_LIFETIME
    nominated: tuple[str, ...] = ()
    """Request fields named by Vary."""
    blamed: str | None = None
    """The request field that Vary should have named, with COOKIE and often with UNKEYED."""

    @property
    def store(self) -> bool:
        """Whether to store it."""
        return self.reason is StoreReason.STORED


def has_body(request: Request) -> bool:
    """Whether the request, as received, has a body."""
    length = request.headers.first("content-length")
    return (length is not None and length.strip("0") != "") or (
        "transfer-encoding" in request.headers
    )


def storable(
    request: Request, response: Response, rules: SiteRules, *, sent: Moment, now: Moment
) -> StoreDecision:
    """Decide about the response to `request`, both as received, before anything is taken off.

    `sent` is when the request was sent upstream, `now` when the response's head came.
    """
    directives = response_directives(response.headers)
    reason = (
        request_forbids(request, rules)
        or _status_forbids(request, response, directives)
        or _directives_forbid(request, directives)
    )
    if reason is not None:
        return StoreDecision(reason=reason)
    if len(tags(response.headers)) > MOST_TAGS:
        return StoreDecision(reason=StoreReason.TAGS)
    names = nominated(response.headers)
    if names is None:
        return StoreDecision(reason=StoreReason.VARY)
    guess = not (_COOKIES & {name for name, _ in (*request.headers, *response.headers)})
    lifetime = freshness_lifetime(response, directives, rules, now.wall_s, guess=guess)
    reason = _useless(response, directives, lifetime, rules, sent=sent, now=now)
    decision = StoreDecision(reason=reason, lifetime=lifetime, nominated=names)
    return _unless_doubtful(request, response, decision, rules) if decision.store else decision


def _unless_doubtful(
    request: Request, response: Response, decision: StoreDecision, rules: SiteRules
) -> StoreDecision:
    """The decision to store, unless the response may be one reader's though nobody says so."""
    headers, names = request.headers, decision.nominated
    shared = decision.lifetime.explicit or "public" in response_directives(response.headers)
    guessed = not shared and decision.lifetime != _NO_LIFETIME
    if guessed and "cookie" in headers and "cookie" not in names:
        return replace(decision, reason=StoreReason.COOKIE, blamed="cookie")
    field = unkeyed(headers, names, rules)
    if field is not None or (response.status >= 400 and invites_errors(headers)):
        return replace(decision, reason=StoreReason.UNKEYED, blamed=field)
    return decision


def as_get(request: Request) -> Request:
    """The GET that a response to the POST `request` may answer later (RFC 9110 9.3.3)."""
    kept = request.headers.without({"content-length", "transfer-encoding", "range", "if-range"})
    return replace(request, method="GET", headers=kept)


def storable_post(
    request: Request, response: Response, rules: SiteRules, *, sent: Moment, now: Moment
) -> StoreDecision:
    """As `storable`, of a POST: only with a lifetime of the origin's own, and if it is the target.

    Whoever sends the POST decides what is stored, but only where the origin says in so many words
    that this is what everybody gets. It has seen the whole query, so all of that must be keyed.
    """
    keyed = keyed_target(request.target, rules) == request.target
    if request.method != "POST" or not keyed or not is_about_itself(request, response):
        return StoreDecision(reason=StoreReason.METHOD)
    decision = storable(as_get(request), response, rules, sent=sent, now=now)
    if decision.store and not decision.lifetime.explicit:
        return StoreDecision(reason=StoreReason.NO_FRESHNESS)
    return decision


def request_forbids(request: Request, rules: SiteRules) -> StoreReason | None:
    """Why no response to `request` may be stored, whatever it says; None: one may be."""
    if request.method != "GET":
        return StoreReason.METHOD
    if has_body(request):
        return StoreReason.REQUEST_BODY
    if never_cached(request.path, rules):
        return StoreReason.NEVER_CACHE
    if "no-store" in request_directives(request.headers):
        return StoreReason.REQUEST_NO_STORE
    return None


def _status_forbids(
    request: Request, response: Response, directives: Directives
) -> StoreReason | None:
    if not 200 <= response.status <= 999 or response.status in _REQUEST_STATUSES:
        return StoreReason.STATUS
    if "must-understand" in directives and response.status not in _UNDERSTOOD:
        return StoreReason.STATUS
    # Content-Range means nothing in a 200 (RFC 9110 14.4), unless somebody wanted a part.
    partial = "content-range" in response.headers or response.status != 200
    if "range" in request.headers and partial:
        return StoreReason.RANGE
    return None


def _directives_forbid(request: Request, directives: Directives) -> StoreReason | None:
    # `no-store, must-understand` forbids it only to caches that do not know the status (5.2.2.3).
    if "no-store" in directives and "must-understand" not in directives:
        return StoreReason.NO_STORE
    if "private" in directives:
        return StoreReason.PRIVATE
    if "authorization" in request.headers and not any(name in directives for name in SHAREABLE):
        return StoreReason.AUTHORIZATION
    return None


def _useless(
    response: Response,
    directives: Directives,
    lifetime: Lifetime,
    rules: SiteRules,
    *,
    sent: Moment,
    now: Moment,
) -> StoreReason:
    headers = response.headers
    shared_cookie = rules.store_set_cookie and lifetime.explicit
    if "set-cookie" in headers and not shared_cookie:
        return StoreReason.SET_COOKIE
    # Without a lifetime, `no-cache` still says something: keep it, and ask each time.
    asks_each_time = "no-cache" in directives and response.status in HEURISTIC_STATUSES
    if lifetime == _NO_LIFETIME and not asks_each_time:
        return StoreReason.NO_FRESHNESS
    # Also while stale, where the origin lets it be used then (RFC 5861).
    usable_s = lifetime.seconds + max(directives.seconds(name) or 0 for name in _STALE_USES)
    usable = usable_s > initial_age(headers, sent, now) and "no-cache" not in directives
    if not usable and "etag" not in headers and "last-modified" not in headers:
        return StoreReason.STALE
    return StoreReason.STORED
