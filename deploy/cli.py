"""The command line: `midmile`.

What a command does is imported when it runs, so that help appears at once. Every error is one line
on stderr and an exit code of `ExitCode`.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from deploy.exits import ExitCode, Refusal
from deploy.layout import DEMO, STATE

if TYPE_CHECKING:
    from deploy.errand import Errand

ROLES = "deploy.wiring"
"""The `Builders` of real networks."""

app = typer.Typer(
    name="midmile",
    help="A content delivery network that one person can run.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done; 1 failed; 2 wrong usage, network file or keys; 3 an address or "
    "file cannot be had; 4 runs already, or does not run.",
)

shop = typer.Typer(help="Change and prepare the demo shop.", rich_markup_mode=None)
app.add_typer(shop, name="shop")

_CommandFault: type[Exception] = next(
    each for each in typer.BadParameter.__mro__ if each.__name__ == "ClickException"
)
"""Base of all usage errors; typer does not export it, and of late has its own copy of click."""

_DEFAULT_FILE = "Network file (TOML); without one, the demo network."
File = Annotated[
    Path | None, typer.Argument(metavar="FILE", show_default=False, help=_DEFAULT_FILE)
]
Network = Annotated[
    Path | None, typer.Option(metavar="FILE", show_default=False, help=_DEFAULT_FILE)
]
RunningNetwork = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help="Network file; without one, that of the network which runs, or the demo's.",
    ),
]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print JSON, for programs.")]
State = Annotated[
    Path, typer.Option(metavar="DIR", help="Folder of keys and run-time files; made if missing.")
]


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"midmile {version('midmile')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _midmile(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  its callback has done all
        bool,
        typer.Option(
            "--version",
            metavar="",
            callback=_show_version,
            is_eager=True,
            help="Print midmile's version and exit.",
        ),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def up(file: File = None, state: State = STATE) -> None:
    """Run every node of a network on this machine until Ctrl-C."""
    from deploy.commands.up import up

    up(_errand(file, state))


@app.command()
def node(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A node of the network file.")],
    network: Network = None,
    state: State = STATE,
) -> None:
    """Run one node of a network until SIGTERM; its keys must be here."""
    import uvloop

    from deploy.node.keeper import run_node

    code = uvloop.run(run_node(_errand(network, state), name))
    if code is not ExitCode.OK:
        raise typer.Exit(int(code))


@app.command()
def status(
    as_json: Json = False,
    watched: Annotated[
        bool,
        typer.Option("--watch", metavar="", help="Show it again each second, until Ctrl-C."),
    ] = False,
    wake: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Start a node (east) or a worker (east/0) that sleeps because it died too often.",
        ),
    ] = None,
    state: State = STATE,
) -> None:
    """Show nodes, their processes, load, restarts and requests."""
    from deploy.command_socket import ask

    if wake is not None:
        print(f"woke {ask(state.absolute(), {'kind': 'wake', 'name': wake})['woken']}")
        return
    place = state.absolute()
    if watched:
        from deploy.commands.watch import watch

        watch(lambda: ask(place, {"kind": "status"}), as_json=as_json)
        return
    from deploy.commands.status import print_status

    print_status(ask(place, {"kind": "status"}), as_json=as_json)


@app.command()
def check(file: File = None) -> None:
    """Say what a network file describes, or what is wrong with it."""
    from deploy.commands.check import check

    check(_network_file(file))


@app.command()
def targets(file: File = None) -> None:
    """Print every node as a target for Prometheus (file_sd, http_sd)."""
    from deploy.commands.targets import print_targets

    print_targets(_network_file(file))


@app.command()
def keys(
    file: File = None,
    node: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Write the bundle of this node, for another machine.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Where --node writes to; by default NAME.keys.tar.",
        ),
    ] = None,
    install: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Take in a bundle, on the machine that it is for.",
        ),
    ] = None,
    rotate: Annotated[
        bool,
        typer.Option(
            "--rotate", metavar="", help="Renew all keys; old ones stay trusted for 30 days."
        ),
    ] = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", metavar="", help="Overwrite a bundle that is there already."),
    ] = False,
    state: State = STATE,
) -> None:
    """Make a network's keys that are missing or due; the rest stays."""
    if sum((node is not None, install is not None, rotate)) > 1:
        raise typer.BadParameter("only one of --node, --install and --rotate at a time")
    if output is not None and node is None:
        raise typer.BadParameter("--output goes with --node")
    from deploy.commands import keys

    place = state.absolute()
    if install is not None:
        keys.install_keys(install, place, replace=replace)
    elif node is not None:
        target = output or Path(f"{node}.keys.tar")
        keys.bundle_keys(_network_file(file), place, node, target, overwrite=replace)
    else:
        keys.make_keys(_network_file(file), place, rotate=rotate)


