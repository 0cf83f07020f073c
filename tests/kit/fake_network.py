"""Runs networks of `fake_role` nodes as real processes, and talks to them."""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.errand import Errand
from deploy.logs.lines import JsonFormatter, LogStream
from deploy.logs.stream import LogStreamOut
from deploy.plan import NetworkPlan
from deploy.processes.slot import Slot, Tuning
from deploy.roles import Message
from deploy.supervise import Herald, Supervisor
from tests.kit.processes import free_ports

PATIENCE_S = 20.0


@dataclass
class FakeNetwork:
    """A network of fake nodes under a supervisor that runs in this process."""

    text: str
    state: Path
    ports: dict[str, int]
    admin: dict[str, int]
    page: int
    """The status page's port."""
    records: list[dict[str, Any]] = field(default_factory=list)
    said: asyncio.Condition = field(default_factory=asyncio.Condition)
    supervisor: Supervisor | None = None
    _telling: set[asyncio.Task[None]] = field(default_factory=set)

    def status(self, node: str) -> dict[str, Any]:
        """What the supervisor knows of a node."""
        assert self.supervisor is not None
        nodes: Any = self.supervisor.answer({"kind": "status"})["nodes"]
        return next(each for each in nodes if each["name"] == node)

    def pids(self) -> set[int]:
        """Every process of the network."""
        assert self.supervisor is not None
        nodes: Any = self.supervisor.answer({"kind": "status"})["nodes"]
        workers = (worker["pid"] for node in nodes for worker in node["workers"])
        return {pid for pid in (*(node["pid"] for node in nodes), *workers) if pid}

    async def heard(self, event: str, node: str | None = None, times: int = 1) -> dict[str, Any]:
        """Wait until a log line with this event has been written so many times."""

        def found() -> list[dict[str, Any]]:
            return [
                each
                for each in self.records
                if each.get("event") == event and node in {None, each.get("node")}
            ]

        async with asyncio.timeout(PATIENCE_S), self.said:
            await self.said.wait_for(lambda: len(found()) >= times)
        return found()[-1]

    async def beats(self, node: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until a node's heartbeat says what is wanted; it beats once a second."""
        async with asyncio.timeout(PATIENCE_S), self.said:
            await self.said.wait_for(lambda: wanted(self.status(node)))
            return self.status(node)

    def tell(self) -> None:
        """Let those who wait look again."""
        task = asyncio.get_running_loop().create_task(self._tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        async with self.said:
            self.said.notify_all()

    async def ask(self, node: str, *lines: str) -> str:
        """The last answer of a fake worker to some lines on one connection."""
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[node])
            answer = b""
            for line in lines:
                writer.write(f"{line}\n".encode())
                answer = await reader.readline()
            writer.close()
            return answer.decode().strip()

    async def http(self, node: str, path: str, host: str = "localhost", method: str = "GET") -> str:
        """A whole response of a node's admin port."""
        return await self.http_at(self.admin[node], path, host, method)

    async def http_at(
        self, port: int, path: str, host: str = "localhost", method: str = "GET"
    ) -> str:
        """A whole response of a port."""
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            answer = await reader.read()
            writer.close()
            return answer.decode()


class Recorder(LogStreamOut):
    """The supervisor's stream, kept instead of written."""

    def __init__(self, network: FakeNetwork) -> None:
        self._null = os.open(os.devnull, os.O_WRONLY)
        self._network = network
        super().__init__(self._null, human=False)

    def record(self, fields: Any) -> None:
        """Keep a record and tell who waits for it."""
        super().record(fields)
        self._network.records.append(dict(fields))
        self._network.tell()

    def close(self) -> None:
        """End the writer."""
        super().close()
        os.close(self._null)


class WatchedSupervisor(Supervisor):
    """Tells a test of every heartbeat."""

    def __init__(self, network: FakeNetwork, errand: Errand, out: Recorder, herald: Herald) -> None:
        super().__init__(errand, out, herald)
        self._fake = network

    def slot_said(self, slot: Slot, message: Message) -> None:
        """A heartbeat has come."""
        super().slot_said(slot, message)
        self._fake.tell()


def describe(state: Path, modes: dict[str, str], workers: int = 1) -> FakeNetwork:
    """A network with a node for each name, of the given mode."""
    status, *ports = free_ports(1 + 2 * len(modes))
    listen = dict(zip(modes, ports, strict=False))
    admin = dict(zip(modes, ports[len(modes) :], strict=True))
    nodes = [
        {
            "name": name,
            "mode": mode,
            "workers": workers,
            "listen": f"127.0.0.1:{listen[name]}",
            "admin": f"127.0.0.1:{admin[name]}",
        }
        for name, mode in modes.items()
    ]
    text = json.dumps({"name": "fake", "status": f"127.0.0.1:{status}", "nodes": nodes})
    return FakeNetwork(text=text, state=state, ports=listen, admin=admin, page=status)


@asynccontextmanager
async def running(network: FakeNetwork, tuning: Tuning | None = None) -> AsyncIterator[FakeNetwork]:
    """The network, up; stopped at the end."""
    up = asyncio.Event()

    def is_up(_: NetworkPlan) -> None:
        up.set()

    out = Recorder(network)
    errand = Errand(
        text=network.text,
        source=Path("fake.json"),
        state=network.state,
        builders="tests.kit.fake_role",
        tuning=tuning or Tuning(),
    )
    supervisor = network.supervisor = WatchedSupervisor(
        network, errand, out, Herald(progress=lambda _: None, running=is_up)
    )
    stream = LogStream(JsonFormatter("supervisor", "supervisor"), out)
    log = logging.getLogger("midmile.deploy")
    log.addHandler(stream)
    log.setLevel(logging.INFO)
    run = asyncio.create_task(supervisor.run())
    waiting = asyncio.create_task(up.wait())
    try:
        await asyncio.wait({run, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if run.done():
            run.result()
        yield network
    finally:
        waiting.cancel()
        supervisor.stop()
        try:
            await run
        finally:
            log.removeHandler(stream)
            stream.close()
