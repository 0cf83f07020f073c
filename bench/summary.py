"""The table in the top README: what `bench/results` says, whoever wins.

`python -m bench.summary` writes it there. A test keeps it current, so a new result shows at once.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.form import Result, Row, from_json, number
from bench.metric import Metric
from bench.programs import ROOT

README = ROOT / "README.md"
RESULTS = ROOT / "bench" / "results"
_OURS = "midmile"
_WITHOUT = "direct"
"""Begins the names of those that are no CDN."""
_IDEAL = "belady"
"""Knows the future, so nobody can run it."""
_MARKED = re.compile(r"(?<=<!-- bench\.summary -->\n).*?(?=<!-- end -->)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """What a reader wants to know. Of all these metrics less is better."""

    question: str
    bench: str
    case: str
    metric: Metric


_LINES = tuple(
    _Line(question=question, bench=bench, case=case, metric=metric)
    for question, bench, case, metric in (
        ("CPU of a cached 1 KB answer", "hit", "1KB/varied-heads", Metric.CPU_US_PER_REQUEST),
        ("CPU of a cached 1 MB answer", "hit", "1MB/varied-heads", Metric.CPU_US_PER_REQUEST),
        ("its slowest of a hundred, 1 KB", "hit", "1KB/same-head", Metric.P99_MS),
        ("the same for who comes amid 5,000 slow heads", "slow", "slow-head/new", Metric.P99_MS),
        ("CPU of an answer from the origin, all hops", "miss", "8KB", Metric.CPU_US_PER_REQUEST),
        (
            "memory of an idle connection",
            "idle",
            "connections-5000",
            Metric.RSS_BYTES_PER_CONNECTION,
        ),
        (
            "memory of a cached 1 KB object",
            "idle",
            "objects-1000000",
            Metric.RSS_BYTES_PER_OBJECT,
        ),
        ("first page of a visit, 80 ms away", "page", "product-first/continental", Metric.LOAD_MS),
        ("next page, 80 ms away", "page", "product-second/continental", Metric.LOAD_MS),
        ("first page of a visit, 200 ms away", "page", "product-first/far", Metric.LOAD_MS),
        ("next page, 200 ms away", "page", "product-second/far", Metric.LOAD_MS),
        (
            "its text on the middle mile",
            "page",
            "product-second/far",
            Metric.MIDDLE_MILE_TEXT_BYTES,
        ),
        ("a visitor's own 100 KB page, 200 ms away", "api", "html-100KB/far/1", Metric.P50_MS),
        ("fifty answers of 20 KB at once, 200 ms away", "api", "json-20KB/far/50", Metric.P95_MS),
        (
            "5 MB that the edge has not, 96 ms away",
            "fatfile",
            "multi-continent/cold",
            Metric.TRANSFER_MS,
        ),
        ("misses, Zipf mix, cache of 1 %", "hitratio", "zipf-mix/1", Metric.OBJECT_MISS_PERCENT),
        ("CPU of a DNS answer", "dns", "plain", Metric.CPU_US_PER_QUERY),
        ("a tag purged everywhere, ten edges", "purge", "tag", Metric.PURGE_MS),
    )
)


def table(results: Mapping[str, Result]) -> str:
    """A table in Markdown, with a line for whatever was measured."""
    lines = [
        "| what, less is better | midmile | the strongest beside it | straight from the origin |",
        "|---|---|---|---|",
    ]
    for line in _LINES:
        result = results.get(line.bench)
        rows = result.rows if result else ()
        lines += [
            "| " + " | ".join((line.question, *_cells(row))) + " |"
            for row in rows
            if row.case == line.case and row.metric is line.metric
        ]
    dates = sorted({result.date[:10] for result in results.values()})
    return "\n".join([*lines, "", *_source(dates, results), ""])


def _source(dates: list[str], results: Mapping[str, Result]) -> Iterator[str]:
    machines = {(str(r.machine["cpu"]), int(r.machine["cores"])) for r in results.values()}
    if dates:
        shown = " and ".join(f"{cores} cores of an {cpu}" for cpu, cores in sorted(machines))
        yield f"Medians of {dates[0]} to {dates[-1]} on {shown}. All cases with their"
        yield "spreads: [bench/results](bench/results). How it is done: [bench](bench/README.md)."


def _cells(row: Row) -> Iterator[str]:
    yield _shown(row, row.values.get(_OURS))
    others = {
        name: value
        for name, value in row.values.items()
        if value is not None and not name.startswith((_OURS, _IDEAL))
    }
    for straight in (False, True):
        those = [name for name in others if name.startswith(_WITHOUT) is straight]
        best = min(those, key=lambda name: others[name], default=None)
        yield "" if best is None else f"{_shown(row, others[best])}, {best}"


def _shown(row: Row, value: float | None) -> str:
    return "-" if value is None else f"{number(value)} {_UNITS.get(row.unit, row.unit)}"


_UNITS = {"percent": "%", "us": "µs"}


def read(folder: Path) -> dict[str, Result]:
    """All results of a folder, by their measurement."""
    found = (from_json(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json")))
    return {result.bench: result for result in found}


def put(text: str, results: Mapping[str, Result]) -> str:
    """A text with the table between its marks."""
    return _MARKED.sub(lambda _: table(results), text)


def main() -> int:
    """Write it into the README."""
    README.write_text(put(README.read_text(encoding="utf-8"), read(RESULTS)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
