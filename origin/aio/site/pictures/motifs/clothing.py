"""What is worn, from the hat down to the waist and the legs."""

from origin.aio.site.pictures.colour import CREAM, Colour, darker, lighter
from origin.aio.site.pictures.look import Look
from origin.aio.site.pictures.shapes import (
    Point,
    Shape,
    arc_points,
    box,
    curve,
    dashes,
    mirrored,
    oval,
    poly,
    soft_poly,
    stroke,
)
from origin.aio.site.pictures.sheet import Form, Sheet


def _both(sheet: Sheet, shape: Shape, colour: Colour, depth: float, weave: float = 0.5) -> None:
    sheet.part(shape, colour, Form.TUBE, depth=depth, weave=weave)
    sheet.part(mirrored(shape), colour, Form.TUBE, depth=depth, weave=weave)


def jacket(sheet: Sheet, look: Look) -> None:
    """A jacket with a hood or a collar, a zip or buttons, pockets."""
    cloth = look.main
    long = 90 if look.option(3) else 95
    sleeve = soft_poly((31, 22), (20, 32), (11, 62), (9, 82), (19, 84), (25, 62), (33, 44))
    _both(sheet, sleeve, darker(cloth, 0.1), 2)
    _both(sheet, box(8.4, 80, 20, 86, 2), darker(cloth, 0.35), 0.9)
    if look.option(2):
        sheet.part(
            soft_poly((35, 24), (37, 8), (50, 3), (63, 8), (65, 24), (50, 29)),
            darker(cloth, 0.15),
            Form.BALL,
            depth=2,
            weave=0.3,
        )
        sheet.part(
            soft_poly((40, 23), (42, 12), (50, 9), (58, 12), (60, 23), (50, 26)),
            darker(cloth, 0.55),
            depth=0.6,
        )
    body = soft_poly(
        (33, 21),
        (50, 25),
        (67, 21),
        (75, 34),
        (75, 64),
        (77, long),
        (50, long + 2),
        (23, long),
        (25, 64),
        (25, 34),
    )
    sheet.part(body, cloth, depth=2.4, weave=0.4)
    if not look.option(2):
        _both(
            sheet, poly((36, 17), (50, 23), (50, 34), (40, 31), (34, 23)), lighter(cloth, 0.08), 1.1
        )
    yoke = curve((26, 38), (50, 42), (74, 38))
    sheet.ink(stroke(yoke, 0.6), darker(cloth, 0.5), 0.6)
    sheet.part(box(48.6, 24, 51.4, long, 1), darker(cloth, 0.4), depth=0.5)
    if look.option(4) < 2:
        sheet.ink(dashes([(50, 26), (50, long - 1)], 0.8, 1), look.metal)
        sheet.part(stroke([(50, 34), (50, 39)], 1.3), look.accent, depth=0.4)
    else:
        for y in range(34, long - 6, 11):
            sheet.part(oval(50, y, 1.6), look.wood, Form.BALL, depth=0.5)
    pocket = box(28, 62, 44, 80, 1.6)
    _both(sheet, pocket, lighter(cloth, 0.04), 1)
    _both(sheet, box(27.4, 60, 44.6, 66, 1.4), darker(cloth, 0.08), 0.8)
    sheet.part(box(57, 44, 68, 53, 1), lighter(cloth, 0.06), depth=0.8, weave=0.4)
    sheet.part(box(59, 47, 63, 49), look.accent, depth=0.2)
    sheet.ink(dashes(curve((25, long - 2.5), (50, long - 0.6), (75, long - 2.5)), 0.4), CREAM, 0.5)


