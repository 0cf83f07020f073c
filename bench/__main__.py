"""`python -m bench [NAME...]`: run measurements, all of them without a name.

With BENCH_SMOKE set each is tiny: it shows that it still runs, and its numbers mean nothing.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import catalogue, form, machine
from bench.errors import BenchError
from bench.lab.namespaces import why_not
from bench.place import place
from bench.programs import ROOT, need

RESULTS = ROOT / "bench" / "results"
_SMOKE_RESULTS = ROOT / "var" / "bench-smoke"
"""Apart from the others, so that nobody takes them for results."""


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; 0, or 1 if one could not be measured, or 2 if there is none such."""
    smoke = bool(os.environ.get("BENCH_SMOKE"))
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(catalogue.NAMES))
    parser.add_argument("--results", type=Path, default=_SMOKE_RESULTS if smoke else RESULTS)
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in catalogue.NAMES]:
        known = ", ".join(catalogue.NAMES)
        print(f"bench: there is no {unknown[0]}; there are {known}", file=sys.stderr)
        return 2
    failed = [
        name
        for name in given.names or catalogue.NAMES
        if not _run(name, given.results, smoke=smoke)
    ]
    return 1 if failed else 0


def _run(name: str, results: Path, *, smoke: bool) -> bool:
    """Whether nothing went wrong; what did is said in one line."""
    found = catalogue.find(name)
    if found is None:
        print(f"{name}: not built; waits for {catalogue.NOT_BUILT[name]}")
        return True
    if found.in_lab and (reason := why_not()):
        print(f"{name}: skipped: {reason}")
        return True
    try:
        for program in found.programs:
            need(program)
        with place(smoke=smoke) as where:
            rows = form.merge(found.measure(where))
        result = form.Result(
            bench=name,
            date=machine.date(),
            commit=machine.commit(),
            machine=machine.machine(),
            versions=machine.versions(found.programs),
            rows=rows,
        )
    except BenchError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    write(result, results, found.draw)
    print(form.table(result))
    return True


def write(result: form.Result, folder: Path, draw: Callable[[form.Result, Path], None]) -> None:
    """Write `NAME.json`, `NAME.txt` and, drawn as told, `NAME.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result.bench}.json").write_text(form.to_json(result), encoding="utf-8")
    (folder / f"{result.bench}.txt").write_text(form.table(result), encoding="utf-8")
    draw(result, folder / f"{result.bench}.png")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
