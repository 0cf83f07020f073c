"""`midmile status --watch`: the supervisor's answer, again each second.

On a terminal it is a screen that is left as it was found; elsewhere a plain text a second, or with
`--json` a line.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from deploy.exits import ExitCode, Refusal
from deploy.logs.screen import harmless
from deploy.overview import words
from deploy.overview.graph import bars

REFRESH_S = 1.0
Status = Mapping[str, Any]
Ask = Callable[[], Status]

_STYLES = {"well": "green", "changing": "yellow", "partly": "yellow", "down": "bold red"}
_LEVELS = {"warning": "yellow", "error": "red", "critical": "bold red"}
_LEAST_TROUBLES = 4
"""Lines that are kept for troubles before workers get any."""
_FRAME_LINES = 10
"""Headings, the two curves, and empty lines between the blocks."""
_WIDE, _MIDDLING = 116, 90
"""Widths at which the table has all its columns, and most of them."""
_GRAPH_WIDTH, _LEAST_GRAPH = 30, 12
"""Of a node's curve, where the table leaves room."""
_CURVE_WIDTH, _CURVE_WORDS = 75, 34
"""Of the network's curves, and what is written beside them."""
_PLAIN_WIDTH = 150
"""Where there is no terminal to measure."""


def watch(ask: Ask, *, as_json: bool) -> None:
    """Show answers until Ctrl-C; `Refusal` (4) when the supervisor is gone."""
    # It is heard between two answers only: anywhere else it may meet code that ignores exceptions
    # (a finalizer), and would be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        _show(_answers(ask), as_json=as_json)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _show(answers: Iterator[Status], *, as_json: bool) -> None:
    if as_json:
        for status in answers:
            print(json.dumps(status), flush=True)
    elif sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        _on_screen(answers)
    else:
        console = Console(width=_PLAIN_WIDTH, color_system=None)
        for status in answers:
            console.print(screen(status, width=_PLAIN_WIDTH, height=1000))
            console.print()
            sys.stdout.flush()


def _on_screen(answers: Iterator[Status]) -> None:
    console = Console()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        for status in answers:
            size = console.size
            live.update(screen(status, width=size.width, height=size.height), refresh=True)


def _answers(ask: Ask) -> Iterator[Status]:
    yield ask()
    while True:
        if signal.sigtimedwait({signal.SIGINT}, REFRESH_S) is not None:
            raise KeyboardInterrupt
        try:
            status = ask()
        except Refusal as refusal:
            if refusal.code is not ExitCode.BUSY:
                raise
            raise Refusal("the network has stopped", ExitCode.BUSY) from None
        yield status


def screen(status: Status, *, width: int, height: int) -> RenderableType:
    """All that fits: nodes first, then troubles, then workers; columns as there is room."""
    nodes, workers = status["nodes"], sum(len(node["workers"]) for node in status["nodes"])
    room = height - len(nodes) - _FRAME_LINES
    with_workers = room - workers >= _LEAST_TROUBLES
    return Group(
        *_head(status),
        Text(),
        *_curves(status["history"], width),
        Text(),
        _table(nodes, width, with_workers=with_workers),
        Text(),
        *_troubles(status["troubles"], max(1, room - (workers if with_workers else 0))),
    )


def _head(status: Status) -> Iterator[Text]:
    totals = status["totals"]
    all_well = totals["nodes_well"] == totals["nodes"]
    yield _line(
        (status["network"], "bold"),
        f"  up {words.duration(status['uptime_s'])}  ",
        (f"{totals['nodes_well']} of {totals['nodes']} nodes well", "green" if all_well else "red"),
        (f"  {status['status']}", "dim"),
    )
    yield _line(
        f"{words.rate(totals['requests_per_s'])} req/s",
        f"  hits {words.ratio(totals['recent_hit_ratio'])} ({words.ratio(totals['hit_ratio'])})",
        f"  saved {words.ratio(totals['saved_ratio'])}",
        f"  errors {words.rate(totals['errors_per_s'])}/s",
        f"  cpu {words.share(totals['cpu_share'])}",
        f"  {words.size(totals['rss_bytes'])}",
    )