def jumper(sheet: Sheet, look: Look) -> None:
    """A knitted jumper with a pattern across the chest."""
    wool = look.main
    sleeve = soft_poly((32, 18), (19, 30), (10, 60), (8, 82), (20, 84), (26, 62), (34, 44))
    _both(sheet, sleeve, darker(wool, 0.08), 2, 0.9)
    _both(sheet, box(7.6, 80, 20.6, 89, 2), darker(wool, 0.2), 1, 0.9)
    body = soft_poly(
        (33, 17),
        (50, 22),
        (67, 17),
        (76, 32),
        (75, 64),
        (75, 88),
        (50, 90),
        (25, 88),
        (25, 64),
        (24, 32),
    )
    sheet.part(body, wool, depth=2.4, weave=0.9)
    sheet.part(box(25, 84, 75, 93, 2), darker(wool, 0.15), depth=1, weave=0.9)
    for x in range(27, 75, 3):
        sheet.ink(box(x, 84, x + 0.8, 93), darker(wool, 0.45), 0.5)
    _knitted(sheet, look)
    sheet.part(
        soft_poly((38, 16), (50, 12), (62, 16), (59, 25), (50, 28), (41, 25)),
        darker(wool, 0.2),
        depth=1.2,
        weave=0.9,
    )
    sheet.part(
        soft_poly((41, 16), (50, 14), (59, 16), (56, 21), (50, 23), (44, 21)),
        darker(wool, 0.62),
        depth=0.3,
    )


def _knitted(sheet: Sheet, look: Look) -> None:
    match look.option(3):
        case 0:
            for top, tone in ((36, look.second), (42, CREAM), (48, look.accent)):
                sheet.ink(box(24.6, top, 75.4, top + 2.6), tone, 0.85)
        case 1:
            for at in range(9):
                x = 27 + at * 5.2
                sheet.ink(poly((x, 42), (x + 2.6, 36), (x + 5.2, 42), (x + 2.6, 48)), CREAM, 0.85)
                sheet.ink(
                    poly((x + 1.3, 42), (x + 2.6, 39), (x + 3.9, 42), (x + 2.6, 45)), look.second
                )
        case _:
            for x in (36.0, 50.0, 64.0):
                for row in range(9):
                    y = 34 + row * 5.4
                    wave = curve((x - 2, y), (x + 2, y + 2.7), (x - 2, y + 5.4))
                    sheet.ink(stroke(wave, 1.3), darker(look.main, 0.4), 0.7)
                    sheet.ink(
                        stroke([(2 * x - px, py) for px, py in wave], 1.1),
                        lighter(look.main, 0.35),
                        0.7,
                    )


def shirt(sheet: Sheet, look: Look) -> None:
    """A thin shirt, buttoned or round at the neck."""
    cloth = look.main
    sleeve = soft_poly((33, 17), (20, 27), (11, 60), (10, 84), (19, 85), (26, 60), (34, 42))
    _both(sheet, sleeve, darker(cloth, 0.08), 1.4, 0.3)
    body = soft_poly(
        (34, 16),
        (50, 20),
        (66, 16),
        (74, 30),
        (73, 62),
        (74, 90),
        (50, 93),
        (26, 90),
        (27, 62),
        (26, 30),
    )
    sheet.part(body, cloth, depth=1.7, weave=0.3)
    if look.option(3) == 0:
        for x in range(28, 74, 6):
            sheet.ink(box(x, 18, x + 1.4, 92), look.second, 0.6)
        for y in range(24, 92, 7):
            sheet.ink(box(26, y, 74, y + 1.4), look.accent, 0.5)
    if look.option(2):
        sheet.part(box(47.8, 22, 52.2, 92, 0.6), lighter(cloth, 0.08), depth=0.5)
        for y in range(29, 90, 10):
            sheet.part(oval(50, y, 1.1), CREAM, Form.BALL, depth=0.3)
        _both(sheet, poly((38, 13), (49.6, 20), (44, 30), (35, 20)), lighter(cloth, 0.1), 1, 0.3)
        sheet.part(box(57, 38, 68, 51, 1), lighter(cloth, 0.05), depth=0.6)
    else:
        sheet.part(
            soft_poly((39, 15), (50, 12), (61, 15), (57, 24), (50, 26), (43, 24)),
            look.second,
            depth=0.8,
        )
        sheet.part(
            soft_poly((42, 15), (50, 13), (58, 15), (55, 21), (50, 22), (45, 21)),
            darker(cloth, 0.6),
            depth=0.2,
        )
        sheet.ink(dashes(curve((33, 22), (30, 34), (27, 44)), 0.4), CREAM, 0.8)


