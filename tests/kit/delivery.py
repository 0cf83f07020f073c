"""A network in one process: edges and parents on ports of their own, real keys between them."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest
from prometheus_client import CollectorRegistry

from deploy.keys import KeyPlan, NodeFiles, NodeKeys, SiteKeys, ensure
from edge.aio.worker import EdgeWorker
from edge.config import (
    CertificateFiles,
    EdgeSettings,
    Identity,
    Limits,
    OriginServer,
    ParentAddress,
    SiteRules,
)
from edge.metrics import EdgeMetrics
from edge.purge_log import Position
from edge.purging import wanted_purge
from edge.trail import Row, Stencil
from origin.aio.worker import ParentWorker
from origin.config import ParentSettings
from tests.kit.talk import Talker, talking

SITES = (
    SiteKeys(name="shop", hostnames=("shop.test", "localhost", "127.0.0.1")),
    SiteKeys(name="blog", hostnames=("blog.test",)),
)
PLAN = KeyPlan(
    network="demo",
    nodes=(
        NodeKeys(name="east", role="edge", sites=SITES),
        NodeKeys(name="parent-a", role="parent"),
        NodeKeys(name="parent-b", role="parent"),
        NodeKeys(name="top-a", role="top"),
    ),
)
PARENTS = ("parent-a", "parent-b")
QUICK = Limits(
    head_timeout_s=5, body_stall_s=5, write_stall_s=5, connect_timeout_s=2,
    answer_timeout_s=8, read_stall_s=8,
)  # fmt: skip
"""No test waits for a deadline unless it is about it."""


def make_keys(state: Path) -> Path:
    """The keys of `PLAN`, as of now."""
    ensure(state, PLAN, datetime.now(UTC))
    return state


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with the keys of the network."""
    return make_keys(tmp_path_factory.mktemp("keys"))


def identity(state: Path, node: str) -> Identity:
    """The tunnel files of a node."""
    files = NodeFiles(state, node)
    return Identity(
        certificate=str(files.tls_crt), key=str(files.tls_key), authorities=str(files.authorities)
    )


def listening() -> socket.socket:
    """A listening socket on a port of its own, as a keeper makes it."""
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


def port_of(sock: socket.socket) -> int:
    """Its port."""
    return int(sock.getsockname()[1])


class Records(list[Mapping[str, object]]):
    """An access log that keeps its records."""

    filled = 0
    """How many were of answers that were ready."""

    def __call__(self, record: Mapping[str, object]) -> None:
        """Keep it."""
        self.append(record)

    def stencil(
        self, record: Mapping[str, object], varying: Mapping[str, str | int | float]
    ) -> Stencil | None:
        """What `fill` needs."""
        return _Stencil(record, tuple(varying))

    def fill(self, rows: Sequence[Row]) -> None:
        """Keep a record for each."""
        self.filled += len(rows)
        for stencil, _, values in rows:
            assert isinstance(stencil, _Stencil)
            texts = (each.decode() if isinstance(each, bytes) else each for each in values)
            self.append({**stencil.record, **dict(zip(stencil.names, texts, strict=True))})


@dataclass
class _Stencil:
    record: Mapping[str, object]
    names: Sequence[str]


@dataclass
class Node:
    """A running worker, what it counts, and what it logs."""

    worker: EdgeWorker | ParentWorker
    ports: Mapping[str, int]
    registry: CollectorRegistry
    package: str
    log: Records = field(default_factory=Records)
    stopped: bool = False

    def count(self, name: str, **labels: str) -> float:
        """A sample of its metrics, 0 where there is none."""
        return self.registry.get_sample_value(f"midmile_{self.package}_{name}", labels) or 0.0

    async def stop(self, grace_s: float = 1.0) -> None:
        """Drain it, once."""
        if not self.stopped:
            self.stopped = True
            await self.worker.drain(grace_s)

    def assert_quiet(self) -> None:
        """Nothing is left of what it did."""
        assert self.count("requests_in_flight") == 0
        assert self.count("connections", peer="client") == 0
        assert self.count("connections", peer="upstream") == 0


@dataclass
class Delivery:
    """One edge, its parents, and the keys between them."""

    state: Path
    edge: Node
    parents: Sequence[Node]

    def purge(self, **wanted: object) -> None:
        """Have all of them purge, as an operator wants it: parents first."""
        for node in (*self.parents, self.edge):
            pipeline = node.worker._pipeline
            purge = wanted_purge(wanted, pipeline._sites)
            pipeline.purge([purge], Position(), everything=False)

    @asynccontextmanager
    async def client(self, *, tls: str | None = None, limit: int = 65_536) -> AsyncIterator[Talker]:
        """A user; `tls`: the name to ask for, over HTTPS."""
        if tls is None:
            async with talking(self.edge.ports["http"], limit=limit) as talker:
                yield talker
            return
        context = ssl.create_default_context(cafile=str(self.state / "keys" / "ca.crt"))
        async with talking(self.edge.ports["https"], context=context, name=tls) as talker:
            yield talker


