"""`midmile up`, as the user meets it: what is shown, and where.

On a terminal everything is one readable stream on stdout. Otherwise stdout carries JSON log lines
alone, and what is meant for humans goes to stderr.
"""

import asyncio
import contextlib
import os
import sys

from deploy.errand import Errand
from deploy.logs.lines import start_logs
from deploy.logs.screen import painted
from deploy.logs.stream import LogStreamOut
from deploy.plan import NetworkPlan
from deploy.supervise import Herald, Supervisor


def up(errand: Errand) -> None:
    """Run a whole network until Ctrl-C; `Refusal` where it does not come up."""
    descriptor = sys.stdout.fileno()
    out = LogStreamOut(descriptor, human=os.isatty(descriptor))
    stream = start_logs("supervisor", "supervisor", out)
    try:
        asyncio.run(Supervisor(errand, out, herald(out)).run())
    finally:
        stream.close()


def herald(out: LogStreamOut) -> Herald:
    """Tells the user on `out` where that is a terminal, on stderr otherwise."""
    if out.human:
        return Herald(
            progress=out.progress,
            running=lambda network: out.write(table(network, colour=True).encode()),
        )
    return Herald(
        progress=lambda text: _say(text + "\n" if text else ""),
        running=lambda network: _say(table(network, colour=False)),
    )


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # a closed stderr is no reason to stop a network
        sys.stderr.write(text)
        sys.stderr.flush()


def table(network: NetworkPlan, *, colour: bool) -> str:
    """Where to point a browser, curl, dig, Prometheus; a line each, never wrapped or cut."""
    width = max((len(what) for what, _ in network.pointers), default=0) + 2
    title = painted(f"{network.name} is up: {len(network.nodes)} nodes", "1", colour=colour)
    rows = (
        f"  {painted(what.ljust(width), '36', colour=colour)}{how}"
        for what, how in network.pointers
    )
    return "\n".join(["", f"  {title}", "", *rows, "", ""])
