"""Cache-Status: what this cache did, in a form that tools read (RFC 9211)."""

import re

from edge.cache.verdict import Kind, Verdict, VerdictReason
from edge.message import Headers

_TOKEN = re.compile(r"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")

_FORWARD = {
    VerdictReason.STALE: "stale",
    VerdictReason.NO_CACHE: "stale",
    VerdictReason.REQUEST_NO_CACHE: "request",
    VerdictReason.PURGES_UNKNOWN: "stale",
    VerdictReason.REQUEST_MAX_AGE: "request",
    VerdictReason.REQUEST_MIN_FRESH: "request",
    VerdictReason.NOTHING_STORED: "uri-miss",
    VerdictReason.NO_VARIANT: "vary-miss",
    VerdictReason.METHOD: "method",
    VerdictReason.REQUEST_BODY: "bypass",
    VerdictReason.UPGRADE: "bypass",
    VerdictReason.NEVER_CACHE: "bypass",
}
"""2.2: why the request went forward."""


def cache_status(
    node: str,
    verdict: Verdict,
    *,
    detail: str,
    ttl_s: float | None = None,
    forward_status: int | None = None,
    stored: bool = False,
    collapsed: bool | None = None,
) -> str:
    """This cache's member of the list.

    `detail` is the reason that explains most: of the verdict, or of not storing. `ttl_s` is what is
    left of the response's freshness. `forward_status` is the upstream's where it differs from ours.
    `collapsed` is True where another request's answer served, False where that was tried in vain.
    """
    parts = [_bare_item(node)]
    if verdict.kind in (Kind.HIT, Kind.STALE):
        parts.append("hit")
    else:
        parts.append(f"fwd={_FORWARD.get(verdict.reason, 'miss')}")
        parts += [f"fwd-status={forward_status}"] if forward_status is not None else []
        parts += ["stored"] if stored else []
        parts += ["collapsed" if collapsed else "collapsed=?0"] if collapsed is not None else []
    parts += [f"ttl={int(ttl_s // 1)}"] if ttl_s is not None else []
    parts.append(f"detail={_bare_item(detail)}")
    return "; ".join(parts)


def with_cache_status(headers: Headers, member: str) -> Headers:
    """`member` behind those of the caches that are nearer to the origin (2)."""
    return headers.add("cache-status", member)


def _bare_item(text: str) -> str:
    """A Token where it can be one, else a String (RFC 9651 3.3)."""
    if _TOKEN.fullmatch(text):
        return text
    text = _UNPRINTABLE.sub("?", text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
