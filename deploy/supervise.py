"""The supervisor: runs every node of a network file on this machine (`midmile up`)."""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import groupby
from typing import TYPE_CHECKING

from deploy.command_socket import CommandSocket
from deploy.errand import Errand
from deploy.exits import Refusal
from deploy.layout import state_option
from deploy.logs.lines import timestamp
from deploy.logs.stream import LogStreamOut, NodeOutput
from deploy.names import url_here
from deploy.node import sockets
from deploy.overview.chronicle import Chronicle, Moment, Subject
from deploy.overview.view import View
from deploy.plan import NetworkPlan, NodePlan
from deploy.processes.child import Launch
from deploy.processes.runfile import RunFile, private_directory
from deploy.processes.slot import Slot, SlotState
from deploy.roles import Message

if TYPE_CHECKING:
    from deploy.overview.server import StatusPage

log = logging.getLogger("midmile.deploy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Herald:
    """Who tells the user how it goes."""

    progress: Callable[[str], None]
    """Takes what the start waits for; an empty text when it is over."""
    running: Callable[[NetworkPlan], None]
    """Every node is ready."""


class Supervisor:
    """All nodes of a network, each in a slot."""

    def __init__(self, errand: Errand, out: LogStreamOut, herald: Herald) -> None:
        """Read the network file; `Refusal` where it is wrong."""
        self._errand = errand
        self._out = out
        self._herald = herald
        self._network = errand.plan()
        self._slots: dict[str, Slot] = {}
        self._outputs: dict[str, NodeOutput] = {}
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._starting = True
        self._failure: Refusal | None = None
        self._began = time.monotonic()
        self._chronicle = Chronicle(
            self._network.topology,
            Subject(
                network=self._network.name,
                source=str(errand.source),
                version=version("midmile"),
                status=url_here(self._network.status),
            ),
        )
        self._page: StatusPage | None = None
        out.on_trouble = self._chronicle.troubles.note

    async def run(self) -> None:
        """Run the network until told to stop; `Refusal` where it does not come up."""
        errand = self._errand
        self._heed_signals()
        private_directory(errand.state)
        commands = CommandSocket(errand.state, self.answer)
        with RunFile(errand.state / "supervisor.pid", f"a supervisor in {errand.state}"):
            self._prepare_keys()
            await commands.open()
            try:
                await self._start(self._bind_page())
                await self._until_stopped()
            finally:
                await self._end()
                if self._page is not None:
                    await self._page.stop()
                await commands.close()

    def _prepare_keys(self) -> None:
        self._errand.load_builders().prepare_keys(self._network, self._errand.state)

    async def _until_stopped(self) -> None:
        """Keep the keys in date meanwhile; nodes take new files by themselves."""
        while not self._stop.is_set():
            try:
                async with asyncio.timeout(self._errand.tuning.renew_keys_s):
                    await self._stop.wait()
            except TimeoutError:
                await self._renew_keys()

    async def _renew_keys(self) -> None:
        try:
            await asyncio.to_thread(self._prepare_keys)
        except Refusal as refusal:
            log.warning("keys not renewed: %s", refusal, extra={"event": "keys-not-renewed"})

    def stop(self) -> None:
        """Drain everything; the second time: end everything at once."""
        if self._stop.is_set():
            for slot in self._slots.values():
                slot.kill()
        self._stop.set()
        self._changed.set()

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.stop)

    def _bind_page(self) -> socket.socket:
        """The status page's socket, before anything runs that would have to be stopped again."""
        try:
            return sockets.listen(self._network.status)
        except Refusal as refusal:
            raise Refusal(f"status page: {refusal}", refusal.code) from None

    async def _open_page(self, sock: socket.socket) -> None:
        # Imported while the nodes start: aiohttp takes a while.
        from deploy.overview.server import StatusPage

        hosts = frozenset({self._network.status.host})
        self._page = StatusPage(hosts, self._network.topology, self._view)
        await self._page.start(sock)

    async def _start(self, page: socket.socket) -> None:
        for node in self._network.nodes:
            output = self._outputs[node.name] = NodeOutput(node.name, self._out.relay)
            await output.open()
            slot = Slot(
                node.name,
                self._launcher(node, output),
                self,
                self._errand.tuning,
                wake=f"midmile status --wake {node.name}{state_option(self._errand.state)}",
            )
            self._slots[node.name] = slot
            slot.start()
        await self._open_page(page)
        try:
            async with asyncio.timeout(self._errand.tuning.start_s * 1.5):
                await self._all_ready()
        except TimeoutError:
            raise Refusal(f"not ready in time: {'; '.join(self._late())}") from None
        finally:
            self._starting = False
            self._herald.progress("")
        if not self._stop.is_set():
            number = len(self._network.nodes)
            log.info("%d nodes are ready", number, extra={"event": "network-ready"})
            self._herald.running(self._network)

    async def _all_ready(self) -> None:
        while (waiting := self._waiting()) and not self._stop.is_set():
            if self._failure is not None:
                raise self._failure
            self._herald.progress(self._progress(waiting))
            self._changed.clear()
            await self._changed.wait()

    def _waiting(self) -> list[str]:
        return [name for name, slot in self._slots.items() if slot.state is not SlotState.READY]

    def _late(self) -> Iterator[str]:
        """Who is not ready, and how it died last if it did."""
        for name in self._waiting():
            how = self._slots[name].how
            yield f"{name} (died: {how})" if how else name

    def _progress(self, waiting: list[str]) -> str:
        done = len(self._slots) - len(waiting)
        return f"{done} of {len(self._slots)} nodes ready, waiting for {', '.join(waiting)}"

    async def _end(self) -> None:
        """Stop the nodes stage by stage, so that what drains still has its upstream."""
        for slot in self._slots.values():
            slot.give_up()
        started = [node for node in self._network.nodes if node.name in self._slots]
        started.sort(key=lambda node: node.stop_stage)
        for _, stage in groupby(started, key=lambda node: node.stop_stage):
            stops = [self._slots[node.name].stop(self._grace_s(node)) for node in stage]
            await asyncio.gather(*stops)
        await asyncio.gather(*(output.close() for output in self._outputs.values()))

    def _grace_s(self, node: NodePlan) -> float:
        """A start that failed has nothing in flight worth waiting for."""
        return 0.0 if self._failure is not None else node.drain_s

    def _launcher(self, node: NodePlan, output: NodeOutput) -> Callable[[], Launch]:
        def launch() -> Launch:
            restarts = self._slots[node.name].restarts
            return Launch(
                arguments=("node", node.name),
                setup=self._errand.setup(node.name, restarts=restarts),
                output=output.descriptor,
                own_group=True,
            )

        return launch

    def slot_ready(self, slot: Slot) -> None:
        """A node serves."""
        if not self._starting:
            log.info("%s is back", slot.name, extra={"event": "node-back"})
        self._changed.set()

    def slot_said(self, slot: Slot, message: Message) -> None:  # noqa: ARG002  the slot keeps it
        """Keepers only beat."""
        self._chronicle.heard(slot.name, slot.status, time.monotonic())

    def slot_died(self, slot: Slot, how: str) -> None:
        """A keeper has ended; during the start some reasons end everything."""
        self._chronicle.lost(slot.name)
        hopeless = slot.hopeless
        if self._starting and hopeless is not None:
            if hopeless is slot.refusal:  # the node's own words, which do not name it
                hopeless = Refusal(f"{slot.name}: {hopeless}", hopeless.code)
            self._fail(slot, hopeless)
        else:
            log.error("%s died (%s)", slot.name, how, extra={"event": "node-died"})
        self._changed.set()

    def slot_asleep(self, slot: Slot) -> None:
        """A node died too often."""
        if self._starting:
            self._fail(slot, slot.worn_out)
        self._changed.set()

    def _fail(self, slot: Slot, why: Refusal) -> None:
        """The start has failed."""
        slot.give_up()
        self._failure = self._failure or why

    def answer(self, question: Message) -> Message:
        """What the command socket says to a question."""
        match question:
            case {"kind": "status"}:
                return self._view().to_json()
            case {"kind": "wake", "name": str(name)}:
                return self._wake(name)
            case _:
                return {"error": "the supervisor does not know this command"}

    def _view(self) -> View:
        """What `midmile status` and the status page show."""
        reports = [
            {
                "name": node.name,
                "role": node.role,
                **self._slots[node.name].report(),
                "admin": str(node.admin),
                "status": self._slots[node.name].status,
            }
            for node in self._network.nodes
            if node.name in self._slots
        ]
        now = time.monotonic()
        at = Moment(now=now, time=timestamp(time.time()), uptime_s=now - self._began)
        return self._chronicle.view(reports, at)

    def _wake(self, name: str) -> Message:
        """Wake a node (`east`) or one of its workers (`east/0`)."""
        node, _, number = name.partition("/")
        slot = self._slots.get(node)
        if slot is None:
            return {"error": f"no node {node!r} (there are {', '.join(self._slots)})"}
        if not number:
            if slot.wake():
                return {"woken": name}
            return {"error": f"{name} is {slot.state.value}: nothing to wake"}
        workers = slot.status.get("workers")
        if not isinstance(workers, list) or not number.isdecimal() or int(number) >= len(workers):
            return {"error": f"{node} has no worker {number!r} that runs under a live keeper"}
        state = workers[int(number)]["state"]
        if state not in {SlotState.ASLEEP, SlotState.PAUSED}:
            return {"error": f"{name} is {state}: nothing to wake"}
        slot.tell({"kind": "wake", "worker": int(number)})
        return {"woken": name}
