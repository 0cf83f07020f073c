"""Stoves, pots, flasks and what lies beside them."""

from origin.aio.site.pictures.colour import CREAM, Colour, blend, darker, lighter
from origin.aio.site.pictures.look import Look
from origin.aio.site.pictures.shapes import (
    arc_points,
    box,
    curve,
    hole,
    mirrored,
    oval,
    poly,
    ring,
    soft_poly,
    stroke,
    turned,
)
from origin.aio.site.pictures.sheet import Form, Sheet

_STEEL: Colour = (176, 182, 186)
_BLUE: Colour = (92, 148, 226)


def stove(sheet: Sheet, look: Look) -> None:
    """A burner on a tank, with three arms for a pot."""
    tank = look.main if look.option(2) else look.metal
    for side in (0, 1):
        leg = stroke(curve((40, 70), (24, 80), (18, 95)), 3)
        sheet.part(mirrored(leg) if side else leg, darker(look.metal, 0.2), depth=0.9)
    sheet.part(
        soft_poly((26, 62), (50, 56), (74, 62), (78, 76), (72, 90), (50, 94), (28, 90), (22, 76)),
        tank,
        Form.TUBE,
        depth=2,
        contrast=1.5,
    )
    sheet.part(oval(50, 60, 22, 6), lighter(tank, 0.12), Form.BALL, depth=0.6)
    sheet.part(box(45, 44, 55, 62, 1.5), (200, 158, 84), Form.TUBE, depth=1)
    sheet.part(stroke([(55, 54), (82, 58)], 1.8), _STEEL, depth=0.6)
    sheet.part(oval(85, 58.4, 4.4), look.accent, Form.BALL, depth=0.8)
    for side in (0, 1):
        arm = stroke(curve((46, 48), (28, 42), (22, 26)), 2.4)
        sheet.part(mirrored(arm) if side else arm, (88, 92, 98), depth=0.8)
        top = box(18, 23, 34, 26.4, 1)
        sheet.part(mirrored(top) if side else top, (110, 114, 120), depth=0.6)
    sheet.part(box(36, 38, 64, 46, 3), (86, 90, 96), Form.TUBE, depth=1)
    for x in range(38, 63, 4):
        flame = soft_poly(
            (x, 38), (x + 2.2, 32), (x + 1.6, 24), (x, 20), (x - 1.6, 24), (x - 2.2, 32)
        )
        sheet.part(flame, blend(_BLUE, (220, 240, 255), 0.2), Form.ROLL, depth=0)


def pot(sheet: Sheet, look: Look) -> None:
    """A pot with a lid and a handle, sometimes a second one below."""
    metal = look.metal if look.option(3) else darker(look.main, 0.1)
    sheet.part(stroke(arc_points(50, 40, 33, 30, 180, 360), 1.8), _STEEL, depth=0.7)
    sheet.part(box(17, 40, 83, 92, 9), metal, Form.TUBE, depth=1.8, contrast=1.6)
    sheet.ink(box(17, 84, 83, 92, 6), (30, 26, 24), 0.25)
    for y in (60, 68, 76):
        sheet.ink(box(24, y, 32, y + 0.6), darker(metal, 0.5), 0.6)
    sheet.part(box(14, 36, 86, 43, 2.5), lighter(metal, 0.08), Form.TUBE, depth=1, contrast=1.5)
    sheet.part(
        soft_poly((18, 37), (30, 29), (50, 26), (70, 29), (82, 37), (50, 39)),
        lighter(metal, 0.1),
        Form.TUBE,
        depth=1,
        contrast=1.4,
    )
    sheet.part(oval(50, 25, 5.6, 4), look.wood, Form.BALL, depth=0.9)
    for side in (0, 1):
        ear = ring(17, 46, 4, 1.5)
        sheet.part(mirrored(ear) if side else ear, _STEEL, depth=0.6)
    if look.option(2):
        sheet.part(box(38, 6, 62, 12, 3), look.wood, Form.ROLL, depth=0.8)


