"""Request traces: what was asked for in which order. `traces/README.md` has their sources."""

import lzma
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

_HERE = Path(__file__).parent / "traces"

Request = tuple[int, int]
"""An object's number, and its size in bytes (1 where all count alike)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Requests in order; an object's size never changes."""

    name: str
    requests: Sequence[Request]

    @property
    def footprint_bytes(self) -> int:
        """The sizes of all its objects together."""
        return sum(dict(self.requests).values())


def unit_sized(name: str) -> Trace:
    """`web07`, `web12`, `orm-busy-first-million`: big-endian 32-bit ids, no sizes."""
    text = lzma.decompress((_HERE / f"{name}.trace.xz").read_bytes())
    ids = struct.unpack(f">{len(text) // 4}I", text)
    return Trace(name=name, requests=[(number, 1) for number in ids])


def adapt_size() -> Trace:
    """Lines of sequence, id and size. An object keeps the size that it came with first."""
    text = lzma.decompress((_HERE / "adapt_size.trace.xz").read_bytes()).decode("ascii")
    sizes: dict[int, int] = {}
    requests: list[Request] = []
    for line in text.splitlines():
        _, number, size = map(int, line.split())
        requests.append((number, sizes.setdefault(number, max(1, size))))
    return Trace(name="adapt-size", requests=requests)


def zipf_mix(number: int, *, objects: int = 20_000, seed: int = 1) -> Trace:
    """A made-up mix with what troubles caches.

    Of all requests 70 % are by Zipf's law for pages and images of 2 to 100 KB, 27 % for objects
    that nobody asks for again, 3 % for one of 200 files of 5 to 50 MB.
    """
    rng = random.Random(seed)
    popularity = list(accumulate(1 / (rank + 1) ** 0.9 for rank in range(objects)))
    small = [int(2_048 * 50 ** rng.random()) for _ in range(objects)]
    large = [rng.randrange(5_000_000, 50_000_000) for _ in range(200)]
    requests: list[Request] = []
    for at in range(number):
        kind = rng.random()
        if kind < 0.70:
            chosen = rng.choices(range(objects), cum_weights=popularity)[0]
            requests.append((chosen, small[chosen]))
        elif kind < 0.97:
            requests.append((1_000_000 + at, int(2_048 * 50 ** rng.random())))
        else:
            chosen = rng.randrange(len(large))
            requests.append((500_000 + chosen, large[chosen]))
    return Trace(name="zipf-mix", requests=requests)
