"""Content codings: whether a body goes out under gzip, and the bytes it then has (RFC 9110 8.4).

A coded body is a representation of its own with its own strong entity tag. The coded bytes of what
is shown to everybody are kept, within a bound.
"""

import gzip
from collections import OrderedDict

from edge.fields import split_list

LEAST_BYTES = 1024
"""Below that gzip saves less than a packet."""
LEVEL = 6
"""What web servers of all kinds do by default."""
KEPT_BYTES = 16 * 1024 * 1024
"""Coded bodies kept: the benchmark objects, all assets, and about a thousand pages."""

_TEXT = ("text/", "application/json", "text/javascript", "image/svg+xml")


def is_text(content_type: str) -> bool:
    """Whether compressing that type is worth its while."""
    return content_type.startswith(_TEXT) and not content_type.startswith("text/event-stream")


def takes_gzip(accepted: str | None) -> bool:
    """Whether an Accept-Encoding field wants gzip at least as much as no coding (12.5.3)."""
    if not accepted:
        return False
    weights = dict(map(_weighted, split_list(accepted)))
    anything = weights.get("*", 0.0)
    packed = weights.get("gzip", weights.get("x-gzip", anything))
    # Identity is acceptable without being named; whoever names both says which is wanted more.
    return packed > 0 and packed >= weights.get("identity", 0.0)


def packed_tag(etag: str) -> str:
    """The entity tag of the coded form of what has the tag `etag`."""
    return f'{etag[:-1]}-gzip"'


def pack(body: bytes) -> bytes:
    """The body under gzip; without a time of day, so that it is the same each time."""
    return gzip.compress(body, LEVEL, mtime=0)


class Packed:
    """Coded bodies by entity tag, the least recently wanted going first."""

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most = most_bytes
        self._bodies: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def body(self, etag: str, plain: bytes) -> bytes:
        """What `plain`, whose tag this is, becomes; coded now if it is not kept."""
        found = self._bodies.get(etag)
        if found is not None:
            self._bodies.move_to_end(etag)
            return found
        made = pack(plain)
        self._bodies[etag] = made
        self._bytes += len(made)
        while self._bytes > self._most:
            _, dropped = self._bodies.popitem(last=False)
            self._bytes -= len(dropped)
        return made


def _weighted(member: str) -> tuple[str, float]:
    coding, *parameters = (part.strip(" \t") for part in member.split(";"))
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            weight = _quality(value.strip())
    return coding.lower(), weight


def _quality(text: str) -> float:
    """A weight (12.4.2); what is none counts as not wanted, the side on which nobody is hurt."""
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    well_formed = digits.isascii() and digits.isdigit() and len(whole) == 1 and len(fraction) <= 3
    return min(float(text), 1.0) if well_formed else 0.0
