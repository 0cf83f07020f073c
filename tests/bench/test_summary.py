"""The table in the top README is what the results say."""

from bench.form import Result, Row
from bench.metric import Metric
from bench.summary import README, RESULTS, put, read, table

_MACHINE: dict[str, str | int] = {"cpu": "fast", "cores": 2}


def _result(bench: str, case: str, metric: Metric, values: dict[str, float | None]) -> Result:
    spread = {name: (value, value) for name, value in values.items() if value is not None}
    row = Row(case=case, metric=metric, values=values, spread=spread)
    return Result(
        bench=bench,
        date="2026-11-22T13:49:10Z",
        commit="0",
        machine=_MACHINE,
        versions={},
        rows=(row,),
    )


def test_the_readmes_table_is_current() -> None:
    """`make docs` makes it so."""
    text = README.read_text(encoding="utf-8")
    assert put(text, read(RESULTS)) == text
    assert text.count("<!-- bench.summary -->") == 1


def test_each_line_has_the_strongest_of_all_others() -> None:
    """Whatever their protocol and congestion control; who is no CDN has a column of its own."""
    values = {
        "midmile": 1700.0,
        "midmile-bbr": 1.0,
        "nginx": 1800.0,
        "nginx-h2-bbr": 1234.5,
        "direct": 2000.0,
        "direct-h2": 1900.0,
        "varnish": None,
    }
    page = _result("page", "product-first/far", Metric.LOAD_MS, values)
    shown = table({"page": page}).splitlines()[2]
    assert shown == (
        "| first page of a visit, 200 ms away | 1700 ms | 1234 ms, nginx-h2-bbr"
        " | 1900 ms, direct-h2 |"
    )


def test_what_was_not_measured_has_no_line() -> None:
    """Nor has a measurement that lacks the case."""
    other = _result("dns", "ecs-10000", Metric.CPU_US_PER_QUERY, {"midmile": 1.0})
    for results in ({"dns": other}, {}):
        assert table(results).count("\n|") == 1, "a head and the line under it"