def kettle(sheet: Sheet, look: Look) -> None:
    """A kettle with a spout."""
    skin = look.main if look.option(3) else look.metal
    sheet.part(stroke(arc_points(50, 40, 24, 32, 180, 360), 2.4), _STEEL, depth=0.8)
    sheet.part(box(38, 5, 62, 12, 3.4), look.wood, Form.ROLL, depth=1)
    sheet.part(
        poly((72, 74), (76, 56), (92, 36), (97, 38), (84, 70)), skin, depth=1.2, contrast=1.4
    )
    sheet.part(
        soft_poly((30, 42), (50, 36), (70, 42), (82, 70), (80, 90), (50, 94), (20, 90), (18, 70)),
        skin,
        Form.TUBE,
        depth=2,
        contrast=1.5,
    )
    sheet.part(
        soft_poly((30, 42), (40, 34), (60, 34), (70, 42), (50, 47)),
        lighter(skin, 0.1),
        Form.TUBE,
        depth=1.1,
        contrast=1.3,
    )
    sheet.part(oval(50, 33, 4.6, 3.8), look.wood, Form.BALL, depth=0.8)
    sheet.glass(soft_poly((28, 56), (33, 52), (31, 78), (26, 80)), (255, 255, 255), 0.35)
    if look.option(2):
        rng = look.rng()
        for _ in range(40):
            x, y = rng.uniform(24, 76), rng.uniform(52, 90)
            sheet.ink(oval(x, y, rng.uniform(0.3, 0.8)), CREAM, 0.8)


def skillet(sheet: Sheet, look: Look) -> None:
    """A pan from above."""
    iron = (58, 60, 64)
    sheet.part(
        turned(box(72, 46, 100, 54, 3.6), -32, (42, 54)),
        look.wood if look.option(2) else iron,
        Form.BOARD,
        depth=1.4,
    )
    sheet.part(turned(box(70, 47.4, 78, 52.6, 1), -32, (42, 54)), _STEEL, depth=0.8)
    sheet.part(oval(42, 58, 36), iron, depth=2.2, contrast=1.5)
    sheet.part(oval(42, 58, 31), darker(iron, 0.35), Form.BALL, depth=1, weave=0.7)
    if look.option(3):
        sheet.part(
            soft_poly((28, 50), (40, 44), (54, 52), (56, 64), (44, 72), (30, 66)),
            (250, 248, 240),
            depth=0.9,
            contrast=0.4,
        )
        sheet.part(oval(42, 58, 7), (246, 182, 58), Form.BALL, depth=0.9)
    else:
        for r in (10, 18, 26):
            sheet.ink(ring(42, 58, r, 0.4), lighter(iron, 0.2), 0.4)


def flask(sheet: Sheet, look: Look) -> None:
    """A vacuum flask with a cup for its lid."""
    body = look.main
    sheet.part(box(32, 30, 68, 95, 6), body, Form.TUBE, depth=1.8, contrast=1.5, weave=0.3)
    sheet.part(
        poly((32, 36), (38, 24), (62, 24), (68, 36)), body, Form.TUBE, depth=0.6, contrast=1.5
    )
    sheet.part(box(31, 86, 69, 95, 4), look.metal, Form.TUBE, depth=0.8, contrast=1.5)
    sheet.part(
        box(37, 5, 63, 26, 4),
        look.metal if look.option(2) else look.second,
        Form.TUBE,
        depth=1.2,
        contrast=1.5,
    )
    for y in (11, 15):
        sheet.ink(box(37, y, 63, y + 0.8), (40, 40, 44), 0.35)
    sheet.ink(box(32, 46, 68, 49), look.accent, 0.9)
    sheet.ink(poly((42, 72), (48, 61), (51.4, 66), (54, 62), (59, 72)), CREAM, 0.9)
    if look.option(3) == 1:
        sheet.part(
            stroke(curve((67, 44), (82, 46), (82, 72), (67, 74)), 3.6), look.leather, depth=1
        )


