"""Paths that a site's rules keep out of the cache.

The rule must hold however the path is spelt, since the origin may resolve what we do not: a path
is matched as it came and in the form that a generous server would see.
"""

from urllib.parse import unquote_to_bytes

from edge.config import SiteRules

_DECODINGS = 2
"""Some servers decode twice."""


def never_cached(path: str, rules: SiteRules) -> bool:
    """Whether one of the site's `never_cache` patterns fits any reading of `path`."""
    return never_pattern(path, rules) is not None


def never_pattern(path: str, rules: SiteRules) -> str | None:
    """The first of the site's `never_cache` patterns that fits any reading of `path`."""
    if not rules.never_cache:
        return None
    readings = _readings(path)
    fitting = (
        pattern for pattern in rules.never_cache if any(fits(pattern, text) for text in readings)
    )
    return next(fitting, None)


def fits(pattern: str, text: str) -> bool:
    """Whether `text` is `pattern` with any run of characters for each `*`; case matters.

    Linear in the text, which a regular expression with several `.*` is not.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return text == first
    last = rest.pop()
    if not text.startswith(first):
        return False
    at = len(first)
    for part in rest:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(last) and text.endswith(last)


def _readings(path: str) -> set[str]:
    readings = {path, _resolved(path)}
    decoded = path
    for _ in range(_DECODINGS):
        if "%" not in decoded:
            break
        decoded = unquote_to_bytes(decoded.encode("latin-1")).decode("latin-1")
        readings |= {decoded, _resolved(decoded)}
    return readings


def _resolved(path: str) -> str:
    """Without path parameters, empty and dot segments; backslashes read as slashes."""
    segments: list[str] = []
    raw = path.replace("\\", "/").split("/")
    for part in raw:
        segment = part.partition(";")[0]
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    directory = bool(segments) and raw[-1].partition(";")[0] in ("", ".", "..")
    return "/" + "/".join(segments) + ("/" if directory else "")
