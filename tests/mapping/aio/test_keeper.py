import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from mapping.aio.keeper import MappingKeeper
from mapping.aio.probe import probe
from mapping.config import EdgeServer, MappingSettings
from mapping.fleet import ProbeTiming
from mapping.health import ProbeOutcome
from mapping.metrics import MappingMetrics
from tests.mapping.network import EAST, LOW_EAST, TOP

HOST = "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
QUICK = ProbeTiming(interval_s=0.03, timeout_s=0.5, second_look_s=0.01)


class FakeEdge:
    """Answers every connection with the same bytes; None: takes it and says nothing."""

    def __init__(self, answer: bytes | None = OK) -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self.asked = asyncio.Semaphore(0)
        self._connections: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        self._connections[asyncio.current_task()] = writer
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            self.asked.release()
            if self.answer is None:
                await reader.read()
            else:
                writer.write(self.answer)
                await writer.drain()
        writer.close()
        del self._connections[asyncio.current_task()]

    async def end(self) -> None:
        """Cut the connections that are left, also those that are just being taken."""
        for _ in range(5):
            await asyncio.sleep(0)
        for writer in self._connections.values():
            writer.transport.abort()
        await asyncio.gather(*filter(None, self._connections))


@contextlib.asynccontextmanager
async def running(edge: FakeEdge, port: int = 0) -> AsyncIterator[int]:
    server = await asyncio.start_server(edge.serve, HOST, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await edge.end()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (OK, ProbeOutcome.OK),
        (b"HTTP/1.1 204 No Content\r\n\r\n", ProbeOutcome.OK),
        (b"HTTP/1.1 503 Busy\r\nConnection: close\r\n\r\n", ProbeOutcome.STATUS),
        (b"hello\r\n\r\n", ProbeOutcome.BROKEN),
        (b"HTTP/1.1 200 OK\r\n", ProbeOutcome.BROKEN),
        (b"", ProbeOutcome.BROKEN),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, ProbeOutcome.BROKEN),
        (None, ProbeOutcome.TIMEOUT),
    ],
)
async def test_probe_outcomes(answer: bytes | None, outcome: ProbeOutcome) -> None:
    """Each way in which an edge can answer, or fail to."""
    edge = FakeEdge(answer)
    async with running(edge) as port:
        timeout_s = 0.05 if outcome is ProbeOutcome.TIMEOUT else 5.0
        assert await probe(HOST, port, "west", timeout_s) is outcome
    assert edge.heads[0].startswith(b"GET /.well-known/midmile/health HTTP/1.1\r\nHost: west\r\n")


async def test_nobody_there() -> None:
    """A refused connection is told apart from silence."""
    async with running(FakeEdge()) as port:
        pass
    assert await probe(HOST, port, "west", 5.0) is ProbeOutcome.UNREACHABLE


def settings_for(*ports: int) -> MappingSettings:
    edges = tuple(
        EdgeServer(name=f"e{n}", addresses=(f"10.0.0.{n}",), probe_host=HOST, probe_port=port)
        for n, port in enumerate(ports, start=1)
    )
    return replace(LOW_EAST, regions=(replace(EAST, edges=edges),))


class Told:
    """What the keeper tells its workers, one message after the other."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Mapping[str, object]] = asyncio.Queue()

    async def next(self) -> object:
        """The edges that are down by the next message."""
        async with asyncio.timeout(10):
            message = await self.messages.get()
        assert message["kind"] == "fleet"
        return message["down"]


async def test_an_edge_dies_and_returns(caplog: pytest.LogCaptureFixture) -> None:
    """Workers are told of each transition, new ones get the list, and a log line says why."""
    caplog.set_level("INFO")
    registry = CollectorRegistry()
    told = Told()
    async with running(FakeEdge()) as stays, contextlib.AsyncExitStack() as dying:
        dies = FakeEdge()
        port = await dying.enter_async_context(running(dies))
        metrics = MappingMetrics(registry)
        keeper = MappingKeeper(settings_for(stays, port), metrics, told.messages.put_nowait, QUICK)
        assert keeper.greeting() == {"kind": "fleet", "down": []}
        await keeper.start()
        await dies.asked.acquire()
        await dies.asked.acquire()  # so the first probe has gone well
        await dying.aclose()
        assert await told.next() == ["e2"]
        assert keeper.greeting() == {"kind": "fleet", "down": ["e2"]}
        assert registry.get_sample_value("midmile_mapping_edges_up") == 1
        assert registry.get_sample_value("midmile_mapping_edge_up", {"edge": "e2"}) == 0
        async with running(FakeEdge(), port):
            assert await told.next() == []
        await keeper.stop()
    texts = [record.getMessage() for record in caplog.records]
    assert texts[:2] == [
        "edge e2 is out of the answers: its probe said unreachable",
        "edge e2 is in the answers: its probe said ok",
    ]
    probe_labels = {"edge": "e2", "outcome": "unreachable"}
    assert (registry.get_sample_value("midmile_mapping_probes_total", probe_labels) or 0) >= 2


async def test_a_silent_edge_is_as_dead_as_a_refusing_one() -> None:
    """A process that hangs takes connections and answers nothing."""
    told = Told()
    timing = replace(QUICK, timeout_s=0.05, interval_s=0.1)
    async with running(FakeEdge()) as good, running(FakeEdge(None)) as hung:
        metrics = MappingMetrics(CollectorRegistry())
        keeper = MappingKeeper(settings_for(good, hung), metrics, told.messages.put_nowait, timing)
        await keeper.start()
        assert await told.next() == ["e2"]
        await keeper.stop()


async def test_a_broken_watch_fails_open_and_starts_anew(caplog: pytest.LogCaptureFixture) -> None:
    """When the watch itself breaks, every edge is answered until it has looked again."""
    told = Told()
    registry = CollectorRegistry()
    async with running(FakeEdge()) as good:
        async with running(FakeEdge()) as port:
            pass
        settings = settings_for(good, port)
        metrics = MappingMetrics(registry)
        keeper = MappingKeeper(settings, metrics, told.messages.put_nowait, QUICK)
        await keeper.start()
        assert await told.next() == ["e2"]
        edges = dict(keeper._edges)
        keeper._edges.pop("e1")
        keeper._edges["e0"] = edges["e1"]
        assert await told.next() == []
        assert "the watch over edges broke down" in caplog.text
        assert registry.get_sample_value("midmile_mapping_watch_failures_total") == 1
        keeper._edges.clear()
        keeper._edges.update(edges)
        assert await told.next() == ["e2"]
        await keeper.stop()


async def test_a_top_level_node_probes_nothing() -> None:
    """Its answers name no edge, so it has nothing to say to its workers."""
    told = Told()
    keeper = MappingKeeper(TOP, MappingMetrics(CollectorRegistry()), told.messages.put_nowait)
    await keeper.start()
    keeper.receive(0, {"kind": "hello"})
    assert keeper.greeting() is None
    await keeper.stop()
    assert told.messages.empty()
