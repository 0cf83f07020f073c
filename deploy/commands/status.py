"""`midmile status`: the supervisor's answer as a table."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.overview import words

_COLUMNS = (
    *("node", "role", "state", "pid", "restarts", "uptime", "requests", "req/s", "hit ratio"),
    *("errors", "cpu", "memory", "admin"),
)
_LEFT = frozenset({"node", "role", "state", "admin"})
_LEAST_WIDTH = 140
_STYLES = {"well": "green", "changing": "yellow", "partly": "yellow", "down": "red"}


def print_status(status: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a `status` answer."""
    if as_json:
        print(json.dumps(status, indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in _LEFT else "right", no_wrap=True)
    for node in status["nodes"]:
        for row in _rows(node):
            table.add_row(*row)
    console = Console()
    console.width = max(console.width, _LEAST_WIDTH)  # a wrapped row says more than a cut one
    up = words.duration(status["uptime_s"])
    console.print(f"network {status['network']}, up for {up}, {escape(status['status'])}\n")
    console.print(table, crop=False)
    troubles = status["troubles"]
    if troubles["last"]:
        counts = f"{troubles['warnings']} warnings and {troubles['errors']} errors"
        console.print(f"\n{counts} since start; the last ones: midmile status --watch")


def _rows(node: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    yield (
        *_row(node["name"], node["role"], node),
        str(node["errors"]),
        *_load(node),
        escape(node["admin"]),
    )
    for index, worker in enumerate(node["workers"]):
        yield (*_row(f"  {node['name']}/{index}", "", worker), "", *_load(worker), "")


def _row(name: str, role: str, told: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns up to the hit ratio, which nodes and workers share."""
    return (
        name,
        role,
        _state(told),
        str(told["pid"] or ""),
        str(told["restarts"]),
        words.duration(told["uptime_s"]),
        str(told["requests"]),
        words.rate(told["requests_per_s"]),
        "" if told["hit_ratio"] is None else f"{told['hit_ratio']:.1%}",
    )


def _load(told: Mapping[str, Any]) -> tuple[str, str]:
    return words.share(told["cpu_share"]), words.size(told["rss_bytes"])


def _state(told: Mapping[str, Any]) -> str:
    style, state = _STYLES.get(told["condition"], "dim"), told["state"]
    if told.get("left_out_by"):
        state += f", {words.answers(told['named_by'], told['left_out_by'])}"
    return f"[{style}]{state}[/{style}]"
