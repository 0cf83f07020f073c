"""Lanterns, torches and lamps."""

from origin.aio.site.pictures.colour import Colour, blend, darker, lighter
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
)
from origin.aio.site.pictures.sheet import Form, Sheet

_FLAME: Colour = (255, 196, 84)
_WARM: Colour = (255, 226, 160)


def lantern(sheet: Sheet, look: Look) -> None:
    """A storm lantern: tank, glass between two tubes, chimney and bail."""
    enamel = look.main if look.option(3) else look.metal
    sheet.part(stroke(arc_points(50, 34, 21.5, 30, 180, 360), 1.4), look.metal, depth=0.7)
    for side in (0, 1):
        tube = stroke(curve((30, 82), (24, 60), (27, 34), (42, 24)), 3.6)
        sheet.part(mirrored(tube) if side else tube, enamel, Form.TUBE, depth=1.1, contrast=1.3)
    sheet.part(
        soft_poly((38, 34), (62, 34), (67, 52), (60, 70), (40, 70), (33, 52)),
        _WARM,
        Form.BALL,
        depth=0.8,
        contrast=0.5,
    )
    sheet.glow(50, 54, 22, (255, 236, 176), 0.9)
    sheet.ink(soft_poly((50, 38), (56, 54), (50, 64), (44, 54)), _FLAME)
    sheet.ink(soft_poly((50, 48), (53, 57), (50, 63), (47, 57)), (255, 248, 220))
    for bend in (36, 64):
        sheet.part(
            stroke(curve((bend, 36), (bend + (bend - 50) * 0.28, 52), (bend, 68)), 0.7),
            look.metal,
            depth=0.3,
        )
    sheet.glass(soft_poly((39, 40), (42, 38), (41, 62), (37, 54)), (255, 255, 255), 0.5)
    sheet.part(box(37, 68, 63, 76, 2), enamel, Form.TUBE, depth=1, contrast=1.3)
    sheet.part(
        soft_poly((26, 82), (38, 75), (62, 75), (74, 82), (75, 90), (66, 95), (34, 95), (25, 90)),
        enamel,
        Form.TUBE,
        depth=1.6,
        contrast=1.4,
    )
    sheet.part(oval(68, 81, 3), look.metal, Form.BALL, depth=0.6)
    sheet.part(box(38, 28, 62, 35, 1.5), enamel, Form.TUBE, depth=0.9, contrast=1.3)
    sheet.part(
        poly((40, 29), (43, 16), (57, 16), (60, 29)), enamel, Form.TUBE, depth=1, contrast=1.3
    )
    sheet.part(
        soft_poly((38, 16), (50, 10), (62, 16), (58, 19), (42, 19)),
        enamel,
        Form.TUBE,
        depth=0.9,
        contrast=1.3,
    )


def candle_lantern(sheet: Sheet, look: Look) -> None:
    """A lantern with four panes and a candle."""
    frame = look.metal if look.option(2) else darker(look.main, 0.35)
    sheet.part(ring(50, 10, 7, 1.6), frame, depth=0.7)
    sheet.part(poly((50, 12), (74, 32), (26, 32)), frame, depth=1.3)
    sheet.part(box(42, 14, 58, 19, 1), darker(frame, 0.2), Form.TUBE, depth=0.7)
    sheet.part(box(29, 32, 71, 88), _WARM, Form.BALL, depth=0.3, contrast=0.6)
    sheet.glow(50, 54, 30, (255, 240, 190), 0.95)
    sheet.part(box(43, 62, 57, 87, 1.5), (248, 240, 220), Form.TUBE, depth=0.8)
    sheet.ink(box(49.6, 58, 50.4, 62), (60, 46, 38))
    sheet.ink(soft_poly((50, 42), (54.4, 54), (50, 60), (45.6, 54)), _FLAME)
    sheet.ink(soft_poly((50, 49), (52, 55), (50, 59), (48, 55)), (255, 250, 226))
    for x in (27, 48.9, 70):
        wide = 3.4 if x != 48.9 else 1.8
        sheet.part(box(x, 31, x + wide, 90), frame, Form.TUBE, depth=0.8)
    sheet.part(box(24, 30, 76, 34, 1), frame, Form.ROLL, depth=0.9)
    sheet.part(box(23, 87, 77, 94, 1.5), frame, Form.ROLL, depth=1.1)
    sheet.glass(poly((33, 38), (40, 38), (34, 62), (33, 62)), (255, 255, 255), 0.35)


