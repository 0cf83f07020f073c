"""Boots, shoes, socks, and sticks to walk with."""

from origin.aio.site.pictures.colour import CREAM, darker, lighter
from origin.aio.site.pictures.look import Look
from origin.aio.site.pictures.shapes import (
    box,
    curve,
    dashes,
    mirrored,
    moved,
    oval,
    poly,
    soft_poly,
    stroke,
    turned,
)
from origin.aio.site.pictures.sheet import Form, Sheet


def boot(sheet: Sheet, look: Look) -> None:
    """A laced boot, seen from its side."""
    hide = (look.leather, darker(look.main, 0.1), look.leather, look.wood)[look.option(4)]
    sheet.part(
        soft_poly((34, 14), (52, 8), (60, 14), (58, 30), (40, 30)),
        lighter(hide, 0.15),
        depth=1.2,
        weave=0.4,
    )
    upper = soft_poly(
        (26, 16),
        (44, 13),
        (55, 17),
        (57, 36),
        (64, 50),
        (80, 60),
        (92, 70),
        (93, 82),
        (60, 84),
        (18, 84),
        (15, 66),
        (23, 46),
    )
    sheet.part(upper, hide, depth=2.6, weave=0.5)
    heel = soft_poly((16, 62), (22, 52), (34, 58), (36, 83), (17, 83))
    sheet.part(heel, darker(hide, 0.18), depth=1, weave=0.5)
    toe = soft_poly((70, 62), (82, 61), (93, 71), (93, 83), (66, 83), (64, 72))
    sheet.part(toe, darker(hide, 0.14), Form.BALL, depth=1.2, weave=0.4)
    sheet.part(
        soft_poly((24, 16), (44, 12), (56, 17), (56, 24), (44, 20), (25, 23)),
        look.second,
        Form.ROLL,
        depth=1.2,
        weave=0.7,
    )
    sheet.ink(dashes(curve((34, 58), (44, 50), (50, 36), (49, 22)), 0.45), CREAM, 0.7)
    lace = look.accent
    for at in range(6):
        y = 26 + at * 6
        x = 54 + max(0, at - 1) * 2.3
        sheet.part(stroke([(x - 8, y + 2.6), (x + 2.4, y)], 1.4), lace, depth=0.6)
        sheet.part(oval(x - 8, y + 2.6, 1.3), look.metal, Form.BALL, depth=0.4)
    sheet.part(stroke(curve((56, 26), (66, 20), (68, 30), (57, 29)), 1.1), lace, depth=0.5)
    sole = poly(
        (13, 82),
        (40, 83),
        (60, 82),
        (95, 81),
        (96, 86),
        (92, 93),
        (58, 93),
        (54, 89),
        (42, 89),
        (38, 94),
        (14, 94),
    )
    sheet.part(sole, (48, 44, 42), depth=1.3)
    sheet.part(poly((13, 81), (95, 80), (96, 84), (13, 85)), (196, 160, 112), depth=0.6)
    for lug in range(14):
        x = 15 + lug * 5.6
        if not 38 < x < 56:
            sheet.ink(box(x, 90, x + 2, 95), (20, 18, 18))


def shoe(sheet: Sheet, look: Look) -> None:
    """A low shoe with a bright sole."""
    cloth = look.main
    sheet.part(
        soft_poly((12, 50), (26, 40), (36, 44), (36, 56), (14, 60)),
        look.second,
        depth=1.2,
        weave=0.6,
    )
    upper = soft_poly(
        (10, 52),
        (22, 46),
        (36, 50),
        (48, 46),
        (62, 58),
        (80, 66),
        (93, 74),
        (94, 84),
        (50, 86),
        (10, 84),
    )
    sheet.part(upper, cloth, depth=2.2, weave=0.7)
    sheet.part(
        soft_poly((76, 66), (88, 70), (94, 78), (94, 84), (74, 84), (72, 74)),
        darker(cloth, 0.3),
        Form.BALL,
        depth=1,
    )
    sheet.part(soft_poly((9, 56), (18, 52), (24, 66), (24, 84), (9, 84)), look.accent, depth=0.9)
    sheet.part(poly((32, 84), (44, 62), (52, 64), (46, 84)), look.second, depth=0.6)
    sheet.part(poly((50, 84), (56, 68), (62, 70), (59, 84)), look.second, depth=0.6)
    for at in range(5):
        x, y = 41 + at * 5.4, 49 + at * 3.2
        sheet.part(stroke([(x - 2, y + 5), (x + 5, y)], 1.5), CREAM, depth=0.6)
    sole = soft_poly((8, 82), (50, 84), (95, 80), (96, 88), (88, 93), (50, 92), (12, 94), (7, 90))
    sheet.part(sole, CREAM if look.option(2) else lighter(look.wood, 0.2), Form.ROLL, depth=1.3)
    sheet.ink(stroke(curve((8, 91), (50, 90), (92, 90)), 2), darker(look.accent, 0.2))


