"""What a process takes of its machine, as Linux tells it (proc_pid_stat(5))."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A process's use of CPU and memory so far."""

    cpu_s: float = 0.0
    """User and system time since it started."""
    rss_bytes: int = 0
    """Resident memory, pages shared with others included."""


def usage(pid: int | None) -> Usage:
    """What process `pid` takes; nothing where there is no such process."""
    if pid is None:
        return Usage()
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return Usage()
    # The second field is the program's name in brackets, with whatever it likes in it.
    fields = stat.rpartition(")")[2].split()
    return Usage(
        cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS_PER_S,
        rss_bytes=int(fields[21]) * _PAGE_BYTES,
    )
