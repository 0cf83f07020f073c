"""Outlines in a square of 100 by 100, downwards from the top left: what motifs are cut from."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Outline:
    """One closed polygon; a hole where it is not solid."""

    points: tuple[Point, ...]
    solid: bool = True


Shape = tuple[Outline, ...]
"""Outlines, painted over each other in their order."""


def poly(*points: Point) -> Shape:
    """A polygon."""
    return (Outline(tuple(points)),)


def soft_poly(*points: Point, steps: int = 6) -> Shape:
    """A closed curve through the points (a Catmull-Rom spline)."""
    return (Outline(tuple(_spline(points, steps, closed=True))),)


def oval(x: float, y: float, rx: float, ry: float | None = None) -> Shape:
    """An ellipse around (x, y)."""
    return (Outline(tuple(arc_points(x, y, rx, rx if ry is None else ry, 0, 360))),)


def ring(x: float, y: float, r: float, width: float) -> Shape:
    """A circle's line of a width, inside of `r`."""
    return (*oval(x, y, r), *hole(oval(x, y, r - width)))


def box(x0: float, y0: float, x1: float, y1: float, r: float = 0.0) -> Shape:
    """A rectangle with round corners."""
    if r <= 0:
        return poly((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    r = min(r, (x1 - x0) / 2, (y1 - y0) / 2)
    corners = (
        (x1 - r, y0 + r, -90),
        (x1 - r, y1 - r, 0),
        (x0 + r, y1 - r, 90),
        (x0 + r, y0 + r, 180),
    )
    return (
        Outline(
            tuple(
                point
                for x, y, start in corners
                for point in arc_points(x, y, r, r, start, start + 90, 8)
            )
        ),
    )


def stroke(points: Sequence[Point], width: float) -> Shape:
    """A line of a width with round joints and ends."""
    half = width / 2
    pieces: list[Outline] = []
    for (x0, y0), (x1, y1) in pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0) or 1
        dx, dy = (y1 - y0) / length * half, (x0 - x1) / length * half
        pieces.append(
            Outline(
                ((x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy))
            )
        )
    for x, y in points:
        pieces.append(Outline(tuple(arc_points(x, y, half, half, 0, 360, 10))))
    return tuple(pieces)


def dashes(points: Sequence[Point], width: float, dash: float = 1.6) -> Shape:
    """Stitches along a line."""
    pieces: list[Outline] = []
    for (x0, y0), (x1, y1) in pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0)
        count = max(1, round(length / (dash * 1.8)))
        for at in range(count):
            a, b = (at + 0.2) / count, (at + 0.75) / count
            start = (x0 + (x1 - x0) * a, y0 + (y1 - y0) * a)
            pieces += stroke((start, (x0 + (x1 - x0) * b, y0 + (y1 - y0) * b)), width)
    return tuple(pieces)


def curve(*points: Point, steps: int = 8) -> list[Point]:
    """Points of an open curve through the given ones, for `stroke`."""
    return _spline(points, steps, closed=False)


def arc_points(
    x: float, y: float, rx: float, ry: float, start: float, end: float, steps: int = 48
) -> list[Point]:
    """Points on an ellipse, from one angle in degrees to another, clockwise from the right."""
    angles = (math.radians(start + (end - start) * i / steps) for i in range(steps + 1))
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


def hole(shape: Shape) -> Shape:
    """The shape, cut out of what stands before it."""
    return tuple(Outline(outline.points, solid=False) for outline in shape)


def mirrored(shape: Shape, axis: float = 50.0) -> Shape:
    """The shape on the other side of an upright line."""
    return tuple(
        Outline(tuple((2 * axis - x, y) for x, y in outline.points), outline.solid)
        for outline in shape
    )


def turned(shape: Shape, degrees: float, about: Point = (50.0, 50.0)) -> Shape:
    """The shape turned clockwise."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    ax, ay = about
    return tuple(
        Outline(
            tuple(
                (ax + (x - ax) * cos - (y - ay) * sin, ay + (x - ax) * sin + (y - ay) * cos)
                for x, y in outline.points
            ),
            outline.solid,
        )
        for outline in shape
    )


def moved(shape: Shape, right: float, down: float) -> Shape:
    """The shape somewhere else."""
    return tuple(
        Outline(tuple((x + right, y + down) for x, y in outline.points), outline.solid)
        for outline in shape
    )


def all_of(shapes: Iterable[Shape]) -> Shape:
    """Several shapes as one."""
    return tuple(outline for shape in shapes for outline in shape)


def bounds(shape: Shape) -> tuple[float, float, float, float]:
    """The smallest box around the shape: left, top, right, bottom."""
    xs = [x for outline in shape for x, _ in outline.points]
    ys = [y for outline in shape for _, y in outline.points]
    return min(xs), min(ys), max(xs), max(ys)


def _spline(points: Sequence[Point], steps: int, *, closed: bool) -> list[Point]:
    count = len(points)
    line: list[Point] = []
    for at in range(count if closed else count - 1):
        a, b, c, d = (
            points[(at + k) % count] if closed else points[min(max(at + k, 0), count - 1)]
            for k in (-1, 0, 1, 2)
        )
        for step in range(steps):
            t = step / steps
            line.append((_through(a[0], b[0], c[0], d[0], t), _through(a[1], b[1], c[1], d[1], t)))
    if not closed:
        line.append(points[-1])
    return line


def _through(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
