"""A node's keeper process: the shell around every role's own `Keeper`.

It binds the node's sockets, starts the workers and keeps them running, passes messages between them
and the role's keeper, answers on the admin port, watches the key files, and drains.
"""

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, cast

from deploy import telemetry
from deploy.errand import Errand
from deploy.exits import ExitCode, Refusal, in_one_line
from deploy.layout import run_file, state_option
from deploy.logs.lines import start_logs
from deploy.node import beat, crash, sockets
from deploy.node.keywatch import KeyWatch
from deploy.node.questions import Questions
from deploy.plan import Place
from deploy.processes.child import Launch
from deploy.processes.runfile import RunFile, private_directory
from deploy.processes.slot import Slot, SlotState
from deploy.processes.upward import Upward
from deploy.roles import Keeper, Message

if TYPE_CHECKING:
    from deploy.node.admin import Admin, Readiness

log = logging.getLogger("midmile.deploy")


async def run_supervised_node(control: int) -> ExitCode:
    """A keeper's life under a supervisor."""
    try:
        upward, setup = await Upward.connect(control)
    except Refusal as refusal:  # nobody is left who could be told
        return refusal.code
    restarts = int(cast("int", setup["restarts"]))
    try:
        return await _run(Errand.of(setup), str(setup["node"]), restarts, upward)
    except Refusal as refusal:
        upward.failed(refusal)
        return refusal.code


async def run_node(errand: Errand, name: str) -> ExitCode:
    """A keeper's life of its own (`midmile node`): `Refusal` where it cannot work."""
    return await _run(errand, name, 0, None)


async def _run(errand: Errand, name: str, restarts: int, upward: Upward | None) -> ExitCode:
    stream = start_logs(name, telemetry.KEEPER)
    try:
        place = errand.place(name)
        private_directory(place.state, written=False)
        private_directory(place.home.parent, written=False)
        home = private_directory(place.home)
        with RunFile(run_file(home), f"node {name}") as run, crash.watched(home) as crashed:
            place = replace(place, crashed=crashed)
            retry_s = sockets.UNCLEAN_RETRY_S if run.unclean else 0.0
            bound = sockets.bind_all(place.node, retry_s)
            await Shell(place, errand, bound, restarts).run(upward)
    except Refusal:
        raise
    except Exception as error:
        log.exception("the keeper has failed", extra={"event": "keeper-failed"})
        raise Refusal(in_one_line(error)) from None
    finally:
        stream.close()
    return ExitCode.OK


