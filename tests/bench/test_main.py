"""`python -m bench`: what can be measured, what cannot yet, what there is not."""

import os
from pathlib import Path

import pytest

from bench import catalogue, machine, programs
from bench.__main__ import main, write
from bench.form import Result, Row, from_json
from bench.metric import Metric
from bench.picture import draw
from tests.house.tree import ROOT


@pytest.mark.parametrize("name", catalogue.NOT_BUILT)
def test_what_is_not_built_says_so(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And succeeds, with no number made up."""
    assert main([name]) == 0
    assert capsys.readouterr().out.startswith(f"{name}: not built; waits for ")


def test_what_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """In one line with what there is, and before anything is measured."""
    assert main(["esi", "speed"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("bench: there is no speed; there are hit, miss, ")


def test_without_a_lab_distance_is_not_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which is said, with the remedy, and is no failure: the other measurements go on."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["page", "api", "fatfile"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(" the lab wants root")[0] for line in said] == [
        f"{name}: skipped:" for name in ("page", "api", "fatfile")
    ]


def test_a_missing_program_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the command that gets it, and a code that is not 0."""
    monkeypatch.setattr(programs, "find", lambda _: None)
    monkeypatch.setenv("BENCH_SMOKE", "1")
    assert main(["dns", "--results", str(tmp_path)]) == 1
    assert capsys.readouterr().err.splitlines()[-1].endswith("install with: make bench-programs")


def test_a_result_is_written_in_three_forms(tmp_path: Path) -> None:
    """For programs, for terminals, and for eyes; contestants may lack values."""
    row = Row(
        case="304",
        metric=Metric.P99_MS,
        values={"midmile": 1.5, "varnish": None, "nginx": 2.5},
        spread={"midmile": (1, 2), "nginx": (2.5, 2.5)},
    )
    result = Result(
        bench="hit",
        date=machine.date(),
        commit=machine.commit(),
        machine=machine.machine(),
        versions=machine.versions(()),
        rows=(row,),
    )
    write(result, tmp_path / "results", draw)
    found = {file.suffix: file for file in (tmp_path / "results").iterdir()}
    assert from_json(found[".json"].read_text()) == result
    assert "2.5" in found[".txt"].read_text()
    assert found[".png"].read_bytes().startswith(b"\x89PNG")


def test_a_result_tells_where_it_was_measured() -> None:
    """What has an influence on numbers, and nothing that names the machine."""
    told = machine.machine()
    assert set(told) == {"cpu", "cores", "memory_gib", "kernel"}
    assert {"python", "aiohttp"} <= set(machine.versions(()))


def test_each_measurement_is_a_target_of_make() -> None:
    """`make bench-NAME` runs one: a rule for all names, and no file that is called like one."""
    makefile = (ROOT / "Makefile").read_text()
    assert "\nbench-%: " in makefile
    assert not [name for name in catalogue.NAMES if (ROOT / f"bench-{name}").exists()]


def test_kept_results_have_the_form() -> None:
    """What lies in `bench/results` can be read by whoever relies on its form."""
    for file in (ROOT / "bench" / "results").glob("*.json"):
        assert from_json(file.read_text()).bench == file.stem
