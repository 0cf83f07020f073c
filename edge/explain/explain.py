"""Explains what a worker would do with a request, by the very functions its pipeline decides by.

Nothing is fetched, stored, counted or marked as used.

Values of Cookie and Authorization are not shown, only a fingerprint: what is stored for them may
have been another user's request. It is keyed, so that nobody can try values against it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b

from edge import forwarding
from edge.cache.answer import answer
from edge.cache.directives import response_directives
from edge.cache.entry import Entry
from edge.cache.freshness import freshness_lifetime
from edge.cache.key import Key
from edge.cache.never import never_pattern
from edge.cache.status import cache_status
from edge.cache.storable import SHAREABLE, StoreReason, request_forbids
from edge.cache.validate import CONDITIONS, revalidation
from edge.cache.vary import RequestFields
from edge.cache.verdict import Kind, Verdict
from edge.config import Limits, SiteRules
from edge.errors import EdgeError, FramingError, FramingReason, RequestError, RequestReason
from edge.explain.explanation import (
    Answer,
    Explanation,
    Fetch,
    Heard,
    Itself,
    Refusal,
    Rules,
    Upstream,
    Variant,
)
from edge.explain.question import Question
from edge.framing import Refused, RequestFramer
from edge.head import Head
from edge.judgement import (
    Judgement,
    Prospect,
    admit,
    as_asked,
    asks_for_health,
    concerns_others,
    in_slices,
    judge,
    site_of,
)
from edge.message import Request
from edge.moment import Moment
from edge.servers import Servers, Standing
from edge.sites import Sites

_LONGEST = 200
"""Characters of a field's value that are shown."""
_SECRET = frozenset({"cookie", "authorization"})
_FROM_STORE = frozenset({Kind.HIT, Kind.STALE})
_FETCHED = frozenset({Kind.MISS, Kind.REVALIDATE, Kind.BYPASS})
_NOBODY = "127.0.0.1"
"""The client of a request that is not made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a worker's pipeline decides by, as it stands; nothing here changes anything."""

    hop: forwarding.Hop
    sites: Sites
    limits: Limits
    stored: Callable[[Key], Sequence[Entry]]
    prospect: Callable[[Key, Request], Prospect]
    standings: Callable[[SiteRules], Sequence[Standing]]
    doubtful: bool
    """Whether purges may have been missed."""
    secret: bytes
    """Keys the fingerprints; whoever wants to compare them passes the same."""


def explain(question: Question, view: View, now: Moment) -> Explanation:
    """Explain what a worker would do; whatever is asked, the answer is an explanation."""
    told = Explanation(node=view.hop.node)
    try:
        head = _framed(question, view.limits)
        asked = head.request(scheme=question.scheme, client=_NOBODY)
        if view.hop.trust:
            asked = _brought(asked, view, websocket=head.websocket)
        request = as_asked(asked, view.hop)
        told = replace(told, request=_heard(request))
        if asks_for_health(asked, view.hop.node):
            return replace(told, itself=Itself.HEALTH)
        site = site_of(request, view.sites)
        told = replace(told, site=site.name, rules=_rules(request, site))
        admit(request, view.hop)
        if not forwarding.may_forward(request):
            return replace(told, itself=Itself.LAST)
        judged = judge(
            request,
            site,
            view.stored,
            now,
            doubtful=view.doubtful,
            stands_aside=view.hop.trust,
        )
        told = _judged(told, judged, site, view, now)
        if told.verdict is Kind.REFUSE:
            raise RequestError(RequestReason.ONLY_IF_CACHED, "nothing stored that may be used")
    except EdgeError as error:
        refusal = Refusal(
            status=error.status, reason=error.reason, side=error.side, text=error.text
        )
        return replace(told, refusal=refusal)
    return told


def _framed(question: Question, limits: Limits) -> Head:
    """The head as the gate before the parser cuts it. Raises FramingError."""
    pieces = RequestFramer(limits).feed(question.raw)
    for piece in pieces:
        match piece:
            case Refused(error=error):
                raise error
            case Head():
                return piece
    raise FramingError(FramingReason.START, "this is not the beginning of a request")


def _brought(request: Request, view: View, *, websocket: bool) -> Request:
    """The user's request as an edge brings it to a parent. Raises RequestError where none would."""
    edge = forwarding.Hop(node="edge", cdn_id=view.hop.cdn_id)
    request = as_asked(request, edge)
    site_of(request, view.sites)
    admit(request, edge)
    return request.with_headers(forwarding.request_fields(request, edge, websocket=websocket))


def _heard(request: Request) -> Heard:
    return Heard(
        method=request.method,
        scheme=request.scheme,
        host=request.host_port,
        target=request.target,
    )


def _rules(request: Request, site: SiteRules) -> Rules:
    counting = site.query_parameters
    return Rules(
        never_cache=never_pattern(request.path, site),
        query=None if counting is None else tuple(sorted(counting)),
        default_ttl_s=site.default_ttl_s,
        negative_ttl_s=site.negative_ttl_s,
        heuristic_ttl_s=site.heuristic_ttl_s,
        max_ttl_s=site.max_ttl_s,
        store_set_cookie=site.store_set_cookie,
        origin_host=site.origin_host,
    )


