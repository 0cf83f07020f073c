"""What holds for every test: CI allows no skip, and missing programs are listed at the end.

With MIDMILE_NO_SKIP set (`.ci/run` does), a test that skips has failed: a run that quietly left
out half of itself must not look green.
"""

import os
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests.kit import programs

_Report = TypeVar("_Report", pytest.TestReport, pytest.CollectReport)
_APT = "sudo apt-get install "
# Programs that tests start want this folder's `tests`; there are packages that install one, too.
os.environ.setdefault("PYTHONPATH", str(Path(__file__).parent.parent))

_NO_SKIP = bool(os.environ.get("MIDMILE_NO_SKIP"))

# How fast anything runs is never a test's business, nor how fast its input is made.
settings.register_profile("midmile", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("midmile")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a test's skip into its failure where none is allowed."""
    report = yield
    return _refuse_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself as a whole."""
    report = yield
    return _refuse_skip(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what to type so that nothing is skipped the next time."""
    reasons = (_reason(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    commands = sorted({command for command in map(programs.remedy, reasons) if command})
    if not commands:
        return
    terminalreporter.section("NOT ALL TESTS RAN: programs are missing", yellow=True, bold=True)
    for command in _merged(commands):
        terminalreporter.write_line(command)


def _refuse_skip(report: _Report) -> _Report:
    if _NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"no skip is allowed here: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> str:
    """A skip's reason; pytest hands (path, line, reason)."""
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


def _merged(commands: list[str]) -> list[str]:
    """One `apt-get install` for all packages instead of one for each."""
    installs = [command for command in commands if command.startswith(_APT)]
    packages = " ".join(sorted(command.removeprefix(_APT) for command in installs))
    others = [command for command in commands if command not in installs]
    return [f"{_APT}{packages}", *others] if packages else others
