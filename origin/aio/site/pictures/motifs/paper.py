"""Maps, charts, books and a globe."""

import math

from origin.aio.site.pictures.colour import CREAM, blend, darker, lighter
from origin.aio.site.pictures.look import Look
from origin.aio.site.pictures.shapes import (
    Point,
    Shape,
    all_of,
    arc_points,
    box,
    curve,
    dashes,
    mirrored,
    oval,
    poly,
    ring,
    soft_poly,
    stroke,
)
from origin.aio.site.pictures.sheet import Form, Sheet

_WATER = (142, 184, 196)
_LINE = (150, 108, 72)


def _blob(x: float, y: float, radius: float, look: Look, wobble: int) -> list[Point]:
    """A closed wavy line: a contour."""
    points: list[Point] = []
    for step in range(24):
        angle = math.tau * step / 24
        swing = 1 + 0.2 * math.sin(angle * 2 + look.variant) + 0.09 * math.sin(angle * 3 + wobble)
        points.append((x + radius * swing * math.cos(angle), y + radius * swing * math.sin(angle)))
    return [*points, points[0]]


def map_sheet(sheet: Sheet, look: Look) -> None:
    """A folded sheet of hills, half opened."""
    panels = 4
    wide = 84 / panels
    land = ((150, 182, 120), (206, 180, 120), (176, 190, 160), (226, 206, 170))[look.option(4)]
    green = blend(look.paper, land, 0.55)
    for panel in range(panels):
        left, dip = 8 + panel * wide, 4 if panel % 2 else 0
        corners = (
            (left, 16 + dip),
            (left + wide, 16 + (4 - dip)),
            (left + wide, 84 + (4 - dip)),
            (left, 84 + dip),
        )
        tone = green if panel % 2 == 0 else darker(green, 0.1)
        sheet.part(poly(*corners), tone, depth=0.8, weave=0.2, contrast=0.5)
    rng = look.rng()
    for hill in range(3):
        x, y = rng.uniform(22, 78), rng.uniform(30, 70)
        for step in range(6):
            tone = blend(green, (214, 176, 120), 0.25 + step * 0.13)
            outline = _blob(x, y, 17 - step * 2.7, look, hill)
            sheet.ink(poly(*outline), tone, 0.75)
            sheet.ink(stroke(outline, 0.4), _LINE, 0.9)
    river = curve((8, 30), (30, 42), (46, 60), (70, 62), (92, 78))
    sheet.ink(stroke(river, 1.5), (92, 150, 176), 0.95)
    path = curve((20, 86), (34, 66), (52, 48), (66, 40), (86, 20))
    sheet.ink(dashes(path, 0.8, 2.2), (196, 54, 42))
    for line in range(1, panels):
        x = 8 + line * wide
        sheet.ink(box(x - 0.3, 14, x + 0.3, 92), darker(green, 0.5), 0.35)
    _cover(sheet, look)


def _cover(sheet: Sheet, look: Look) -> None:
    """The cover of a folded map, with its coloured band."""
    sheet.part(box(60, 56, 86, 95, 0.8), look.main, depth=1.4)
    sheet.ink(box(60, 62, 86, 74), CREAM)
    sheet.ink(poly((63, 73), (70, 64), (74, 69), (78, 65), (84, 73)), look.second)
    for row in range(3):
        sheet.ink(box(64, 79 + row * 4, 82 - row * 4, 80.2 + row * 4), CREAM, 0.85)


def sea_chart(sheet: Sheet, look: Look) -> None:
    """A chart that hangs between two wooden rods."""
    sheet.part(box(16, 12, 84, 88), look.paper, depth=0.8, weave=0.3, contrast=0.6)
    sheet.ink(box(19, 16, 81, 84), blend(_WATER, look.paper, 0.25))
    rng = look.rng()
    edge = rng.uniform(36, 50)
    bays = [(edge + rng.uniform(0, 22), y) for y in (30, 41, 52, 63, 74)]
    coast = curve((81, 18), *bays, (edge + 8, 84))
    for step in range(3, 0, -1):
        shoal = [(x - step * 3.2, y) for x, y in coast]
        tone = blend(_WATER, (226, 238, 232), 0.28 * (4 - step))
        sheet.ink(poly(*shoal, (81, 84), (81, 16)), tone)
        sheet.ink(stroke(shoal, 0.3), (84, 130, 150), 0.8)
    sheet.ink(poly(*coast, (81, 84)), (226, 204, 154))
    sheet.ink(stroke(coast, 0.7), (120, 88, 56))
    for _ in range(26):
        x, y = rng.uniform(22, edge - 4), rng.uniform(20, 80)
        sheet.ink(box(x, y, x + 1.3, y + 0.6), (70, 104, 122), 0.8)
    _rose(sheet, 32, 66, 10, look)
    if look.option(2):
        island = soft_poly((26, 30), (34, 26), (38, 34), (32, 42), (25, 38))
        sheet.ink(island, (226, 204, 154))
        sheet.ink(stroke([*island[0].points, island[0].points[0]], 0.6), (120, 88, 56))
    sheet.ink(dashes(curve((22, 24), (40, 34), (44, 50), (42, 78)), 0.6, 2), (196, 54, 42))
    sheet.ink((*box(18, 15, 82, 85), *_frame(19, 16, 81, 84)), (90, 76, 60), 0.9)
    for y in (12, 88):
        sheet.part(box(10, y - 2.6, 90, y + 2.6, 2.6), look.wood, Form.ROLL, depth=1.2)
        for x in (10, 90):
            sheet.part(oval(x, y, 3.4), look.metal, Form.BALL, depth=0.6)


