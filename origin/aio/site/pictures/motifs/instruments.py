"""Compasses, dials and glasses to look through."""

import math

from origin.aio.site.pictures.colour import CREAM, Colour, blend, darker, lighter
from origin.aio.site.pictures.look import Look
from origin.aio.site.pictures.shapes import (
    arc_points,
    box,
    curve,
    mirrored,
    oval,
    poly,
    ring,
    stroke,
    turned,
)
from origin.aio.site.pictures.sheet import Form, Sheet

_RED: Colour = (198, 58, 44)
_GLASS: Colour = (214, 232, 238)


def pocket_compass(sheet: Sheet, look: Look) -> None:
    """A round compass with a bow to hang it by; half of them have an open lid."""
    metal = look.metal
    cy = 60.0 if look.option(2) else 54.0
    if look.option(2):
        sheet.part(oval(50, 24, 31, 21), darker(metal, 0.12), Form.BALL, depth=1.4)
        sheet.part(oval(50, 24, 28, 18.4), darker(metal, 0.4), Form.BOARD, depth=0.4)
        sheet.part(box(43, 40, 57, 46, 2), metal, Form.ROLL, depth=0.8)
    else:
        sheet.part(ring(50, 14, 8, 2.2), metal, depth=0.8)
        sheet.part(box(46, 17, 54, 25, 1.5), metal, Form.TUBE, depth=0.7)
    sheet.part(oval(50, cy, 36), metal, Form.BOARD, depth=2, contrast=1.6)
    sheet.part(oval(50, cy, 32), darker(metal, 0.35), Form.BOARD, depth=0.5)
    dial = (CREAM, (38, 42, 50), look.paper, lighter(look.main, 0.7))[look.option(4)]
    ink = CREAM if sum(dial) < 300 else (56, 48, 42)
    _dial(sheet, cy, 30, dial, ink)
    heading = look.rng().uniform(-60, 60)
    for tip, colour in ((-1, _RED), (1, (52, 76, 104))):
        needle = poly((50, cy + tip * 25), (53.4, cy), (46.6, cy))
        sheet.part(turned(needle, heading, (50, cy)), colour, depth=0.7)
    sheet.part(oval(50, cy, 2.6), metal, Form.BALL, depth=0.6)
    shine = (*oval(43, cy - 8, 21, 18),)
    sheet.glass(shine, (255, 255, 255), 0.10)


def _dial(sheet: Sheet, cy: float, r: float, dial: Colour, ink: Colour) -> None:
    sheet.part(oval(50, cy, r), dial, Form.BOARD, depth=0.3, contrast=0.5)
    for tick in range(36):
        angle = math.radians(tick * 10)
        long = 0.78 if tick % 9 == 0 else 0.86
        ends = [(50 + r * k * math.cos(angle), cy + r * k * math.sin(angle)) for k in (long, 0.93)]
        sheet.ink(stroke(ends, 1.1 if tick % 9 == 0 else 0.5), ink)
    sheet.ink(ring(50, cy, r * 0.70, 0.3), ink, 0.6)
    for point in range(4):
        star = poly((50, cy - r * 0.64), (50 + r * 0.07, cy), (50 - r * 0.07, cy))
        sheet.ink(turned(star, 90 * point, (50, cy)), blend(ink, dial, 0.45), 0.6)


