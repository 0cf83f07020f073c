"""`midmile shop`: what one does to the demo shop besides running it."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.exits import ExitCode, Refusal
from deploy.layout import node_home, run_file, shown
from deploy.network import Network, OriginNode, read
from deploy.processes.runfile import is_held, private_directory

if TYPE_CHECKING:
    from rich.progress import Progress

Progressing = Callable[[int, int], None]
"""Told how many are done, and how many there are."""
_STOPPING = "stopping after the pages begun..."


def release(path: Path, state: Path, node: str | None, number: int | None) -> None:
    """Have the shop show another release, by default the next, and say what changes."""
    from origin.aio.site.releases.release import (
        MOST_RELEASES,
        Release,
        differences,
        read_release,
        write_release,
    )

    origin = origin_node(read(path), path, node)
    home = node_home(state, origin.name)
    _refuse_strange_state(state, home)
    try:
        before = read_release(home)
    except ValueError as error:
        raise Refusal(f"{error}; remove that file", ExitCode.FAILED) from None
    except OSError as error:
        raise Refusal(f"cannot read {shown(home)}: {error.strerror}", ExitCode.ADDRESS) from None
    wanted = before.number + 1 if number is None else number
    if not 0 <= wanted <= MOST_RELEASES:
        raise Refusal(f"release {wanted} is not from 0 to {MOST_RELEASES}", ExitCode.USAGE)
    try:
        write_release(home, Release(number=wanted, highest=before.highest))
    except OSError as error:
        raise _unwritable(home, error) from None
    runs = is_held(run_file(home))
    shows = "shows" if runs else "will show"
    if not runs:
        print(f"{origin.name} does not run from {shown(state)} now: what follows is for its start")
    if wanted == before.number:
        print(f"{origin.name} {shows} release {wanted} already")
        return
    print(f"{origin.name} {shows} release {wanted}; before, release {before.number}")
    for line in differences(before.number, wanted):
        print(f"  {line}")


def pictures(path: Path, state: Path, node: str | None) -> None:
    """Make all of the shop's pictures and its film that are missing, and show how it goes on."""
    origin = origin_node(read(path), path, node)
    home = _home(state, origin)
    tally = _Tally()
    try:
        _make(home, tally)
    except OSError as error:
        raise _unwritable(home, error) from None
    except KeyboardInterrupt:
        print(f"stopped; {tally.done:,} of {tally.total:,} made", file=sys.stderr)
        raise
    print(f"{origin.name} has {tally.total} pictures and the film, in {shown(home)}")


def origin_node(network: Network, path: Path, name: str | None) -> OriginNode:
    """The demo shop's node: the one that is named, or the only one; `Refusal` without."""
    origins = [node for node in network.nodes if isinstance(node, OriginNode)]
    if not origins:
        raise Refusal(f"{shown(path)} has no demo shop: no node of role origin", ExitCode.USAGE)
    names = ", ".join(node.name for node in origins)
    if name is None and len(origins) > 1:
        raise Refusal(f"say which demo shop with --node: {names}", ExitCode.USAGE)
    found = [node for node in origins if name in (None, node.name)]
    if not found:
        raise Refusal(f"no demo shop {name!r} in {shown(path)} (it has {names})", ExitCode.USAGE)
    return found[0]


def _refuse_strange_state(state: Path, home: Path) -> None:
    """Where the shop has never run nobody would see the release."""
    if not home.is_dir():
        raise Refusal(
            f"no shop runs from the state directory {shown(state)}, or ever did: start it with "
            "midmile up, or name another directory with --state",
            ExitCode.BUSY,
        )


def _home(state: Path, origin: OriginNode) -> Path:
    """The node's run-time folder, which is made if the shop has not run yet."""
    home = node_home(state, origin.name)
    private_directory(state)
    private_directory(home.parent)
    return private_directory(home)


def _unwritable(home: Path, error: OSError) -> Refusal:
    return Refusal(f"cannot write to {shown(home)}: {error.strerror}", ExitCode.ADDRESS)


@dataclass(slots=True)
class _Tally:
    """How far the pictures are."""

    done: int = 0
    total: int = 0


def _make(home: Path, tally: _Tally) -> None:
    """Make pictures, then the film."""
    import asyncio

    from origin.aio.site.handlers.media import Media

    media = Media(home)
    with (
        _bars() as bars,
        _telling_of_interrupt(lambda: bars.console.print(_STOPPING, highlight=False)),
    ):
        painting = bars.add_task("pictures", total=None, visible=False)

        def show(done: int, total: int) -> None:
            tally.done, tally.total = done, total
            bars.update(painting, completed=done, total=total, visible=True)

        media.pictures.make_all(show)
        filming = bars.add_task("film", total=1)
        asyncio.run(media.film())
        bars.update(filming, completed=1)


@contextmanager
def _telling_of_interrupt(tell: Callable[[], None]) -> Iterator[None]:
    """Answer Ctrl-C at once: what is being painted takes some seconds more."""

    def interrupted(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)  # the second one is Python's own
        tell()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _bars() -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description:<9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("elapsed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
