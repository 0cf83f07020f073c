"""Users of a network: clients that resolve its name and ask the addresses they get.

A visitor tries each returned address once, in the order in which they came, as browsers do; it
fails only when none of them has given a whole answer.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import aiohttp
from multidict import CIMultiDictProxy
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from mapping.aio.resolve import walk
from mapping.errors import WalkError
from tests.kit.network import Running

_PATIENCE = aiohttp.ClientTimeout(total=15.0, sock_connect=5.0)
"""For one address; longer than a restart may take."""
_NEWS_S = 1.5
"""Nodes tell of themselves each second; what was on its way may be as old as that."""
_SETTLED_S = 30.0
"""Low-level servers ask edges how they are each second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole response."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def cache(self) -> str:
        """The last member of Cache-Status: the edge's own."""
        return self.headers.getall("Cache-Status")[-1].rpartition(", ")[2]


async def get(session: aiohttp.ClientSession, url: str, *, host: str = "", **fields: str) -> Answer:
    """GET with a Host of its own and other fields (`if_none_match="..."`)."""
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    if host:
        headers["Host"] = host
    async with session.get(url, headers=headers, allow_redirects=False) as response:
        body = await response.read()
        return Answer(status=response.status, headers=response.headers, body=body)


async def addresses(network: Running, name: str = "shop.cdn.test") -> list[str]:
    """What both DNS tiers say of a name; nothing where no server answers."""
    tops = [node.advertise.dns for node in network.network.tops]
    ports = {low.advertise.dns.host: low.advertise.dns.port for low in network.network.lows}
    found: list[str] = []
    try:
        async for step in walk(name, tops=tops, ports=ports, timeout_s=1.0):
            found = [record.value for record in step.records if record.rdtype == "A"]
    except WalkError:
        return []
    return found


async def samples(session: aiohttp.ClientSession, network: Running, node: str) -> list[Sample]:
    """All that a node's `/metrics` tells."""
    exposition = await get(session, f"{network.admin(node)}/metrics")
    families = text_string_to_metric_families(exposition.body.decode())
    return [sample for family in families for sample in family.samples]


async def requests(session: aiohttp.ClientSession, network: Running, node: str) -> float:
    """How many requests an edge has counted."""
    found = await samples(session, network, node)
    return sum(sample.value for sample in found if sample.name == "midmile_edge_requests_total")


async def settled(session: aiohttp.ClientSession, network: Running) -> None:
    """Wait until low-level servers have found every edge well, and all nodes' heartbeats say so.

    On a slow machine an edge may leave the answers while it starts.
    """
    async with asyncio.timeout(_SETTLED_S):
        for low in network.network.lows:
            await _until(partial(_all_well, session, network, low.name))
        begun = {node["name"]: _told_s(node) for node in await _shown(network)}
        await _until(partial(_shown_well, network, begun))


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    while not await holds():  # noqa: ASYNC110 - it is another process that changes
        await asyncio.sleep(0.1)


async def _all_well(session: aiohttp.ClientSession, network: Running, low: str) -> bool:
    found = await samples(session, network, low)
    probed = {
        sample.labels["edge"]
        for sample in found
        if sample.name == "midmile_mapping_probes_total" and sample.labels["outcome"] == "ok"
    }
    ups = [sample.value for sample in found if sample.name == "midmile_mapping_edge_up"]
    return probed == {edge.name for edge in network.network.edges} and all(ups)


async def _shown_well(network: Running, begun: Mapping[str, float]) -> bool:
    """Also by what the nodes have told since then, and not only by what was on its way."""
    return all(
        node["condition"] == "well"
        and not node["left_out_by"]
        and _told_s(node) >= begun[node["name"]] + _NEWS_S
        for node in await _shown(network)
    )


def _told_s(node: Mapping[str, Any]) -> float:
    """How long its workers had been up when the node last told of itself."""
    return max(float(worker["uptime_s"]) for worker in node["workers"])


async def _shown(network: Running) -> list[dict[str, Any]]:
    status = await network.midmile("status", "--json")
    return cast("list[dict[str, Any]]", json.loads(status.stdout)["nodes"])


class Load:
    """A light load: visits at an even pace, and how each ended."""

    def __init__(self, network: Running, paths: tuple[str, ...], per_second: float) -> None:
        self.failures: dict[str, list[str]] = {path: [] for path in paths}
        """By path: what each address said to a visitor who got no answer at all."""
        self._network = network
        self._pause_s = 1 / per_second
        self._visits: set[asyncio.Task[None]] = set()
        self._ended = 0
        self._news = asyncio.Condition()

    async def visits(self, number: int, within_s: float = 60.0) -> None:
        """Wait until so many more visits have ended."""
        goal = self._ended + number
        async with asyncio.timeout(within_s), self._news:
            await self._news.wait_for(lambda: self._ended >= goal)

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Visit until cancelled."""
        while True:
            for path in self.failures:
                visit = asyncio.create_task(self._visit(session, path))
                self._visits.add(visit)
                visit.add_done_callback(self._visits.discard)
                await asyncio.sleep(self._pause_s)

    async def finish(self) -> None:
        """Let the visits that have begun end."""
        await asyncio.gather(*self._visits)

    async def _visit(self, session: aiohttp.ClientSession, path: str) -> None:
        port = self._network.network.edges[0].advertise.http.port
        said = []
        for address in await addresses(self._network) or ["no address"]:
            try:
                answer = await get(session, f"http://{address}:{port}{path}", host="shop.cdn.test")
            except (aiohttp.ClientError, TimeoutError) as error:
                said.append(f"{address}: {error!r}")
                continue
            if answer.status == 200:
                break
            said.append(f"{address}: {answer.status} {answer.body[:80]!r}")
        else:
            self.failures[path].append("; ".join(said))
        async with self._news:
            self._ended += 1
            self._news.notify_all()


@asynccontextmanager
async def light_load(
    network: Running, *paths: str, per_second: float = 20.0
) -> AsyncIterator[Load]:
    """Visitors who come one after the other, each on a connection of its own."""
    load = Load(network, paths, per_second)
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=_PATIENCE) as session:
        pace = asyncio.create_task(load.run(session))
        try:
            yield load
        finally:
            pace.cancel()
            await load.finish()