def vest(sheet: Sheet, look: Look) -> None:
    """A quilted vest."""
    cloth = look.main
    body = soft_poly(
        (34, 16),
        (50, 20),
        (66, 16),
        (70, 30),
        (78, 46),
        (77, 90),
        (50, 93),
        (23, 90),
        (22, 46),
        (30, 30),
    )
    sheet.part(body, cloth, Form.BALL, depth=2.6)
    for row in range(8):
        y = 28 + row * 8
        half = 20 + min(row, 3) * 2.6
        sheet.ink(
            stroke(curve((50 - half, y), (50, y + 3), (50 + half, y)), 0.9), darker(cloth, 0.5), 0.6
        )
        sheet.ink(
            stroke(curve((50 - half, y + 1.3), (50, y + 4.3), (50 + half, y + 1.3)), 0.8),
            lighter(cloth, 0.5),
            0.35,
        )
    sheet.part(
        soft_poly((37, 18), (39, 9), (61, 9), (63, 18), (50, 24)), darker(cloth, 0.15), depth=1.4
    )
    sheet.part(box(48.6, 14, 51.4, 92, 1), look.second, depth=0.6)
    sheet.ink(dashes([(50, 16), (50, 91)], 0.8, 1), look.metal)
    for x in (30, 60):
        sheet.ink(
            stroke([(x, 64), (x + 8, 60)] if x > 50 else [(x + 10, 64), (x, 60)], 1.1),
            darker(cloth, 0.6),
        )


def long_johns(sheet: Sheet, look: Look) -> None:
    """Long underwear for the legs."""
    legs = poly(
        (28, 12),
        (72, 12),
        (76, 40),
        (70, 92),
        (56, 92),
        (51, 46),
        (49, 46),
        (44, 92),
        (30, 92),
        (24, 40),
    )
    sheet.part(legs, look.main, depth=1.8, weave=0.5)
    if look.option(2):
        for y in range(22, 88, 8):
            sheet.ink(box(22, y, 78, y + 2.6), look.second, 0.6)
    sheet.part(box(27, 8, 73, 17, 2), look.accent, Form.ROLL, depth=1)
    for x in (29, 55.4):
        sheet.part(box(x, 86, x + 15.6, 95, 2), darker(look.main, 0.2), Form.TUBE, depth=0.8)
    sheet.part(oval(50, 24, 1.2), CREAM, depth=0.3)
    sheet.part(oval(50, 31, 1.2), CREAM, depth=0.3)


def wool_hat(sheet: Sheet, look: Look) -> None:
    """A knitted hat with a turned brim and perhaps a bobble."""
    if look.option(2):
        sheet.part(oval(50, 16, 12), look.accent, Form.BALL, depth=1.6, weave=1)
    dome = soft_poly((18, 72), (20, 44), (36, 22), (50, 18), (64, 22), (80, 44), (82, 72), (50, 78))
    sheet.part(dome, look.main, Form.BALL, depth=2.6, weave=0.9)
    for rib in range(9):
        x = 22 + rib * 7
        sheet.ink(
            stroke(curve((50 + (x - 50) * 0.2, 20), (50 + (x - 50) * 0.86, 44), (x, 70)), 0.9),
            darker(look.main, 0.45),
            0.5,
        )
    if look.option(3) == 1:
        for y in (46, 53):
            sheet.ink(stroke(curve((20, y + 2), (50, y + 5), (80, y + 2)), 2.6), look.second, 0.9)
    sheet.part(box(14, 62, 86, 88, 8), lighter(look.main, 0.06), Form.TUBE, depth=2, weave=0.9)
    for rib in range(17):
        x = 18 + rib * 4
        sheet.ink(box(x, 63, x + 1.1, 87), darker(look.main, 0.5), 0.5)
    sheet.part(box(60, 70, 72, 80, 0.8), look.leather, depth=0.6)


