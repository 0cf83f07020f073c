"""An `Explanation`: what a node would do with a request, and why.

It is made for one worker by `edge.explain.explain`; its words are those of the log, the metrics and
Cache-Status. Ages are in seconds, to a tenth.
"""

from dataclasses import dataclass
from enum import StrEnum

from edge.cache.freshness import LifetimeSource
from edge.cache.key import Key
from edge.cache.storable import StoreReason
from edge.cache.verdict import Kind, VerdictReason
from edge.errors import Side


class Itself(StrEnum):
    """What a node answers out of itself, before it asks its cache or anybody."""

    HEALTH = "health"
    """Whether mappers may send users here."""
    LAST = "max-forwards"
    """OPTIONS that must not go further (RFC 9110 7.6.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The request, as the node reads it."""

    method: str
    scheme: str
    host: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why the client gets an error page."""

    status: int
    reason: str
    side: Side
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The site's rules, as they bear on the request."""

    never_cache: str | None
    """The pattern that fits its path."""
    query: tuple[str, ...] | None
    """Parameters that take part in the key; None: all."""
    default_ttl_s: float
    negative_ttl_s: float | None
    heuristic_ttl_s: float
    max_ttl_s: float
    store_set_cookie: bool
    origin_host: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A stored response under the request's key."""

    chosen: bool
    """The verdict is about this one."""
    vary: tuple[tuple[str, str | None], ...]
    """Request fields and the values it was stored for; None: without the field."""
    differs: tuple[str, ...]
    """Those in which the request has something else; empty: it is for such requests."""
    status: int
    size_bytes: int
    stored: str
    """When it came, RFC 3339."""
    age_s: float
    fresh_s: float
    """What is left of its freshness; negative: stale for so long."""
    lifetime_s: float
    lifetime_from: LifetimeSource
    always_validate: bool
    """Each use needs the origin's word (`no-cache`)."""
    never_stale: bool
    stale_only_if_told: bool
    stale_while_revalidate_s: float
    stale_if_error_s: float
    """It must not be served stale, whatever happens."""
    etag: str | None
    last_modified: str | None
    cache_control: str | None
    content_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a hit would be answered with."""

    status: int
    size_bytes: int
    cache_status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """How the request would go upstream."""

    together: bool
    """The answer may serve others too; False: it is for this request alone."""
    slice: str | None
    """It is had in slices, and this is the Range of the first that is wanted; None: it is not."""
    in_vain: bool
    """Nobody would wait for it, since the last answer to such a request served one reader only, a
    moment ago."""
    under_way: bool
    """Another request is fetching it already: this one would wait for that."""
    target: str
    """What would be asked for."""
    conditions: tuple[tuple[str, str], ...]
    """Fields that ask whether a response still holds."""
    not_stored: StoreReason | None
    """Why no answer to such a request is stored; None: with `together` that depends on it."""
    stored_only_with: tuple[str, ...]
    """It would be stored only with one of these directives; empty: no such demand."""
    last_not_stored: StoreReason | None
    """Why the last answer to such a request was not stored, as far as that is remembered."""
    last_not_stored_ago_s: float | None
    last_not_stored_vary: tuple[str, ...]
    """Such requests have the same in these fields (the answer's Vary); empty: whoever asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A server that would be asked; the first one that answers ends the search."""

    name: str
    failures: int
    """In a row, just now."""
    rests_s: float
    """For so long it is asked after all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What would be done; parts that are not reached are None or empty."""

    node: str
    request: Heard | None = None
    site: str | None = None
    rules: Rules | None = None
    refusal: Refusal | None = None
    itself: Itself | None = None
    key: Key | None = None
    verdict: Kind | None = None
    reason: VerdictReason | None = None
    answer: Answer | None = None
    fetch: Fetch | None = None
    stored: tuple[Variant, ...] = ()
    upstreams: tuple[Upstream, ...] = ()
    """Whom this node asks, in order."""
    origins: tuple[str, ...] = ()
    """The servers that a parent asks for the site, in its order while all are well."""