def _frame(x0: float, y0: float, x1: float, y1: float) -> Shape:
    inner = box(x0, y0, x1, y1)
    return tuple(type(outline)(outline.points, solid=False) for outline in inner)


def _rose(sheet: Sheet, x: float, y: float, r: float, look: Look) -> None:
    """A compass rose."""
    sheet.ink(ring(x, y, r, 0.6), (90, 76, 60))
    for point in range(8):
        angle = math.radians(45 * point)
        long = r * (1.15 if point % 2 == 0 else 0.7)
        tip = (x + long * math.sin(angle), y - long * math.cos(angle))
        for side, tone in ((-1, look.main), (1, lighter(look.main, 0.55))):
            turn = angle + side * math.radians(22.5)
            corner = (x + r * 0.22 * math.sin(turn), y - r * 0.22 * math.cos(turn))
            sheet.ink(poly((x, y), tip, corner), tone)


def star_chart(sheet: Sheet, look: Look) -> None:
    """A turning chart of the sky, with a ring of dates."""
    sheet.part(oval(50, 50, 42), look.paper, depth=1.4, contrast=0.5)
    for tick in range(72):
        angle = math.radians(tick * 5)
        inner = 36.5 if tick % 6 else 35
        line = [(50 + r * math.cos(angle), 50 + r * math.sin(angle)) for r in (inner, 40)]
        sheet.ink(stroke(line, 0.5 if tick % 6 else 0.9), (90, 76, 60))
    night = blend((22, 34, 66), look.main, 0.18)
    sheet.part(oval(50, 50, 34), night, Form.BALL, depth=0.7, contrast=0.7)
    for circle in (12, 23, 33):
        sheet.ink(ring(50, 50, circle, 0.3), (150, 170, 200), 0.6)
    for spoke in range(0, 180, 30):
        angle = math.radians(spoke)
        dx, dy = 33 * math.cos(angle), 33 * math.sin(angle)
        sheet.ink(stroke([(50 - dx, 50 - dy), (50 + dx, 50 + dy)], 0.22), (150, 170, 200), 0.5)
    rng = look.rng()
    _constellations(sheet, look)
    for _ in range(90):
        r, angle = 32 * math.sqrt(rng.random()), rng.uniform(0, math.tau)
        x, y = 50 + r * math.cos(angle), 50 + r * math.sin(angle)
        sheet.ink(oval(x, y, rng.choice((0.3, 0.4, 0.6))), (255, 250, 226))
    if look.option(2):
        sheet.ink(oval(62, 38, 8), (244, 232, 196))
        sheet.ink(oval(65, 36, 7), night)
    window = [*arc_points(50, 54, 30, 26, 0, 360)]
    sheet.ink(stroke(window, 0.8), look.metal)
    sheet.part(oval(50, 50, 2.2), look.metal, Form.BALL, depth=0.7)


def _constellations(sheet: Sheet, look: Look) -> None:
    rng = look.rng()
    for _ in range(6):
        r, angle = rng.uniform(8, 24), rng.uniform(0, math.tau)
        x, y = 50 + r * math.cos(angle), 50 + r * math.sin(angle)
        points = [(x, y)]
        for _ in range(rng.randrange(3, 6)):
            x, y = x + rng.uniform(-7, 7), y + rng.uniform(-6, 6)
            if math.hypot(x - 50, y - 50) < 31:
                points.append((x, y))
        sheet.ink(stroke(points, 0.3), (206, 216, 232), 0.8)
        sheet.ink(all_of(oval(x, y, 0.8) for x, y in points), (255, 246, 214))


