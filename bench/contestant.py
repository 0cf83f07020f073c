"""A server under measurement, whoever made it."""

from dataclasses import dataclass
from pathlib import Path

from bench.place import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """It runs; `pids` are the processes whose time and memory count, with all their children."""

    name: str
    """As results call it."""
    pids: tuple[int, ...]
    http: Address
    https: Address | None = None
    """None: it does not speak TLS."""
    crossings: Path | None = None
    """The access log of its server beside the origin, which has all that crosses a middle mile.
    None: nothing stands there."""
