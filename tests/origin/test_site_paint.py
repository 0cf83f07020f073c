"""The pictures' painter, which runs on developers' machines only."""

import pytest

paint = pytest.importorskip("origin.aio.site.paint", reason="the painter needs: pip install pillow")


def test_a_picture_can_be_made_again() -> None:
    """The same scene is the same picture each time."""
    scene = paint.Scene(name="small", mood=paint.DUSK, seed=5, size=(96, 64), stars=9, tent=True)
    one, other = paint.landscape(scene), paint.landscape(scene)
    assert one.size == (96, 64)
    assert one.tobytes() == other.tobytes()
    assert len(set(one.tobytes())) > 50


def test_a_map_has_lines_and_tints() -> None:
    """A topographic sheet is no plain area."""
    assert len(set(paint.topographic((64, 48), seed=2).tobytes())) > 20