def bottle(sheet: Sheet, look: Look) -> None:
    """A water bottle with a loop."""
    skin = look.main if look.option(3) else _STEEL
    sheet.part(stroke(arc_points(50, 12, 9, 9, 170, 370), 2.4), (58, 60, 64), depth=0.8)
    sheet.part(box(40, 10, 60, 22, 2), (58, 60, 64), Form.TUBE, depth=1)
    body = soft_poly(
        (42, 22),
        (58, 22),
        (66, 34),
        (68, 46),
        (68, 90),
        (60, 95),
        (40, 95),
        (32, 90),
        (32, 46),
        (34, 34),
    )
    sheet.part(body, skin, Form.TUBE, depth=1.6, contrast=1.6)
    sheet.ink(box(32, 52, 68, 80), look.second, 0.9)
    sheet.ink(poly((37, 78), (45, 62), (50, 70), (56, 58), (64, 78)), lighter(look.second, 0.5))
    sheet.ink(oval(57, 57.6, 2.6), CREAM)
    sheet.glass(box(37, 36, 40.5, 88, 1.6), (255, 255, 255), 0.35)


def mug(sheet: Sheet, look: Look) -> None:
    """An enamel mug with a dark rim."""
    sheet.part((*oval(80, 60, 15, 18), *hole(oval(80, 60, 9.6, 12.4))), look.main, depth=1.3)
    sheet.part(
        poly((16, 30), (78, 30), (75, 88), (70, 93), (24, 93), (19, 88)),
        look.main,
        Form.TUBE,
        depth=1.7,
        contrast=1.3,
    )
    sheet.part(oval(47, 30, 31.4, 9), darker(look.accent, 0.35), depth=0.6)
    sheet.part(oval(47, 30.4, 29, 7.4), lighter(look.main, 0.5), Form.ROLL, depth=0.5)
    sheet.ink(oval(47, 33, 25.6, 4.6), (92, 56, 34))
    rng = look.rng()
    if look.option(2):
        for _ in range(70):
            x, y = rng.uniform(20, 74), rng.uniform(42, 90)
            sheet.ink(oval(x, y, rng.uniform(0.25, 0.7)), CREAM, 0.85)
    else:
        sheet.ink(poly((28, 74), (40, 56), (46, 64), (53, 52), (66, 74)), CREAM, 0.92)
        sheet.ink(oval(34, 55, 3), look.accent)
    sheet.glass(poly((22, 42), (26, 42), (27, 86), (24, 86)), (255, 255, 255), 0.3)


def board(sheet: Sheet, look: Look) -> None:
    """A wooden board to cut on, with bread."""
    sheet.part(box(42, 2, 58, 26, 5), look.wood, depth=1.2, weave=0.5)
    sheet.part(box(16, 18, 84, 95, 9), look.wood, depth=2, weave=0.5)
    sheet.part(oval(50, 9, 3), (60, 46, 36), depth=0)
    for line in range(9):
        x = 22 + line * 7
        sheet.ink(
            stroke(curve((x, 20), (x + 2, 50), (x - 1, 94)), 0.45), darker(look.wood, 0.35), 0.5
        )
    loaf = soft_poly((30, 58), (38, 44), (56, 42), (70, 54), (68, 70), (50, 77), (34, 72))
    sheet.part(loaf, (190, 124, 66), Form.BALL, depth=2.2, weave=0.7)
    for x in (42, 51, 60):
        sheet.ink(stroke(curve((x - 3, 52), (x + 2, 60), (x, 68)), 1.5), (240, 212, 160), 0.85)


def spoons(sheet: Sheet, look: Look) -> None:
    """A fan of spoons."""
    for at, lean in enumerate((-26, 0, 26)):
        stuff = look.wood if (at + look.variant) % 2 else _STEEL
        sheet.part(turned(box(48.2, 34, 51.8, 96, 1.8), lean, (50, 100)), stuff, Form.TUBE, depth=1)
        sheet.part(
            turned(
                soft_poly((50, 6), (57, 14), (56.4, 28), (50, 36), (43.6, 28), (43, 14)),
                lean,
                (50, 100),
            ),
            stuff,
            depth=1.2,
            contrast=1.3,
        )
        sheet.part(
            turned(
                soft_poly((50, 9), (54.6, 15), (54, 27), (50, 32), (46, 27), (45.4, 15)),
                lean,
                (50, 100),
            ),
            darker(stuff, 0.16),
            Form.BALL,
            depth=0.4,
        )
    sheet.part(turned(box(36, 74, 64, 82, 2), 0), look.leather, depth=1.1, weave=0.4)
