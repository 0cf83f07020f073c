"""Where everything stands in the network's picture. Pure: from a topology to coordinates.

Requests run in one direction, left to right on a wide screen and downwards on a narrow one: DNS,
which sends users on; regions with their DNS servers and edges; parents; origins. What is alike
stands in one tier, and tiers are centred on each other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from deploy.overview.topology import Link, LinkKind, Station, Topology

MOST_STATIONS = 60
"""Of a picture that still says something; the table has all."""
MOST_LINKS = 400

BOX_WIDTH = 172.0
BOX_HEIGHT = 66.0
_GAP = 16.0
"""Between boxes of a tier."""
_BETWEEN = 92.0
"""Between tiers, where links and their numbers run."""
_BETWEEN_DOWN = 54.0
_PADDING = 14.0
"""Inside a region's frame."""
_TITLE = 22.0
"""For a region's or tier's name."""
_MARGIN = 4.0
_DOWN_COLUMNS = 2
"""Boxes beside each other on a phone."""


class Direction(StrEnum):
    """Which way requests run in a picture."""

    ACROSS = "across"
    """Left to right, for wide screens."""
    DOWN = "down"
    """Downwards, for phones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    def moved(self, x: float, y: float) -> "Area":
        """The same size elsewhere."""
        return Area(x=self.x + x, y=self.y + y, width=self.width, height=self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where a station stands."""

    station: Station
    area: Area


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFrame:
    """What is drawn around a region's stations."""

    name: str
    area: Area


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How a link runs: a path in SVG's words, and where its number stands."""

    link: Link
    path: str
    label: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything that is drawn."""

    direction: Direction
    width: float
    height: float
    boxes: tuple[Box, ...]
    frames: tuple[RegionFrame, ...]
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tier:
    """Boxes and frames laid out from (0, 0), and the room they take."""

    width: float
    height: float
    boxes: tuple[Box, ...] = ()
    frames: tuple[RegionFrame, ...] = ()

    def moved(self, x: float, y: float) -> "_Tier":
        return _Tier(
            width=self.width,
            height=self.height,
            boxes=tuple(Box(station=b.station, area=b.area.moved(x, y)) for b in self.boxes),
            frames=tuple(RegionFrame(name=f.name, area=f.area.moved(x, y)) for f in self.frames),
        )


def lay_out(topology: Topology, direction: Direction) -> Picture | None:
    """The picture; None where there is nothing to draw, or too much."""
    count = len(topology.stations)
    if not 0 < count <= MOST_STATIONS or len(topology.links) > MOST_LINKS:
        return None
    across = direction is Direction.ACROSS
    tiers = [tier for tier in _tiers(topology, across=across) if tier.boxes]
    placed = _join(tiers, _BETWEEN if across else _BETWEEN_DOWN, beside=across)
    placed = placed.moved(_MARGIN, _MARGIN)
    areas = {box.station.name: box.area for box in placed.boxes}
    drawn = (link for link in topology.links if _is_drawn(link, topology))
    return Picture(
        direction=direction,
        width=placed.width + 2 * _MARGIN,
        height=placed.height + 2 * _MARGIN,
        boxes=placed.boxes,
        frames=placed.frames,
        curves=tuple(_curves(list(drawn), areas, across=across)),
    )


def _is_drawn(link: Link, topology: Topology) -> bool:
    """Probes of other regions' edges are left to the table: they would cross everything."""
    regions = {station.name: station.region for station in topology.stations}
    return link.kind is not LinkKind.PROBE or regions[link.source] == regions[link.target]


def _tiers(topology: Topology, *, across: bool) -> Iterator[_Tier]:
    def of(role: str, region: str = "") -> list[Station]:
        return [s for s in topology.stations if s.role == role and s.region == region]

    regions = [
        _region(name, of("low", name), of("edge", name), across) for name in topology.regions
    ]
    yield _group(of("top"), across=across)
    yield _join(regions, _GAP, beside=False) if across else _rows(regions)
    yield _group(of("parent"), across=across)
    yield _group(of("origin"), across=across)


def _group(stations: Sequence[Station], *, across: bool) -> _Tier:
    """Stations of one role: a column where requests run across, else rows."""
    tiers = [_single(station) for station in stations]
    return _join(tiers, _GAP, beside=False) if across else _rows(tiers)


