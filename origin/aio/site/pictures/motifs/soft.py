"""Blankets, pillows, mats and sleeping bags."""

import math

from origin.aio.site.pictures.colour import CREAM, Colour, darker, lighter
from origin.aio.site.pictures.look import Look
from origin.aio.site.pictures.shapes import (
    arc_points,
    box,
    curve,
    dashes,
    oval,
    poly,
    soft_poly,
    stroke,
)
from origin.aio.site.pictures.sheet import Form, Sheet


def blanket(sheet: Sheet, look: Look) -> None:
    """A folded pile of wool with a fringe and a strap."""
    for fold in range(3):
        y = 74 - fold * 13
        tone = lighter(look.main, 0.05 * fold)
        sheet.part(box(12 + fold, y, 88 - fold, y + 17, 8), tone, Form.ROLL, depth=2, weave=0.9)
        _stripes(sheet, look, y, 12 + fold)
    for thread in range(26):
        x = 16 + thread * 2.7
        sway = 1.2 * math.sin(thread * 2.1)
        sheet.part(stroke([(x, 89), (x + sway, 96)], 0.9), lighter(look.main, 0.15), depth=0.3)
    if look.option(2):
        for x in (30, 66):
            sheet.part(box(x, 46, x + 5, 92, 1.4), look.leather, depth=1, weave=0.4)
            sheet.part(box(x - 1, 64, x + 6, 71, 1), look.metal, depth=0.7)
    else:
        sheet.part(box(70, 66, 82, 76, 0.8), CREAM, depth=0.4, contrast=0.4)
        sheet.ink(poly((72, 74), (75.4, 69), (77, 71.4), (78.4, 70), (80.4, 74)), look.main)


def _stripes(sheet: Sheet, look: Look, y: float, left: float) -> None:
    match look.option(4):
        case 0:
            for stripe in (20, 24, 74, 78):
                sheet.ink(box(stripe, y, stripe + 2, y + 17), look.second, 0.9)
        case 1:
            for line in range(9):
                x = left + 4 + line * 8.4
                sheet.ink(box(x, y, x + 3, y + 17), look.second, 0.5)
            sheet.ink(box(left, y + 6, 100 - left, y + 9), look.accent, 0.45)
        case 2:
            sheet.ink(box(left + 2, y + 11, 98 - left, y + 13), look.accent, 0.9)
        case _:
            for x in range(round(left) + 4, 96 - round(left), 6):
                sheet.ink(
                    poly((x, y + 8), (x + 3, y + 4), (x + 6, y + 8), (x + 3, y + 12)),
                    look.second,
                    0.6,
                )


def pillow(sheet: Sheet, look: Look) -> None:
    """A plump pillow."""
    body = soft_poly((14, 34), (50, 30), (86, 34), (90, 60), (86, 86), (50, 90), (14, 86), (10, 60))
    sheet.part(body, look.main, Form.BALL, depth=3, weave=0.6)
    for x in (15, 85):
        for y in (35, 85):
            sheet.ink(
                stroke(curve((x, y), ((x + 50) / 2, (y + 60) / 2 + 4)), 0.6),
                darker(look.main, 0.4),
                0.4,
            )
    seam = [*arc_points(50, 60, 36, 25, 0, 360)]
    if look.option(2):
        sheet.ink(dashes(seam, 0.45, 2), CREAM, 0.8)
    else:
        for line in range(5):
            x = 26 + line * 12
            sheet.ink(stroke(curve((x, 34), (x + 2, 60), (x, 87)), 1.4), look.second, 0.75)
    sheet.part(box(84, 70, 92, 75, 0.8), look.accent, depth=0.5)


def sleeping_bag(sheet: Sheet, look: Look) -> None:
    """A mummy bag, quilted across, opened a little at its zip."""
    shell = look.main
    body = soft_poly(
        (34, 16), (50, 5), (66, 16), (74, 36), (69, 70), (62, 94), (38, 94), (31, 70), (26, 36)
    )
    sheet.part(body, shell, Form.TUBE, depth=3, contrast=1.1)
    for row in range(8):
        y = 34 + row * 7.4
        half = 24 - max(0, row - 1) * 1.7
        line = curve((50 - half, y), (50, y + 3), (50 + half, y))
        sheet.ink(stroke(line, 1.1), darker(shell, 0.45), 0.55)
        sheet.ink(stroke([(x, y2 + 1.4) for x, y2 in line], 0.9), lighter(shell, 0.4), 0.4)
    inner = soft_poly((39, 20), (50, 12), (61, 20), (62, 30), (50, 36), (38, 30))
    sheet.part(inner, look.second, depth=1.4)
    sheet.part(
        soft_poly((42, 24), (50, 20), (58, 24), (57, 31), (50, 33), (43, 31)),
        lighter(look.second, 0.4),
        Form.BALL,
        depth=1.4,
    )
    zipper = curve((61, 32), (66, 48), (62, 68))
    sheet.ink(stroke(zipper, 1.2), (44, 46, 50))
    sheet.ink(dashes(zipper, 0.5, 1), look.metal)
    sheet.part(stroke([(50, 35), (47, 45)], 0.9), look.accent, depth=0.5)
    sheet.part(oval(46.6, 46, 1.5), look.metal, Form.BALL, depth=0.4)


def mat(sheet: Sheet, look: Look) -> None:
    """A rolled mat with two straps, its spiral to the front."""
    sheet.part(box(26, 32, 92, 88, 6), look.main, Form.ROLL, depth=2, weave=0.7)
    for line in range(9):
        x = 44 + line * 5
        sheet.ink(stroke(curve((x, 33), (x + 1.6, 60), (x, 87)), 0.7), darker(look.main, 0.4), 0.35)
    sheet.part(oval(27, 60, 17, 28), darker(look.second, 0.1), Form.BALL, depth=1.4, weave=0.4)
    spiral = [
        (27 + 15 * (1 - t / 76) * math.cos(t / 4), 60 + 26 * (1 - t / 76) * math.sin(t / 4))
        for t in range(74)
    ]
    sheet.ink(stroke(spiral, 1), darker(look.second, 0.55), 0.8)
    for x in (52, 78):
        sheet.part(box(x, 31, x + 4.6, 89, 1.5), look.leather, Form.ROLL, depth=0.9)
        sheet.part(box(x - 1, 50, x + 5.6, 57, 1), look.metal, depth=0.7)


def cot(sheet: Sheet, look: Look) -> None:
    """A camp bed on crossed legs."""
    for x in (18, 50, 82):
        for lean in (-8, 8):
            sheet.part(stroke([(x - lean, 62), (x + lean, 92)], 2.4), look.wood, depth=0.8)
    sheet.part(poly((4, 64), (16, 50), (98, 50), (96, 64)), look.main, depth=1.6, weave=0.6)
    sheet.part(box(3, 62, 97, 67, 2.4), look.wood, Form.ROLL, depth=1)
    pad: Colour = lighter(look.second, 0.25)
    sheet.part(
        soft_poly((12, 50), (17, 42), (34, 42), (36, 50), (24, 54)), pad, Form.BALL, depth=1.6
    )
    sheet.part(
        soft_poly((38, 56), (48, 47), (94, 48), (95, 58), (60, 62)),
        look.accent,
        Form.ROLL,
        depth=1.4,
        weave=0.8,
    )
