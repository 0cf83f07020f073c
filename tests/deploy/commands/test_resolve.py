"""`midmile resolve`: both tiers of a network file's DNS, asked for real."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from deploy.commands.resolve import resolve
from deploy.exits import ExitCode, Refusal
from deploy.network import LowNode, TopNode
from deploy.settings import mapping_settings
from tests.deploy.networks import changed, demo
from tests.mapping.aio.sockets import serving


@asynccontextmanager
async def dns() -> AsyncIterator[str]:
    """The demo network's DNS servers on ports of their own; its file with these."""
    network = demo()
    ports = []
    async with AsyncExitStack() as running:
        for node in (*network.tops, *network.lows):
            assert isinstance(node, TopNode | LowNode)
            host = node.advertise.dns.host
            settings = mapping_settings(network, node)
            _, port = await running.enter_async_context(serving(settings, host))
            ports.append((f"{host}:5300", f"{host}:{port}"))
        yield changed(*ports)


async def test_both_tiers_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A referral, then edges: at first those of the region that the subnet belongs to."""
    file = tmp_path / "demo.toml"
    async with dns() as text:
        file.write_text(text)
        await asyncio.to_thread(resolve, file, "shop.cdn.test", "127.0.2.0/24")
    said = capsys.readouterr().out
    first, second = said.split("\n2. ")
    assert first.startswith("1. shop.cdn.test. A -> 127.0.10.1 (127.0.10.1:")
    assert "REFERRAL" in first.upper()
    assert "low-east.ns.cdn.test." in first
    assert 0 < second.index(" 127.0.2.1") < second.index(" 127.0.1.1")
    assert "for clients in 127.0.2.0/24" in second


async def test_a_wrong_prefix_is_one_line(tmp_path: Path) -> None:
    """Before anything is asked; it names the option."""
    file = tmp_path / "demo.toml"
    file.write_text(changed())
    with pytest.raises(Refusal) as refused:
        await asyncio.to_thread(resolve, file, "shop.cdn.test", "nonsense")
    assert "--client 'nonsense'" in str(refused.value)
    assert refused.value.code is ExitCode.USAGE
