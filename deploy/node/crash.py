"""How a process that was ended by a fault of memory tells the next one: by the trace it leaves."""

import faulthandler
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger("midmile.deploy")

NAME = "crash"
LAST = "crash.last"


@contextmanager
def watched(home: Path) -> Iterator[bool]:
    """Have a crash leave its trace in a node's folder; gives whether the last run did."""
    trace, last = home / NAME, home / LAST
    crashed = trace.exists() and trace.stat().st_size > 0
    if crashed:
        trace.rename(last)
        first = last.read_text(errors="replace").partition("\n")[0]
        log.error("the keeper has crashed: %s (trace: %s)", first, last, extra={"event": "crashed"})
    with trace.open("w") as file:
        faulthandler.enable(file)
        try:
            yield crashed
        finally:
            faulthandler.disable()
