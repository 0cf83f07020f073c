"""Blades, ropes and metal."""

import math

from origin.aio.site.pictures.colour import CREAM, Colour, darker, lighter
from origin.aio.site.pictures.look import Look
from origin.aio.site.pictures.shapes import (
    arc_points,
    box,
    curve,
    hole,
    oval,
    poly,
    soft_poly,
    stroke,
    turned,
)
from origin.aio.site.pictures.sheet import Form, Sheet

_STEEL: Colour = (170, 176, 182)
_EDGE: Colour = (224, 228, 232)


def axe(sheet: Sheet, look: Look) -> None:
    """An axe with a curved handle and a leather collar."""
    lean = 32
    long = 96 if look.option(2) else 84
    handle = soft_poly(
        (46.5, 8),
        (53.5, 8),
        (54, 34),
        (52.6, 62),
        (56.6, long - 4),
        (54, long),
        (48, long - 1),
        (46.6, 62),
        (46, 34),
    )
    sheet.part(turned(handle, lean), look.wood, Form.TUBE, depth=1.4, weave=0.5)
    sheet.part(
        turned(box(45.2, 28, 54.8, 37, 1), lean), look.leather, Form.TUBE, depth=0.8, weave=0.4
    )
    head = poly(
        *curve((44, 11), (38, 13), (26, 7), (20, 4)),
        *curve((20, 4), (16.6, 18), (20, 33)),
        *curve((20, 33), (32, 27), (44, 27)),
        (57, 27),
        (59, 23),
        (59, 14),
        (56, 11),
    )
    sheet.part(
        turned(head, lean),
        _STEEL if look.option(3) else darker(look.main, 0.2),
        depth=1.6,
        contrast=1.4,
    )
    edge = poly(*curve((20, 4), (16.6, 18), (20, 33)), *curve((25, 30), (22.6, 18), (25.6, 6.6)))
    sheet.part(turned(edge, lean), _EDGE, depth=0.4, contrast=1.5)
    for y in (72, 76, 80):
        sheet.ink(turned(box(44, y, 58, y + 2), lean), look.accent, 0.9)


def folding_saw(sheet: Sheet, look: Look) -> None:
    """A saw that folds into its handle, half open."""
    teeth: list[tuple[float, float]] = []
    for at in range(26):
        x = 38 + at * 2.1
        teeth += [(x, 51), (x + 1.0, 54.4)]
    blade = poly((34, 42), (90, 44.4), (93, 49), *reversed(teeth), (36, 52))
    sheet.part(turned(blade, -30, (34, 50)), _EDGE, depth=0.9, contrast=1.4)
    handle = soft_poly((36, 42), (40, 50), (34, 58), (18, 60), (8, 66), (5, 59), (13, 51), (24, 44))
    sheet.part(
        turned(handle, 24, (34, 50)), look.main if look.option(2) else look.wood, depth=2, weave=0.4
    )
    for x, y in ((14, 57), (24, 52.4)):
        sheet.part(turned(oval(x, y, 1.4), 24, (34, 50)), look.metal, Form.BALL, depth=0.4)
    sheet.part(oval(35, 48, 3.2), look.metal, Form.BALL, depth=0.7)


def bow_saw(sheet: Sheet, look: Look) -> None:
    """A bow of tube with a blade across."""
    bow = curve((10, 76), (12, 50), (24, 30), (50, 22), (76, 24), (90, 44), (92, 74))
    sheet.part(stroke(bow, 4.2), look.main, depth=1.5, contrast=1.3)
    sheet.part(stroke(curve((9, 78), (9, 62), (13, 46)), 6), look.wood, depth=1.2)
    teeth: list[tuple[float, float]] = []
    for at in range(36):
        teeth += [(12 + at * 2.2, 79), (13.1 + at * 2.2, 82.6)]
    sheet.part(
        poly((12, 75.6), (91, 74), (91, 78), *reversed(teeth)), _EDGE, depth=0.7, contrast=1.4
    )
    for x, y in ((11, 77), (91, 75.6)):
        sheet.part(oval(x, y, 2), look.metal, Form.BALL, depth=0.5)


def wedge(sheet: Sheet, look: Look) -> None:
    """A steel wedge in a log."""
    sheet.part(box(14, 56, 86, 94, 4), darker(look.wood, 0.35), Form.TUBE, depth=1.4, weave=0.9)
    sheet.part(oval(50, 57, 36, 13), look.wood, depth=0.8, weave=0.3)
    for r in (0.85, 0.62, 0.4, 0.2):
        sheet.ink(
            stroke(arc_points(50, 57, 36 * r, 13 * r, 0, 360), 0.6), darker(look.wood, 0.3), 0.6
        )
    sheet.ink(stroke(curve((24, 60), (42, 58), (58, 59), (78, 55)), 1.6), (50, 34, 26))
    sheet.part(
        poly((40, 12), (60, 12), (56, 60), (44, 60)),
        look.main if look.option(2) else _STEEL,
        Form.TUBE,
        depth=1.3,
        contrast=1.5,
    )
    sheet.part(
        poly((38, 8), (62, 8), (60, 17), (40, 17)), _STEEL, Form.TUBE, depth=0.8, contrast=1.4
    )


