"""What the shorter commands do: `check`, `keys`, `resolve`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from deploy.exits import ExitCode, Refusal, exit_code
from deploy.network import Network, NetworkFileError, read


def check_file(path: Path) -> ExitCode:
    """Print what a network file describes, or what is wrong with it."""
    from deploy.check import check

    return exit_code(check(path))


def make_keys(path: Path, state: Path, *, rotate: bool) -> None:
    """Make or renew a network's keys and print what was done."""
    from deploy import keys
    from deploy.wiring import key_plan

    plan = key_plan(_network(path))
    with _refusing():
        make = keys.rotate if rotate else keys.ensure
        report = make(state, plan, datetime.now(UTC))
    for entry in report.entries:
        print(entry)


def bundle_keys(path: Path, state: Path, node: str, output: Path, *, overwrite: bool) -> None:
    """Write the bundle of a node for another machine; makes the network's keys where missing."""
    from deploy import keys
    from deploy.wiring import key_plan

    plan = key_plan(_network(path))
    now = datetime.now(UTC)
    with _refusing():
        keys.ensure(state, plan, now)
        keys.bundle(state, plan, node, output, now, overwrite=overwrite)
    print(f"{output}: keys of node {node}; take it to its machine over a safe way, then")
    print(f"  midmile keys --install {output.name}")


def install_keys(archive: Path, state: Path, *, replace: bool) -> None:
    """Take in a bundle on the machine it is for."""
    from deploy import keys

    with _refusing():
        identity = keys.install_bundle(archive, state, datetime.now(UTC), replace=replace)
    print(f"installed the keys of {identity.role} {identity.node} of network {identity.network}")


def resolve_name(path: Path, name: str, client: str | None) -> ExitCode:
    """Walk both DNS tiers and print each step."""
    from mapping.errors import WalkError

    network = _network(path)
    if not network.tops:
        raise Refusal(f"{path} has no top-level DNS server to ask", ExitCode.USAGE)
    try:
        asyncio.run(_walk(network, name, client))
    except WalkError as error:
        raise Refusal(str(error)) from None
    return ExitCode.OK


async def _walk(network: Network, name: str, client: str | None) -> None:
    from mapping.aio.resolve import walk
    from mapping.walk import format_step

    tops = [node.advertise.dns for node in network.tops]
    ports = {node.advertise.dns.host: node.advertise.dns.port for node in network.lows}
    number = 0
    async for step in walk(name, tops=tops, ports=ports, client=client):
        number += 1
        print("\n".join(format_step(number, step)), flush=True)


def _network(path: Path) -> Network:
    try:
        return read(path)
    except NetworkFileError as error:
        raise Refusal(str(error), ExitCode.USAGE) from None


@contextmanager
def _refusing() -> Iterator[None]:
    """Tell of a failure of the keys in one line."""
    from deploy.keys import KeysError

    try:
        yield
    except KeysError as error:
        raise Refusal(str(error), ExitCode.USAGE) from None
