"""A result as a picture: bars side by side, with whiskers from the least run to the greatest."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.form import Result, Row, number
from bench.metric import Metric

_CASE_INCHES = 0.24
_FAR_APART = 5
"""Cases of one axis differ by no more: bars of a tenth of an inch say nothing."""
_OURS = "midmile"
_OUR_COLOUR = "#c2410c"
_THEIR_COLOUR = "#64748b"
_COLOURS = ("#334155", "#64748b", "#94a3b8", "#cbd5e1", "#e2e8f0", "#f1f5f9")
"""Greys for all others: what is ours is to be found at a glance, whether it wins or loses."""


def draw(result: Result, file: Path) -> None:
    """Write a PNG with one panel per metric, or more where its values are far apart."""
    names = result.contestants
    coloured = colours(names)
    groups = panels(result.rows)
    heights = [1.1 + _CASE_INCHES * len(rows) * (len(names) + 1) for rows in groups]
    figure = Figure(figsize=(9, 0.6 + sum(heights)), layout="constrained")
    axes = figure.subplots(len(groups), squeeze=False, height_ratios=heights)[:, 0]
    for panel, rows in zip(axes, groups, strict=True):
        _draw_panel(panel, rows, coloured)
    figure.suptitle(f"{result.bench}, {result.date[:10]}, {result.machine.get('cpu', '')}")
    figure.savefig(file, dpi=110, metadata={"Software": None})


def draw_grid(result: Result, file: Path, lines: Sequence[Sequence[tuple[str, Metric]]]) -> None:
    """Write a PNG with a panel per case and metric, as they are given; what lacks stays empty.

    For results of so many rows that one below the other nobody would look at them. Each panel has
    its own axis, which begins at zero.
    """
    rows = {(row.case, row.metric): row for row in result.rows}
    names = result.contestants
    height = len(lines) * (0.6 + _CASE_INCHES * len(names))
    columns = max(map(len, lines))
    figure = Figure(figsize=(1.5 + 3.2 * columns, 0.6 + height), layout="constrained")
    axes = figure.subplots(len(lines), columns, squeeze=False)
    for at, line in enumerate(lines):
        for panel, key in zip(axes[at], line, strict=False):
            if key not in rows:
                panel.set_axis_off()
                continue
            panel.set_title(f"{key[0]}: {key[1]}", loc="left", size=8)
            panel.tick_params(labelsize=7)
            _draw_one(panel, rows[key], names)
    figure.suptitle(f"{result.bench}, {result.date[:10]}, {result.machine.get('cpu', '')}", size=10)
    figure.savefig(file, dpi=110, metadata={"Software": None})


def _draw_one(panel: Axes, row: Row, names: Sequence[str]) -> None:
    """A bar per contestant, with its spread and its value."""
    for at, name in enumerate(names):
        value = row.values.get(name)
        if value is None:
            continue
        low, high = row.spread[name]
        colour = _OUR_COLOUR if name.startswith(_OURS) else _THEIR_COLOUR
        panel.barh(at, value, xerr=[[value - low], [high - value]], color=colour)
        panel.annotate(
            number(value), (high, at), (3, 0), textcoords="offset points", va="center", size=6
        )
    panel.set_yticks(range(len(names)), names)
    panel.invert_yaxis()
    panel.margins(x=0.2)
    _begin_at_zero(panel)


def _begin_at_zero(panel: Axes) -> None:
    """Bars would lie without; what is less than nothing reaches to the left of it."""
    if panel.dataLim.x0 >= 0:
        panel.set_xlim(left=0)


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each contestant."""
    others = cycle(_COLOURS)
    return {name: _OUR_COLOUR if name == _OURS else next(others) for name in names}


def panels(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows that share an axis: those of a metric; by their case's first word if values differ much.

    An axis begins at zero and is linear, else bars would lie.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    wide = {row.metric for row in rows if _is_wide([r for r in rows if r.metric is row.metric])}
    for row in rows:
        family = row.case.partition("/")[0] if row.metric in wide else ""
        groups.setdefault((row.metric, family), []).append(row)
    return list(groups.values())


def _is_wide(rows: Sequence[Row]) -> bool:
    greatest = [max((value or 0 for value in row.values.values()), default=0) for row in rows]
    return max(greatest) > _FAR_APART * min(greatest)


def _draw_panel(panel: Axes, rows: Sequence[Row], colours: Mapping[str, str]) -> None:
    names = [name for name in colours if any(row.values.get(name) is not None for row in rows)]
    step = len(names) + 1
    for place, name in enumerate(names):
        bars = [
            (at * step + place, value, row.spread[name])
            for at, row in enumerate(rows)
            if (value := row.values.get(name)) is not None
        ]
        values = [value for _, value, _ in bars]
        whiskers = [
            [value - low for _, value, (low, _) in bars],
            [high - value for _, value, (_, high) in bars],
        ]
        lines = [at for at, _, _ in bars]
        panel.barh(lines, values, xerr=whiskers, color=colours[name], label=name)
        for at, value, (_, high) in bars:
            panel.annotate(
                number(value), (high, at), (4, 0), textcoords="offset points", va="center", size=7
            )
    ticks = [at * step + (len(names) - 1) / 2 for at in range(len(rows))]
    panel.set_yticks(ticks, [row.case for row in rows])
    panel.invert_yaxis()
    panel.margins(x=0.12)
    _begin_at_zero(panel)
    panel.set_title(rows[0].metric.value, loc="left", size=10)
    if names:
        # Beside the panel: within it there would be bars behind it.
        panel.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
