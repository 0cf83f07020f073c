"""Tents and what else hangs between trees."""

from origin.aio.site.pictures.colour import CREAM, blend, darker, lighter
from origin.aio.site.pictures.look import Look
from origin.aio.site.pictures.shapes import (
    box,
    curve,
    dashes,
    hole,
    mirrored,
    oval,
    poly,
    soft_poly,
    stroke,
)
from origin.aio.site.pictures.sheet import Form, Sheet

_DARK = (44, 36, 34)
_INSIDE = (255, 214, 140)


def _guys(sheet: Sheet, *lines: tuple[tuple[float, float], tuple[float, float]]) -> None:
    for start, end in lines:
        sheet.part(stroke([start, end], 0.6), CREAM, depth=0.2)
        sheet.part(
            box(end[0] - 0.7, end[1] - 2, end[0] + 0.7, end[1] + 1.6), (120, 110, 96), depth=0.2
        )


def ridge_tent(sheet: Sheet, look: Look) -> None:
    """An old-fashioned tent with a ridge, its door rolled back."""
    _guys(sheet, ((38, 22), (2, 92)), ((84, 28), (98, 82)))
    sheet.part(poly((38, 20), (84, 26), (97, 84), (70, 93)), look.main, depth=1.6, weave=0.6)
    sheet.ink(poly((38, 20), (84, 26), (84.5, 28), (39, 23)), lighter(look.main, 0.3), 0.7)
    sheet.part(poly((38, 20), (70, 93), (8, 93)), darker(look.main, 0.16), depth=1, weave=0.6)
    sheet.ink(
        poly((38, 30), (54, 93), (24, 93)), blend(_DARK, _INSIDE, 0.25 if look.option(2) else 0.85)
    )
    sheet.glow(39, 82, 18, _INSIDE, 0.5)
    for side in (0, 1):
        flap = soft_poly((38, 28), (40, 50), (50, 74), (60, 92), (64, 92), (46, 52))
        sheet.part(
            mirrored(flap, 38.5) if side else flap, lighter(look.main, 0.12), depth=1, weave=0.6
        )
    sheet.part(stroke([(38, 14), (38, 93)], 1.4), look.wood, Form.TUBE, depth=0.6)
    sheet.ink(dashes([(74, 88), (94, 81)], 0.5), CREAM, 0.8)


def dome_tent(sheet: Sheet, look: Look) -> None:
    """A dome with crossed poles and a round door."""
    _guys(sheet, ((20, 50), (2, 90)), ((80, 50), (98, 90)))
    body = soft_poly((6, 92), (14, 60), (32, 34), (50, 26), (68, 34), (86, 60), (94, 92), (50, 94))
    sheet.part(body, look.main, Form.BALL, depth=2, weave=0.3)
    band = soft_poly((6, 92), (10, 76), (50, 82), (90, 76), (94, 92), (50, 94))
    sheet.part(band, look.second, depth=0.6, weave=0.3)
    door = soft_poly((34, 90), (37, 62), (50, 50), (63, 62), (66, 90), (50, 92))
    sheet.part(door, blend(_DARK, _INSIDE, 0.2 if look.option(2) else 0.8), depth=0.3)
    sheet.glow(50, 80, 20, _INSIDE, 0.5)
    sheet.part(
        soft_poly((33, 90), (36, 62), (49, 50), (44, 70), (40, 91)),
        lighter(look.main, 0.2),
        depth=0.9,
    )
    for side in (0, 1):
        pole = stroke(curve((6, 92), (20, 54), (46, 28), (74, 34)), 1.2)
        sheet.part(mirrored(pole) if side else pole, look.accent, depth=0.6)
    sheet.part(
        soft_poly((42, 32), (50, 28), (58, 32), (50, 38)), lighter(look.second, 0.2), depth=0.7
    )