def baseplate_compass(sheet: Sheet, look: Look) -> None:
    """A clear plate with scales, a turning housing and a cord."""
    cord = curve((50, 14), (36, 2), (20, 8), (14, 26), (22, 40))
    sheet.part(stroke(cord, 1.6), look.accent, depth=0.8)
    sheet.part(box(28, 10, 72, 94, 5), blend(_GLASS, look.second, 0.12), depth=1.3, contrast=0.7)
    sheet.ink(box(29.5, 12, 70.5, 92, 4), (255, 255, 255), 0.25)
    for mark in range(34):
        y = 14 + mark * 2.2
        long = 4 if mark % 5 == 0 else 2
        sheet.ink(box(29, y, 29 + long, y + 0.5), (40, 44, 50))
        sheet.ink(box(71 - long, y, 71, y + 0.5), (40, 44, 50))
    sheet.ink(poly((50, 13), (54, 22), (51, 22), (51, 38), (49, 38), (49, 22), (46, 22)), _RED)
    sheet.part(ring(60, 24, 5, 0.8), (60, 66, 72), depth=0.2)
    sheet.glass(oval(60, 24, 4.4), (255, 255, 255), 0.4)
    for y in (30, 34):
        sheet.ink(oval(38, y, 1.1), (40, 44, 50))
    housing = (36, 40, 46) if look.option(2) else darker(look.main, 0.25)
    sheet.part(oval(50, 64, 25), housing, Form.BOARD, depth=1.6)
    for tick in range(60):
        angle = math.radians(tick * 6)
        ends = [
            (50 + r * math.cos(angle), 64 + r * math.sin(angle))
            for r in (20 if tick % 5 == 0 else 21.8, 23.6)
        ]
        sheet.ink(stroke(ends, 0.5), CREAM)
    sheet.part(oval(50, 64, 18.6), lighter(_GLASS, 0.3), Form.BALL, depth=0.5, contrast=0.4)
    for x in (42, 46, 54, 58):
        sheet.ink(box(x - 0.2, 50, x + 0.2, 78), _RED, 0.6)
    heading = look.rng().uniform(-50, 50)
    for tip, colour in ((-1, _RED), (1, (244, 244, 244))):
        needle = poly((50, 64 + tip * 15), (52.4, 64), (47.6, 64))
        sheet.part(turned(needle, heading, (50, 64)), colour, depth=0.5)
    sheet.part(oval(50, 64, 1.5), (60, 66, 72), depth=0.3)
    if look.option(3) == 1:
        sheet.part(box(28, 2, 72, 12, 4), (46, 50, 56), depth=1)
        sheet.ink(box(32, 4, 68, 10, 2), (196, 216, 226))


def dial_instrument(sheet: Sheet, look: Look) -> None:
    """A round instrument with one hand: an altimeter, a barometer."""
    metal = look.metal
    sheet.part(ring(50, 10, 7, 1.8), metal, depth=0.7)
    sheet.part(box(45, 13, 55, 20, 1), metal, Form.TUBE, depth=0.7)
    rim = look.wood if look.option(3) == 0 else metal
    sheet.part(oval(50, 56, 39), rim, Form.BOARD, depth=2.2, contrast=1.4)
    sheet.part(oval(50, 56, 33.5), metal, Form.BOARD, depth=1, contrast=1.6)
    dial = ((246, 244, 236), (36, 40, 46), look.paper)[look.option(3)]
    ink = CREAM if sum(dial) < 300 else (50, 46, 44)
    sheet.part(oval(50, 56, 31), dial, depth=0.5, contrast=0.4)
    for tick in range(55):
        angle = math.radians(135 + tick * 5)
        inner = 23 if tick % 6 == 0 else 25.5
        ends = [(50 + r * math.cos(angle), 56 + r * math.sin(angle)) for r in (inner, 28)]
        sheet.ink(stroke(ends, 1 if tick % 6 == 0 else 0.45), ink)
    sheet.ink(stroke(arc_points(50, 56, 20, 20, 150, 230), 1.6), look.accent, 0.9)
    sheet.ink(stroke(arc_points(50, 56, 20, 20, 232, 300), 1.6), look.second, 0.9)
    sheet.ink(box(42, 70, 58, 71.4), ink, 0.7)
    sheet.ink(box(45, 73.4, 55, 74.4), ink, 0.6)
    turn = look.rng().uniform(-100, 100)
    hand = poly((50, 31), (51.2, 50), (51.2, 66), (48.8, 66), (48.8, 50))
    sheet.part(turned(hand, turn, (50, 56)), (36, 60, 104), depth=0.7)
    still = poly((50, 34), (50.7, 56), (49.3, 56))
    sheet.part(turned(still, turn + 34, (50, 56)), look.metal, depth=0.5)
    sheet.part(oval(50, 56, 2.6), metal, Form.BALL, depth=0.6)
    sheet.glass(oval(42, 46, 20, 17), (255, 255, 255), 0.1)


