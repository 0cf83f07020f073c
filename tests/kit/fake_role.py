"""A network and a role for tests of the shell: tiny, quick to start, and able to misbehave.

Its network file is JSON: a name, and nodes with name, listen, admin, workers and mode.
The worker speaks a line protocol: `pid`, `slow` (answers when the client sends another line),
`hang` (blocks its event loop), `open` (raises a gauge), `die`, `news` (what its keeper has told
it), `tell ...` (tells its keeper); each line counts as a request.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge

from deploy.exits import ExitCode, Refusal
from deploy.names import Address
from deploy.plan import Listener, NetworkPlan, NodePlan, Place, Transport
from deploy.roles import Link, Message, Tell
from edge.trail import AccessLog

log = logging.getLogger("midmile.deploy")


def read_plan(text: str, source: Path, state: Path) -> NetworkPlan:
    """The plan in a JSON text."""
    values = json.loads(text)
    return NetworkPlan(
        name=values["name"],
        nodes=tuple(_node(each) for each in values["nodes"]),
        status=_address(values["status"]),
        pointers=(("Echo", f"nc {values['nodes'][0]['listen']}"),),
        parsed=values,
    )


def _node(values: Mapping[str, object]) -> NodePlan:
    return NodePlan(
        name=str(values["name"]),
        role=str(values.get("mode", "echo")),
        workers=int(str(values.get("workers", 1))),
        listeners=(
            Listener(name="echo", transport=Transport.TCP, addresses=(_address(values["listen"]),)),
        ),
        admin=_address(values["admin"]),
        drain_s=5.0,
    )


def _address(text: object) -> Address:
    host, _, port = str(text).rpartition(":")
    return Address(host=host, port=int(port))


def prepare_keys(network: NetworkPlan, state: Path) -> None:
    """A bundle with one file, for the key watch; refused where there is a file `no-keys`."""
    if (state / "no-keys").exists():
        raise Refusal("there is a file no-keys")
    log.info("keys made", extra={"event": "fake-keys"})
    for node in network.nodes:
        bundle = state / "keys" / "nodes" / node.name
        bundle.mkdir(parents=True, exist_ok=True)
        (bundle / "report.key").write_text("old")


class FakeKeeper:
    """Answers what workers say with `heard`, and purges nothing."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def start(self) -> None:
        """Nothing to begin."""

    async def stop(self) -> None:
        """Nothing to end."""

    def receive(self, worker: int, message: Message) -> None:
        """Tell all workers who has spoken."""
        self._link.tell({"kind": "heard", "from": worker, "text": message["text"]})

    def worker_died(self, how: str) -> None:
        """It is not missed."""

    def greeting(self) -> Message | None:
        """What a new worker is told."""
        return {"kind": "greeting"}

    async def purge(self, asked: Message) -> Message | None:
        """Have the workers do something; some URLs get other answers."""
        match asked.get("url"):
            case "none":
                return None
            case "wrong":
                return {"error": "nobody could purge that"}
            case "full":
                return {"error": "no space left", "fault": True}
            case "slow":
                missing = {"b": "it was never heard of"}
            case _:
                missing = {}
        left = await self._link.have_done({"kind": "purges"})
        missing |= dict.fromkeys(map(str, left), "a worker")
        return {"purged": asked, "number": 1, "done": ["a"], "missing": missing}


class FakeWorker:
    """A line server."""

    def __init__(self, registry: CollectorRegistry, access_log: AccessLog, tell: Tell) -> None:
        self._requests = Counter("midmile_edge_requests", "Lines", ["verdict"], registry=registry)
        self._open = Gauge(
            "midmile_edge_open", "Open", registry=registry, multiprocess_mode="livesum"
        )
        self._access_log = access_log
        self._tell = tell
        self._server: asyncio.Server | None = None
        self._busy: set[asyncio.Task[None]] = set()
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.reloads = 0

    async def start(self, sockets: Mapping[str, list[socket.socket]]) -> None:
        """Serve on the one socket."""
        self._server = await asyncio.start_server(self._serve, sock=sockets["echo"][0])

    async def drain(self, grace_s: float) -> None:
        """Finish what is being answered."""
        assert self._server is not None
        self._server.close()
        if self._busy:
            await asyncio.wait(self._busy, timeout=grace_s)

    def receive(self, message: Message) -> None:
        """Keep what the keeper says for the client who asks."""
        self._inbox.put_nowait(message)

    def respond(self, question: Message) -> Message | None:
        """Repeat the question; some URLs get other answers."""
        if question.get("kind") == "purges":
            return {"done": True}
        match question.get("url"):
            case "none":
                return None
            case "fail":
                raise RuntimeError("no answer")
            case "wrong":
                return {"error": "nobody could ask that"}
        differs = os.getpid() if question["url"] == "differ" else 0
        return {"explanation": {**question, "pid": differs}}

    async def reload_keys(self) -> None:
        """Say so to the next client that listens."""
        self.receive({"kind": "reloaded"})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            task = asyncio.create_task(self._answer(line.decode().strip(), reader, writer))
            self._busy.add(task)
            await task
            self._busy.discard(task)
        writer.close()

    async def _answer(
        self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._requests.labels("hit" if line == "pid" else "miss").inc()
        self._access_log({"event": "access", "line": line})
        writer.write(f"{await self._reply(line, reader, writer)}\n".encode())
        await writer.drain()

    async def _reply(
        self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> str:
        match line:
            case "slow":
                writer.write(b"begun\n")
                return (await reader.readline()).decode().strip()
            case "hang":
                time.sleep(3600)  # noqa: ASYNC251  a worker whose loop stands still is the point
            case "open":
                self._open.inc()
            case "die":
                os._exit(7)
            case "news":
                return json.dumps(await self._inbox.get())
            case said if said.startswith("tell "):
                self._tell({"kind": "said", "text": said[5:]})
        return str(os.getpid())


def build_keeper(place: Place, registry: CollectorRegistry, link: Link) -> FakeKeeper:
    """The keeper; mode `keeper-crash` cannot be made."""
    if place.node.role == "keeper-crash":
        raise RuntimeError("this keeper always crashes")
    return FakeKeeper(link)


def build_worker(
    place: Place, registry: CollectorRegistry, access_log: AccessLog, tell: Tell
) -> FakeWorker:
    """The worker; mode `refuse` has a wrong configuration; crashes while a file asks for it."""
    if place.node.role == "refuse":
        raise Refusal("the certificate is missing", ExitCode.USAGE)
    if place.node.role == "worker-crash":
        raise ModuleNotFoundError("No module named 'PIL'\nand more")
    if place.node.role == "worker-killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if (place.state / "crash").exists():
        raise RuntimeError("this worker always crashes")
    return FakeWorker(registry, access_log, tell)
