"""The command line: `midmile`.

What a command does is imported when it runs, so that help appears at once. Every error is one line
on stderr and an exit code of `ExitCode`.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from deploy.exits import ExitCode, Refusal

app = typer.Typer(
    name="midmile",
    help="A content delivery network that one person can run.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done; 1 failed; 2 wrong usage, network file or keys; 3 an address or "
    "file cannot be had; 4 runs already, or does not run.",
)

_CommandFault: type[Exception] = next(
    each for each in typer.BadParameter.__mro__ if each.__name__ == "ClickException"
)
"""Base of all usage errors; typer does not export it, and of late has its own copy of click."""

File = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="Network file; by default the demo network."),
]
Network = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Network file; by default the demo network.")
]
State = Annotated[Path, typer.Option(metavar="DIR", help="Where keys and run-time files live.")]
VAR = Path("var")


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"midmile {version('midmile')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _midmile(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  its callback has done all
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def up(file: File = None, state: State = VAR) -> None:
    """Run every node of a network on this machine until Ctrl-C."""
    from deploy.supervise import Errand
    from deploy.up import ROLES, run_up

    path = network_file(file)
    _end(run_up(Errand(text=read_text(path), source=path, state=state.absolute(), builders=ROLES)))


@app.command()
def node(
    name: Annotated[str, typer.Argument(help="Which node of the network file.")],
    network: Network = None,
    state: State = VAR,
) -> None:
    """Run one node of a network until SIGTERM."""
    from deploy.up import run_alone

    path = network_file(network)
    _end(run_alone(name, read_text(path), path, state.absolute()))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    wake: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="End the long sleep of a node, or a worker (east/0)."),
    ] = None,
    state: State = VAR,
) -> None:
    """Show what `midmile up` runs: nodes, processes, restarts, requests."""
    from deploy.control import ask

    if wake is not None:
        print(f"woke {ask(state.absolute(), {'kind': 'wake', 'name': wake})['woken']}")
        return
    from deploy.status import print_status

    print_status(ask(state.absolute(), {"kind": "status"}), as_json=as_json)


@app.command()
def check(file: File = None) -> None:
    """Say whether a network file is right, and everything that is wrong with it."""
    from deploy.commands import check_file

    _end(check_file(network_file(file)))


@app.command()
def keys(
    file: File = None,
    node: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Write the bundle of a distant machine's node."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to; by default NAME.keys.tar.")
    ] = None,
    install: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take in a bundle on the machine it is for.")
    ] = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Renew all keys; old ones stay trusted for a while.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite a bundle that is there already.")
    ] = False,
    state: State = VAR,
) -> None:
    """Make the network's keys: what is missing or due; nothing good is overwritten."""
    from deploy import commands

    if sum((node is not None, install is not None, rotate)) > 1:
        raise typer.BadParameter("only one of --node, --install and --rotate at a time")
    if output is not None and node is None:
        raise typer.BadParameter("--output goes with --node")
    place = state.absolute()
    if install is not None:
        commands.install_keys(install, place, replace=replace)
        return
    path = network_file(file)
    if node is not None:
        target = output or Path(f"{node}.keys.tar")
        commands.bundle_keys(path, place, node, target, overwrite=replace)
    else:
        commands.make_keys(path, place, rotate=rotate)


@app.command()
def resolve(
    name: Annotated[str, typer.Argument(help="Host name, such as shop.cdn.test.")],
    client: Annotated[
        str | None, typer.Option(metavar="PREFIX", help="Ask on behalf of this prefix (ECS).")
    ] = None,
    network: Network = None,
) -> None:
    """Walk both DNS tiers as a resolver would and show each answer."""
    from deploy.commands import resolve_name

    _end(resolve_name(network_file(network), name, client))


def network_file(given: Path | None) -> Path:
    """The network file: the one given, or the demo network that comes with the package."""
    return (given or Path(__file__).parent / "networks" / "demo.toml").absolute()


def read_text(path: Path) -> str:
    """A network file's text, which all processes of a network then share."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal(f"{path}: not UTF-8 text", ExitCode.USAGE) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Refusal(f"cannot read {path}: {reason}", ExitCode.USAGE) from None


def _end(code: ExitCode) -> None:
    if code is not ExitCode.OK:
        raise typer.Exit(int(code))


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
