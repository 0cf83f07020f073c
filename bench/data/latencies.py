"""Round-trip times measured on the real Internet, as arrays of milliseconds.

The files' forms, sources and licences are told in `README.md` beside them. What they mean for a
topology of the lab is told in `bench/lab/measured.py`.
"""

import lzma
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Milliseconds = NDArray[np.float32]

_HERE = Path(__file__).parent
_PLANETLAB_NODES = 490
_PLANETLAB_UNIT_MS = 0.01
_SEATTLE_UNIT_MS = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WonderNetwork:
    """Pings between cities: `avg_ms[a, b]` was measured from `a`; NaN where nothing was."""

    cities: tuple[str, ...]
    avg_ms: Milliseconds
    min_ms: Milliseconds
    mdev_ms: Milliseconds
    km: NDArray[np.float32]
    """Great-circle distance."""

    def index(self, city: str) -> int:
        """Where a city stands in the arrays.

        Raises:
            KeyError: it is not among them; the message names some that begin alike.
        """
        if city in self.cities:
            return self.cities.index(city)
        alike = [name for name in self.cities if name[:1] == city[:1]]
        raise KeyError(f"no pings of {city!r}; there are those of {', '.join(alike) or 'others'}")


@cache
def wondernetwork() -> WonderNetwork:
    """242 cities, one snapshot of 2018."""
    with np.load(_HERE / "wondernetwork.npz") as stored:
        return WonderNetwork(
            cities=tuple(str(name) for name in stored["names"]),
            avg_ms=stored["avg"],
            min_ms=stored["min"],
            mdev_ms=stored["mdev"],
            km=stored["km"],
        )


@cache
def planetlab() -> Milliseconds:
    """490 nodes of universities, 18 slices over nine days: shape (18, 490, 490), symmetric."""
    upper = _unpacked("planetlab.npy.xz") * np.float32(_PLANETLAB_UNIT_MS)
    rows, columns = np.triu_indices(_PLANETLAB_NODES, 1)
    square = np.zeros((upper.shape[1], _PLANETLAB_NODES, _PLANETLAB_NODES), np.float32)
    square[:, rows, columns] = upper.T
    square[:, columns, rows] = upper.T
    return square


@cache
def seattle() -> Milliseconds:
    """99 personal devices, 688 slices of 15.7 s: shape (688, 99, 99); directed, 0 is missing."""
    return (_unpacked("seattle.npy.xz") * np.float32(_SEATTLE_UNIT_MS)).astype(np.float32)


def _unpacked(name: str) -> NDArray[Any]:
    with lzma.open(_HERE / name) as packed:
        array: NDArray[Any] = np.load(packed, allow_pickle=False)
    return array