def _judged(
    told: Explanation, judged: Judgement, site: SiteRules, view: View, now: Moment
) -> Explanation:
    verdict = judged.verdict
    origins = [origin.url for origin in site.origins]
    return replace(
        told,
        key=judged.key,
        verdict=verdict.kind,
        reason=verdict.reason,
        answer=_answer(judged, view, now) if verdict.kind in _FROM_STORE else None,
        fetch=_fetch(judged, site, view, now) if verdict.kind in _FETCHED else None,
        stored=tuple(_variants(judged, site, view, now)),
        upstreams=tuple(map(_upstream, view.standings(site))),
        origins=tuple(Servers().order(site.name, origins, now.mono_s)),
    )


def _answer(judged: Judgement, view: View, now: Moment) -> Answer:
    entry = judged.verdict.entry
    assert entry is not None
    found = answer(judged.request, entry, now)
    member = cache_status(
        view.hop.node, judged.verdict, detail=judged.verdict.reason, ttl_s=entry.ttl_s(now)
    )
    return Answer(status=found.response.status, size_bytes=len(found.body), cache_status=member)


def _fetch(judged: Judgement, site: SiteRules, view: View, now: Moment) -> Fetch:
    request, prospect = judged.request, view.prospect(judged.key, judged.request)
    sliced = in_slices(
        judged,
        site,
        in_vain=lambda key, request: view.prospect(key, request).in_vain,
        stored=view.stored,
    )
    together = sliced is not None or concerns_others(
        request, judged.verdict, in_vain=prospect.in_vain
    )
    last = prospect.unshared
    return Fetch(
        together=together,
        slice=sliced.slice.range if sliced is not None else None,
        in_vain=prospect.in_vain,
        under_way=together and sliced is None and prospect.under_way,
        target=request.target,
        conditions=_conditions(request, judged.verdict, together=together),
        not_stored=_not_stored(request, site, together=together),
        stored_only_with=SHAREABLE if together and "authorization" in request.headers else (),
        last_not_stored=last.reason if last else None,
        last_not_stored_ago_s=_tenths(now.mono_s - last.at_s) if last else None,
        last_not_stored_vary=last.vary if last else (),
    )


def _conditions(
    request: Request, verdict: Verdict, *, together: bool
) -> tuple[tuple[str, str], ...]:
    """What is asked for everybody has our own conditions or none, other requests keep theirs."""
    if together:
        if verdict.kind is not Kind.REVALIDATE or verdict.entry is None:
            return ()
        request = revalidation(request, verdict.entry)
    return tuple((name, _clipped(value)) for name, value in request.headers if name in CONDITIONS)


def _not_stored(request: Request, site: SiteRules, *, together: bool) -> StoreReason | None:
    """As far as the request alone decides."""
    if not together and request.method == "GET" and "range" in request.headers:
        return StoreReason.RANGE
    return request_forbids(request, site)


def _variants(judged: Judgement, site: SiteRules, view: View, now: Moment) -> Iterator[Variant]:
    fields = RequestFields(judged.request.headers)
    for entry in view.stored(judged.key):
        headers = entry.response.headers
        lifetime = freshness_lifetime(
            entry.response, response_directives(headers), site, entry.received.wall_s
        )
        stored = datetime.fromtimestamp(entry.received.wall_s, UTC)
        yield Variant(
            chosen=entry is judged.verdict.entry,
            vary=tuple((name, _shown(name, value, view.secret)) for name, value in entry.selecting),
            differs=tuple(name for name, value in entry.selecting if fields.value(name) != value),
            status=entry.response.status,
            size_bytes=len(entry.body),
            stored=stored.isoformat(timespec="seconds").replace("+00:00", "Z"),
            age_s=_tenths(entry.age_s(now)),
            fresh_s=_tenths(entry.ttl_s(now)),
            lifetime_s=_tenths(entry.lifetime_s),
            lifetime_from=lifetime.source,
            always_validate=entry.always_validate,
            never_stale=entry.never_stale,
            stale_only_if_told=entry.stale_only_if_told,
            stale_while_revalidate_s=entry.stale_while_revalidate_s,
            stale_if_error_s=entry.stale_if_error_s,
            etag=_optional(entry.etag),
            last_modified=_optional(entry.last_modified),
            cache_control=_optional(headers.combined("cache-control")),
            content_type=_optional(headers.first("content-type")),
        )


def _upstream(standing: Standing) -> Upstream:
    return Upstream(
        name=standing.name, failures=standing.failures, rests_s=_tenths(standing.rests_s)
    )


def _shown(name: str, value: str | None, secret: bytes) -> str | None:
    if value is None or name not in _SECRET:
        return _optional(value)
    return f"[{blake2b(value.encode('latin-1'), digest_size=4, key=secret).hexdigest()}]"


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _optional(text: str | None) -> str | None:
    return None if text is None else _clipped(text)


def _tenths(seconds: float) -> float:
    return round(seconds, 1)
