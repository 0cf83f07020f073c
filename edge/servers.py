"""Which upstream server to ask first: rendezvous hashing, and a memory for those that failed.

Each site has a home among the servers and a fixed order of fallbacks, so that its objects gather
in one cache (Thaler, Ravishankar, "Using name-based mappings to increase hit rates", 1998). A
server that failed goes to the end of every order for a while: it is still asked when all others
fail too, and by the first request after the pause, which is its half-open probe.

Times are monotonic seconds.
"""

from collections.abc import Iterable
from hashlib import blake2b

FIRST_PAUSE_S = 1.0
"""After a first failure. A restart takes about that long."""

LONGEST_PAUSE_S = 15.0
"""However often it failed: a server that is back should soon be used."""


def _weight(key: str, server: str) -> bytes:
    return blake2b(f"{key}\0{server}".encode(), digest_size=8).digest()


class Servers:
    """The servers of one kind and how they did lately."""

    __slots__ = ("_failures", "_until")

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def order(self, key: str, names: Iterable[str], now: float) -> list[str]:
        """`names`, the one to ask first at the front."""
        ranked = sorted(names, key=lambda name: _weight(key, name), reverse=True)
        return sorted(ranked, key=lambda name: self._until.get(name, now) > now)

    def failed(self, name: str, now: float) -> None:
        """`name` could not be reached or gave no answer."""
        count = self._failures[name] = self._failures.get(name, 0) + 1
        pause_s = min(FIRST_PAUSE_S * 2 ** min(count - 1, 8), LONGEST_PAUSE_S)
        self._until[name] = now + pause_s

    def answered(self, name: str) -> None:
        """`name` is well."""
        self._failures.pop(name, None)
        self._until.pop(name, None)

    def resting(self, name: str, now: float) -> bool:
        """Whether `name` is at the end of every order."""
        return self._until.get(name, now) > now
