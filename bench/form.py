"""The form of results: what `bench/results/NAME.json` holds, and the same as a text table.

Pure: nothing here reads a clock, a file or the machine.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.metric import Metric

CASE = re.compile(r"[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*(?:/[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*)*")
"""Path-like words: `1KB/varied-heads`, `json-20KB/continental/1`. Their names never change."""
NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
"""Of a measurement and of a contestant: `hit`, `nginx-bbr`, `s3-fifo`."""
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_DIGITS = 4
"""Significant digits in tables: more than any of these measurements can tell."""


class FormError(ValueError):
    """Something is not a result; the message says what and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measured value of one run; None: this contestant cannot do it."""

    case: str
    metric: Metric
    contestant: str
    value: float | None


def samples(case: str, contestant: str, values: Mapping[Metric, float | None]) -> list[Sample]:
    """What one run of a contestant gave, by metric, in that order."""
    return [
        Sample(case=case, metric=metric, contestant=contestant, value=value)
        for metric, value in values.items()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One metric of one case, side by side."""

    case: str
    metric: Metric
    values: Mapping[str, float | None]
    """Medians by contestant; None: it cannot do this."""
    spread: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Least and greatest by contestant; none where there is no value."""

    def __post_init__(self) -> None:
        """Refuse what is not a row."""
        _check_row(self)

    @property
    def unit(self) -> str:
        """The metric's unit."""
        return self.metric.unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A measurement's outcome, with where and when it was measured."""

    bench: str
    date: str
    """UTC: `2026-11-22T13:49:10Z`."""
    commit: str
    """Of the project, with `-dirty` where the tree differed from it."""
    machine: Mapping[str, str | int]
    versions: Mapping[str, str]
    """By program."""
    rows: tuple[Row, ...]

    @property
    def contestants(self) -> list[str]:
        """All of them, in their order."""
        return list(dict.fromkeys(name for row in self.rows for name in row.values))

    def __post_init__(self) -> None:
        """Refuse what is not a result."""
        if not NAME.fullmatch(self.bench):
            raise FormError(f"bench: {self.bench!r} is not a name")
        if not _DATE.fullmatch(self.date):
            raise FormError(f"date: {self.date!r} is not of the form 2026-11-22T13:49:10Z")
        seen = [(row.case, row.metric) for row in self.rows]
        if twice := sorted({f"{c} {m}" for c, m in seen if seen.count((c, m)) > 1}):
            raise FormError(f"rows: {twice[0]} is there twice")


def merge(samples: Iterable[Sample]) -> tuple[Row, ...]:
    """One row per case and metric, in the order of their first sample: medians and spreads."""
    grouped: dict[tuple[str, Metric], dict[str, list[float | None]]] = {}
    for sample in samples:
        contestants = grouped.setdefault((sample.case, sample.metric), {})
        contestants.setdefault(sample.contestant, []).append(sample.value)
    return tuple(
        _merged(case, metric, contestants) for (case, metric), contestants in grouped.items()
    )


def _merged(case: str, metric: Metric, runs: Mapping[str, Sequence[float | None]]) -> Row:
    """A contestant that failed one of its runs has no value: half a result would flatter it."""
    whole = {
        contestant: [value for value in values if value is not None]
        for contestant, values in runs.items()
        if None not in values
    }
    return Row(
        case=case,
        metric=metric,
        values={name: median(whole[name]) if name in whole else None for name in runs},
        spread={name: (min(values), max(values)) for name, values in whole.items()},
    )


def to_json(result: Result) -> str:
    """The text of a result's file."""
    rows = [
        {
            "case": row.case,
            "metric": row.metric.value,
            "unit": row.unit,
            "values": {name: _rounded(value) for name, value in row.values.items()},
            "spread": {name: [*map(_rounded, both)] for name, both in row.spread.items()},
        }
        for row in result.rows
    ]
    whole = {
        "bench": result.bench,
        "date": result.date,
        "commit": result.commit,
        "machine": dict(result.machine),
        "versions": dict(result.versions),
        "rows": rows,
    }
    return json.dumps(whole, indent=2, allow_nan=False) + "\n"


def from_json(text: str) -> Result:
    """The result that a file's text holds.

    Raises:
        FormError: it is not of this form.
    """
    try:
        whole = json.loads(text)
        rows = tuple(_row(row) for row in whole.pop("rows"))
        return Result(**whole, rows=rows)
    except FormError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FormError(f"not a result: {error!r}") from error


def _row(given: dict[str, Any]) -> Row:
    if given["metric"] not in {*Metric}:
        raise FormError(f"metric: {given['metric']!r} is not one of ours")
    row = Row(
        case=given["case"],
        metric=Metric(given["metric"]),
        values=given["values"],
        spread={name: (low, high) for name, (low, high) in given["spread"].items()},
    )
    if given["unit"] != row.unit:
        raise FormError(f"unit: {row.metric} is measured in {row.unit}, not {given['unit']}")
    return row


def _check_row(row: Row) -> None:
    if not CASE.fullmatch(row.case):
        raise FormError(f"case: {row.case!r} is not a path of words")
    if wrong := [name for name in row.values if not NAME.fullmatch(name)]:
        raise FormError(f"{row.case}: {wrong[0]!r} is not a contestant's name")
    known = {name for name, value in row.values.items() if value is not None}
    if known != set(row.spread):
        raise FormError(f"{row.case}: a spread belongs to each value, and to nothing else")
    for name, (low, high) in row.spread.items():
        value = row.values[name] or 0.0
        if not (math.isfinite(low) and math.isfinite(high) and low <= value <= high):
            raise FormError(f"{row.case}: {name} {value} is not within {low} and {high}")


def table(result: Result) -> str:
    """A result as text: a column per contestant, each cell `median (least-greatest)`."""
    names = result.contestants
    lines = [["case", "metric", *names]]
    lines += [
        [row.case, row.metric.value, *(_cell(row, name) for name in names)] for row in result.rows
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = [
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    machine = ", ".join(f"{name} {value}" for name, value in result.machine.items())
    versions = ", ".join(f"{name} {value}" for name, value in result.versions.items())
    head = f"{result.bench}: {result.date}, commit {result.commit}\n{machine}\n{versions}\n"
    return "\n".join([head, *shown]) + "\n"


def _cell(row: Row, name: str) -> str:
    value = row.values.get(name)
    if value is None:
        return "-"
    low, high = row.spread[name]
    if low == high:
        return number(value)
    return f"{number(value)} ({number(low)}-{number(high)})"


def number(value: float) -> str:
    """A number with as many digits as it deserves: `12.35`, `0.0412`, `18,204`."""
    if value == 0 or round(abs(value)) >= 10**_DIGITS:
        return f"{value:,.0f}"
    return f"{value:.{_DIGITS}g}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
