"""`midmile purge` on a network that runs: every parent and edge does it, or is named."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
import pytest_asyncio

from deploy.layout import NodeFiles, node_home
from origin.aio.purge_book import BOOK
from tests.kit.network import Finished, Running, grounds, running
from tests.kit.processes import gone

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = "shop.cdn.test"
PLAIN = {"Accept-Encoding": "identity"}
BACK_S = 30.0
"""Far more than a node needs to be back once nothing is in its way."""


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
        session.get(url, headers={"Host": HOST, **PLAIN}) as answer,
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
    """A node that hangs; what its workers hear in the tunnel lets them doubt what they have."""
    for path in ("/objects/1KB", "/objects/10KB"):
        await is_stored(network, path)
    keeper = (await network.pids())["west"]
    os.kill(keeper, signal.SIGSTOP)
    try:
        done = await purge(network, "--url", f"http://{HOST}/objects/1KB")
        missed = await came(network, "/objects/1KB?another")
        doubted = await came(network, "/objects/10KB")
    finally:
        with suppress(ProcessLookupError):  # who hangs is ended by the supervisor, and begun anew
            os.kill(keeper, signal.SIGCONT)
    assert done.code == 1
    assert done.stderr.startswith("midmile: not done yet by west: ")
    assert "\nwest: " in done.stdout
    assert "east: done" in done.stdout
    assert missed[0].startswith("fwd=uri-miss")
    assert not doubted[0].startswith("hit; ttl")


async def test_a_parent_that_was_away_catches_up(network: Running) -> None:
    """Another one takes the purge; edges keep what they have when a parent is back."""
    await is_stored(network, "/objects/10KB")
    began = network.mark()
    os.kill((await network.pids())["parent-a"], signal.SIGKILL)
    done = await purge(network, "--url", f"http://{HOST}/objects/1KB")
    wanted = {"site": "shop", "scope": "url", "value": f"{HOST}/objects/1KB", "soft": False}
    for node in ("parent-a", "parent-b", "east", "west"):
        await network.heard(since=began, within_s=30, node=node, event="purged", purge=wanted)
    assert "parent-b: done" in done.stdout
    assert not network.said(since=began, node="west", event="purged-everything")
    assert (await came(network, "/objects/10KB"))[0].startswith("hit; ")


@asynccontextmanager
async def away(network: Running, *nodes: str) -> AsyncIterator[None]:
    """Nodes that die and cannot come back before the end."""
    before, since = await network.pids(), network.mark()
    keys = {node: NodeFiles(network.grounds.state, node).tls_key for node in nodes}
    for node, key in keys.items():
        key.rename(network.grounds.file.with_name(node))
        os.kill(before[node], signal.SIGKILL)
    for name, pid in before.items():
        if name.partition("/")[0] in nodes:
            await gone(pid)
    try:
        yield
    finally:
        for node, key in keys.items():
            network.grounds.file.with_name(node).rename(key)
            await network.midmile("status", "--wake", node)  # it may be between two tries
        for node in nodes:
            back = f"{node} is back"
            await network.heard(since=since, event="node-back", message=back, within_s=BACK_S)


async def numbered(network: Running) -> int:
    """The number that parent-a gives to a purge."""
    since = network.mark()
    await purge(network, "--url", f"http://{HOST}/objects/2KB")
    line = await network.heard(since=since, event="purged", node="west", parent="parent-a")
    number: int = line["number"]
    return number


async def test_a_parent_goes_on_numbering(network: Running) -> None:
    """A crash takes nothing from its log, so nobody drops what it has."""
    await is_stored(network, "/objects/10KB")
    number, since = await numbered(network), network.mark()
    async with away(network, "parent-a"):
        pass
    assert await numbered(network) == number + 1
    assert not network.said(since=since, node="west", event="purged-everything")
    assert (await came(network, "/objects/10KB"))[0].startswith("hit; ")


async def test_another_parent_takes_it(network: Running) -> None:
    """Whoever is away is named, and does it as soon as it is back."""
    since = network.mark()
    async with away(network, "parent-a"):
        done = await purge(network, "--url", f"http://{HOST}/objects/1KB")
        assert (done.code, done.stderr.startswith("midmile: not done yet by parent-a")) == (1, True)
        lines = done.stdout.splitlines()
        assert {f"{node}: done" for node in ("parent-b", "east", "west")} <= set(lines)
    await network.heard(
        since=since, event="purged", node="parent-a", parent="parent-b", within_s=BACK_S
    )


async def test_who_hears_of_no_parent_doubts_what_it_has(network: Running) -> None:
    """It may have missed a purge. Where nobody can be asked, users get it all the same."""
    await is_stored(network, "/objects/10KB")
    field = ("-H", "Accept-Encoding: identity")
    explain = ("explain", f"http://{HOST}/objects/10KB", "--node", "west", *field)
    state = ("--state", str(network.grounds.state))
    async with away(network, "parent-a", "parent-b"), asyncio.timeout(60):
        while "(purges-unknown)" not in (await network.grounds.midmile(*explain, *state)).stdout:
            pass
        said = await came(network, "/objects/10KB")
        assert said[0].endswith("; detail=unreachable")
    await is_stored(network, "/objects/10KB")


async def test_a_parent_that_has_lost_its_log_begins_another(network: Running) -> None:
    """Nobody can tell any more what the edges have missed of it: they drop all that they have."""
    await is_stored(network, "/objects/10KB")
    since = network.mark()
    async with away(network, "parent-a"):
        for file in node_home(network.grounds.state, "parent-a").glob(f"{BOOK}*"):
            file.unlink()
    await network.heard(since=since, event="purged-everything", node="west", within_s=BACK_S)
    assert (await came(network, "/objects/10KB"))[0].startswith("fwd=uri-miss")
    assert await numbered(network) == 1


async def test_a_log_that_was_put_back_from_a_backup(network: Running) -> None:
    """It knows less than it told: it begins anew, and what was missed of it is nowhere used."""
    home = node_home(network.grounds.state, "parent-a")
    async with away(network, "parent-a"):
        backup = {file: file.read_bytes() for file in home.glob(f"{BOOK}*")}
    await numbered(network)
    await is_stored(network, "/objects/10KB")
    since = network.mark()
    async with away(network, "parent-a"):
        for file in home.glob(f"{BOOK}*"):
            file.unlink()
        for file, content in backup.items():
            file.write_bytes(content)
    await network.heard(since=since, event="purge-log-anew", node="parent-a", within_s=BACK_S)
    await network.heard(since=since, event="purged-everything", node="west", within_s=BACK_S)
    assert (await came(network, "/objects/10KB"))[0].startswith("fwd=uri-miss")
    assert await numbered(network) == 2  # the first one was everything
