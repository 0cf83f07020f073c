"""`midmile up` and `midmile node`, as the user meets them: what is shown, and where.

On a terminal everything is one readable stream on stdout. Otherwise stdout carries JSON log lines
alone, and what is meant for humans goes to stderr.
"""

import asyncio
import contextlib
import importlib
import io
import os
import sys
from pathlib import Path
from typing import cast

from deploy.exits import ExitCode
from deploy.logs import start_logs
from deploy.logstream import LogStreamOut
from deploy.plan import Builders, NetworkPlan
from deploy.supervise import Errand, Herald, Supervisor

ROLES = "deploy.wiring"
"""The `Builders` of real networks."""


def run_up(errand: Errand) -> ExitCode:
    """Run a whole network until Ctrl-C; `Refusal` where it does not come up."""
    builders = cast("Builders", importlib.import_module(errand.builders))
    descriptor = sys.stdout.fileno()
    out = LogStreamOut(descriptor, human=os.isatty(descriptor))
    stream, _ = start_logs("supervisor", "supervisor", out)
    try:
        asyncio.run(Supervisor(errand, out, herald(out)).run(builders))
    finally:
        stream.close()
    return ExitCode.OK


def herald(out: LogStreamOut) -> Herald:
    """Tells the user on `out` where that is a terminal, on stderr otherwise."""
    if out.human:
        return Herald(
            progress=out.progress,
            running=lambda network: out.write(pointers(network, colour=True).encode()),
        )
    return Herald(
        progress=lambda text: _say(text + "\n" if text else ""),
        running=lambda network: _say(pointers(network, colour=False)),
    )


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # a closed stderr is no reason to stop a network
        sys.stderr.write(text)
        sys.stderr.flush()


def pointers(network: NetworkPlan, *, colour: bool) -> str:
    """The short table: where to point a browser, curl, dig, Prometheus."""
    from rich.console import Console
    from rich.text import Text

    console = Console(
        file=io.StringIO(),
        force_terminal=colour,
        width=200,
        color_system="standard" if colour else None,
    )
    width = max((len(what) for what, _ in network.pointers), default=0) + 2
    console.print(Text(f"\n  {network.name} is up: {len(network.nodes)} nodes\n", style="bold"))
    for what, how in network.pointers:
        console.print(Text.assemble("  ", (what.ljust(width), "cyan"), how), soft_wrap=True)
    console.print()
    return cast("io.StringIO", console.file).getvalue()


def run_alone(name: str, text: str, source: Path, state: Path) -> ExitCode:
    """Run one node until SIGTERM; `Refusal` where it cannot work."""
    import uvloop

    from deploy.shell import run_node

    setup = {
        "kind": "setup",
        "network": text,
        "source": str(source),
        "state": str(state),
        "builders": ROLES,
        "node": name,
    }
    return uvloop.run(run_node(setup))
