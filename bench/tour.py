"""`python -m bench.tour`: the shop over distance, for a person with a browser of their own.

`sudo make lab` runs it. Three addresses on this machine's loopback lead, from a user's place in a
lab, to the same shop: straight, through nginx, through midmile. Nothing is measured here.
"""

import asyncio
import errno
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Annotated

import typer

from bench import ways
from bench.certificate import certify
from bench.errors import BenchError, LabError, LoadError
from bench.lab.forward import forwarding
from bench.lab.namespaces import why_not
from bench.lab.running import Lab
from bench.lab.topologies import LAST_MILE_MS, STANDARD, standard
from bench.lab.topology import Topology
from bench.load import keepalive
from bench.place import HOST, Place, place
from bench.programs import need
from bench.ways import Way
from deploy.logs.screen import harmless
from origin.aio.site.catalogue import CATEGORIES, best_first
from origin.aio.site.pictures.plan import all_keys, page_pictures

app = typer.Typer(add_completion=False, help=__doc__)

_STOPS = {
    "direct": ("straight", "every request goes all the way"),
    "nginx": ("nginx", "an nginx {near:g} ms from you, and one beside the shop"),
    "midmile": ("midmile", "an edge {near:g} ms from you, and a parent beside the shop"),
}
"""By the names of their ways. Hosts of their own, since cookies do not know ports; for browsers and
curl everything below `localhost` is on loopback (RFC 6761 6.3)."""
_TLS_AFTER = 10
"""So far from a port of http lies that of https: 8801 and 8811."""
_MOST_PORT = 65_535 - _TLS_AFTER - len(_STOPS) + 1
_PRODUCTS = 12
"""Their pictures are there before the first visitor is."""
_PAINTERS = 2
"""As many as the shop has at most."""
_PROGRESS = 100
"""Pictures between two lines that tell of them."""
_TIMES = r"%{url_effective}\n    %{time_starttransfer} s, %{time_total} s\n"
"""What curl is to tell of each."""
_ENDINGS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stop:
    """A way to the shop, and where it begins on this machine."""

    way: Way
    name: str
    about: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port of its http."""
        return f"{_host(self.name)}:{self.port}"

    @property
    def secure_authority(self) -> str:
        """Host and port of its https."""
        return f"{_host(self.name)}:{self.port + _TLS_AFTER}"


@app.command()
def hold(
    topology: Annotated[str, typer.Option(help=f"one of {', '.join(STANDARD)}")] = "far",
    congestion: Annotated[
        str, typer.Option(help=" or ".join(ways.CONGESTION))
    ] = ways.DEFAULT_CONGESTION,
    port: Annotated[
        int, typer.Option(min=1, max=_MOST_PORT, help="the first of six: three, and ten later")
    ] = 8801,
) -> None:
    """Hold the shop open at three addresses until Ctrl-C."""
    with _refusing(), suppress(KeyboardInterrupt):
        wanted = standard(topology)
        _refuse_where_it_cannot_be(port)
        for ending in _ENDINGS:
            signal.signal(ending, _interrupt)
        with place(smoke=bool(os.environ.get("BENCH_SMOKE"))) as where:
            _hold(where, wanted, congestion, port)


def _hold(where: Place, topology: Topology, congestion: str, port: int) -> None:
    pair = certify(where.home, HOST, *(_host(name) for name, _ in _STOPS.values()))
    where.say("starting the shop and what leads to it")
    with (
        _readable_by_all(pair.certificate) as certificate,
        ways.standing(where, topology, pair, list(_STOPS), congestion=congestion) as found,
    ):
        stops = [
            _Stop(way=way, name=name, about=about, port=port + at)
            for at, (way, (name, about)) in enumerate(zip(found, _STOPS.values(), strict=True))
        ]
        first, later = _pictures(where)
        _paint(stops[0].way, _counted(where, first), painters=_PAINTERS)
        painting = _painting(where, stops[0].way, later)
        asyncio.run(_open(stops, painting, _welcome(stops, certificate)))


async def _open(
    stops: Sequence[_Stop], painting: AbstractAsyncContextManager[None], welcome: Iterable[str]
) -> None:
    """Let visitors in, until somebody ends it."""
    async with AsyncExitStack() as stack:
        over = stack.enter_context(_ending(stops[0].way.lab))
        for stop in stops:
            for port, to in (
                (stop.port, stop.way.contestant.http),
                (stop.port + _TLS_AFTER, stop.way.https),
            ):
                await stack.enter_async_context(forwarding(port, stop.way.user, to))
        await stack.enter_async_context(painting)
        print("\n".join(welcome), flush=True)
        await over


@contextmanager
def _ending(lab: Lab) -> Iterator["asyncio.Future[None]"]:
    """What is done with Ctrl-C or SIGTERM; it fails with LabError when the lab ends by itself."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()

    def end(error: LabError | None = None) -> None:
        if over.done():
            return
        if error is None:
            over.set_result(None)
        else:
            over.set_exception(error)

    for ending in _ENDINGS:
        loop.add_signal_handler(ending, end)
    warden = os.pidfd_open(lab.processes[0])
    loop.add_reader(warden, end, LabError(f"{lab.name} was ended by somebody"))
    try:
        yield over
    finally:
        loop.remove_reader(warden)
        os.close(warden)
        for ending in _ENDINGS:
            loop.remove_signal_handler(ending)
        _say_that_it_ends()


