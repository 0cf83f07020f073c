"""Directories and run files of processes."""

import os
from pathlib import Path

import pytest

from deploy.exits import ExitCode, Refusal
from deploy.processes.runfile import private_directory


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_a_new_directory_is_its_owners_alone(tmp_path: Path) -> None:
    """What a state directory holds is nobody else's business."""
    assert mode(private_directory(tmp_path / "var")) == 0o700


@pytest.mark.parametrize(("before", "after"), [(0o755, 0o755), (0o775, 0o755), (0o700, 0o700)])
def test_a_directory_that_was_there_is_not_locked_up(
    tmp_path: Path, before: int, after: int
) -> None:
    """`--state /var/lib` must not take it from all others; only the group's writing ends."""
    tmp_path.chmod(before)
    private_directory(tmp_path)
    assert mode(tmp_path) == after


@pytest.mark.parametrize("before", [0o777, 0o1777])
def test_a_directory_that_anybody_may_write_to_is_refused(tmp_path: Path, before: int) -> None:
    """`--state /tmp`: it keeps its mode, and the line says what to do."""
    tmp_path.chmod(before)
    with pytest.raises(Refusal, match=f"mode {before:04o}.*chmod 700") as caught:
        private_directory(tmp_path)
    assert caught.value.code is ExitCode.ADDRESS
    assert mode(tmp_path) == before


def test_nothing_need_be_written_beside_a_node_s_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's root is read-only: folders that only lead to a volume may be so."""
    monkeypatch.setattr(os, "access", lambda _path, wanted: not wanted & os.W_OK)
    assert private_directory(tmp_path, written=False) == tmp_path
    with pytest.raises(Refusal, match="no permission to write in"):
        private_directory(tmp_path)