def knife(sheet: Sheet, look: Look) -> None:
    """A fixed knife beside its sheath."""
    lean = -36
    blade = poly(
        *curve((10, 38), (30, 37), (56, 38)),
        (56, 48),
        *curve((56, 48), (30, 49), (16, 45), (10, 38)),
    )
    sheet.part(turned(blade, lean), _STEEL, depth=1, contrast=1.5)
    sheet.ink(
        turned(
            poly(*curve((13, 40), (34, 45), (56, 45.4)), *curve((56, 48), (30, 49), (13, 40))), lean
        ),
        _EDGE,
        0.8,
    )
    sheet.part(turned(box(54, 36.4, 59, 49.6, 1), lean), look.metal, Form.TUBE, depth=0.8)
    grip = soft_poly((58, 37), (74, 36), (90, 38), (95, 43), (92, 50), (76, 48), (58, 49))
    stuff = look.wood if look.option(3) else look.main
    sheet.part(turned(grip, lean), stuff, depth=1.6, weave=0.5)
    for x in (66, 76, 86):
        sheet.part(turned(oval(x, 43, 1.4), lean), look.metal, Form.BALL, depth=0.3)
    sheath = soft_poly((18, 60), (40, 57), (66, 57), (70, 63), (66, 71), (40, 71), (16, 66))
    sheet.part(turned(sheath, lean), look.leather, depth=1.8, weave=0.5)
    sheet.ink(turned(stroke(curve((22, 65), (40, 68.6), (64, 68.6)), 0.7), lean), CREAM, 0.7)
    sheet.part(turned(box(64, 55, 70, 73, 1.4), lean), darker(look.leather, 0.2), depth=0.8)


def bread_knife(sheet: Sheet, look: Look) -> None:
    """A long knife with a wavy edge."""
    lean = -30
    waves: list[tuple[float, float]] = []
    for at in range(14):
        waves += [(8 + at * 3.7, 53), (9.9 + at * 3.7, 55)]
    sheet.part(
        turned(poly((6, 46), (60, 43), (60, 54), *reversed(waves)), lean),
        _EDGE,
        depth=1,
        contrast=1.4,
    )
    sheet.part(turned(box(58, 42, 96, 55, 5), lean), look.wood, Form.ROLL, depth=1.6, weave=0.5)
    for x in (66, 77, 88):
        sheet.part(turned(oval(x, 48.4, 1.5), lean), look.metal, Form.BALL, depth=0.3)


def rope(sheet: Sheet, look: Look) -> None:
    """A coil, tied round its waist."""
    tones = (look.main, lighter(look.main, 0.16), darker(look.main, 0.14))
    for turn in range(9):
        wide, tall = 40 - turn * 2.4, 41 - turn * 2.8
        loop = arc_points(50, 50, wide, tall, 0, 360, 60)
        sheet.part(stroke(loop, 3.4), tones[turn % 3], depth=0.8)
        marks = [
            stroke([(x - 0.9, y - 1), (x + 0.9, y + 1)], 0.5) for x, y in loop[(turn % 2) :: 2]
        ]
        sheet.ink(tuple(outline for mark in marks for outline in mark), look.accent, 0.75)
    for at in range(7):
        y = 41 + at * 3
        sheet.part(stroke(curve((4, y), (16, y + 1.4), (30, y)), 3.2), tones[at % 3], depth=0.8)
    sheet.part(stroke(curve((28, 62), (36, 76), (30, 90), (44, 96)), 3.2), look.main, depth=1)
    sheet.part(stroke([(43, 95.6), (47, 97)], 3.4), look.second, depth=0.5)


def carabiners(sheet: Sheet, look: Look) -> None:
    """Three snap links."""
    for at, (dx, lean, colour) in enumerate(
        ((-22, -14, look.main), (0, 4, look.metal), (22, 18, look.accent))
    ):
        frame = curve(
            (42, 30), (50, 22), (59, 26), (62, 40), (59, 68), (50, 76), (42, 70), (40, 58)
        )
        shape = stroke([(x + dx, y + at % 2 * 6) for x, y in frame], 4)
        sheet.part(turned(shape, lean, (50 + dx, 50)), colour, depth=1.3, contrast=1.6)
        gate = stroke([(42 + dx, 31 + at % 2 * 6), (40 + dx, 58 + at % 2 * 6)], 3)
        sheet.part(turned(gate, lean, (50 + dx, 50)), _STEEL, depth=1, contrast=1.6)
        nut = oval(40.4 + dx, 54 + at % 2 * 6, 2.6, 4)
        sheet.part(turned(nut, lean, (50 + dx, 50)), darker(_STEEL, 0.15), Form.TUBE, depth=0.6)


def parcel(sheet: Sheet, look: Look) -> None:
    """A parcel, wrapped in an old map: for whatever has no drawing of its own."""
    sheet.part(box(14, 34, 86, 92, 2), look.paper, depth=1.8, weave=0.4)
    rng = look.rng()
    for _ in range(7):
        x, y = rng.uniform(22, 78), rng.uniform(42, 86)
        for step in range(3):
            r = 9 - step * 2.6
            points = [
                (x + r * (1 + 0.2 * math.sin(3 * a)) * math.cos(a), y + r * math.sin(a))
                for a in (math.tau * k / 20 for k in range(21))
            ]
            sheet.ink(stroke(points, 0.4), (160, 118, 80), 0.7)
    for band in (box(46, 33, 53, 93), box(13, 58, 87, 65)):
        sheet.part(band, look.main, depth=0.7)
    for lean in (-42, 42):
        bow = (*oval(50, 24, 7, 12), *hole(oval(50, 24, 3.4, 7.6)))
        sheet.part(turned(bow, lean, (50, 34)), look.main, depth=1)
    sheet.part(oval(50, 34, 3.6), darker(look.main, 0.1), Form.BALL, depth=0.8)
