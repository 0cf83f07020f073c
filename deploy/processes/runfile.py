"""One process at a time: the lock and run file of a node or a supervisor.

The kernel drops the lock when its holder dies, however it dies; a run file that is still there when
we get the lock therefore tells of an unclean end.
"""

import fcntl
import os
from pathlib import Path
from stat import S_IMODE
from typing import Self

from deploy.exits import ExitCode, Refusal


class RunFile:
    """Held for as long as a process runs; usable as a context manager."""

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._descriptor = _lock(path.with_suffix(".lock"), path, what)
        self.unclean = path.exists()
        """Whether the process before us ended without cleaning up."""
        try:
            path.write_text(f"{os.getpid()}\n")
        except OSError as error:
            raise Refusal(f"cannot write {path}: {error.strerror}", ExitCode.ADDRESS) from error

    def release(self) -> None:
        """The orderly end."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """Whether a process runs that holds this run file; nothing is made."""
    try:
        descriptor = os.open(path.with_suffix(".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(lock: Path, run: Path, what: str) -> int:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        pid = _pid(run)
        raise Refusal(f"{what} runs already{pid}", ExitCode.BUSY) from None
    return descriptor


def _pid(run: Path) -> str:
    try:
        return f" (pid {int(run.read_text())})"
    except (OSError, ValueError):
        return ""


def private_directory(path: Path, *, written: bool = True) -> Path:
    """Make a directory that only its owner can enter; `Refusal` for one that anybody may write to.

    One that was there keeps its mode otherwise, since it may be `/var/lib`, except that its group
    (a umask of 002 is common) loses the right to write. Where nothing is `written` but to folders
    in it that may be there already, it may be on a file system that is read-only.
    """
    needed = os.R_OK | os.X_OK | (os.W_OK if written else 0)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
        mode = S_IMODE(status.st_mode)
        if mode & 0o002:
            raise Refusal(
                f"{path} can be written to by anybody (mode {mode:04o}): chmod 700 {path}, or use"
                " another --state",
                ExitCode.ADDRESS,
            )
        if mode & 0o020 and status.st_uid == os.geteuid():
            path.chmod(mode & ~0o020)
        if not os.access(path, needed):
            raise Refusal(
                f"no permission to {'write in' if written else 'enter'} {path}", ExitCode.ADDRESS
            )
    except OSError as error:
        raise Refusal(f"cannot use {path}: {error.strerror}", ExitCode.ADDRESS) from error
    return path
