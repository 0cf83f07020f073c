"""Paths that a site's rules keep out of the cache.

The rule must hold however the path is spelt, since the origin may resolve what we do not: a path
is matched as it came and in the forms that servers of all kinds would see. Where servers differ, a
rule holds for every one of their readings: caching less than was meant does no harm.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from edge.config import SiteRules

_DECODINGS = 2
"""Some servers decode twice."""

_PARAMETERS = (re.compile(r";[^/]*"), re.compile(r";[^/\\]*"))
"""Of a segment (RFC 3986 3.3), which may end with a backslash too; Java's servers take them off,
before dot segments are resolved."""
_END = re.compile(r"[;?#\0\r\n]")
"""Where a path ends for a server that decodes it first, or keeps it as a C string."""
_TRAILING = re.compile(r"(?<=[^/. ])[. ]+(?=/|\Z)")
"""Dots and spaces at the end of a name, which Windows does not keep."""


def never_cached(path: str, rules: SiteRules) -> bool:
    """Whether one of the site's `never_cache` patterns fits any reading of `path`."""
    return never_pattern(path, rules) is not None


def never_pattern(path: str, rules: SiteRules) -> str | None:
    """The first of the site's `never_cache` patterns that fits any reading of `path`."""
    if not rules.never_cache:
        return None
    readings = _readings(path)
    fitting = (
        pattern for pattern in rules.never_cache if any(_covers(pattern, text) for text in readings)
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


def _covers(pattern: str, reading: str) -> bool:
    """Whether it fits; `/account/*` is for `/account` too, which many servers take for the same."""
    pattern = pattern.lower()
    folder = pattern.removesuffix("/*")
    beneath = folder != pattern and not folder.endswith("*")
    return fits(pattern, reading) or (beneath and fits(folder, reading))


def _readings(path: str) -> set[str]:
    """In lower case, since not every server minds case."""
    found: set[str] = set()
    spelt = {path}
    for _ in range(_DECODINGS + 1):
        found.update(reading for each in spelt for reading in _read(each))
        # Dot segments are resolved before what is encoded is, by some servers, by others after it.
        bare = {text for each in spelt for text in _bare(each)}
        resolved = {text for each in bare for text in _resolved(each)}
        spelt = {_decoded(text) for text in spelt | resolved} - spelt
    trimmed = {_TRAILING.sub("", reading) for reading in found}
    lower = {reading.lower() for reading in found | trimmed}
    return lower | {reading.rstrip("/") for reading in lower}


def _read(path: str) -> Iterator[str]:
    for bare in _bare(path):
        for text in (bare, _END.split(bare, 1)[0]):
            yield text
            yield from _resolved(text)


def _bare(path: str) -> set[str]:
    """As it is, and without parameters."""
    return {path, *(parameters.sub("", path) for parameters in _PARAMETERS)}


def _decoded(path: str) -> str:
    if "%" not in path:
        return path
    return unquote_to_bytes(path.encode("latin-1")).decode("latin-1")


def _resolved(path: str) -> set[str]:
    """Without empty and dot segments; with backslashes as they are, and read as slashes."""
    return {_without_dots(text) for text in (path, path.replace("\\", "/"))}


def _without_dots(path: str) -> str:
    if "//" not in path and "/." not in path:
        return path
    segments: list[str] = []
    raw = path.split("/")
    for segment in raw:
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    directory = bool(segments) and raw[-1] in ("", ".", "..")
    return "/" + "/".join(segments) + ("/" if directory else "")
