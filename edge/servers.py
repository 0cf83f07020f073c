"""Which upstream server to ask first: rendezvous hashing, and a memory for those that failed.

Each site has a home among the servers and a fixed order of fallbacks, so that its objects gather
in one cache (Thaler, Ravishankar, "Using name-based mappings to increase hit rates", 1998). A
server that failed goes to the end of every order for a while: it is still asked when all others
fail too, and by the first request after the pause. That one is its probe; while it is out, others
still go elsewhere, so that a server that swallows connections delays one request a pause.

Times are monotonic seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

FIRST_PAUSE_S = 1.0
"""After a first failure. A restart takes about that long."""

LONGEST_PAUSE_S = 15.0
"""However often it failed: a server that is back should soon be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a server does: its failures in a row, and for how long it is asked last."""

    name: str
    failures: int = 0
    rests_s: float = 0.0


@dataclass(slots=True)
class _Illness:
    """A server's failures in a row, and until when it rests."""

    failures: int
    until: float
    probed: bool = False


def _weight(key: str, server: str) -> bytes:
    return blake2b(f"{key}\0{server}".encode(), digest_size=8).digest()


def _pause_s(failures: int) -> float:
    return float(min(FIRST_PAUSE_S * 2 ** min(failures - 1, 8), LONGEST_PAUSE_S))


class Servers:
    """The servers of one kind and how they did lately."""

    __slots__ = ("_ill",)

    def __init__(self) -> None:
        self._ill: dict[str, _Illness] = {}

    def order(self, key: str, names: Iterable[str], now: float) -> list[str]:
        """`names`, the one to ask first at the front; that one is taken to be asked now."""
        ordered = self._ordered(key, names, now)
        illness = self._ill.get(ordered[0]) if ordered else None
        if illness is not None and illness.until <= now:
            illness.probed, illness.until = True, now + _pause_s(illness.failures)
        return ordered

    def standings(self, key: str, names: Iterable[str], now: float) -> list[Standing]:
        """`names` in the order that `order` would give, and how each does; nothing is changed."""
        return [self._standing(name, now) for name in self._ordered(key, names, now)]

    def failed(self, name: str, now: float) -> bool:
        """`name` could not be reached or gave no answer; whether that is news.

        It is not where several requests met the same failure: they count as one.
        """
        illness = self._ill.setdefault(name, _Illness(0, now))
        if illness.until > now and not illness.probed:
            return False
        illness.failures += 1
        illness.probed = False
        illness.until = now + _pause_s(illness.failures)
        return True

    def answered(self, name: str) -> bool:
        """`name` is well; whether that is news."""
        return self._ill.pop(name, None) is not None

    def _ordered(self, key: str, names: Iterable[str], now: float) -> list[str]:
        ranked = sorted(names, key=lambda name: _weight(key, name), reverse=True)
        return sorted(ranked, key=lambda name: self._rests(name, now))

    def _standing(self, name: str, now: float) -> Standing:
        illness = self._ill.get(name)
        if illness is None:
            return Standing(name=name)
        return Standing(name=name, failures=illness.failures, rests_s=max(0.0, illness.until - now))

    def _rests(self, name: str, now: float) -> bool:
        illness = self._ill.get(name)
        return illness is not None and illness.until > now