def socks(sheet: Sheet, look: Look) -> None:
    """A pair of socks."""
    for side in (1, 0):
        sock = soft_poly(
            (30, 8),
            (52, 8),
            (53, 50),
            (62, 62),
            (80, 72),
            (82, 86),
            (66, 92),
            (46, 84),
            (31, 72),
            (29, 50),
        )
        place = moved(sock, 10, -1) if side else moved(sock, -6, 4)
        dx, dy = (10, -1) if side else (-6, 4)
        wool = darker(look.main, 0.12) if side else look.main
        sheet.part(place, wool, depth=2.2, weave=0.9)
        sheet.part(
            moved(box(29, 6, 53, 22, 3), dx, dy), look.second, Form.TUBE, depth=1.2, weave=0.9
        )
        for rib in range(6):
            x = 31.6 + rib * 3.6
            sheet.ink(moved(box(x, 7, x + 0.9, 21), dx, dy), darker(look.second, 0.5), 0.5)
        for y, tone in ((28, CREAM), (33, look.accent)):
            sheet.ink(moved(box(29, y, 53.4, y + 2.4), dx, dy), tone, 0.8)
        sheet.part(
            moved(soft_poly((29, 56), (40, 58), (42, 74), (34, 76), (29, 68)), dx, dy),
            look.second,
            depth=0.8,
            weave=0.9,
        )
        sheet.part(
            moved(soft_poly((70, 68), (81, 73), (82, 86), (70, 91), (66, 80)), dx, dy),
            look.second,
            depth=0.8,
            weave=0.9,
        )


def gaiters(sheet: Sheet, look: Look) -> None:
    """A pair of gaiters with a strap below."""
    for side in (0, 1):
        body = soft_poly(
            (10, 10),
            (28, 7),
            (46, 10),
            (45, 44),
            (47, 74),
            (49, 90),
            (28, 93),
            (7, 90),
            (9, 74),
            (11, 44),
        )
        sheet.part(mirrored(body) if side else body, look.main, Form.TUBE, depth=2, weave=0.4)
        low = poly((8.6, 62), (47, 62), (49, 90), (28, 93), (7, 90))
        sheet.part(mirrored(low) if side else low, (58, 60, 64), Form.TUBE, depth=0.8, weave=0.6)
        cuff = box(9, 8, 47, 17, 2)
        sheet.part(mirrored(cuff) if side else cuff, look.second, Form.TUBE, depth=0.9)
        closing = box(33, 12, 38, 90, 1)
        sheet.part(mirrored(closing) if side else closing, darker(look.main, 0.3), depth=0.7)
        hook = stroke(curve((14, 91), (28, 99), (42, 91)), 1.6)
        sheet.part(mirrored(hook) if side else hook, look.leather, depth=0.5)


def poles(sheet: Sheet, look: Look) -> None:
    """A crossed pair of walking poles."""
    for lean in (24, -24):
        for y0, y1, wide, colour in (
            (20, 56, 2.4, look.main),
            (54, 88, 1.9, look.metal),
            (86, 98, 1.2, (70, 74, 80)),
        ):
            sheet.part(
                turned(box(50 - wide, y0, 50 + wide, y1, 0.8), lean),
                colour,
                Form.TUBE,
                depth=0.9,
                contrast=1.4,
            )
        sheet.part(turned(oval(50, 88, 6, 2), lean), (52, 54, 58), depth=0.7)
        sheet.part(turned(box(47, 53, 53, 58, 1), lean), look.accent, depth=0.6)
        sheet.part(
            turned(
                soft_poly((46.4, 2), (53.6, 2), (53, 12), (52.6, 24), (47.4, 24), (47, 12)), lean
            ),
            look.wood,
            Form.TUBE,
            depth=1.2,
            weave=0.7,
        )
        strap = curve((50, 6), (60, 14), (58, 26), (51, 18))
        sheet.part(turned(stroke(strap, 1.6), lean), look.second, depth=0.5)


def stick(sheet: Sheet, look: Look) -> None:
    """A walking stick of hazel."""
    lean = 28
    stem = curve((51, 10), (49, 30), (51, 52), (49.4, 74), (50, 94))
    sheet.part(turned(stroke(stem, 4.4), lean), look.wood, depth=1.3, weave=0.5)
    for y in (34, 52, 69):
        sheet.part(turned(oval(50.4, y, 2.9, 1.5), lean), darker(look.wood, 0.35), depth=0.4)
    sheet.part(
        turned(box(46.6, 10, 53.4, 26, 3), lean), look.leather, Form.TUBE, depth=1, weave=0.5
    )
    for y in range(12, 26, 3):
        sheet.ink(turned(box(46.6, y, 53.4, y + 0.6), lean), darker(look.leather, 0.5), 0.7)
    sheet.part(turned(oval(51, 8, 5, 4.4), lean), darker(look.wood, 0.12), Form.BALL, depth=1)
    sheet.part(
        turned(poly((47.8, 88), (52.2, 88), (50.4, 99), (49.6, 99)), lean),
        look.metal,
        Form.TUBE,
        depth=0.6,
    )
    sheet.part(
        turned(stroke(curve((50, 24), (60, 32), (57, 44), (50, 28)), 1.1), lean),
        look.accent,
        depth=0.5,
    )


def ice_grips(sheet: Sheet, look: Look) -> None:
    """A pair of rubber frames with chains and spikes."""
    for side in (0, 1):
        band = curve(
            (28, 8),
            (14, 14),
            (12, 40),
            (17, 60),
            (13, 80),
            (20, 93),
            (28, 95),
            (36, 93),
            (43, 80),
            (39, 60),
            (44, 40),
            (42, 14),
            (28, 8),
        )
        sheet.part(mirrored(stroke(band, 3.6)) if side else stroke(band, 3.6), look.main, depth=1.2)
        for y0, y1 in ((26, 38), (38, 26), (50, 50), (72, 82), (82, 72)):
            chain = stroke([(14, y0), (42, y1)], 1.2)
            sheet.part(mirrored(chain) if side else chain, look.metal, depth=0.6)
        for x, y in ((22, 30), (34, 30), (28, 50), (22, 78), (34, 78), (28, 66)):
            spike = poly((x - 2.4, y + 2), (x, y - 3), (x + 2.4, y + 2))
            sheet.part(mirrored(spike) if side else spike, (206, 210, 214), depth=0.7, contrast=1.5)
