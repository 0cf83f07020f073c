"""Files of keys: the right mode from their first byte on, whole or not at all, one writer.

What is in them is not known here. Every operating system error becomes a `KeysError` here.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG, S_ISVTX

from deploy.keys.errors import KeysBusyError, KeysError

PRIVATE = 0o600
PUBLIC = 0o644
FOLDER = 0o700
_READ_MAX = 4 * 1024 * 1024  # the largest is a directory of some thousands of nodes
_LOCK_PAUSE_S = 0.05


@contextmanager
def told(doing: str, path: Path) -> Iterator[None]:
    """Turn an operating system error into one line about `path`."""
    try:
        yield
    except OSError as error:
        raise KeysError(f"cannot {doing} {path}: {error.strerror or error}") from error


def make_folder(path: Path) -> None:
    """Make a folder that only its owner may enter; refuse one that others may write to."""
    with told("make", path):
        try:
            path.mkdir(mode=FOLDER)
        except FileExistsError:
            _check_folder(path)


def _check_folder(path: Path) -> None:
    """Refuse a folder in which somebody else could put another file in the place of ours."""
    status = path.stat()
    mode = status.st_mode
    if status.st_uid not in {0, os.geteuid()}:
        raise KeysError(
            f"{path} belongs to another user (uid {status.st_uid}): use a folder of ours"
        )
    # In a sticky folder (a mounted secret's) only the owners of files can replace them.
    if mode & 0o022 and not mode & S_ISVTX:
        raise KeysError(
            f"{path} can be written to by others (mode {mode & 0o777:04o}): chmod 700 {path}"
        )


def write(path: Path, content: bytes, mode: int) -> None:
    """Put `content` in place of `path` in one step, on the disk before this returns.

    The folder must be ours and its lock held: the temporary file's name is always the same, so
    that what a killed run left behind is cleared by the next.
    """
    draft = path.with_name(f".{path.name}.new")
    with told("write", path):
        draft.unlink(missing_ok=True)
        write_new(draft, content, mode)
        draft.replace(path)
        sync_folder(path.parent)


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not exist, never readable by more than `mode` says."""
    # O_EXCL also refuses a symbolic link that somebody has put there.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)  # a narrow umask shall not hide public files
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def sync_folder(path: Path) -> None:
    """Bring a folder's renames to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> bytes | None:
    """A file's content; None if there is no such file."""
    return _read(path, private=False)


def read_private(path: Path) -> bytes | None:
    """The same, refusing a file that anybody but its owner could have read."""
    return _read(path, private=True)


def _read(path: Path, *, private: bool) -> bytes | None:
    with told("read", path):
        try:
            # Not to hang on a FIFO that stands where a file should.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not S_ISREG(status.st_mode) or status.st_size > _READ_MAX:
                raise KeysError(f"{path} is not a file of keys or certificates")
            if private and status.st_mode & 0o077:
                raise KeysError(
                    f"{path} can be read by others (mode {status.st_mode & 0o777:04o}): "
                    f"chmod 600 {path}, and rotate the keys if others may have done so"
                )
            if private:
                _check_folder(path.parent)
            return file.read(_READ_MAX)


@contextmanager
def locked(path: Path, wait_s: float) -> Iterator[None]:
    """Be the only run that makes keys here; wait so long for another to end."""
    with told("open", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE)
    try:
        _acquire(descriptor, path, wait_s)
        yield
    finally:
        os.close(descriptor)  # which also releases it


def _acquire(descriptor: int, path: Path, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    with told("lock", path):
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    break
                time.sleep(_LOCK_PAUSE_S)
            else:
                return
    raise KeysBusyError(f"another midmile is making keys in {path.parent}: try again")