@app.command()
def resolve(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Host name: shop.cdn.test.")],
    client: Annotated[
        str | None,
        typer.Option(
            metavar="PREFIX",
            show_default=False,
            help="Send this address or prefix as the user's (EDNS client subnet).",
        ),
    ] = None,
    network: Network = None,
) -> None:
    """Walk both DNS tiers as a resolver would and show each answer."""
    from deploy.commands.resolve import resolve

    resolve(_network_file(network), name, client)


@app.command()
def explain(
    url: Annotated[str, typer.Argument(metavar="URL", help="http://shop.cdn.test/")],
    node: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="An edge or a parent; by default the edge that listens where URL leads, or the "
            "first one.",
        ),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            "-H", "--header", metavar="LINE", show_default=False, help="As curl's, repeatable."
        ),
    ] = None,
    method: Annotated[str, typer.Option(metavar="NAME", help="The request's method.")] = "GET",
    as_json: Json = False,
    network: RunningNetwork = None,
    state: State = STATE,
) -> None:
    """Tell what a node would do with a request, and why.

    Nothing is fetched or counted.
    """
    from deploy.commands.admin_port import running_network
    from deploy.commands.explain import explain as command

    command(
        running_network(network, state.absolute()),
        url,
        node=node,
        method=method,
        headers=header or (),
        as_json=as_json,
    )


@app.command()
def purge(
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", show_default=False, help="All variants of a URL."),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(metavar="URL", show_default=False, help="Everything that begins so."),
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option(
            metavar="TAG",
            show_default=False,
            help="Everything with this Cache-Tag, Surrogate-Key or Cache-Groups.",
        ),
    ] = None,
    site: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Alone: all of a site. With --tag: whose tag it is.",
        ),
    ] = None,
    soft: Annotated[
        bool,
        typer.Option(
            "--soft",
            metavar="",
            help="Let it be used for a minute more while the origin is asked.",
        ),
    ] = False,
    network: RunningNetwork = None,
    state: State = STATE,
) -> None:
    """Drop stored responses in every parent and edge.

    Asks a parent that runs here, and tells which nodes have done it. Whatever is being fetched at
    that moment is not kept either.
    """
    from deploy.commands.admin_port import running_network
    from deploy.commands.purge import purge as command

    here = state.absolute()
    wanted = {"url": url, "prefix": prefix, "tag": tag, "site": site, "soft": soft}
    command(running_network(network, here), here, wanted)


_Shop = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", show_default=False, help="The demo shop's node, where there are several."
    ),
]


@shop.callback(invoke_without_command=True)
def _shop(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@shop.command()
def release(
    number: Annotated[
        int | None,
        typer.Argument(
            metavar="NUMBER", show_default=False, help="Which release; by default the next one."
        ),
    ] = None,
    network: Network = None,
    node: _Shop = None,
    state: State = STATE,
) -> None:
    """Bring out a release of the demo shop.

    A few pages, a style and a script change, as they would on a Tuesday. The shop that runs shows
    it within a second; what earlier pages load stays where it was.
    """
    from deploy.commands.shop import release

    release(_network_file(network), state.absolute(), node, number)


@shop.command()
def pictures(network: Network = None, node: _Shop = None, state: State = STATE) -> None:
    """Make the demo shop's pictures and film now.

    Without it each is made when it is first asked for.
    """
    from deploy.commands.shop import pictures

    pictures(_network_file(network), state.absolute(), node)


def _network_file(given: Path | None) -> Path:
    return (given or DEMO).absolute()


def _errand(file: Path | None, state: Path) -> "Errand":
    from deploy.errand import Errand
    from deploy.network import read_text

    source = _network_file(file)
    return Errand(text=read_text(source), source=source, state=state.absolute(), builders=ROLES)


def main(arguments: list[str] | None = None) -> NoReturn:
    """The console script."""
    try:
        code = app(arguments, standalone_mode=False)
        sys.stdout.flush()
    except Refusal as refusal:
        code = _complain(str(refusal), refusal.code)
    except _CommandFault as fault:
        code = _complain(_message(fault), ExitCode.USAGE)
    except typer.Abort:
        code = ExitCode.FAILED
    except KeyboardInterrupt:
        code = 130  # as shells count a SIGINT
    except BrokenPipeError:
        # `midmile status | head`: say nothing, also not when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.FAILED
    sys.exit(int(code or 0))


def _message(fault: BaseException) -> str:
    text: str = fault.format_message()  # type: ignore[attr-defined]
    return f"{text[:1].lower()}{text[1:].rstrip('.')} (see --help)"


def _complain(message: str, code: ExitCode) -> ExitCode:
    for line in message.splitlines():
        print(f"midmile: {line}", file=sys.stderr)
    return code