class Shell:
    """One node's keeper process."""

    def __init__(self, place: Place, errand: Errand, bound: sockets.Sockets, restarts: int) -> None:
        self._place = place
        self._errand = errand
        self._sockets = bound
        telemetry.clean(place.metrics)
        registry = telemetry.activate(place.metrics, telemetry.KEEPER)
        self._metrics = telemetry.ShellMetrics(
            registry, version=version("midmile"), role=place.node.role
        )
        self._metrics.keeper_restarts.inc(restarts)
        builders = errand.load_builders()
        self._slots = [
            Slot(
                f"worker {index}",
                self._launcher(index),
                self,
                errand.tuning,
                wake=f"midmile status --wake {place.node.name}/{index}{state_option(place.state)}",
            )
            for index in range(place.node.workers)
        ]
        self._questions = Questions(self._slots)
        self._keeper: Keeper = builders.build_keeper(place, registry, self)
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._drain_s = place.node.drain_s
        self._asked = self._hard = False
        self._serving = False
        self._failure: Refusal | None = None
        """Why the node cannot start."""

    async def run(self, upward: Upward | None) -> None:
        """Start everything, serve until told to stop, drain; `Refusal` where a start fails."""
        self._heed_signals()
        link = asyncio.create_task(self._heed(upward)) if upward is not None else None
        keys = KeyWatch(self._place.keys, self._keys_changed)
        admin: Admin | None = None
        try:
            for slot in self._slots:
                slot.start()
            await self._keeper.start()
            admin = await self._start_admin()
            await self._all_ready()
            if upward is not None:
                upward.ready(self._status)
            keys.start(self._metrics.certificate_expiry.set)
            await self._stop.wait()
        finally:
            await self._end(admin, keys)
            if link is not None:
                link.cancel()

    async def _start_admin(self) -> "Admin":
        # Imported while the workers start: aiohttp takes a while.
        from deploy.node.admin import Admin
        from deploy.node.explain import Explain
        from deploy.node.purge import Purge, new_token

        node = self._place.node
        admin = Admin(
            node.admin_hosts | {node.admin.host, node.name},
            lambda: telemetry.exposition(self._place.metrics),
            self._readiness,
            Explain(node.name, node.role, self._questions),
            Purge(node.name, node.role, self._keeper.purge, new_token(self._place.home)),
        )
        await admin.start(self._sockets["admin"][0])
        return admin

    async def _all_ready(self) -> None:
        """Wait for every worker; a worker that can never work ends the node."""
        while not self._stop.is_set():
            self._changed.clear()
            if self._failure is not None:
                raise self._failure
            if all(slot.state is SlotState.READY for slot in self._slots):
                self._serving = True
                log.info("ready", extra={"event": "ready", "role": self._place.node.role})
                return
            await self._changed.wait()

    async def _end(self, admin: "Admin | None", keys: KeyWatch) -> None:
        """Drain the workers, end the role, close what is left."""
        if self._serving:
            log.info("draining", extra={"event": "draining"})
        self._serving = False
        keys.stop()
        # The workers' copies close when they drain; ours would keep the ports open.
        sockets.close_all(self._sockets, spare=lambda name: name == "admin")
        grace_s = 0.0 if self._hard else self._drain_s
        await asyncio.gather(*(slot.stop(grace_s) for slot in self._slots))
        await self._keeper.stop()
        if admin is not None:
            await admin.stop()
        sockets.close_all(self._sockets, spare=lambda _: False)
        log.info("stopped", extra={"event": "stopped"})

    def _launcher(self, index: int) -> Callable[[], Launch]:
        name = self._place.node.name

        def launch() -> Launch:
            passed = sockets.descriptors(self._sockets)
            return Launch(
                arguments=("worker", f"{name}/{index}"),
                setup=self._errand.setup(name, index=index, descriptors=passed),
                inherit=[number for group in passed.values() for number in group],
            )

        return launch

    def tell(self, message: Message, worker: int | None = None) -> None:
        """Tell the role's workers something, one of them or all that are ready."""
        for slot in self._slots if worker is None else self._slots[worker : worker + 1]:
            if slot.state is SlotState.READY:
                slot.tell({"kind": "role", "body": message})

    async def have_done(self, task: Message) -> frozenset[int]:
        """Have the role's workers do something; the numbers of those that have not."""
        return await self._questions.have_done(task)

    def _keys_changed(self) -> None:
        for slot in self._slots:
            slot.tell({"kind": "reload-keys"})

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_stop)

    def _asked_to_stop(self) -> None:
        """Drain at the first signal; at the second one end at once."""
        # A lost supervisor shows twice, by end of file and by signal: only signals count here.
        if self._asked:
            self._hard = True
            for slot in self._slots:
                slot.kill()
        self._asked = True
        self._stop.set()
        self._changed.set()

    async def _heed(self, upward: Upward) -> None:
        """Obey the supervisor."""
        upward.listen(self._receive)
        await upward.stopping.wait()
        self._drain_s = min(self._drain_s, upward.grace_s)
        self._stop.set()
        self._changed.set()

    def _receive(self, message: Message) -> None:
        index = message.get("worker")
        known = isinstance(index, int) and 0 <= index < len(self._slots)
        if message.get("kind") == "wake" and known:
            self._slots[cast("int", index)].wake()

    def _readiness(self) -> "Readiness":
        from deploy.node.admin import Readiness

        ready = sum(slot.state is SlotState.READY for slot in self._slots)
        if self._stop.is_set():
            reason = "draining"
        elif not self._serving:
            reason = "starting"
        else:
            reason = "serving" if ready else "no worker is ready"
        return Readiness(
            ready=reason == "serving",
            reason=reason,
            workers_ready=ready,
            workers=len(self._slots),
        )

    def _status(self) -> Message:
        """What a heartbeat carries."""
        return beat.status(self._place.metrics, self._slots)

    def slot_ready(self, slot: Slot) -> None:
        """A worker serves: greet it."""
        self._count_ready()
        greeting = self._keeper.greeting()
        if greeting is not None:
            slot.tell({"kind": "role", "body": greeting})
        if self._serving:
            log.info("%s is back", slot.name, extra={"event": "worker-back"})
        self._changed.set()

    def slot_said(self, slot: Slot, message: Message) -> None:
        """A worker has a word for the role's keeper, or an answer."""
        match message.get("kind"):
            case "role":
                self._keeper.receive(self._slots.index(slot), cast("Message", message["body"]))
            case "answer":
                self._questions.heard(self._slots.index(slot), message)

    def slot_died(self, slot: Slot, how: str) -> None:
        """A worker has died: forget what it had open; the slot restarts it."""
        index = self._slots.index(slot)
        telemetry.forget_gauges(self._place.metrics, telemetry.worker_process(index))
        self._questions.lost(index)
        self._keeper.worker_died(how)
        self._metrics.worker_restarts.labels(str(index)).inc()
        self._count_ready()
        self._changed.set()
        hopeless = None if self._serving else slot.hopeless
        if hopeless is not None:
            self._fail(slot, hopeless)
        else:
            log.error("%s died (%s)", slot.name, how, extra={"event": "worker-died"})

    def slot_asleep(self, slot: Slot) -> None:
        """A worker died too often; it has told the user itself, but for a node that starts."""
        if not self._serving:
            self._fail(slot, slot.worn_out)
        self._changed.set()

    def _fail(self, slot: Slot, why: Refusal) -> None:
        """The node says why it cannot start, and ends."""
        slot.give_up()
        self._failure = self._failure or why

    def _count_ready(self) -> None:
        self._metrics.workers_ready.set(sum(slot.state is SlotState.READY for slot in self._slots))