def tunnel_tent(sheet: Sheet, look: Look) -> None:
    """A long tent over three hoops."""
    _guys(sheet, ((12, 56), (1, 90)), ((92, 60), (99, 88)))
    body = soft_poly((8, 92), (10, 62), (24, 42), (48, 36), (74, 44), (92, 66), (96, 90), (50, 94))
    sheet.part(body, look.main, Form.ROLL, depth=2, weave=0.3)
    front = soft_poly((7, 92), (9, 62), (22, 43), (36, 58), (42, 92), (24, 94))
    sheet.part(front, look.second, depth=1.2, weave=0.3)
    sheet.ink(
        soft_poly((14, 91), (16, 66), (23, 55), (31, 66), (35, 91)), blend(_DARK, _INSIDE, 0.7)
    )
    sheet.glow(24, 82, 14, _INSIDE, 0.5)
    for points in (
        ((42, 92), (37, 58), (23, 42)),
        ((66, 93), (62, 56), (48, 36)),
        ((88, 92), (86, 62), (74, 44)),
    ):
        sheet.part(stroke(curve(*points), 1.1), look.accent, depth=0.7)
    sheet.part(soft_poly((50, 62), (58, 58), (60, 70), (52, 73)), (60, 64, 70), depth=0.4)


def bell_tent(sheet: Sheet, look: Look) -> None:
    """A round canvas tent with a pole and an open door."""
    canvas = look.paper if look.option(3) == 0 else lighter(look.main, 0.3)
    _guys(
        sheet, ((12, 60), (1, 90)), ((88, 60), (99, 90)), ((22, 58), (12, 94)), ((78, 58), (88, 94))
    )
    sheet.part(box(13, 62, 87, 92, 2), darker(canvas, 0.1), Form.TUBE, depth=0.8, weave=0.5)
    roof = soft_poly(
        (50, 8), (53, 14), (70, 42), (92, 63), (50, 69), (8, 63), (30, 42), (47, 14), steps=8
    )
    sheet.part(roof, canvas, Form.TUBE, depth=1.8, weave=0.5)
    for x in (24, 38, 62, 76):
        sheet.ink(
            stroke(curve((50, 12), (50 + (x - 50) * 0.5, 40), (x, 67)), 0.5),
            darker(canvas, 0.4),
            0.5,
        )
    sheet.part(poly((50, 30), (61, 92), (39, 92)), blend(_DARK, _INSIDE, 0.75), depth=0.3)
    sheet.glow(50, 80, 16, _INSIDE, 0.6)
    for side in (0, 1):
        flap = soft_poly((50, 28), (55, 52), (64, 92), (69, 92), (60, 50))
        sheet.part(mirrored(flap) if side else flap, lighter(canvas, 0.2), depth=1, weave=0.5)
    sheet.part(stroke([(50, 3), (50, 12)], 1.4), look.wood, depth=0.4)
    sheet.part(poly((50, 3), (61, 6), (50, 9)), look.accent, depth=0.4)


def tarp(sheet: Sheet, look: Look) -> None:
    """A sail stretched between two poles."""
    for x in (16, 84):
        sheet.part(box(x - 1.1, 24, x + 1.1, 94, 1), look.wood, Form.TUBE, depth=0.8)
    _guys(sheet, ((16, 26), (1, 88)), ((84, 26), (99, 88)))
    back = soft_poly((16, 26), (50, 36), (84, 26), (72, 50), (50, 54), (28, 50))
    sheet.part(back, darker(look.main, 0.3), depth=1, weave=0.4)
    sail = poly(*curve((16, 25), (50, 36), (84, 25)), *curve((96, 62), (50, 56), (4, 62)))
    sheet.part(sail, look.main, Form.ROLL, depth=1.5, weave=0.4)
    sheet.ink(stroke(curve((16, 25), (50, 36), (84, 25)), 1), look.accent)
    for x0, x1 in ((33, 27), (50, 50), (67, 73)):
        sheet.ink(stroke([(x0, 33), (x1, 57)], 0.5), darker(look.main, 0.45), 0.6)
    _guys(sheet, ((4, 62), (0.8, 92)), ((96, 62), (99, 92)))
    if look.option(2):
        sheet.part(box(38, 80, 62, 94, 3), look.second, Form.ROLL, depth=1)