def _single(station: Station) -> _Tier:
    area = Area(x=0, y=0, width=BOX_WIDTH, height=BOX_HEIGHT)
    return _Tier(width=BOX_WIDTH, height=BOX_HEIGHT, boxes=(Box(station=station, area=area),))


def _region(name: str, lows: list[Station], edges: list[Station], across: bool) -> _Tier:
    """DNS servers and then edges, in a frame."""
    columns = [
        _join([_single(station) for station in group], _GAP, beside=False)
        for group in (lows, edges)
        if group
    ]
    between = _BETWEEN * 0.75 if across else _BETWEEN_DOWN * 0.75
    inner = _join(columns, between, beside=across).moved(_PADDING, _PADDING + _TITLE)
    width = inner.width + 2 * _PADDING
    height = inner.height + 2 * _PADDING + _TITLE
    frame = RegionFrame(name=name, area=Area(x=0, y=0, width=width, height=height))
    return _Tier(width=width, height=height, boxes=inner.boxes, frames=(frame,))


def _rows(tiers: Sequence[_Tier]) -> _Tier:
    """Rows of as many as a phone has room for."""
    rows = [
        _join(tiers[start : start + _DOWN_COLUMNS], _GAP, beside=True)
        for start in range(0, len(tiers), _DOWN_COLUMNS)
    ]
    return _join(rows, _GAP, beside=False)


def _join(tiers: Sequence[_Tier], gap: float, *, beside: bool) -> _Tier:
    """One behind the other, centred on each other."""
    length = sum(tier.width if beside else tier.height for tier in tiers)
    length += gap * max(0, len(tiers) - 1)
    breadth = max((tier.height if beside else tier.width for tier in tiers), default=0.0)
    placed, at = [], 0.0
    for tier in tiers:
        aside = (breadth - (tier.height if beside else tier.width)) / 2
        placed.append(tier.moved(at, aside) if beside else tier.moved(aside, at))
        at += (tier.width if beside else tier.height) + gap
    return _Tier(
        width=length if beside else breadth,
        height=breadth if beside else length,
        boxes=tuple(box for tier in placed for box in tier.boxes),
        frames=tuple(frame for tier in placed for frame in tier.frames),
    )


def _curves(links: Sequence[Link], areas: Mapping[str, Area], *, across: bool) -> Iterator[Curve]:
    """Links leave and reach a box spread along its side, in the order of their other ends."""
    for link in links:
        source, target = areas[link.source], areas[link.target]
        leaving = _port(link, [each for each in links if each.source == link.source], areas, across)
        reaching = _port(
            link, [each for each in links if each.target == link.target], areas, across
        )
        if across:
            start = source.x + source.width, source.y + source.height * leaving
            end = target.x, target.y + target.height * reaching
        else:
            start = source.x + source.width * leaving, source.y + source.height
            end = target.x + target.width * reaching, target.y
        yield _curve(link, start, end, across=across)


def _port(link: Link, alike: Iterable[Link], areas: Mapping[str, Area], across: bool) -> float:
    """Which part of a box's side a link has, among those on the same side."""

    def place(each: Link) -> tuple[float, float]:
        one, other = areas[each.source], areas[each.target]
        return (one.y, other.y) if across else (one.x, other.x)

    ordered = sorted(alike, key=place)
    return (ordered.index(link) + 1) / (len(ordered) + 1)


def _curve(
    link: Link, start: tuple[float, float], end: tuple[float, float], *, across: bool
) -> Curve:
    """A cubic curve that leaves and arrives in the direction of requests."""
    (x1, y1), (x2, y2) = start, end
    if across:
        bend = (x2 - x1) * 0.5
        first, second = (x1 + bend, y1), (x2 - bend, y2)
    else:
        bend = (y2 - y1) * 0.5
        first, second = (x1, y1 + bend), (x2, y2 - bend)
    points = (first, second, end)
    path = f"M{x1:.1f} {y1:.1f}C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return Curve(link=link, path=path, label=_along(0.3, start, *points))


def _along(t: float, *points: tuple[float, float]) -> tuple[float, float]:
    """The point at part `t` of a cubic curve. Near its start, links of one source are apart."""
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    x, y = (
        sum(weight * point[axis] for weight, point in zip(weights, points, strict=True))
        for axis in (0, 1)
    )
    return round(x, 1), round(y, 1)
