"""What a node decides about a request before it does anything: who it is for, and what happens.

The pipeline carries this out; `edge.explain` tells it. Both call the same functions, so what is
told is what would be done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edge import forwarding
from edge.cache.entry import Entry
from edge.cache.key import Key, cache_key, keyed_host, keyed_target
from edge.cache.slices import Slice, Stretch, stretch, without_range
from edge.cache.unshared import Unshared
from edge.cache.validate import CONDITIONS
from edge.cache.verdict import Kind, Verdict, VerdictReason, decide, select
from edge.config import SiteRules
from edge.errors import RequestError, RequestReason
from edge.message import Request
from edge.moment import Moment
from edge.sites import Sites

HEALTH_PATH = "/.well-known/midmile/health"
"""Where mappers ask whether users may be sent here; Host is the node's name."""

_ASKED_TOGETHER = frozenset({Kind.MISS, Kind.REVALIDATE})


def asks_for_health(request: Request, node: str) -> bool:
    """Whether the node itself is meant, before any site is."""
    return request.target == HEALTH_PATH and request.authority == node


def as_asked(request: Request, hop: forwarding.Hop) -> Request:
    """The request of the user, also where an edge brings it.

    Fields that Connection names concern the hop before us: nothing is selected by them.
    """
    kept = forwarding.without_named(request.headers)
    if kept is not request.headers:
        request = request.with_headers(kept)
    if not hop.trust:
        return request
    headers = request.headers
    return replace(
        request,
        scheme=headers.first("x-forwarded-proto") or request.scheme,
        client=headers.first("x-forwarded-for") or request.client,
    )


def site_of(request: Request, sites: Sites) -> SiteRules:
    """The site that a request is for. Raises RequestError where there is none."""
    site = sites.find(request.authority)
    if site is None:
        raise RequestError(RequestReason.UNKNOWN_SITE, "no site of this name is served here")
    return site


def admit(request: Request, hop: forwarding.Hop) -> None:
    """Raises RequestError for what is served to nobody."""
    if not hop.trust and forwarding.loops(request.headers, hop.cdn_id):
        raise RequestError(RequestReason.LOOP, "the request has been here before")
    if request.method in forwarding.REFUSED_METHODS:
        raise RequestError(RequestReason.METHOD_NOT_ALLOWED, "method not allowed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What happens to a request that is admitted."""

    request: Request
    """With the host and the target that are forwarded if anything is."""
    key: Key
    verdict: Verdict


def judge(
    request: Request,
    site: SiteRules,
    stored: Callable[[Key], Sequence[Entry]],
    now: Moment,
    *,
    doubtful: bool = False,
    stands_aside: bool = False,
) -> Judgement:
    """Judge a request of `site`; `stored` gives all that is stored under a key.

    `doubtful`: as `decide` has it; who then `stands_aside`, as parents do, lets requests pass.
    """
    key = cache_key(request, site)
    verdict = decide(request, stored(key), now, site, doubtful=doubtful)
    # The origin must see no more than the key holds.
    host_port = keyed_host(request.scheme, request.host_port)
    if host_port != request.host_port:
        request = replace(request, host_port=host_port)
    if verdict.kind is not Kind.BYPASS and site.query_parameters is not None:
        request = replace(request, target=keyed_target(request.target, site))
    if doubtful and stands_aside and verdict.kind in _ASKED_TOGETHER:
        # What is under way may have been asked for before the purge that we do not know.
        verdict = Verdict(Kind.BYPASS, VerdictReason.PURGES_UNKNOWN)
    return Judgement(request=request, key=key, verdict=verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What a request that must be fetched finds at its worker."""

    in_vain: bool = False
    """The last answer to such a request could not be shared, a moment ago: it waits for nobody."""
    under_way: bool = False
    """Another request is fetching it."""
    unshared: Unshared | None = None
    """As far as that is remembered."""


def in_slices(
    judged: Judgement,
    site: SiteRules,
    *,
    in_vain: Callable[[Key, Request], bool],
    stored: Callable[[Key], Sequence[Entry]],
) -> Stretch | None:
    """What is asked for, if it may be had in slices; None: it is had otherwise.

    `in_vain`: whether the last answer to such a request could not be shared.
    """
    if judged.verdict.kind is not Kind.MISS:
        return None
    first = Slice(0).key(judged.key)
    beginnings = stored(first)
    if not beginnings and "range" not in judged.request.headers:
        return None  # nobody knows that it is large, before it is here
    wanted, bare = stretch(judged.request, site), without_range(judged.request)
    if wanted is None or in_vain(first, bare):
        return None
    return wanted if not wanted.whole or select(beginnings, bare) else None


def concerns_others(request: Request, verdict: Verdict, *, in_vain: bool) -> bool:
    """Whether what is fetched for it may serve other requests too.

    `in_vain`: the last answer to such a request was for one reader alone.
    """
    if verdict.kind not in _ASKED_TOGETHER or request.method != "GET":
        return False
    if verdict.kind is Kind.REVALIDATE:
        return True
    # A part of a large file must not make us fetch the whole of it, and where the last answer was
    # not to be shared, the client's own conditions may save the next.
    fields = {"range", *CONDITIONS} if in_vain else {"range"}
    return not any(name in fields for name, _ in request.headers)
