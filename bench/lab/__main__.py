"""`python -m bench.lab`: a lab for a person, who enters its hosts and changes its links.

Without a command it holds a lab open until Ctrl-C; the commands speak to one that is open.
"""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import typer

from bench.errors import LabError
from bench.lab.control import Remote, open_labs
from bench.lab.link import LinkStatistics
from bench.lab.running import Lab, opened, read_statistics
from bench.lab.topologies import STANDARD, standard
from bench.lab.topology import Topology, links_between
from deploy.logs.screen import harmless

app = typer.Typer(add_completion=False, help=__doc__)

_Host = Annotated[str, typer.Argument(help="a host, or a location")]
_Other = Annotated[str | None, typer.Argument(help="another; without it, the first one's own mile")]
_OneWay = Annotated[bool, typer.Option("--one-way", help="only from the first to the second")]
_Which = Annotated[str | None, typer.Option("--lab", help="which one, where several are open")]
_Amount = Annotated[float | None, typer.Option(min=0)]


@app.callback(invoke_without_command=True)
def hold(
    context: typer.Context,
    topology: Annotated[str, typer.Option(help=f"one of {', '.join(STANDARD)}")] = "far",
    between: Annotated[
        str | None,
        typer.Option("--cities", help="instead: the user's city and the origin's, with a comma"),
    ] = None,
    seed: Annotated[int, typer.Option(help="of losses and jitter")] = 0,
    congestion: Annotated[str, typer.Option(help="cubic or bbr")] = "cubic",
) -> None:
    """Hold a lab open until Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    with _refusing():
        wanted = _between(between) if between else standard(topology)
        with opened(wanted, seed=seed, congestion=congestion) as running:
            print("\n".join(_welcome(running)), flush=True)
            # SIGTERM as Ctrl-C: the lab would end without us, but its programs by force only.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            with suppress(KeyboardInterrupt):
                running.wait()
                raise LabError(f"{running.name} was ended by somebody")


@app.command("list")
def list_labs() -> None:
    """Name the labs that are open on this machine."""
    print("\n".join(open_labs()) or "none is open")


@app.command()
def cut(a: _Host, b: _Other = None, one_way: _OneWay = False, lab: _Which = None) -> None:
    """Let nothing through, until healed."""
    _change(lab, a, b, one_way, lambda links: {"do": "change", "links": _each(links, cut=True)})


@app.command()
def heal(a: _Host, b: _Other = None, one_way: _OneWay = False, lab: _Which = None) -> None:
    """Undo every change."""
    _change(lab, a, b, one_way, lambda links: {"do": "heal", "links": links})


@app.command()
def degrade(  # noqa: PLR0913 (one argument an option is how typer is told)
    a: _Host,
    b: _Other = None,
    *,
    delay_ms: _Amount = None,
    jitter_ms: _Amount = None,
    loss: _Amount = None,
    burst_loss: _Amount = None,
    burst_packets: _Amount = None,
    mbit: _Amount = None,
    queue_bytes: Annotated[int | None, typer.Option(min=0)] = None,
    one_way: _OneWay = False,
    lab: _Which = None,
) -> None:
    """Change what links are like; delays and losses are those of one direction."""
    given = {
        "delay_ms": delay_ms,
        "jitter_ms": jitter_ms,
        "loss": loss,
        "burst_loss": burst_loss,
        "burst_packets": burst_packets,
        "mbit": mbit,
        "queue_bytes": queue_bytes,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    _change(lab, a, b, one_way, lambda links: {"do": "change", "links": _each(links, **changes)})


@app.command()
def statistics(lab: _Which = None) -> None:
    """Count what the links did so far."""
    with _refusing(), _door(lab) as remote:
        known = remote.ask(do="describe")
        counted = read_statistics(remote, known["namespaces"].values(), reset=False)
    print(f"{'link':24}{'packets':>10}{'bytes':>14}{'dropped':>9}{'queue ms, mean':>16}{'most':>8}")
    for name, link in counted.links.items():
        print(_line(name, link))
    if not counted.is_sound:
        print(f"not asked for: {counted.unread + counted.overflow} packets dropped by the lab")


def _between(text: str) -> Topology:
    user, comma, origin = (part.strip() for part in text.partition(","))
    if not comma:
        raise LabError("--cities wants two, as in: --cities 'Sao Paulo, Frankfurt'")
    from bench.lab.measured import cities  # numpy: not for those who only cut a link

    return cities({"user": user, "edge": user, "origin": origin})


def _welcome(running: Lab) -> Iterator[str]:
    yield f"{running.name} is open, with {running.congestion}; Ctrl-C closes it."
    yield ""
    for host in running.hosts():
        line = f"sudo nsenter --net={host.namespace}"
        yield f"{host.address.name:12}{host.ipv4:16}{host.ipv6:20}{line}"
    yield ""
    yield "From elsewhere: sudo python -m bench.lab cut edge origin (heal, degrade, statistics)"


def _change(
    lab: str | None,
    a: str,
    b: str | None,
    one_way: bool,
    request: Callable[[list[str]], Mapping[str, Any]],
) -> None:
    with _refusing(), _door(lab) as remote:
        known = remote.ask(do="describe")
        links = links_between(known["hosts"], known["links"], a, b, one_way=one_way)
        remote.ask(**request(links))
    print(harmless(" ".join(links)))


def _each(links: list[str], **changes: float | bool) -> dict[str, Any]:
    return dict.fromkeys(links, changes)


def _line(name: str, link: LinkStatistics) -> str:
    drops = sum(link.drops.values())
    waits = f"{link.queue_mean_ms:16.1f}{link.queue_max_ms:8.1f}"
    return f"{harmless(name):24}{link.packets:10}{link.bytes:14}{drops:9}{waits}"


@contextmanager
def _door(name: str | None) -> Iterator[Remote]:
    names = open_labs()
    if name is None and len(names) != 1:
        raise LabError(f"say which with --lab: {', '.join(names) or 'none is open'}")
    remote = Remote(name or names[0])
    try:
        yield remote
    finally:
        remote.close()


@contextmanager
def _refusing() -> Iterator[None]:
    """One line instead of a traceback for what a person may get wrong."""
    try:
        yield
    except (LabError, KeyError, ValueError) as error:
        print(f"lab: {harmless(str(error.args[0]))}", file=sys.stderr)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app(prog_name="python -m bench.lab")