def storm_glass(sheet: Sheet, look: Look) -> None:
    """A closed glass of liquid in a wooden frame."""
    sheet.part(box(26, 86, 74, 95, 2), look.wood, Form.ROLL, depth=1.2)
    sheet.part(box(30, 8, 70, 14, 2), look.wood, Form.ROLL, depth=1)
    for post in (30, 66):
        sheet.part(box(post, 12, post + 4, 88), look.metal, Form.TUBE, depth=0.8)
    sheet.part(box(40, 14, 60, 86, 9), blend(_GLASS, look.main, 0.12), Form.TUBE, depth=0.9)
    sheet.ink(box(41.5, 40, 58.5, 84, 7), blend(_GLASS, look.main, 0.4), 0.6)
    rng = look.rng()
    for _ in range(40):
        x = rng.uniform(43, 57)
        y = 84 - abs(rng.gauss(0, 13))
        sheet.ink(
            turned(
                poly((x, y - 3), (x + 0.8, y), (x, y + 3), (x - 0.8, y)),
                rng.uniform(0, 180),
                (x, y),
            ),
            (255, 255, 255),
            0.8,
        )
    sheet.glass(box(43, 18, 45.5, 80, 1.2), (255, 255, 255), 0.5)
    for y in (36, 70):
        sheet.part(box(38, y, 62, y + 3, 1), look.metal, Form.TUBE, depth=0.6)


def spyglass(sheet: Sheet, look: Look) -> None:
    """A tube drawn out in three parts, leather on the widest."""
    brass = look.metal
    tubes = ((8, 30, 13), (28, 58, 16.5), (56, 92, 20))
    for at, (left, right, wide) in enumerate(tubes):
        skin = look.leather if at == 2 else brass
        body = box(left, 50 - wide / 2, right, 50 + wide / 2, 1)
        sheet.part(turned(body, -24), skin, Form.ROLL, depth=1.2, weave=0.4 if at == 2 else 0)
        for x in (left, right - 3):
            rim = box(x, 49 - wide / 2, x + 3.4, 51 + wide / 2, 1)
            sheet.part(turned(rim, -24), lighter(brass, 0.15), Form.ROLL, depth=0.7)
    sheet.part(turned(oval(92, 50, 3, 10), -24), _GLASS, Form.BALL, depth=0.6)
    if look.option(2):
        cord = curve((74, 48), (80, 70), (62, 86), (40, 80), (30, 66))
        sheet.part(stroke(cord, 1.5), look.accent, depth=0.8)


def field_glass(sheet: Sheet, look: Look) -> None:
    """Binoculars, standing on their front lenses."""
    body = look.main if look.option(2) else (52, 54, 58)
    strap = curve((24, 34), (6, 20), (10, 4), (50, 2), (90, 4), (94, 20), (76, 34))
    sheet.part(stroke(strap, 2.6), look.leather, depth=0.8)
    sheet.part(box(40, 34, 60, 62, 3), darker(body, 0.25), Form.TUBE, depth=1.2)
    sheet.part(box(46, 22, 54, 44, 2), look.metal, Form.TUBE, depth=1)
    for tube in (
        ((29, 22, 41, 34), (47, 50, 52), 0.5),
        ((20, 32, 46, 64), body, 1.4),
        ((16, 60, 48, 94), body, 1.4),
        ((15, 86, 49, 95), darker(body, 0.35), 0.8),
        ((27, 12, 43, 24), (40, 42, 46), 1.0),
    ):
        (x0, y0, x1, y1), colour, depth = tube
        shape = box(x0, y0, x1, y1, 3)
        for side in (shape, mirrored(shape)):
            sheet.part(side, colour, Form.TUBE, depth=depth, weave=0.3)


def loupe(sheet: Sheet, look: Look) -> None:
    """A magnifying glass."""
    sheet.part(turned(box(46, 62, 54, 97, 3.5), -38, (50, 42)), look.wood, Form.BOARD, depth=1.6)
    sheet.part(turned(box(46.6, 58, 53.4, 68, 1), -38, (50, 42)), look.metal, depth=1)
    sheet.part(oval(50, 40, 29), look.metal, depth=1.8, contrast=1.5)
    sheet.part(oval(50, 40, 25), blend(_GLASS, look.main, 0.1), Form.BALL, depth=0.8, contrast=0.6)
    sheet.glass(oval(42, 32, 13, 10), (255, 255, 255), 0.45)