def rain_hat(sheet: Sheet, look: Look) -> None:
    """A hat with a wide stitched brim."""
    sheet.part(oval(50, 70, 45, 17), darker(look.main, 0.08), Form.ROLL, depth=2, weave=0.4)
    for r in (0.94, 0.86, 0.78):
        line = [(50 + 45 * r * dx, 70 + 17 * r * dy) for dx, dy in _unit()]
        sheet.ink(stroke(line, 0.35), lighter(look.main, 0.4), 0.6)
    crown = soft_poly((24, 68), (27, 44), (38, 32), (62, 32), (73, 44), (76, 68), (50, 76))
    sheet.part(crown, look.main, Form.TUBE, depth=2.2, weave=0.4)
    sheet.part(
        poly(*curve((24, 60), (50, 68), (76, 60)), *curve((76, 68), (50, 76), (24, 68))),
        look.accent,
        Form.TUBE,
        depth=0.7,
    )
    for x in (36, 42):
        sheet.part(oval(x, 52, 1.1), look.metal, depth=0.3)
    sheet.part(stroke(curve((26, 78), (40, 95), (60, 95), (74, 78)), 1), look.leather, depth=0.5)


def _unit() -> list[Point]:
    return arc_points(0, 0, 1, 1, 0, 360)


def gloves(sheet: Sheet, look: Look) -> None:
    """A pair of gloves with fingers."""
    for side in (0, 1):
        fingers = [
            stroke([(24, 52), (15, 26)], 8),
            stroke([(30, 48), (26, 14)], 8),
            stroke([(37, 48), (38, 15)], 8),
            stroke([(43, 52), (48, 24)], 7.4),
        ]
        for finger in fingers:
            sheet.part(_hand(finger, side), look.main, Form.TUBE, depth=1.1, weave=0.6)
        palm = soft_poly((19, 48), (32, 43), (46, 48), (46, 72), (42, 80), (22, 80), (18, 64))
        sheet.part(_hand(palm, side), look.main, Form.BALL, depth=1.6, weave=0.6)
        thumb = stroke([(20, 66), (9, 52)], 8)
        sheet.part(_hand(thumb, side), darker(look.main, 0.06), Form.TUBE, depth=1.2, weave=0.6)
        sheet.part(
            _hand(box(20, 76, 44, 92, 3), side), look.second, Form.TUBE, depth=1.3, weave=0.9
        )
        sheet.part(_hand(box(26, 55, 40, 66, 2), side), look.leather, depth=0.5, weave=0.3)


def mittens(sheet: Sheet, look: Look) -> None:
    """A pair of mittens, tied with a cord."""
    sheet.part(stroke(curve((30, 88), (38, 98), (62, 98), (70, 88)), 1.2), look.accent, depth=0.5)
    for side in (0, 1):
        thumb = soft_poly((20, 62), (8, 48), (9, 40), (16, 42), (26, 54))
        sheet.part(_hand(thumb, side), darker(look.main, 0.06), Form.BALL, depth=1.4, weave=0.8)
        hand = soft_poly((18, 66), (16, 34), (24, 14), (36, 12), (46, 28), (46, 66), (32, 72))
        sheet.part(_hand(hand, side), look.main, Form.BALL, depth=2, weave=0.8)
        star = poly((31, 26), (35, 37), (43, 41), (35, 45), (31, 56), (27, 45), (19, 41), (27, 37))
        sheet.ink(_hand(star, side), CREAM, 0.9)
        sheet.part(
            _hand(box(16, 66, 47, 90, 5), side), look.second, Form.TUBE, depth=1.4, weave=0.9
        )


def _hand(shape: Shape, side: int) -> Shape:
    """The left one's shape, or the right one's."""
    return mirrored(shape) if side else shape


def neck_warmer(sheet: Sheet, look: Look) -> None:
    """A knitted tube for the neck."""
    body = soft_poly((22, 30), (50, 24), (78, 30), (82, 60), (80, 86), (50, 92), (20, 86), (18, 60))
    sheet.part(body, look.main, Form.TUBE, depth=2.4, weave=0.9)
    sheet.part(oval(50, 29, 28, 9), darker(look.main, 0.5), Form.TUBE, depth=0.8, weave=0.6)
    for y in (46, 56, 66, 76):
        tone = look.second if y in (46, 66) else look.accent
        sheet.ink(stroke(curve((19, y), (50, y + 5), (81, y)), 3), tone, 0.8)
    sheet.part(box(60, 78, 70, 86, 0.8), CREAM, depth=0.4)
