"""`make` sets itself up or says what to install, and CI installs all that tests want."""

import ast
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.programs import PACKAGES
from tests.house.tree import ROOT, Module, modules

_ASKING = frozenset({"need", "need_path"})

_WITHOUT_ENSUREPIP = """#!/bin/sh
case "$2" in
  *%d.%d*) echo 3.12 ;;
  *ensurepip*) exit 1 ;;
esac
"""
_TOO_OLD = """#!/bin/sh
case "$2" in
  *%d.%d*) echo 3.9 ;;
  *) exit 1 ;;
esac
"""


def wanted_packages(module: Module) -> dict[str, bool]:
    """Debian packages that a test module asks for; True: only unpacked."""
    wanted: dict[str, bool] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _name(node.func) in _ASKING:
            given = {
                keyword.arg: keyword.value.value
                for keyword in node.keywords
                if isinstance(keyword.value, ast.Constant)
            }
            if "package" in given:
                wanted[str(given["package"])] = bool(given.get("unpack", False))
    return wanted


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _installed() -> set[str]:
    found = re.search(
        r"^PACKAGES=\((.*?)^\)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return set(found[1].split())


def _unpacked() -> set[str]:
    found = re.findall(
        r"^(?:UNPACKED|BEHIND|PEERS) := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert len(found) == 3
    return set(" ".join(found).split())


def test_ci_installs_every_program_that_a_test_wants() -> None:
    """By a package of `.ci/run`, or unpacked by `make programs`; else a test would skip there."""
    missing = {
        package
        for module in modules("tests")
        for package, unpacked in wanted_packages(module).items()
        if package not in (_unpacked() if unpacked else _installed())
    }
    assert missing == set()


def test_ci_gets_every_program_that_a_measurement_runs() -> None:
    """Load tools are installed there, peers are unpacked: an installed daemon would start."""
    assert set(PACKAGES.values()) <= _installed() | _unpacked()
    assert {"wrk", "nghttp2-client", "dnsperf", "gcc"} <= _installed()


def test_a_wanted_package_is_seen() -> None:
    """Whether it is installed or unpacked, and however the function is reached."""
    source = "need('kdig', package='knot-dnsutils')\nprograms.need('n', package='n', unpack=True)"
    assert wanted_packages(Module(path="tests/test_sample.py", source=source)) == {
        "knot-dnsutils": False,
        "n": True,
    }


def _make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run our Makefile in an empty folder, as on a fresh machine."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    # `make test` may have started us, and tells its children so.
    environment = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _python(folder: Path, script: str) -> str:
    path = folder / "python3"
    path.write_text(script)
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (_WITHOUT_ENSUREPIP, "install with: sudo apt-get install {python}-venv"),
        (_TOO_OLD, "needs Python 3.11 or newer (found: 3.9)"),
        ("#!/bin/sh\nexit 127\n", "needs Python 3.11 or newer (found: none)"),
    ],
    ids=["no ensurepip", "too old", "none"],
)
def test_what_is_missing_is_said_in_one_line(tmp_path: Path, script: str, expected: str) -> None:
    """No traceback and no half-made .venv: what to install, and a code that is not 0."""
    python = _python(tmp_path, script)
    finished = _make(tmp_path, "up", f"PYTHONS={python}")
    said = [line for line in finished.stderr.splitlines() if not line.startswith("make: ")]
    assert len(said) == 1, finished.stderr
    assert expected.format(python=python) in said[0]
    assert finished.returncode != 0
    assert not (tmp_path / ".venv").exists()


def test_make_alone_says_what_there_is(tmp_path: Path) -> None:
    """Every target that a user may type is listed, and nothing is made."""
    finished = _make(tmp_path)
    listed = {line.split()[0] for line in finished.stdout.splitlines()}
    assert {"up", "test", "check", "clean", "docs", "containers-test"} <= listed
    assert not (tmp_path / ".venv").exists()
