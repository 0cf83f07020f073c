"""Request fields that may have changed an answer although nothing that selects it holds them.

An origin can answer by any field, and put any into a page or a redirect; what it should say then in
Vary it often does not. One visitor's odd field must not decide what all the others get, so answers
to requests with such fields are stored only if Vary names them. Everything is forwarded all the
same: whoever sends the field gets the answer to it. Fields that are never forwarded, since they
would mean another request, are `edge.forwarding`'s.
"""

from edge.cache.never import fits
from edge.config import SiteRules
from edge.forwarding import HOP_BY_HOP, client_may_say
from edge.message import Headers

_HARMLESS = frozenset(
    # What HTTP itself defines, and caches or proxies read; Cookie and Authorization have rules of
    # their own in `storable`.
    {"accept", "accept-charset", "accept-encoding", "accept-language", "authorization"}
    | {"cache-control", "cdn-loop", "content-length", "cookie", "date", "early-data", "expect"}
    | {"forwarded", "from", "host", "if-match", "if-modified-since", "if-none-match", "if-range"}
    | {"if-unmodified-since", "max-forwards", "origin", "pragma", "priority", "range", "referer"}
    | {"user-agent", "via"}
    # What browsers add by themselves.
    | {"alt-used", "dnt", "service-worker", "upgrade-insecure-requests"}
    # What players tell whoever delivers to them (CTA-5004, HTTP Live Streaming).
    | {"cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status", "x-playback-session-id"}
    # Which trace a request belongs to: written to logs, and read by no page.
    | {"baggage", "newrelic", "request-context", "request-id", "sentry-trace", "traceparent"}
    | {"tracestate", "x-request-id"}
)
"""Fields by which origins choose nothing, or say so: they are in the requests of most visitors."""
_HARMLESS_KINDS = ("midmile-", "sec-", "x-datadog-")
"""The same by the beginnings of names: of nodes of ours, of browsers, whose pages cannot set such
(RFC 8942 3.1 wants client hints in Vary), and of a trace."""

_PLAIN_BYTES = 4_096
"""Of all field lines: half of the least that usual servers take."""
_PLAIN_FIELDS = 48
"""Of 64 that Varnish takes; browsers send about twenty, and we add ten."""


def unkeyed(request: Headers, nominated: tuple[str, ...], rules: SiteRules) -> str | None:
    """The name of a field that may have changed the answer, and that Vary does not name.

    Names that `rules` has in `harmless_fields` are none.
    """
    names = (name for name, _ in request if name not in nominated and not _is_harmless(name))
    return next(
        (name for name in names if not any(fits(each, name) for each in rules.harmless_fields)),
        None,
    )


def invites_errors(request: Headers) -> bool:
    """Whether an error may come of these fields, whatever their names.

    Limits differ from server to server, and so does what is taken for an attack; what passes here
    may be refused by an origin.
    """
    size = sum(len(name) + len(value) + 4 for name, value in request)
    odd = any(not value.isascii() for _, value in request)
    return odd or size > _PLAIN_BYTES or len(request) > _PLAIN_FIELDS


def _is_harmless(name: str) -> bool:
    known = name in _HARMLESS or name in HOP_BY_HOP or name.startswith(_HARMLESS_KINDS)
    return known or not client_may_say(name)
