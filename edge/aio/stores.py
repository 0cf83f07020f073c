"""The stores of one worker: its own in memory, and its view of the one on disk below."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge.aio.copies import Copies
from edge.aio.disk.shelf import Shelf
from edge.config import DiskSettings, Limits
from edge.forwarding import Hop
from edge.metrics import EdgeMetrics
from edge.store.memory import MemoryStore
from edge.store.purges import SOFT_S

_COPIES_SHARE = 16
"""An edge may use one part in so many of a worker's memory for copies of what is in the rest."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a worker keeps responses."""

    memory: MemoryStore
    copies: Copies
    shelf: Shelf | None
    """None: there is no keeper, and so no other worker and no disk."""


def worker_stores(
    cache_bytes: int,
    disk: DiskSettings | None,
    tell: Callable[[Mapping[str, object]], object] | None,
    *,
    hop: Hop,
    limits: Limits,
    metrics: EdgeMetrics,
) -> Stores:
    """The stores of a new worker; `tell` reaches its node's keeper, if there is one."""
    # An edge that refreshes what was purged wants the new one, not a parent's of before.
    served_s = 0.0 if hop.trust else SOFT_S
    shelf = None
    if tell is not None:
        shelf = Shelf(disk, tell, served_s=served_s, found=metrics.disk_read)
    copies_bytes = 0 if hop.trust else cache_bytes // _COPIES_SHARE
    memory = MemoryStore(
        cache_bytes - copies_bytes,
        object_bytes=limits.object_bytes,
        purged_served_s=served_s,
        below=shelf,
    )
    return Stores(memory, Copies(copies_bytes, most=limits.copies), shelf)
