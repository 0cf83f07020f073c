"""The folder that a store is in: whether what is there can be used, and out of the way with it."""

import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from edge.aio.disk.bodies import Bodies
from edge.aio.disk.index import FAILURES, Facts, Index
from edge.store.record import decode

DAMAGED, OLD = "damaged", "old"
"""What a store that is not used any more is called, beside where it was; an old one is deleted."""

CUT_OFF = "it is shorter than what is stored in it"

_BODIES = "bodies"
_SLACK_BYTES = 256 * 1024
"""Pages that a transaction took and gave back need never have been written."""


def boot() -> str:
    """Which of the machine's runs this is."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def bodies(folder: Path) -> Bodies:
    """The large bodies of a store."""
    return Bodies(folder / _BODIES)


def prepare(folder: Path) -> None:
    """Make the folder, for its owner alone. Raises OSError."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)


def unusable(folder: Path) -> str | None:
    """Why the store that is there cannot be used; None: it can, or there is none."""
    if not (folder / "data.mdb").exists():
        return None
    try:
        index = Index(folder)
        try:
            return CUT_OFF if is_cut_off(folder, index) else _unusable(index.facts())
        finally:
            index.close()
    except FAILURES as error:
        return told(error)


def _unusable(facts: Facts | None) -> str | None:
    if facts is None:
        return "it is of another version"
    if facts.boot == boot():
        return None
    if not facts.clean:
        return "the machine went down while it was in use"
    return "the clock stands before its last use" if facts.used_wall_s > time.time() else None


def is_cut_off(folder: Path, index: Index) -> bool:
    """Whether the file lacks its end: who reads there is killed by the system."""
    try:
        return index.needs_bytes > (folder / "data.mdb").stat().st_size + _SLACK_BYTES
    except FAILURES:
        return True


def move_aside(folder: Path, called: str) -> Path | None:
    """Take what is there out of the way, and say where it is. Raises OSError."""
    if not folder.exists():
        return None
    aside = folder.with_name(f"{folder.name}-{called}")
    if aside.is_dir():
        shutil.rmtree(aside)
    else:
        aside.unlink(missing_ok=True)
    return folder.rename(aside)


def delete(folder: Path) -> None:
    """Delete a store that was moved aside."""
    shutil.rmtree(folder, ignore_errors=True)


def has_file(index: Index, key: bytes, name: str) -> bool:
    """Whether a record names this file as its body."""
    with suppress(*FAILURES):
        data = index.record(key) if key else None
        file = decode(data).file if data is not None else None
        return file is not None and file.name == name
    return False


def remove(folder: Path, names: Iterable[str]) -> None:
    """Delete bodies."""
    store = bodies(folder)
    for name in names:
        store.remove(name)


def told(error: BaseException) -> str:
    """What an error says, in one line."""
    return str(error) or type(error).__name__
