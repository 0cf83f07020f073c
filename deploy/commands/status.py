"""`midmile status`: the supervisor's answer as a table."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_COLUMNS = ("node", "role", "state", "pid", "restarts", "uptime", "requests", "hit ratio", "admin")
_RIGHT = frozenset({"pid", "restarts", "uptime", "requests", "hit ratio"})
_LEAST_WIDTH = 120
_STYLES = {"ready": "green", "asleep": "red", "paused": "red", "stopped": "dim"}


def print_status(status: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a `status` answer."""
    if as_json:
        print(json.dumps(with_ratios(status), indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in _COLUMNS:
        table.add_column(column, justify="right" if column in _RIGHT else "left", no_wrap=True)
    for node in status["nodes"]:
        for row in _rows(node):
            table.add_row(*row)
    console = Console()
    console.width = max(console.width, _LEAST_WIDTH)  # a wrapped row says more than a cut one
    console.print(f"network {status['network']}, up for {duration(status['uptime_s'])}\n")
    console.print(table, crop=False)


def with_ratios(status: Mapping[str, Any]) -> dict[str, Any]:
    """The answer with each node's hit ratio (None without a cache or a request)."""
    nodes = [{**node, "hit_ratio": hit_ratio(node)} for node in status["nodes"]]
    return {**status, "nodes": nodes}


def hit_ratio(node: Mapping[str, Any]) -> float | None:
    """The part of a node's requests that its cache has answered."""
    requests, hits = node["requests"], node["hits"]
    return hits / requests if requests and hits is not None else None


def duration(seconds: float) -> str:
    """A time span, in its two largest units."""
    whole = int(seconds)
    days, hours, minutes = whole // 86_400, whole // 3_600 % 24, whole // 60 % 60
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m {whole % 60}s" if minutes else f"{whole}s"


def _rows(node: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    ratio = hit_ratio(node)
    yield (
        node["name"],
        node["role"],
        _state(node["state"]),
        str(node["pid"] or ""),
        str(node["restarts"]),
        duration(node["uptime_s"]),
        str(node["requests"]),
        "" if ratio is None else f"{ratio:.1%}",
        escape(node["admin"]),
    )
    for index, worker in enumerate(node["workers"]):
        yield (
            f"  {node['name']}/{index}",
            "",
            _state(worker["state"]),
            str(worker["pid"] or ""),
            str(worker["restarts"]),
            duration(worker["uptime_s"]),
        )


def _state(state: str) -> str:
    style = _STYLES.get(state, "yellow")
    return f"[{style}]{state}[/{style}]"
