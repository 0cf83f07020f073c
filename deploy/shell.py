"""The shell of a node: what every role's keeper process does the same way.

It binds the node's sockets, starts the workers and keeps them running, passes messages between them
and the role's keeper, answers on the admin port, watches the key files, and drains.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

from deploy import sockets, telemetry
from deploy.child import Launch
from deploy.exits import PERMANENT, ExitCode, Refusal
from deploy.keywatch import KeyWatch
from deploy.logs import start_logs
from deploy.plan import Builders, Place
from deploy.roles import Keeper, Message
from deploy.runfile import RunFile, private_directory
from deploy.slot import Slot, SlotState, Tuning
from deploy.upward import Upward
from deploy.worker_main import load_place

if TYPE_CHECKING:
    from deploy.admin import Admin, Readiness

log = logging.getLogger("midmile.deploy")


async def run_supervised_node(control: int) -> ExitCode:
    """A keeper's life under a supervisor."""
    upward, setup = await Upward.connect(control)
    code, refusal = await _run(setup, upward)
    if refusal is not None:
        upward.failed(refusal)
    return code


async def run_node(setup: Message) -> ExitCode:
    """A keeper's life of its own (`midmile node`): `Refusal` where it cannot work."""
    code, refusal = await _run(setup, None)
    if refusal is not None:
        raise refusal
    return code


async def _run(setup: Message, upward: Upward | None) -> tuple[ExitCode, Refusal | None]:
    stream, _ = start_logs(str(setup["node"]), telemetry.KEEPER)
    try:
        place, builders = load_place(setup)
        private_directory(place.state)
        private_directory(place.home.parent)
        home = private_directory(place.home)
        with RunFile(home / "node.pid", f"node {place.node.name}") as run:
            retry_s = sockets.UNCLEAN_RETRY_S if run.unclean else 0.0
            bound = sockets.bind_all(place.node, retry_s)
            shell = Shell(place, builders, setup, bound)
            await shell.run(upward)
    except Refusal as refusal:
        return refusal.code, refusal
    except Exception:
        log.exception("the keeper has failed", extra={"event": "keeper-failed"})
        return ExitCode.FAILED, None
    finally:
        stream.close()
    return ExitCode.OK, None


class Shell:
    """One node's keeper process."""

    def __init__(
        self, place: Place, builders: Builders, setup: Message, bound: sockets.Sockets
    ) -> None:
        self._place = place
        self._setup = cast("Mapping[str, Any]", setup)
        self._sockets = bound
        self._metrics_home = place.home / "metrics"
        telemetry.clean(self._metrics_home)
        registry = telemetry.activate(self._metrics_home, telemetry.KEEPER)
        self._metrics = telemetry.ShellMetrics(
            registry, version=version("midmile"), role=place.node.role
        )
        self._metrics.keeper_restarts.inc(self._setup.get("restarts", 0))
        self._keeper: Keeper = builders.build_keeper(place, registry, self._tell_workers)
        tuning = Tuning.from_json(self._setup["tuning"]) if "tuning" in setup else Tuning()
        self._slots = [
            Slot(f"worker {index}", self._launcher(index), self, tuning)
            for index in range(place.node.workers)
        ]
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._drain_s = place.node.drain_s
        self._asked = self._hard = False
        self._serving = False

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
        from deploy.admin import Admin

        node = self._place.node
        admin = Admin(
            node.admin_hosts | {node.admin.host, node.name},
            lambda: telemetry.exposition(self._metrics_home),
            self._readiness,
        )
        await admin.start(self._sockets["admin"][0])
        return admin

    async def _all_ready(self) -> None:
        """Wait for every worker; a worker that can never work ends the node."""
        while not self._stop.is_set():
            self._changed.clear()
            for slot in self._slots:
                if slot.refusal is not None and slot.refusal.code in PERMANENT:
                    raise slot.refusal
                if slot.state is SlotState.ASLEEP:
                    raise Refusal(f"{slot.name} dies again and again: see its log")
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
        def launch() -> Launch:
            passed = sockets.descriptors(self._sockets)
            shared = {key: self._setup[key] for key in ("builders", "source", "state", "network")}
            return Launch(
                arguments=("worker", f"{self._place.node.name}/{index}"),
                setup={
                    "kind": "setup",
                    **shared,
                    "node": self._place.node.name,
                    "index": index,
                    "descriptors": passed,
                },
                inherit=[number for group in passed.values() for number in group],
            )

        return launch

    def _tell_workers(self, message: Message) -> None:
        for slot in self._slots:
            if slot.state is SlotState.READY:
                slot.tell({"kind": "role", "body": message})

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
        from deploy.admin import Readiness

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
        done = telemetry.traffic(self._metrics_home)
        return {
            "requests": done.requests,
            "hits": done.hits,
            "workers": [
                {
                    "state": slot.state.value,
                    "pid": slot.pid,
                    "restarts": slot.restarts,
                    "uptime_s": round(slot.uptime_s, 1),
                }
                for slot in self._slots
            ],
        }

    def slot_ready(self, slot: Slot) -> None:
        """A worker serves: greet it."""
        self._count_ready()
        greeting = self._keeper.greeting()
        if greeting is not None:
            slot.tell({"kind": "role", "body": greeting})
        self._changed.set()

    def slot_said(self, slot: Slot, message: Message) -> None:
        """A worker has a word for the role's keeper."""
        if message.get("kind") == "role":
            self._keeper.receive(self._slots.index(slot), cast("Message", message["body"]))

    def slot_died(self, slot: Slot, how: str) -> None:
        """A worker has died: forget what it had open; the slot restarts it."""
        index = self._slots.index(slot)
        telemetry.forget_gauges(self._metrics_home, telemetry.worker_process(index))
        self._metrics.worker_restarts.labels(str(index)).inc()
        self._count_ready()
        self._changed.set()
        if slot.refusal is not None and slot.refusal.code in PERMANENT and not self._serving:
            slot.give_up()  # the node says why, and ends
            return
        why = f"{how}: {slot.refusal}" if slot.refusal else how
        log.error("%s died (%s)", slot.name, why, extra={"event": "worker-died"})

    def slot_asleep(self, slot: Slot) -> None:
        """A worker died too often."""
        name = f"{self._place.node.name}/{self._slots.index(slot)}"
        log.critical(
            "%s died %d times: put to long sleep; wake it with: midmile status --wake %s",
            slot.name,
            slot.restarts,
            name,
            extra={"event": "long-sleep"},
        )
        self._changed.set()

    def _count_ready(self) -> None:
        self._metrics.workers_ready.set(sum(slot.state is SlotState.READY for slot in self._slots))
