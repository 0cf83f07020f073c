"""Programs that measurements run: how to get those that are missing, which version they have."""

import re

import pytest

from bench import programs
from bench.errors import MissingProgramError
from tests.kit.benching import need_programs


@pytest.mark.parametrize(
    ("program", "remedy"),
    [
        ("nginx", "make bench-programs"),
        ("cc", "sudo apt-get install gcc libc6-dev"),
        ("chromium", "sudo apt-get install chromium"),
    ],
)
def test_what_is_missing_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, program: str, remedy: str
) -> None:
    """Unpacked where that will do, installed where it must be."""
    monkeypatch.setattr(programs, "find", lambda _: None)
    with pytest.raises(MissingProgramError, match=f"install with: {remedy}$"):
        programs.need(program)


@pytest.mark.system
@pytest.mark.parametrize("program", ["chromium", "nginx"])
def test_a_program_tells_its_version(program: str) -> None:
    """One word, numbers and points, whatever else it says."""
    need_programs(program)
    assert re.fullmatch(r"\d+(\.\d+)+", programs.version(program))