def book(sheet: Sheet, look: Look) -> None:
    """A bound book with a band or a strap, a ribbon, and often a pencil."""
    cover = (look.leather, look.main, look.second)[look.option(3)]
    tall = 82 if look.option(2) else 76
    top, bottom = 50 - tall / 2, 50 + tall / 2
    sheet.part(box(24, top + 2, 79, bottom + 2, 2), darker(cover, 0.3), depth=1.2)
    sheet.part(box(26, top + 1, 77.5, bottom + 1, 1), look.paper, depth=0.3)
    for leaf in range(4):
        sheet.ink(box(76.4 - leaf * 0.5, top, 76.6 - leaf * 0.5, bottom + 1), (150, 140, 120), 0.5)
    sheet.part(box(22, top, 75, bottom, 2.5), cover, depth=1.3, weave=0.55)
    sheet.ink(box(27.4, top, 28.2, bottom), darker(cover, 0.5), 0.7)
    sheet.ink(box(22, top, 27.4, bottom, 2), darker(cover, 0.3), 0.35)
    gold = (222, 184, 112)
    match look.option(4):
        case 0:
            _rose(sheet, 51, 46, 11, look)
        case 1:
            ridge = ((37, 56), (46, 40), (51, 48), (57, 36), (67, 56))
            sheet.ink(stroke([*ridge], 1), gold)
        case 2:
            sheet.part(box(36, 32, 66, 46, 0.8), CREAM, depth=0.3, contrast=0.4)
            sheet.ink(box(40, 36, 62, 37.4), darker(cover, 0.4))
            sheet.ink(box(43, 40, 59, 41.2), darker(cover, 0.4))
        case _:
            sheet.ink(ring(51, 46, 9, 0.8), gold)
            sheet.ink(poly((51, 35), (53.2, 46), (51, 57), (48.8, 46)), gold)
    if look.option(2):
        sheet.part(box(66, top - 0.5, 69, bottom + 0.5), look.accent, depth=0.8)
    else:
        sheet.part(box(22, 64, 79, 69), darker(look.leather, 0.3), depth=0.8, weave=0.4)
        sheet.part(box(48, 62.6, 56, 70.4, 1), look.metal, depth=0.7)
    sheet.part(
        poly((40, bottom), (43, bottom), (43, bottom + 4), (41.5, bottom + 2.8), (40, bottom + 4)),
        (186, 52, 46),
        depth=0.4,
    )
    if look.option(3) != 1:
        _pencil(sheet, look)


def _pencil(sheet: Sheet, look: Look) -> None:
    body = box(84, 24, 88.4, 82)
    sheet.part(body, look.accent, Form.TUBE, depth=1.2)
    sheet.part(poly((84, 82), (88.4, 82), (86.2, 91)), (222, 184, 132), Form.TUBE, depth=0.3)
    sheet.ink(poly((85.5, 88), (86.9, 88), (86.2, 91)), (50, 46, 44))
    sheet.part(box(84, 20, 88.4, 24, 1), look.metal, Form.TUBE, depth=0.3)


def globe(sheet: Sheet, look: Look) -> None:
    """A small globe on a stand."""
    sheet.part(box(34, 88, 66, 94, 3), look.wood, Form.ROLL, depth=1)
    sheet.part(box(46.5, 78, 53.5, 90), look.wood, Form.TUBE, depth=0.8)
    sheet.part(stroke(arc_points(50, 46, 37, 37, 60, 285), 3), look.metal, depth=0.9)
    sheet.part(oval(50, 46, 33), blend(_WATER, look.main, 0.35), Form.BALL, depth=1.2)
    land = blend((214, 188, 132), look.second, 0.2)
    lands = (
        soft_poly((30, 34), (42, 24), (50, 30), (46, 44), (52, 56), (44, 66), (36, 52), (26, 46)),
        soft_poly((58, 20), (70, 28), (78, 40), (72, 48), (62, 42), (56, 32)),
        soft_poly((60, 56), (72, 54), (74, 62), (64, 70)),
    )
    for shape in lands if look.option(2) else tuple(mirrored(shape) for shape in lands):
        sheet.ink(shape, land, 0.9)
    for width in (32.6, 22, 8):
        sheet.ink(stroke(arc_points(50, 46, width, 32.6, 0, 360), 0.25), CREAM, 0.5)
    for y, half in ((46, 33), (32, 30), (60, 30)):
        sheet.ink(box(50 - half, y - 0.15, 50 + half, y + 0.15), CREAM, 0.5)
    sheet.glow(38, 32, 20, (255, 255, 250), 0.5)
    sheet.part(oval(50, 11, 2), look.metal, Form.BALL, depth=0.5)