def hammock(sheet: Sheet, look: Look) -> None:
    """A cloth between two ropes, with a fringe or a spreader."""
    for side in (0, 1):
        for end in ((22, 46), (20, 53), (19, 60)):
            rope = stroke(curve((2, 22), end), 0.6)
            sheet.part(mirrored(rope) if side else rope, CREAM, depth=0.3)
        bar = stroke([(23, 42), (18, 63)], 2.4)
        sheet.part(mirrored(bar) if side else bar, look.wood, depth=0.8)
    upper = curve((22, 44), (36, 60), (50, 65), (64, 60), (78, 44))
    lower = curve((81, 62), (66, 82), (50, 88), (34, 82), (19, 62))
    sheet.part(poly(*upper, *lower), look.main, Form.ROLL, depth=2, weave=0.7)
    for stripe in range(1, 5):
        part = stripe / 5
        line = [
            (x0 + (x1 - x0) * part, y0 + (y1 - y0) * part)
            for (x0, y0), (x1, y1) in zip(upper, reversed(lower), strict=True)
        ]
        tone = look.second if stripe % 2 else look.accent
        sheet.ink(stroke(line, 1.8), tone, 0.85)
    sheet.part(
        soft_poly((26, 50), (36, 52), (42, 62), (32, 64), (26, 58)),
        lighter(look.second, 0.4),
        Form.BALL,
        depth=1.3,
    )


def camp_chair(sheet: Sheet, look: Look) -> None:
    """A folding chair of wood and canvas."""
    for start, end in (((24, 94), (74, 46)), ((76, 94), (26, 46))):
        sheet.part(stroke([start, end], 3.2), darker(look.wood, 0.25), depth=1)
    for x in (26, 74):
        sheet.part(stroke([(x, 8), (x, 66)], 3.2), look.wood, depth=1)
    sheet.part(
        poly((26, 10), (74, 10), (73, 36), (27, 36)), look.main, Form.ROLL, depth=1.5, weave=0.6
    )
    sheet.ink(dashes([(29, 13), (71, 13)], 0.45), CREAM, 0.8)
    seat = poly(*curve((24, 54), (50, 60), (76, 54)), *curve((86, 68), (50, 75), (14, 68)))
    sheet.part(seat, look.main, Form.ROLL, depth=1.5, weave=0.6)
    sheet.part(stroke([(14, 68), (30, 94)], 3.2), look.wood, depth=1)
    sheet.part(stroke([(86, 68), (70, 94)], 3.2), look.wood, depth=1)
    for x in (18, 82):
        sheet.part(
            box(x - 5, 44, x + 7, 48, 2) if x < 50 else box(x - 7, 44, x + 5, 48, 2),
            look.leather,
            depth=0.8,
        )


def net(sheet: Sheet, look: Look) -> None:
    """A net that hangs from a ring."""
    sheet.part(stroke([(50, 2), (50, 14)], 1), look.accent, depth=0.3)
    veil = soft_poly((42, 16), (58, 16), (66, 44), (88, 90), (50, 95), (12, 90), (34, 44))
    sheet.part(veil, lighter(look.main, 0.62), Form.TUBE, depth=1, contrast=0.7)
    for line in range(9):
        x = 16 + line * 8.5
        sheet.ink(
            stroke(curve((46 + line, 17), (44 + line * 1.5, 46), (x, 92)), 0.5),
            darker(look.main, 0.2),
            0.5,
        )
    for row in range(8):
        y = 28 + row * 8
        half = 8 + row * 4.2
        sheet.ink(
            stroke(curve((50 - half, y), (50, y + 3), (50 + half, y)), 0.4),
            darker(look.main, 0.2),
            0.45,
        )
    sheet.part((*oval(50, 16, 10, 4), *hole(oval(50, 16, 7.6, 2.4))), look.wood, depth=0.7)
    sheet.part(stroke(curve((13, 90), (50, 95), (87, 90)), 1.6), look.second, depth=0.5)
