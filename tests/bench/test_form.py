"""The form of results: rows of medians and spreads, as JSON and as a table."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bench.form import (
    FormError,
    Result,
    Row,
    Sample,
    from_json,
    merge,
    number,
    samples,
    table,
    to_json,
)
from bench.metric import Metric

_ROW = Row(
    case="1KB/varied-heads",
    metric=Metric.CPU_US_PER_REQUEST,
    values={"midmile": 8.0, "nginx": 12.5, "varnish": None},
    spread={"midmile": (7.5, 9.0), "nginx": (12.0, 13.0)},
)
_RESULT = Result(
    bench="hit",
    date="2026-11-22T13:49:10Z",
    commit="8a0cddfd433d",
    machine={"cpu": "a processor", "cores": 2},
    versions={"nginx": "1.22.1"},
    rows=(_ROW,),
)


def _sample(value: float | None, *, contestant: str = "midmile", case: str = "304") -> Sample:
    return Sample(case=case, metric=Metric.P99_MS, contestant=contestant, value=value)


def test_a_run_gives_a_sample_of_each_metric() -> None:
    """In the order in which they are told; what a contestant cannot do has no value."""
    assert samples("304", "midmile", {Metric.P99_MS: 3, Metric.LOAD_MS: None}) == [
        _sample(3),
        Sample(case="304", metric=Metric.LOAD_MS, contestant="midmile", value=None),
    ]


def test_runs_become_a_median_with_its_spread() -> None:
    """One row per case and metric, contestants side by side, in the order they came."""
    runs = [
        *(_sample(value) for value in (3, 1, 2)),
        *(_sample(value, contestant="nginx") for value in (5, 4)),
        _sample(9, case="head"),
    ]
    first, second = merge(runs)
    assert (first.case, first.unit) == ("304", "ms")
    assert first.values == {"midmile": 2, "nginx": 4.5}
    assert first.spread == {"midmile": (1, 3), "nginx": (4, 5)}
    assert (second.case, second.values) == ("head", {"midmile": 9})


def test_what_cannot_be_done_is_null() -> None:
    """No value and no spread; one failed run of several is a failure."""
    (row,) = merge([_sample(None), _sample(1), _sample(2, contestant="nginx")])
    assert row.values == {"midmile": None, "nginx": 2}
    assert row.spread == {"nginx": (2, 2)}


def test_json_has_the_promised_form() -> None:
    """The keys that readers of results rely upon."""
    assert json.loads(to_json(_RESULT)) == {
        "bench": "hit",
        "date": "2026-11-22T13:49:10Z",
        "commit": "8a0cddfd433d",
        "machine": {"cpu": "a processor", "cores": 2},
        "versions": {"nginx": "1.22.1"},
        "rows": [
            {
                "case": "1KB/varied-heads",
                "metric": "cpu_us_per_request",
                "unit": "us",
                "values": {"midmile": 8.0, "nginx": 12.5, "varnish": None},
                "spread": {"midmile": [7.5, 9.0], "nginx": [12.0, 13.0]},
            }
        ],
    }


def test_what_is_written_can_be_read() -> None:
    """The same result comes back."""
    assert from_json(to_json(_RESULT)) == _RESULT


def _changed(**changes: object) -> str:
    whole: dict[str, Any] = json.loads(to_json(_RESULT))
    whole["rows"][0] |= changes
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[]", "not a result"),
        ("{", "not a result"),
        (_changed(metric="speed"), "'speed' is not one of ours"),
        (_changed(unit="s"), "measured in us, not s"),
        (_changed(case="1KB//x"), "is not a path of words"),
        (_changed(spread={}), "a spread belongs to each value"),
        (_changed(values={"Mid Mile": None}, spread={}), "not a contestant's name"),
        (
            _changed(values={"nginx": 3}, spread={"nginx": [4, 5]}),
            "nginx 3 is not within 4 and 5",
        ),
        (_changed(values={"nginx": 3}, spread={"nginx": [3]}), "not enough values"),
    ],
)
def test_what_is_no_result_is_refused(text: str, complaint: str) -> None:
    """With what is wrong about it."""
    with pytest.raises(FormError, match=complaint):
        from_json(text)


@pytest.mark.parametrize(
    "changes",
    [{"bench": "Hit"}, {"date": "yesterday"}, {"rows": (_ROW, _ROW)}],
    ids=["name", "date", "a row twice"],
)
def test_a_wrong_result_cannot_be_made(changes: dict[str, Any]) -> None:
    """Neither from a file nor from our own code."""
    with pytest.raises(FormError):
        replace(_RESULT, **changes)


def test_the_table_shows_all_contestants() -> None:
    """Medians with spreads, a dash for what cannot be done, and where it was measured."""
    text = table(_RESULT)
    assert text.startswith("hit: 2026-11-22T13:49:10Z, commit 8a0cddfd433d\ncpu a processor")
    head, line = text.splitlines()[-2:]
    assert head.split() == ["case", "metric", "midmile", "nginx", "varnish"]
    assert line.split()[2:] == ["8", "(7.5-9)", "12.5", "(12-13)", "-"]


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (12.345, "12.35"), (0.04123, "0.04123"), (18204.4, "18,204")]
)
def test_numbers_have_as_many_digits_as_they_deserve(value: float, shown: str) -> None:
    """Four that mean something; whole numbers once they are large."""
    assert number(value) == shown


@pytest.mark.parametrize(
    ("metric", "unit"),
    [
        (Metric.CPU_US_PER_QUERY, "us"),
        (Metric.P99_MS, "ms"),
        (Metric.RSS_BYTES_PER_OBJECT, "bytes"),
        (Metric.BYTE_MISS_PERCENT, "percent"),
        (Metric.CONTROL_KBIT_PER_NODE, "kbit"),
        (Metric.COPIES_PER_PACKET, "count"),
        (Metric.ORIGIN_REQUESTS_PER_1000_PAGES, "count"),
    ],
)
def test_a_metrics_name_carries_its_unit(metric: Metric, unit: str) -> None:
    """So a row's unit cannot disagree with its name."""
    assert metric.unit == unit
