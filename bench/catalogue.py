"""Every measurement by name: those that can be run, and what the others wait for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from bench.form import Result, Sample
from bench.place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One that can be run."""

    programs: tuple[str, ...]
    """Whose versions its result tells."""
    measure: Callable[[Place], list[Sample]]
    draw: Callable[[Result, Path], None]
    """Write its picture."""
    in_lab: bool
    """Whether it wants what only root has: distance."""


BUILT = (
    *("hit", "miss", "idle", "slow", "page", "api", "fatfile"),
    *("hitratio", "bytes", "dns", "purge", "disk"),
)
"""Those whose module is `bench.measure.NAME`."""

NOT_BUILT: Mapping[str, str] = {
    "mapping": "a mapper that measures which edge is near",
    "detour": "the overlay",
    "failover": "the overlay",
    "relay": "the overlay's router",
    "scale": "a network of many nodes",
    "esi": "pages from fragments",
}
"""What each of the others waits for. None of them invents a number."""

NAMES = (*BUILT, *NOT_BUILT)


def find(name: str) -> Measurement | None:
    """A measurement; None: it is not built. Imported only now, for each brings libraries along.

    Its picture is `draw` of its own module, if there is one, and bars otherwise.

    Raises:
        KeyError: there is none of this name.
    """
    if name in NOT_BUILT:
        return None
    if name not in BUILT:
        raise KeyError(name)
    from bench import picture  # matplotlib takes longer to import than some measurements do

    module = import_module(f"bench.measure.{name}")
    return Measurement(
        programs=module.PROGRAMS,
        measure=module.measure,
        draw=getattr(module, "draw", picture.draw),
        in_lab=getattr(module, "IN_LAB", False),
    )
