"""What `tests/conftest.py` does about tests that cannot run for want of a program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit import programs

_ROOT = Path(__file__).resolve().parents[2]
_SAMPLE = """
import pytest
from tests.kit.programs import need

def test_wants_one():
    need("no-such-program", package="one")

def test_wants_another():
    need("no-such-program", package="another")

def test_wants_a_daemon():
    need("no-such-program", package="daemon", unpack=True)

@pytest.mark.xfail(reason="known", strict=True)
def test_known_to_fail():
    assert False
"""
_SAMPLE_MODULE = "import pytest\npytest.skip('not today', allow_module_level=True)\n"


def _run(folder: Path, sample: str, **environment: str) -> tuple[int, str]:
    (folder / "test_sample.py").write_text(sample)
    (folder / "pytest.ini").write_text("[pytest]\n")
    inherited = {name: text for name, text in os.environ.items() if name != "MIDMILE_NO_SKIP"}
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-rfE"],
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(_ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return finished.returncode, finished.stdout


def test_missing_programs_are_skipped_loudly(tmp_path: Path) -> None:
    """A plain run stays green and ends with the commands that would complete it."""
    code, output = _run(tmp_path, _SAMPLE)
    assert code == 0, output
    assert "NOT ALL TESTS RAN" in output
    assert "\nsudo apt-get install another one\nmake programs\n" in output


def test_no_skip_is_a_failure_where_ci_says_so(tmp_path: Path) -> None:
    """With MIDMILE_NO_SKIP each skipped test has failed, and says why; an xfail has not."""
    code, output = _run(tmp_path, _SAMPLE, MIDMILE_NO_SKIP="1")
    assert code == 1, output
    assert "3 failed, 1 xfailed" in output
    assert "no skip is allowed here: Skipped: wants no-such-program" in output


def test_a_module_that_skips_itself_is_a_failure_too(tmp_path: Path) -> None:
    """Also with MIDMILE_NO_SKIP: a skip while collecting is no way round."""
    code, output = _run(tmp_path, _SAMPLE_MODULE, MIDMILE_NO_SKIP="1")
    assert code != 0, output
    assert "no skip is allowed here" in output


def test_programs_are_found_where_a_users_path_does_not_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Daemons live in /usr/sbin or were unpacked; neither is on a plain user's PATH."""
    unpacked = tmp_path / "usr" / "sbin" / "sampled"
    unpacked.parent.mkdir(parents=True)
    unpacked.touch(mode=0o755)
    monkeypatch.setattr(programs, "UNPACKED", tmp_path)
    assert programs.find("sampled") == unpacked
    assert programs.find("sh") is not None
    assert programs.find("no-such-program") is None
