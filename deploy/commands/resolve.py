"""`midmile resolve`: walks both DNS tiers and prints each step."""

import asyncio
import ipaddress
from pathlib import Path

from deploy.exits import ExitCode, Refusal
from deploy.network import Network, read
from mapping.aio.resolve import walk
from mapping.errors import WalkError
from mapping.walk import format_step


def resolve(path: Path, name: str, client: str | None) -> None:
    """Ask from the network's top-level servers downwards; `Refusal` where nobody answers."""
    if client is not None:
        _check(client)
    network = read(path)
    if not network.tops:
        raise Refusal(f"{path} has no top-level DNS server to ask", ExitCode.USAGE)
    try:
        asyncio.run(_walk(network, name, client))
    except WalkError as error:
        raise Refusal(str(error)) from None


def _check(client: str) -> None:
    try:
        ipaddress.ip_network(client, strict=False)
    except ValueError:
        text = f"--client {client!r} is no IP address or prefix, such as 192.0.2.0/24"
        raise Refusal(text, ExitCode.USAGE) from None


async def _walk(network: Network, name: str, client: str | None) -> None:
    tops = [node.advertise.dns for node in network.tops]
    ports = {node.advertise.dns.host: node.advertise.dns.port for node in network.lows}
    number = 0
    async for step in walk(name, tops=tops, ports=ports, client=client):
        number += 1
        print("\n".join(format_step(number, step)), flush=True)
