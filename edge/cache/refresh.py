"""When a stored response is asked about before it is stale, so that no user waits for the answer.

Somewhat before its end, and at another moment on each node and for each object: what became popular
everywhere at once does not have to be fetched everywhere at once again. The moment is drawn as in
Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic Cache Stampede Prevention" (VLDB 2015):
ahead by an exponentially distributed time. It is drawn anew for each short slot of time, not for
each request, so all who ask within one agree, and nothing has to be counted or remembered. What
nobody asks for in that time simply grows stale.
"""

import math
from hashlib import blake2b

from edge.cache.entry import Entry
from edge.moment import Moment

_FETCHES = 2.0
"""The typical lead, as a multiple of the time that fetching took: most are in time then."""
_SHARE = 0.01
"""Or of the lifetime, where that is longer, so that nodes differ by more than the network does."""
_FARTHEST = 10.0
"""Leads of more than so many typical ones are as good as never drawn (once in 22,000 slots)."""
_SLOTS = 4
"""Draws in the time of a typical lead."""
_LEAST_RESIDENCE_S = 1.0
"""What has only just come is not asked about again, however old it already was."""


def typical_lead_s(entry: Entry) -> float:
    """How long before its end `entry` is asked about, typically."""
    return max(entry.fetch_s * _FETCHES, entry.lifetime_s * _SHARE)


def farthest_lead_s(entry: Entry) -> float:
    """How long before its end `entry` is never asked about yet; half of its life at most."""
    return min(typical_lead_s(entry) * _FARTHEST, entry.lifetime_s / 2)


def refresh_due(entry: Entry, node: str, now: Moment) -> bool:
    """Whether now is a moment to ask about the fresh `entry`, on the node of this name."""
    left_s, typical_s = entry.ttl_s(now), typical_lead_s(entry)
    resident_s = now.mono_s - entry.received.mono_s
    if not 0 < left_s < farthest_lead_s(entry) or resident_s < max(_LEAST_RESIDENCE_S, typical_s):
        return False
    slot = int(now.mono_s / typical_s * _SLOTS)
    drawn = blake2b(f"{node} {slot} {entry.key}".encode(), digest_size=8).digest()
    uniform = (int.from_bytes(drawn, "big") + 1) / 2**64
    return -typical_s * math.log(uniform) >= left_s
