"""Everything that carries other things, and things that are kept in pouches."""

from origin.aio.site.pictures.colour import CREAM, Colour, darker, lighter
from origin.aio.site.pictures.look import Look
from origin.aio.site.pictures.shapes import (
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

_AID: Colour = (38, 122, 84)
"""The green of first aid (ISO 7010); a red cross on white is not for shops."""


def _buckle(sheet: Sheet, look: Look, x: float, y: float, size: float = 2.6) -> None:
    sheet.part(
        (*box(x - size, y - size, x + size, y + size, 1),), look.metal, depth=0.7, contrast=1.4
    )
    sheet.ink(
        box(x - size * 0.5, y - size * 0.5, x + size * 0.5, y + size * 0.5), (40, 34, 30), 0.8
    )


def rucksack(sheet: Sheet, look: Look) -> None:
    """A rucksack with a lid, one or two pockets, and sometimes a rolled mat."""
    cloth, trim = look.main, look.leather if look.option(2) else look.second
    tall = 12 if look.option(3) else 20
    sheet.part(stroke(arc_points(50, tall + 4, 8, 9, 180, 360), 2.6), darker(trim, 0.1), depth=1)
    for side in (0, 1):
        strap = stroke(curve((30, 30), (16, 46), (15, 70), (26, 90)), 5)
        sheet.part(mirrored(strap) if side else strap, darker(trim, 0.2), depth=1)
    if look.option(4) == 1:
        sheet.part(
            box(20, tall - 6, 80, tall + 10, 8), look.accent, Form.ROLL, depth=1.4, weave=0.4
        )
    body = soft_poly(
        (27, tall + 12),
        (50, tall + 6),
        (73, tall + 12),
        (79, 60),
        (77, 90),
        (50, 95),
        (23, 90),
        (21, 60),
    )
    sheet.part(body, cloth, Form.BOARD, depth=2.6, weave=0.5)
    for side in (0, 1):
        pocket = soft_poly((16, 60), (26, 57), (28, 88), (18, 91))
        sheet.part(
            mirrored(pocket) if side else pocket,
            darker(cloth, 0.12),
            Form.TUBE,
            depth=1.4,
            weave=0.5,
        )
    sheet.part(box(31, 58, 69, 90, 5), darker(cloth, 0.06), depth=1.7, weave=0.5)
    flap = poly((30, 57), (70, 57), (70, 66), (62, 70), (38, 70), (30, 66))
    sheet.part(flap, lighter(cloth, 0.07), depth=1.3, weave=0.5)
    sheet.ink(dashes([(32, 65), (39, 68.4), (61, 68.4), (68, 65)], 0.4), CREAM, 0.7)
    lid = soft_poly(
        (24, tall + 6),
        (50, tall),
        (76, tall + 6),
        (80, tall + 26),
        (68, 46),
        (50, 48),
        (32, 46),
        (20, tall + 26),
    )
    sheet.part(lid, lighter(cloth, 0.1), depth=2.2, weave=0.5)
    for x in (37, 63):
        sheet.part(box(x - 2, 34, x + 2, 60, 1), trim, depth=0.9, weave=0.3)
        _buckle(sheet, look, x, 52)
    sheet.part(box(48, 63, 52, 80, 1), trim, depth=0.8)
    _buckle(sheet, look, 50, 74, 2.2)
    sheet.part(box(44, tall + 12, 56, tall + 19, 1), trim, depth=0.4)


def small_pack(sheet: Sheet, look: Look) -> None:
    """A rounded day pack with a curved zip."""
    cloth = look.main
    for side in (0, 1):
        strap = stroke(curve((34, 26), (16, 44), (15, 68), (28, 88)), 4.6)
        sheet.part(mirrored(strap) if side else strap, darker(cloth, 0.4), depth=1)
    sheet.part(stroke(arc_points(50, 13, 7, 8, 180, 360), 2.4), look.accent, depth=0.9)
    body = soft_poly(
        (34, 14), (50, 10), (66, 14), (77, 34), (79, 84), (68, 94), (32, 94), (21, 84), (23, 34)
    )
    sheet.part(body, cloth, depth=2.8, weave=0.5)
    zipper = curve((26, 62), (27, 34), (38, 20), (62, 20), (73, 34), (74, 62))
    sheet.ink(stroke(zipper, 1.3), darker(cloth, 0.55))
    sheet.ink(dashes(zipper, 0.4, 1), look.metal)
    pocket = soft_poly((28, 62), (50, 58), (72, 62), (73, 86), (66, 91), (34, 91), (27, 86))
    sheet.part(pocket, look.second if look.option(2) else darker(cloth, 0.15), depth=1.8, weave=0.5)
    sheet.ink(stroke(curve((32, 67), (50, 64), (68, 67)), 1), darker(cloth, 0.6))
    sheet.part(stroke([(68, 67), (71, 75)], 1.2), look.accent, depth=0.5)
    sheet.part(box(40, 34, 60, 46, 1.5), look.leather, depth=0.7, weave=0.3)
    sheet.ink(poly((44, 43), (49, 36.4), (51.5, 40), (53.5, 37.6), (57, 43)), CREAM, 0.85)


def duffel(sheet: Sheet, look: Look) -> None:
    """A long bag with two handles."""
    cloth, trim = look.main, look.leather
    sheet.part(
        stroke(curve((32, 48), (36, 24), (50, 18), (64, 24), (68, 48)), 3),
        darker(trim, 0.25),
        depth=1,
    )
    body = soft_poly(
        (10, 50), (22, 40), (50, 38), (78, 40), (90, 50), (92, 78), (84, 90), (16, 90), (8, 78)
    )
    sheet.part(body, cloth, Form.ROLL, depth=2.6, weave=0.5)
    for side in (0, 1):
        end = soft_poly((9, 52), (20, 43), (22, 66), (21, 89), (13, 88), (7, 76))
        sheet.part(
            mirrored(end) if side else end,
            trim if look.option(2) else darker(cloth, 0.2),
            depth=1.2,
            weave=0.3,
        )
    sheet.ink(stroke(curve((22, 46), (50, 43), (78, 46)), 1.2), darker(cloth, 0.6))
    sheet.ink(dashes(curve((22, 46), (50, 43), (78, 46)), 0.5, 1.1), look.metal)
    for x in (32, 68):
        sheet.part(box(x - 2.6, 46, x + 2.6, 91, 1), trim, depth=0.9, weave=0.3)
        _buckle(sheet, look, x, 60)
    front = curve((32, 60), (37, 34), (50, 29), (63, 34), (68, 60))
    sheet.part(stroke(front, 3), trim, depth=1.2)
    sheet.part(box(44, 26.5, 56, 33, 3), darker(trim, 0.3), Form.ROLL, depth=0.8)
    sheet.part(box(40, 62, 60, 76, 2), lighter(cloth, 0.08), depth=1, weave=0.5)


def satchel(sheet: Sheet, look: Look) -> None:
    """A bag with a flap and a long strap; panniers and map cases are of this sort."""
    cloth, trim = look.main, look.leather
    sheet.part(stroke(curve((18, 50), (20, 14), (50, 3), (80, 14), (82, 50)), 3.2), trim, depth=1)
    sheet.part(box(14, 36, 86, 93, 7), darker(cloth, 0.12), depth=2.4, weave=0.5)
    flap = soft_poly((13, 36), (50, 32), (87, 36), (88, 62), (74, 74), (50, 77), (26, 74), (12, 62))
    sheet.part(flap, cloth, depth=2, weave=0.5)
    edge = curve((16, 62), (28, 71), (50, 74), (72, 71), (84, 62))
    sheet.ink(dashes(edge, 0.45), CREAM, 0.75)
    for x in (32, 68) if look.option(2) else (50,):
        sheet.part(box(x - 2.6, 44, x + 2.6, 86, 1.3), trim, depth=0.9, weave=0.3)
        _buckle(sheet, look, x, 76)
    if look.option(3) == 0:
        sheet.part(box(10, 82, 90, 94, 5), trim, Form.ROLL, depth=1, weave=0.3)
    if look.option(3) == 2:
        sheet.part(box(24, 50, 40, 58, 1), (236, 232, 220), depth=0.4, contrast=0.4)
        sheet.part(box(24, 50, 40, 53), look.accent, depth=0)


def hip_pack(sheet: Sheet, look: Look) -> None:
    """A small bag on a belt."""
    cloth = look.main
    sheet.part(
        stroke(curve((14, 54), (4, 40), (24, 22), (50, 19), (76, 22), (96, 40), (86, 54)), 4),
        darker(cloth, 0.45),
        depth=1,
    )
    sheet.part(box(44, 14, 56, 24, 2), (44, 46, 50), depth=0.9)
    body = soft_poly((12, 44), (50, 38), (88, 44), (90, 66), (74, 84), (50, 87), (26, 84), (10, 66))
    sheet.part(body, cloth, Form.ROLL, depth=2.4, weave=0.5)
    front = soft_poly((22, 58), (50, 55), (78, 58), (76, 72), (66, 80), (34, 80), (24, 72))
    sheet.part(front, look.second, depth=1.5, weave=0.5)
    line = curve((16, 50), (50, 45), (84, 50))
    sheet.ink(stroke(line, 1.2), darker(cloth, 0.6))
    sheet.ink(dashes(line, 0.5, 1.1), look.metal)
    sheet.part(stroke([(80, 50), (82, 60)], 1.4), look.accent, depth=0.5)


def dry_bag(sheet: Sheet, look: Look) -> None:
    """A roll-top sack with a buckle."""
    cloth = look.main
    body = soft_poly(
        (30, 30), (50, 28), (70, 30), (75, 48), (75, 84), (66, 94), (34, 94), (25, 84), (25, 48)
    )
    sheet.part(body, cloth, Form.TUBE, depth=2, contrast=1.3)
    sheet.ink(box(20, 58, 80, 62), darker(cloth, 0.35), 0.6)
    sheet.part(
        poly((29, 32), (32, 20), (68, 20), (71, 32)), darker(cloth, 0.08), Form.TUBE, depth=1
    )
    sheet.part(box(30, 14, 70, 22, 3.5), lighter(cloth, 0.05), Form.ROLL, depth=1.2)
    clasp = curve((32, 18), (26, 8), (50, 3), (74, 8), (68, 18))
    sheet.part(stroke(clasp, 2.6), (48, 50, 54), depth=0.9)
    sheet.part(box(43, 1.4, 57, 8, 2), (36, 38, 42), depth=0.8)
    sheet.part(ring(76, 50, 4, 1.3), look.metal, depth=0.5)
    sheet.ink(box(38, 68, 62, 70), CREAM, 0.9)
    sheet.ink(box(42, 73, 58, 74.4), CREAM, 0.9)
    if look.option(2):
        sheet.part(oval(50, 44, 6.5), look.second, depth=0.4)
        sheet.ink(poly((50, 38.6), (52, 44), (50, 49.4), (48, 44)), CREAM)


def kit_pouch(sheet: Sheet, look: Look) -> None:
    """A zipped pouch with a sign on it."""
    cloth = _AID if look.option(3) == 0 else look.main
    sheet.part(box(14, 28, 86, 86, 9), cloth, depth=2.6, weave=0.5)
    line = curve((16, 40), (50, 37), (84, 40))
    sheet.ink(stroke(line, 1.3), darker(cloth, 0.6))
    sheet.ink(dashes(line, 0.5, 1.1), look.metal)
    sheet.part(stroke([(80, 40), (87, 48)], 1.6), look.accent, depth=0.6)
    sheet.part(stroke(curve((20, 30), (14, 20), (26, 14), (32, 28)), 2), look.leather, depth=0.8)
    sheet.part(oval(50, 63, 14), CREAM, depth=0.6, contrast=0.4)
    match look.option(3):
        case 2:
            for turn in ((42, 55, 58, 71), (58, 55, 42, 71)):
                sheet.ink(stroke([(turn[0], turn[1]), (turn[2], turn[3])], 2.6), cloth)
        case _:
            sheet.ink(box(47.4, 54, 52.6, 72), _AID)
            sheet.ink(box(41, 60.4, 59, 65.6), _AID)


def tool_roll(sheet: Sheet, look: Look) -> None:
    """A cloth opened flat, with tools in its pockets."""
    cloth = look.main
    sheet.part(box(8, 26, 92, 86, 3), cloth, depth=1.4, weave=0.6)
    rng = look.rng()
    for slot in range(6):
        x, top = 17 + slot * 13.2, rng.uniform(14, 24)
        match (slot + look.variant) % 3:
            case 0:
                sheet.part(box(x - 1.2, top + 10, x + 1.2, 70), look.metal, Form.TUBE, depth=0.8)
                sheet.part(oval(x, top + 8, 3.8, 6), look.metal, Form.BALL, depth=0.8)
            case 1:
                sheet.part(box(x - 2, top + 20, x + 2, 70), look.metal, Form.TUBE, depth=0.8)
                sheet.part(box(x - 2.6, top, x + 2.6, top + 26, 2.4), look.wood, Form.TUBE, depth=1)
            case _:
                sheet.part(box(x - 1.6, top + 14, x + 1.6, 70), look.metal, Form.TUBE, depth=0.8)
                for tine in (-2.4, 0, 2.4):
                    sheet.part(
                        box(x + tine - 0.6, top, x + tine + 0.6, top + 16, 0.5),
                        look.metal,
                        Form.TUBE,
                        depth=0.4,
                    )
    sheet.part(box(8, 54, 92, 86, 3), lighter(cloth, 0.08), depth=1, weave=0.6)
    for slot in range(1, 6):
        x = 10.4 + slot * 13.2
        sheet.ink(dashes([(x, 55), (x, 85)], 0.4), CREAM, 0.8)
    sheet.part(box(88, 40, 98, 44, 1), look.leather, depth=0.7)


def tin(sheet: Sheet, look: Look) -> None:
    """A round tin with a printed lid."""
    sheet.part(box(14, 54, 86, 84, 8), look.metal, Form.TUBE, depth=1.2, contrast=1.4)
    sheet.part(oval(50, 82, 36, 10), darker(look.metal, 0.1), Form.TUBE, depth=0)
    sheet.part(box(12, 44, 88, 60, 7), look.main, Form.TUBE, depth=1.4)
    sheet.part(oval(50, 44, 38, 14), lighter(look.main, 0.1), depth=0.9, contrast=0.8)
    sheet.part(oval(50, 44, 31, 11), CREAM, depth=0.2, contrast=0.4)
    ridge = ((30, 48), (42, 38), (49, 43), (56, 36), (70, 48))
    sheet.ink(poly(*ridge), look.second)
    sheet.ink(box(38, 50, 62, 51.4), darker(look.main, 0.3))
