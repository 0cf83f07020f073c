"""`midmile purge` on a network that runs: every parent and edge does it, or is named."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
import pytest
import pytest_asyncio

from tests.kit.network import Finished, Running, grounds, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = "shop.cdn.test"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network() -> AsyncIterator[Running]:
    with grounds() as place:
        async with running(place) as started:
            yield started


async def purge(network: Running, *arguments: str) -> Finished:
    """What the command says; the network is found by its state."""
    return await network.grounds.midmile("purge", *arguments, "--state", str(network.grounds.state))


async def came(network: Running, path: str) -> list[str]:
    """What west, then its parent, say of how they came by an answer; west has one worker."""
    url = f"http://{network.edge('west').advertise.http}{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers={"Host": HOST}) as answer,
    ):
        assert answer.status == 200
        members = ", ".join(answer.headers.getall("Cache-Status")).split(", ")
    return [member.partition("; ")[2] for member in reversed(members)]


async def is_stored(network: Running, path: str) -> None:
    """Wait until west has it."""
    async with asyncio.timeout(20):
        while not (await came(network, path))[0].startswith("hit; "):
            pass


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("/objects/1KB", ("--url", f"http://{HOST}/objects/1KB")),
        ("/objects/10KB", ("--prefix", f"http://{HOST}/objects/")),
        ("/objects/100KB", ("--site", "shop")),
    ],
)
async def test_all_have_done_it(network: Running, path: str, arguments: tuple[str, ...]) -> None:
    """Parents first; then nobody has it any more."""
    await is_stored(network, path)
    done = await purge(network, *arguments)
    assert (done.code, done.stderr) == (0, "")
    nodes = [line.partition(": ")[0] for line in done.stdout.splitlines()]
    assert nodes == ["parent-a", "parent-b", "east", "west"]
    assert all(line.endswith(": done") for line in done.stdout.splitlines())
    assert [said.partition(";")[0] for said in await came(network, path)] == ["fwd=uri-miss"] * 2


async def test_softly(network: Running) -> None:
    """It is given once more, and asked about."""
    await is_stored(network, "/objects/1KB")
    assert (await purge(network, "--url", f"http://{HOST}/objects/1KB", "--soft")).code == 0
    said = await came(network, "/objects/1KB")
    assert said[0].startswith("hit; ttl=-")
    assert said[0].endswith("detail=stale-while-revalidate")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "name one of url, prefix, tag"),
        (("--url", "http://bank.example/"), "bank.example is no host of any site"),
        (("--tag", "a", "--site", "bank"), "there is no site 'bank'"),
        (("--url", f"http://{HOST}/", "--tag", "a"), "name one of"),
    ],
)
async def test_mistakes_are_one_line(
    network: Running, arguments: tuple[str, ...], text: str
) -> None:
    """And nothing is purged anywhere."""
    done = await purge(network, *arguments)
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"midmile: {text}")
    assert done.stderr.count("\n") == 1


async def test_who_has_not_done_it_is_named(network: Running) -> None:
    """A node that hangs; the others have done it all the same."""
    keeper = (await network.pids())["east"]
    os.kill(keeper, signal.SIGSTOP)
    try:
        done = await purge(network, "--site", "shop")
    finally:
        with suppress(ProcessLookupError):  # who hangs is ended by the supervisor, and begun anew
            os.kill(keeper, signal.SIGCONT)
    assert done.code == 1
    assert done.stderr == "midmile: not done by east\n"
    assert "\neast does not " in done.stdout  # answer, or run: its supervisor may end it meanwhile
    assert "west: done" in done.stdout
