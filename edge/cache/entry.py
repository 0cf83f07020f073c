"""A stored response."""

from dataclasses import dataclass, replace

from edge.cache.dates import format_date, parse_date
from edge.cache.directives import response_directives
from edge.cache.freshness import initial_age
from edge.cache.key import Key
from edge.cache.storable import StoreDecision
from edge.cache.tags import NO_TAGS, tags
from edge.cache.vary import Selecting, selecting
from edge.forwarding import without_hop_by_hop
from edge.message import Headers, Request, Response
from edge.moment import Moment

NEVER_STORED = frozenset(
    # Made anew for each answer, or about the connection the response came on (RFC 9111 3.1).
    {"age", "cache-status", "content-length", "trailer"}
    | {"proxy-authenticate", "proxy-authentication-info"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A stored response and all that deciding about it needs.

    `response` lacks hop-by-hop fields, Age, Cache-Status and Content-Length, and has a Date.
    `received.mono_s` is when its resident time began, `initial_age_s` how old it was then.
    """

    key: Key
    response: Response
    body: bytes
    selecting: Selecting
    received: Moment
    date_s: float
    """Its Date on the wall clock; of several matching responses the latest is used."""
    initial_age_s: float
    lifetime_s: float
    always_validate: bool
    """`no-cache`: each use needs the origin's word."""
    never_stale: bool
    """`must-revalidate` and its kin: not to be served stale, whatever happens."""
    stale_only_if_told: bool = False
    """`s-maxage`: served stale only where the origin itself says so."""
    stale_while_revalidate_s: float = 0.0
    stale_if_error_s: float = 0.0
    """For how long past its freshness the origin lets it be used (RFC 5861)."""
    tags: frozenset[str] = NO_TAGS
    """Under which it can be purged with others."""
    fetch_s: float = 0.0
    """From the request to the response's head, when it was last asked for or about."""
    of_bytes: int | None = None
    """Of a slice: the size of the whole of which `body` is a part (`slices`)."""

    @property
    def etag(self) -> str | None:
        """The entity tag, as it stands in ETag."""
        return self.response.headers.first("etag")

    @property
    def last_modified(self) -> str | None:
        """Last-Modified, as it came."""
        return self.response.headers.first("last-modified")

    @property
    def has_validator(self) -> bool:
        """Whether a conditional request can be made of it."""
        return self.etag is not None or self.last_modified is not None

    @property
    def language(self) -> str | None:
        """The one language that it is in, as far as Content-Language says."""
        return self.response.headers.first("content-language")

    def age_s(self, now: Moment) -> float:
        """RFC 9111 4.2.3 current_age."""
        return self.initial_age_s + max(0.0, now.mono_s - self.received.mono_s)

    def ttl_s(self, now: Moment) -> float:
        """What is left of its freshness; negative once stale."""
        return self.lifetime_s - self.age_s(now)

    def is_fresh(self, now: Moment) -> bool:
        """RFC 9111 4.2: the lifetime exceeds the age."""
        return self.ttl_s(now) > 0


def make_entry(
    key: Key,
    request: Request,
    response: Response,
    body: bytes,
    decision: StoreDecision,
    *,
    sent: Moment,
    received: Moment,
    of_bytes: int | None = None,
) -> Entry:
    """The entry for a response that `decision` lets us store, with its whole body."""
    assert decision.store, decision.reason
    headers = without_hop_by_hop(response.headers).without(NEVER_STORED)
    directives = response_directives(headers)
    headers, date_s = _dated(headers, received)
    return Entry(
        key=key,
        response=replace(response, headers=headers),
        body=body,
        selecting=selecting(decision.nominated, request.headers),
        received=received,
        date_s=date_s,
        initial_age_s=initial_age(response.headers, sent, received),
        lifetime_s=decision.lifetime.seconds,
        always_validate="no-cache" in directives,
        never_stale=any(
            name in directives for name in ("must-revalidate", "proxy-revalidate", "no-cache")
        ),
        stale_only_if_told="s-maxage" in directives,
        stale_while_revalidate_s=directives.seconds("stale-while-revalidate") or 0.0,
        stale_if_error_s=directives.seconds("stale-if-error") or 0.0,
        tags=tags(headers),
        fetch_s=max(0.0, received.mono_s - sent.mono_s),
        of_bytes=of_bytes,
    )


def _dated(headers: Headers, received: Moment) -> tuple[Headers, float]:
    """RFC 9110 6.6.1: a response without a (valid) Date gets the time it was received."""
    date_s = parse_date(headers.first("date") or "", received.wall_s)
    if date_s is None:
        return headers.put("date", format_date(received.wall_s)), received.wall_s
    return headers, date_s