def torch(sheet: Sheet, look: Look) -> None:
    """A hand torch, switched on."""
    body = look.main if look.option(2) else look.metal
    sheet.part(
        stroke(curve((50, 92), (58, 98), (66, 92), (62, 84), (52, 88)), 1.3),
        look.leather,
        depth=0.5,
    )
    sheet.part(box(42, 38, 58, 92, 4), body, Form.TUBE, depth=1.5, contrast=1.5)
    for row in range(9):
        y = 54 + row * 3.4
        sheet.part(box(41.4, y, 58.6, y + 1.7, 0.8), darker(body, 0.3), Form.TUBE, depth=0.3)
    sheet.part(
        poly((42, 44), (34, 24), (66, 24), (58, 44)), body, Form.TUBE, depth=1.3, contrast=1.5
    )
    sheet.part(box(32, 14, 68, 26, 3), look.metal, Form.TUBE, depth=1.2, contrast=1.5)
    sheet.part(oval(50, 14, 17, 5), _WARM, Form.BALL, depth=0.5)
    sheet.glow(50, 14, 14, (255, 255, 236), 0.9)
    sheet.part(oval(50, 48, 3.2), look.accent, Form.BALL, depth=0.7)


def headlamp(sheet: Sheet, look: Look) -> None:
    """A lamp on a band."""
    band = (*oval(50, 50, 43, 34), *hole(oval(50, 50, 37, 27)))
    sheet.part(band, look.main, Form.ROLL, depth=1.4, weave=0.6)
    for angle in (0, 1):
        stripe = stroke(arc_points(50, 50, 40, 30.5, 100, 175), 1.2)
        sheet.ink(mirrored(stripe) if angle else stripe, lighter(look.accent, 0.2))
    sheet.part(box(26, 56, 74, 92, 9), (48, 52, 58), depth=2.2)
    sheet.part(box(30, 59, 70, 89, 7), darker(look.main, 0.45), depth=0.8)
    sheet.part(oval(50, 74, 15), look.metal, depth=1.2, contrast=1.5)
    sheet.part(oval(50, 74, 12), _WARM, Form.BALL, depth=0.7, contrast=0.6)
    sheet.glow(50, 74, 14, (255, 255, 240), 1.0)
    sheet.part(box(58, 54, 68, 58, 1.6), look.accent, Form.ROLL, depth=0.7)


def tent_light(sheet: Sheet, look: Look) -> None:
    """A small hanging globe of light."""
    sheet.part(
        stroke(curve((50, 22), (44, 10), (50, 4), (57, 9), (54, 15)), 1.8), look.metal, depth=0.7
    )
    sheet.part(
        soft_poly((32, 34), (40, 22), (60, 22), (68, 34), (66, 40), (34, 40)),
        look.main,
        Form.TUBE,
        depth=1.4,
    )
    sheet.part(
        soft_poly((27, 40), (73, 40), (80, 60), (70, 82), (50, 88), (30, 82), (20, 60)),
        blend(_WARM, (255, 255, 255), 0.35),
        Form.BALL,
        depth=1,
        contrast=0.6,
    )
    sheet.glow(50, 60, 34, (255, 250, 220), 0.8)
    for bend in (-18, 0, 18):
        rib = stroke(
            curve((50 + bend * 0.8, 40), (50 + bend * 1.45, 60), (50 + bend * 0.6, 86)), 0.8
        )
        sheet.part(rib, look.main, depth=0.3)
    sheet.part(box(38, 84, 62, 92, 3), look.main, Form.TUBE, depth=1.1)
