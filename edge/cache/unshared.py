"""Which requests got answers that nobody else may have: they had better not wait for each other.

Remembered for a while by key and by what the request had in the fields that the answer's Vary
named, so that one visitor's private page says nothing of all the others. Times are monotonic
seconds.
"""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b

from edge.cache.key import Key
from edge.cache.storable import StoreReason
from edge.cache.vary import selecting
from edge.message import Headers

ALONE_S = 10.0
"""For so long requests like one whose answer could not be shared do not wait for each other."""

MOST = 10_000
"""Keys and requests remembered for that, and for who asks why; the oldest goes first, at the cost
of a wait."""

Variant = bytes
"""A key's requests that may wait for each other, as far as is known; empty: all of them."""

EVERYBODY: Variant = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unshared:
    """The last answer to such requests was for one reader alone."""

    reason: StoreReason
    at_s: float
    vary: tuple[str, ...] = ()
    """The fields that make such requests alike; empty: it concerns whoever asks."""

    def is_recent(self, mono_s: float) -> bool:
        """Whether an answer that comes now will most likely be like it."""
        return mono_s < self.at_s + ALONE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """What is known of the requests that are like one."""

    variant: Variant = EVERYBODY
    """Without it visitors with a cookie each would wait for one another's private pages."""
    unshared: Unshared | None = None
    """The last such answer to one of them, however long ago."""
    in_vain: bool = False
    """It came a short while ago: the next will most likely be for one reader alone too."""


_UNKNOWN = Alike()


class UnsharedAnswers:
    """What one worker remembers of them."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._keys: OrderedDict[Key, Unshared] = OrderedDict()  # each key's last, whoever asked
        self._answers: OrderedDict[tuple[Key, Variant], Unshared] = OrderedDict()

    def note(self, key: Key, request: Headers, answer: Unshared) -> None:
        """Remember the answer to a request with these fields."""
        place = (key, _variant(answer.vary, request))
        self._keys[key] = self._answers[place] = answer
        self._keys.move_to_end(key)
        self._answers.move_to_end(place)
        for table in (self._keys, self._answers):
            if len(table) > self._most:
                table.popitem(last=False)

    def forget(self, key: Key, request: Headers) -> None:
        """Requests like this one can be answered together."""
        last = self._keys.get(key)
        if last is not None:
            self._answers.pop((key, _variant(last.vary, request)), None)

    def find(self, key: Key, request: Headers, mono_s: float) -> Alike:
        """What is known of requests for `key` that are like this one."""
        last = self._keys.get(key)
        if last is None:
            return _UNKNOWN
        variant = _variant(last.vary, request)
        unshared = self._answers.get((key, variant))
        return Alike(
            variant=variant if last.is_recent(mono_s) else EVERYBODY,
            unshared=unshared,
            in_vain=unshared is not None and unshared.is_recent(mono_s),
        )


def _variant(vary: tuple[str, ...], request: Headers) -> Variant:
    """A digest: what is in Cookie must not lie about in memory, and has no bounded length."""
    if not vary:
        return EVERYBODY
    return blake2b(repr(selecting(vary, request)).encode(), digest_size=16).digest()