class Listening(Protocol):
    """An origin server on this machine."""

    @property
    def port(self) -> int:
        """Where it listens."""


@dataclass(frozen=True)
class Standing:
    """An origin server that is none of the test's own."""

    port: int


def site_rules(*origins: Listening, **changes: object) -> tuple[SiteRules, ...]:
    """The shop with these origins, and a blog that shares nothing with it."""
    servers = tuple(OriginServer(scheme="http", host="127.0.0.1", port=one.port) for one in origins)
    shop = {"name": "shop", "hostnames": frozenset(SITES[0].hostnames), "origins": servers}
    return (
        SiteRules(**{**shop, **changes}),  # type: ignore[arg-type]
        SiteRules(name="blog", hostnames=frozenset({"blog.test"}), origins=servers),
    )


async def start_parent(
    state: Path, name: str, sites: tuple[SiteRules, ...], limits: Limits, **changes: object
) -> Node:
    """A parent."""
    sock, registry = listening(), CollectorRegistry()
    settings = ParentSettings(
        node=name,
        cdn_id="midmile-demo",
        sites=sites,
        edges=frozenset({"east.edge.demo.midmile"}),
        identity=identity(state, name),
        limits=limits,
        **changes,  # type: ignore[arg-type]
    )
    log = Records()
    worker = ParentWorker(settings, EdgeMetrics(registry, "origin"), log)
    await worker.start({"tunnel": [sock]})
    return Node(worker, {"tunnel": port_of(sock)}, registry, "origin", log)


async def start_edge(
    state: Path,
    sites: tuple[SiteRules, ...],
    parents: Mapping[str, int],
    limits: Limits,
    **changes: object,
) -> Node:
    """An edge whose parents listen on these ports."""
    http, https, registry = listening(), listening(), CollectorRegistry()
    files = NodeFiles(state, "east")
    settings = EdgeSettings(
        node="east",
        cdn_id="midmile-demo",
        sites=sites,
        parents=tuple(
            ParentAddress(
                name=name, host="127.0.0.1", port=port, identity=f"{name}.parent.demo.midmile"
            )
            for name, port in parents.items()
        ),
        identity=identity(state, "east"),
        site_certificates={
            site.name: CertificateFiles(
                certificate=str(files.site_crt(site.name)), key=str(files.site_key(site.name))
            )
            for site in SITES
        },
        limits=limits,
        **changes,  # type: ignore[arg-type]
    )
    log = Records()
    worker = EdgeWorker(settings, EdgeMetrics(registry), log)
    await worker.start({"http": [http], "https": [https]})
    return Node(worker, {"http": port_of(http), "https": port_of(https)}, registry, "edge", log)


@asynccontextmanager
async def delivery(
    state: Path,
    *origins: Listening,
    parents: Sequence[str] = PARENTS[:1],
    dead: Mapping[str, int] | None = None,
    limits: Limits = QUICK,
    cache_bytes: int = 64 * 1024 * 1024,
    **rules: object,
) -> AsyncIterator[Delivery]:
    """An edge with its parents; `dead`: ports that are no parents, by the names of parents.

    At its end nothing may be left: no connection, no request, no task.
    """
    before = asyncio.all_tasks()
    sites = site_rules(*origins, **rules)
    async with AsyncExitStack() as stack:
        nodes = []
        for name in parents:
            nodes.append(await start_parent(state, name, sites, limits, cache_bytes=cache_bytes))
            stack.push_async_callback(nodes[-1].stop)
        addresses = {name: node.ports["tunnel"] for name, node in zip(parents, nodes, strict=True)}
        edge = await start_edge(
            state, sites, {**(dead or {}), **addresses}, limits, cache_bytes=cache_bytes
        )
        stack.push_async_callback(edge.stop)
        yield Delivery(state, edge, nodes)
    for node in (edge, *nodes):
        node.assert_quiet()
    await settled(before)


async def settled(before: set["asyncio.Task[object]"]) -> None:
    """Let what has been cancelled end; nothing else may be there."""
    for _ in range(100):
        if not {task for task in asyncio.all_tasks() - before if not _foreign(task)}:
            return
        await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() - before if not _foreign(task)]
    assert not left, left


def _foreign(task: "asyncio.Task[object]") -> bool:
    """The origin's own tasks end with the origin."""
    return "Origin._serve" in repr(task.get_coro())
