"""kill -9 of any process while visitors come: it is back soon, and they notice nothing.

Deadlines are the promised ones with threefold slack.
"""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.kit.network import Running, grounds, running, starting
from tests.kit.processes import alive, gone
from tests.scenario.visitor import addresses, get, light_load, requests

pytestmark = pytest.mark.asyncio(loop_scope="module")

BACK_S = 3 * 5.0
LEAVES_ANSWERS_S = 3 * 3.0
LONG_SLEEP_S = 3 * 46.0
STORED, UNCACHEABLE = "/objects/1KB", "/objects/8KB-uncacheable"
LOWS = ("low-east", "low-west")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network() -> AsyncIterator[Running]:
    with grounds() as place:
        async with running(place) as started:
            yield started


@pytest.mark.parametrize(
    ("victim", "event", "spared"),
    [
        ("east/0", "worker-back", (STORED, UNCACHEABLE)),
        ("east", "node-back", (STORED, UNCACHEABLE)),
        ("top-a/0", "worker-back", (STORED, UNCACHEABLE)),
        ("top-a", "node-back", (STORED, UNCACHEABLE)),
        ("low-east/0", "worker-back", (STORED, UNCACHEABLE)),
        ("low-east", "node-back", (STORED, UNCACHEABLE)),
        ("shop-origin/0", "worker-back", (STORED,)),
        ("shop-origin", "node-back", (STORED,)),
        ("parent-a/0", "worker-back", (STORED, UNCACHEABLE)),
        ("parent-a", "node-back", (STORED, UNCACHEABLE)),
    ],
)
async def test_a_killed_process_is_back_and_visitors_are_spared(
    network: Running, victim: str, event: str, spared: tuple[str, ...]
) -> None:
    """Another process takes its place within 5 s; only what the one origin alone has is missing."""
    before = await network.pids()
    async with light_load(network, STORED, UNCACHEABLE) as load:
        await load.visits(10)
        since = network.mark()
        os.kill(before[victim], signal.SIGKILL)
        await network.heard(since=since, event=event, within_s=BACK_S, **_where(victim, event))
        await load.visits(20)
    assert {path: load.failures[path] for path in spared} == {path: [] for path in spared}
    after = await network.pids()
    changed = {name for name, pid in before.items() if after[name] != pid}
    assert changed == {name for name in before if name == victim or name.startswith(f"{victim}/")}
    assert not alive(before[victim])


def _where(victim: str, event: str) -> dict[str, str]:
    """Who says that the victim is back: its keeper of a worker, the supervisor of a keeper."""
    if event == "worker-back":
        return {"node": victim.partition("/")[0]}
    return {"node": "supervisor", "message": f"{victim} is back"}


async def test_counters_survive_a_workers_restart(network: Running) -> None:
    """What a killed worker has counted stays in its node's sum, and its successor goes on."""
    url = f"http://{network.edge('west').advertise.http}{STORED}"
    async with aiohttp.ClientSession() as session:

        async def visit() -> None:
            answer = await get(session, url, host="shop.cdn.test")
            # What is in the access log has been counted.
            await network.heard(node="west", request_id=answer.headers["X-Request-Id"])

        for _ in range(5):
            await visit()
        counted = await requests(session, network, "west")
        assert counted >= 5
        since = network.mark()
        os.kill((await network.pids())["west/0"], signal.SIGKILL)
        await network.heard(since=since, event="worker-back", node="west", within_s=BACK_S)
        await visit()
        assert await requests(session, network, "west") == counted + 1


async def test_a_dead_edge_is_left_out_and_woken(network: Running, tmp_path: Path) -> None:
    """Visitors never notice; answers leave it out; it is put to long sleep; `--wake` brings it."""
    key, away = _key(network, "east"), tmp_path / "tls.key"
    host = network.edge("east").advertise.http.host
    since = network.mark()
    async with light_load(network, STORED, UNCACHEABLE, per_second=10) as load:
        await load.visits(10)
        key.rename(away)  # so that it cannot come back
        os.kill((await network.pids())["east"], signal.SIGKILL)
        for low in LOWS:
            await network.heard(
                since=since, event="edge-down", node=low, edge="east", within_s=LEAVES_ANSWERS_S
            )
        assert host not in await addresses(network)
        asleep = await network.heard(since=since, event="long-sleep", within_s=LONG_SLEEP_S)
        assert asleep["message"].endswith("wake it with: midmile status --wake east")
        assert (await network.node("east"))["state"] == "asleep"
        away.rename(key)
        since = network.mark()
        assert (await network.midmile("status", "--wake", "east")).stdout == "woke east\n"
        await network.heard(since=since, event="node-back", within_s=BACK_S)
        for low in LOWS:
            await network.heard(since=since, event="edge-up", node=low, edge="east")
        assert host in await addresses(network)
    assert load.failures == {STORED: [], UNCACHEABLE: []}


async def test_idempotent_requests_survive_a_dead_parent(network: Running, tmp_path: Path) -> None:
    """While one parent is down, and when it dies and comes again, the other one serves."""
    for parent in ("parent-a", "parent-b"):
        key, away = _key(network, parent), tmp_path / f"{parent}.key"
        async with light_load(network, UNCACHEABLE) as load:
            await load.visits(10)
            since = network.mark()
            key.rename(away)
            os.kill((await network.pids())[parent], signal.SIGKILL)
            await load.visits(60)
            assert (await network.node(parent))["state"] != "ready"
            away.rename(key)
            await network.midmile("status", "--wake", parent)  # it may be between two tries
            await network.heard(since=since, event="node-back", within_s=BACK_S)
            await load.visits(10)
        assert load.failures == {UNCACHEABLE: []}, parent


async def test_nothing_outlives_a_killed_supervisor() -> None:
    """All nodes end by themselves, and a new `up` in the same state directory works."""
    with grounds("python-docs.toml") as place:
        async with starting(place) as killed:
            await killed.heard(event="network-ready", within_s=90)
            pids = await killed.pids()
            killed.send(signal.SIGKILL)
            for pid in pids.values():
                await gone(pid, BACK_S)
            assert place.strays() == []
        async with running(place) as again:
            assert (await again.status())["nodes"][0]["state"] == "ready"


def _key(network: Running, node: str) -> Path:
    return network.grounds.state / "keys" / "nodes" / node / "tls.key"