def _line(*parts: str | tuple[str, str]) -> Text:
    """A line that is cut where the terminal ends."""
    line = Text.assemble(*parts)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _curves(history: Status, width: int) -> Iterator[Text]:
    requests, hits = history["requests_per_s"], history["hit_ratio"]
    most = max(requests, default=0.0)
    minutes = f"{len(requests) * history['step_s'] / 60:.0f} min"
    room = max(10, min(_CURVE_WIDTH, width - _CURVE_WORDS))
    rows = (
        ("req/s", requests, most, "cyan", f"{words.rate(most)} at most in {minutes}"),
        ("hits", hits, 1.0, "green", ""),
    )
    for title, values, top, style, note in rows:
        yield _line((f"{title:<6}", "dim"), (bars(values, room, top=top), style), f" {note}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A column of the table, for nodes and (with the same keys) their workers."""

    title: str
    cell: Callable[[Status], RenderableType]
    least: int = 0
    """Width of a terminal that has room for it."""
    left: bool = False
    shared: bool = True
    """Whether workers have it too."""


def _state(told: Status) -> Text:
    shown = told["state"]
    if told.get("left_out_by"):
        shown += f", {words.answers(told['named_by'], told['left_out_by'])}"
    return Text(shown, style=_STYLES.get(told["condition"], "dim"))


def _ratio(key: str) -> Callable[[Status], RenderableType]:
    return lambda told: words.ratio(told[key]) if told["hits"] is not None else ""


_COLUMNS = (
    _Column(title="node", cell=lambda told: Text(told["name"]), left=True),
    _Column(title="role", cell=lambda told: Text(told["role"]), left=True, least=_WIDE),
    _Column(title="state", cell=_state, left=True),
    _Column(title="req/s", cell=lambda told: words.rate(told["requests_per_s"])),
    _Column(title="requests", cell=lambda told: words.count(told["requests"]), least=_MIDDLING),
    _Column(title="hits 1m", cell=_ratio("recent_hit_ratio"), shared=False),
    _Column(title="hits", cell=_ratio("hit_ratio"), least=_MIDDLING),
    _Column(title="errors", cell=lambda told: words.count(told["errors"]), shared=False),
    _Column(title="cpu", cell=lambda told: words.share(told["cpu_share"])),
    _Column(title="memory", cell=lambda told: words.size(told["rss_bytes"])),
    _Column(title="up", cell=lambda told: words.duration(told["uptime_s"]), least=_WIDE),
    _Column(title="restarts", cell=lambda told: str(told["restarts"]), least=_WIDE),
)


def _table(nodes: Sequence[Status], width: int, *, with_workers: bool) -> Table:
    columns = [column for column in _COLUMNS if column.least <= width]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.title, justify="left" if column.left else "right", no_wrap=True)
    room = min(_GRAPH_WIDTH, width - _WIDE)
    if room >= _LEAST_GRAPH:
        table.add_column("last minutes", no_wrap=True)
    for node in nodes:
        curve = bars(node["history"], room, top=max(node["history"], default=0.0))
        cells = [column.cell(node) for column in columns]
        table.add_row(*cells, *([Text(curve, "cyan")] if room >= _LEAST_GRAPH else []))
        for index, worker in enumerate(node["workers"] if with_workers else ()):
            told = {**worker, "name": f"  {node['name']}/{index}", "role": "worker"}
            table.add_row(
                *(column.cell(told) if column.shared else "" for column in columns), style="dim"
            )
    return table


def _troubles(troubles: Status, lines: int) -> Iterator[Text]:
    """The last warnings and errors, newest first; whatever is in them, they are text."""
    counts = f"{troubles['warnings']} warnings, {troubles['errors']} errors since start"
    yield _line(("last warnings and errors", "bold"), f"  {counts}")
    for trouble in troubles["last"][:lines]:
        yield _line(
            (f"{harmless(trouble['time'][11:19])} ", "dim"),
            f"{harmless(trouble['node'])} ",
            (f"{harmless(trouble['event'])} ", _LEVELS.get(trouble["level"], "")),
            harmless(trouble["text"]),
            f" × {trouble['times']}" if trouble["times"] > 1 else "",  # noqa: RUF001
        )