def _interrupt(_number: int, _frame: object) -> None:
    """Before visitors are let in."""
    _say_that_it_ends()
    raise KeyboardInterrupt


def _say_that_it_ends() -> None:
    """It takes some seconds, and is not interrupted by an impatient second Ctrl-C."""
    for ending in _ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    print("\nclosing...", file=sys.stderr, flush=True)


def _pictures(where: Place) -> tuple[Sequence[str], Sequence[str]]:
    """The paths of pictures: those to be painted first, and all others.

    The shop paints a picture when somebody first wants to see it. That takes time too, but has
    nothing to do with distance.
    """
    products = best_first()[: 2 if where.smoke else _PRODUCTS]
    shelves = [] if where.smoke else [f"shop/{category.slug}/1" for category in CATEGORIES]
    first = ["home", *shelves, *(f"product/{product.slug}" for product in products)]
    later = [] if where.smoke else [key for key in all_keys() if key not in first]
    return _paths(first), _paths(later)


def _paths(keys: Iterable[str]) -> Sequence[str]:
    return [picture.path for key in keys for picture in page_pictures(key)]


def _counted(where: Place, paths: Sequence[str]) -> Iterator[str]:
    for number, path in enumerate(paths):
        if number % _PROGRESS == 0:
            where.say(f"the shop paints its first pictures: {number} of {len(paths)}")
        yield path


def _paint(straight: Way, paths: Iterable[str], *, painters: int) -> None:
    """Want to see pictures, beside the shop and past all caches."""
    with straight.lab.host("parent").entered():
        keepalive.fetch_all(straight.contestant.http, paths, connections=painters)


@asynccontextmanager
async def _painting(where: Place, straight: Way, paths: Iterable[str]) -> AsyncIterator[None]:
    """Meanwhile have pictures painted, one at a time: visitors want the processors too."""
    over = threading.Event()
    wanted = takewhile(lambda _: not over.is_set(), paths)

    def paint() -> None:
        # The shop may be gone, or have too much to paint for visitors: they will wait for theirs.
        with suppress(OSError, EOFError, LoadError):
            _paint(straight, wanted, painters=1)
            if not over.is_set():
                where.say("the shop has painted all its pictures")

    painting = asyncio.create_task(asyncio.to_thread(paint))
    try:
        yield
    finally:
        over.set()
        await painting


def _welcome(stops: Sequence[_Stop], certificate: Path) -> Iterator[str]:
    lab = stops[0].way.lab
    middle = STANDARD[lab.topology.name]
    away_ms = middle.rtt_ms + LAST_MILE_MS
    one, other = (f"/product/{product.slug}" for product in best_first()[:2])
    all_of_them = f"http://{{{','.join(stop.authority for stop in stops)}}}"
    yield f"{lab.name} is open, with {lab.congestion}; Ctrl-C closes it."
    yield ""
    yield (
        f"A shop {away_ms:g} ms away, on a way that loses {middle.loss * 100:g} % of all packets in"
        " each direction:"
    )
    for stop in stops:
        yield (
            f"  http://{stop.authority:24} https://{stop.secure_authority:24} "
            f"{stop.about.format(near=LAST_MILE_MS)}"
        )
    yield ""
    yield "In a browser, open a product's page at each, then another, and then both once more"
    yield "in a private window: nobody was there before you, so the first visit fills the caches."
    yield f"  {one}"
    yield f"  {other}"
    yield "(Of other products pictures are still being painted, for some minutes.)"
    yield "In a terminal, to the first byte and to the last:"
    yield f"  curl -so /dev/null --compressed -w '{_TIMES}' '{all_of_them}{one}'"
    yield ""
    yield f"https works with a warning, or with this certificate: curl --cacert {certificate}"
    yield "A worse way for nginx and midmile (for straight: user instead of edge), and back again:"
    yield "  sudo .venv/bin/python -m bench.lab degrade edge origin --loss 0.05"
    yield "  sudo .venv/bin/python -m bench.lab heal edge origin"


def _host(name: str) -> str:
    return f"{name}.localhost"


@contextmanager
def _readable_by_all(certificate: Path) -> Iterator[Path]:
    """A copy that whoever is at the browser may read: what else we have is root's alone."""
    with tempfile.TemporaryDirectory(prefix="midmile-lab-") as folder:
        Path(folder).chmod(0o755)
        copy = Path(shutil.copyfile(certificate, Path(folder) / "shop.crt"))
        copy.chmod(0o644)
        yield copy


def _refuse_where_it_cannot_be(port: int) -> None:
    """Say at once what would be found out after a minute."""
    if reason := why_not():
        raise LabError(reason)
    need("nginx")
    for first in (port, port + _TLS_AFTER):
        for each in range(first, first + len(_STOPS)):
            if _is_taken(each):
                raise LabError(f"port {each} is taken; choose others with --port")


def _is_taken(port: int) -> bool:
    for family, loopback in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((loopback, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
    return False


@contextmanager
def _refusing() -> Iterator[None]:
    """One line instead of a traceback for what a person may get wrong."""
    try:
        yield
    except (BenchError, KeyError) as error:
        print(f"lab: {harmless(str(error.args[0]))}", file=sys.stderr)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app(prog_name="python -m bench.tour")
