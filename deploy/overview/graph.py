"""Small curves of the last minutes: from values to SVG paths. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A line, and the area below it."""

    line: str
    area: str


def graph(
    values: Sequence[float | None], width: float, height: float, *, top: float, steps: int
) -> Graph:
    """The values' curve, the newest at the right; None leaves a gap.

    `top` is the value at the upper rim, `steps` how many values the whole width has room for.
    """
    top = top or 1.0
    pitch = width / max(1, steps - 1)
    offset = width - pitch * (len(values) - 1)
    line, area = [], []
    for run in _runs(values):
        points = [
            f"{offset + pitch * index:.1f} {height - height * min(value / top, 1.0):.1f}"
            for index, value in run
        ]
        if len(points) == 1:  # a line has two ends
            points *= 2
        line.append(f"M{'L'.join(points)}")
        first, last = points[0].split()[0], points[-1].split()[0]
        area.append(f"M{first} {height:.1f}L{'L'.join(points)}L{last} {height:.1f}Z")
    return Graph(line="".join(line), area="".join(area))


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Values without a gap between them, each with its place."""
    for known, run in groupby(enumerate(values), key=lambda item: item[1] is not None):
        if known:
            yield [(index, value) for index, value in run if value is not None]


def bars(values: Sequence[float | None], width: int, *, top: float) -> str:
    """The same for a terminal: a block a value, a space for none."""
    return "".join(_bar(value, top) for value in values[-width:]).rjust(width)


def _bar(value: float | None, top: float) -> str:
    if value is None:
        return " "
    height = round(value / (top or 1.0) * (len(_BARS) - 1))
    return _BARS[max(0, min(height, len(_BARS) - 1))]
