"""Pictures: which bars share an axis."""

from pathlib import Path

from bench.form import Result, Row
from bench.metric import Metric
from bench.picture import draw, draw_grid, panels


def _row(case: str, value: float | None, metric: Metric = Metric.P50_MS) -> Row:
    spread = {} if value is None else {"midmile": (value, value)}
    return Row(case=case, metric=metric, values={"midmile": value}, spread=spread)


def _result(bench: str, rows: tuple[Row, ...]) -> Result:
    date = "2026-11-22T13:49:10Z"
    return Result(bench=bench, date=date, commit="x", machine={}, versions={}, rows=rows)


def test_what_is_alike_shares_an_axis() -> None:
    """A panel per metric."""
    rows = [_row("1KB/x", 1), _row("10KB/x", 2), _row("1KB/x", 3, Metric.P99_MS)]
    assert panels(rows) == [rows[:2], rows[2:]]


def test_what_is_far_apart_does_not() -> None:
    """Bars of 1 KB would be dots beside those of 1 MB; a case's first word says what is alike."""
    rows = [_row("1KB/x", 1), _row("1KB/y", 2), _row("1MB/x", 90)]
    assert panels(rows) == [rows[:2], rows[2:]]


def test_a_grid_shows_what_there_is(tmp_path: Path) -> None:
    """A smoke has one path of three, and some contestants lack values."""
    rows = (_row("page/near", 20.5), _row("page/far", None))
    result = _result("page", rows)
    panels = [[(f"page/{path}", Metric.P50_MS) for path in ("near", "far", "moon")]]
    draw_grid(result, tmp_path / "page.png", panels)
    assert (tmp_path / "page.png").stat().st_size > 1000


def test_a_panel_may_be_empty(tmp_path: Path) -> None:
    """Nobody could do it."""
    rows = (_row("page", None), _row("304", 0))
    result = _result("hit", rows)
    draw(result, tmp_path / "hit.png")
    assert (tmp_path / "hit.png").stat().st_size > 1000


def test_a_value_may_be_less_than_nothing(tmp_path: Path) -> None:
    """Memory that was given back, say; it still has its bar."""
    for name, rows in {
        "all": (_row("x", -16.4),),
        "some": (_row("x", -16.4), _row("y", 3)),
    }.items():
        draw(_result("disk", rows), tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 1000
