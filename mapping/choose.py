"""Which servers an answer names: edges for users, low-level name servers for resolvers.

Pure choice over regions that are already ranked; who ranks them and who is healthy is not known
here.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from mapping.config import EdgeServer, NameServer, Region

T = TypeVar("T")


class Rng(Protocol):
    """The part of `random.Random` that a choice needs."""

    def sample(self, population: Sequence[T], k: int) -> list[T]:
        """Return `k` members in random order."""


def choose_edges(
    ranked: Iterable[Region], *, count: int, usable: Callable[[EdgeServer], bool], rng: Rng
) -> tuple[EdgeServer, ...]:
    """Up to `count` usable edges: of the first region, topped up from the next ones.

    Edges of one region are equals and drawn at random, each order equally likely. A turn counter
    would not do: resolvers ask A and AAAA in turn, and with two edges each type would then see
    the same order for ever.
    """
    chosen: list[EdgeServer] = []
    for region in ranked:
        candidates = [edge for edge in region.edges if usable(edge)]
        chosen += rng.sample(candidates, min(len(candidates), count - len(chosen)))
        if len(chosen) == count:
            break
    return tuple(chosen)


def choose_servers(ranked: Sequence[Region], *, regions: int) -> tuple[NameServer, ...]:
    """The low-level servers of the first `regions` regions that have any, nearest first."""
    staffed = (region for region in ranked if region.servers)
    return tuple(server for region in islice(staffed, regions) for server in region.servers)
