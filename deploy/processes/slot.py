"""A slot: the place of one child process, kept filled.

It spawns the child, notices when it dies or falls silent, and starts another when the restart
policy says so. The supervisor has a slot per node, a keeper one per worker.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from math import inf
from typing import Any, Protocol

from deploy.exits import Refusal, exit_code
from deploy.processes.child import Child, Launch, describe_exit
from deploy.processes.restarts import Event, Order, RestartRules, Restarts, State
from deploy.roles import Message

log = logging.getLogger("midmile.deploy")

ATTEMPTS = 3
"""Of a process that has never served and says each time what breaks it: no chance, its code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Times and limits of supervision; the same for every process of a network."""

    rules: RestartRules = field(default_factory=RestartRules)
    start_s: float = 60.0
    """From spawn to ready. Twenty interpreters may be starting on one small machine."""
    silence_s: float = 10.0
    """A ready child that says nothing for so long hangs; it beats once a second."""
    margin_s: float = 3.0
    """What a child may need beyond its drain time to end."""
    watch_s: float = 1.0
    """How often a child's heartbeat is looked at."""
    renew_keys_s: float = 86_400.0
    """How often a running supervisor looks whether keys are due; they are, months ahead."""

    def to_json(self) -> dict[str, object]:
        """For the setup message of a child that has children of its own."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Tuning":
        """What `to_json` gave."""
        rules = dict(values["rules"])
        rules["pauses_s"] = tuple(rules["pauses_s"])
        return cls(**{**values, "rules": RestartRules(**rules)})


class SlotState(StrEnum):
    """What `midmile status` shows of a process."""

    STARTING = "starting"
    """Spawned, not yet serving."""
    READY = "ready"
    """Serving."""
    DRAINING = "draining"
    """Finishing what is in flight, then ending."""
    PAUSED = "paused"
    """It died; the next start waits for a moment."""
    ASLEEP = "asleep"
    """It died too often; `midmile status --wake` tries it again."""
    STOPPED = "stopped"
    """It has ended and will not be started again."""


class Owner(Protocol):
    """Who hears about a slot's child."""

    def slot_ready(self, slot: "Slot") -> None:
        """The child serves."""

    def slot_said(self, slot: "Slot", message: Message) -> None:
        """The child sent a message: a heartbeat, or what the slot itself does not know."""

    def slot_died(self, slot: "Slot", how: str) -> None:
        """The child has ended without being asked; `how` says why where that is known."""

    def slot_asleep(self, slot: "Slot") -> None:
        """The child has died too often; it will not be tried again for long."""


class Slot:
    """Keeps one child process running."""

    def __init__(
        self, name: str, launch: Callable[[], Launch], owner: Owner, tuning: Tuning, *, wake: str
    ) -> None:
        """`wake` is the command that ends the child's long sleep."""
        self.name = name
        self._wake_command = wake
        self.state = SlotState.STOPPED
        self.status: Message = {}
        """What the child's last heartbeat carried; nothing where none runs."""
        self.refusal: Refusal | None = None
        """Why the last child could not work, where it knew."""
        self.how = ""
        """How the last child that died did so."""
        self._launch = launch
        self._owner = owner
        self._tuning = tuning
        self._restarts = Restarts(tuning.rules)
        self._child: Child | None = None
        self._stopping = False
        self._nudge = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id."""
        return self._child.pid if self._child else None

    @property
    def restarts(self) -> int:
        """How often a child was lost."""
        return self._restarts.total

    @property
    def uptime_s(self) -> float:
        """Since the child was spawned."""
        return time.monotonic() - self._child.started_at if self._child else 0.0

    @property
    def hopeless(self) -> Refusal | None:
        """Of a child that has died and never served: why another start is pointless."""
        if self.refusal is None or self.refusal.final:
            return self.refusal
        return self.worn_out if self.restarts >= ATTEMPTS else None

    @property
    def worn_out(self) -> Refusal:
        """Why no more starts are tried, for one who asks after many deaths."""
        why = self.refusal or self.how
        return Refusal(f"{self.name} dies again and again: {why}", final=True)

    def report(self) -> dict[str, object]:
        """The child as `midmile status` shows it."""
        return {
            "state": self.state.value,
            "pid": self.pid,
            "restarts": self.restarts,
            "uptime_s": round(self.uptime_s, 1),
        }

    def start(self) -> None:
        """Begin to keep the slot filled."""
        self.state = SlotState.STARTING
        self._task = asyncio.create_task(self._run(), name=f"slot {self.name}")

    def tell(self, message: Message) -> bool:
        """Send the child a message; False where there is none that listens."""
        return self._child is not None and self._child.send(message)

    def wake(self) -> bool:
        """Try a child that pauses or sleeps now; False where it does neither."""
        if self._restarts.state is State.RUNNING or self._stopping:
            return False
        self._restarts.receive(Event.WOKEN, time.monotonic())
        self._nudge.set()
        return True

    async def stop(self, grace_s: float) -> None:
        """Let the child drain, end it if it does not, and leave the slot empty."""
        self.give_up()
        if self._task is None:
            return
        if self._child is not None:
            self.state = SlotState.DRAINING
            self._child.send({"kind": "drain", "grace_s": grace_s})
        done, _ = await asyncio.wait({self._task}, timeout=grace_s + self._tuning.margin_s)
        if not done:
            log.warning("%s did not end in time: killed", self.name, extra={"event": "killed"})
            self.kill()
        await self._task

    def give_up(self) -> None:
        """Start no other child once this one has ended."""
        self._stopping = True
        self._nudge.set()

    def kill(self) -> None:
        """End the child and its children at once; the slot stays empty."""
        self.give_up()
        if self._child is not None:
            self._child.kill_group()

    async def _run(self) -> None:
        try:
            while await self._start_is_due():
                await self._live()
        finally:
            self.state = SlotState.STOPPED

    async def _start_is_due(self) -> bool:
        """Wait until the policy orders a start; False when the slot is to stay empty."""
        while not self._stopping:
            orders = self._restarts.drain()
            if Order.ANNOUNCE_SLEEP in orders:
                self.state = SlotState.ASLEEP
                self._owner.slot_asleep(self)
                self._announce_sleep()
            if Order.START in orders:
                return True
            self._nudge.clear()
            await self._nudged(self._restarts.next_due() - time.monotonic())
            self._restarts.on_due(time.monotonic())
        return False

    def _announce_sleep(self) -> None:
        if self._stopping:  # its owner gives up: nobody is left to wake it
            return
        log.critical(
            "%s died %d times: put to long sleep; wake it with: %s",
            self.name,
            self.restarts,
            self._wake_command,
            extra={"event": "long-sleep"},
        )

    async def _nudged(self, timeout_s: float) -> None:
        waiting = asyncio.create_task(self._nudge.wait())
        await asyncio.wait({waiting}, timeout=None if timeout_s == inf else max(0.0, timeout_s))
        waiting.cancel()

    async def _live(self) -> None:
        """One child's life, from spawn to death."""
        self.state = SlotState.STARTING
        self.refusal = None
        try:
            child = await Child.spawn(self._launch(), self._hear)
        except OSError as error:  # no more processes or descriptors: as good as dead
            self._restarts.receive(Event.STARTED, time.monotonic())
            self._lost(f"cannot be started: {error}")
            return
        self._child = child
        self._restarts.receive(Event.STARTED, child.started_at)
        if self._stopping:  # stopped while being spawned
            child.send({"kind": "drain", "grace_s": 0.0})
        try:
            status = await self._watch(child)
        finally:
            self._child, self.status = None, {}
        self._lost(describe_exit(status))

    async def _watch(self, child: Child) -> int:
        ending = asyncio.create_task(child.wait())
        try:
            while not ending.done():
                await asyncio.wait({ending}, timeout=self._tuning.watch_s)
                if not ending.done():
                    self._check_heartbeat(child)
        finally:
            if not ending.done():  # cancelled: nothing may be left behind
                child.kill_group()
                ending.cancel()
        return ending.result()

    def _check_heartbeat(self, child: Child) -> None:
        now = time.monotonic()
        starting = self.state is SlotState.STARTING
        silent_s = now - (child.started_at if starting else child.heard_at)
        if silent_s > (self._tuning.start_s if starting else self._tuning.silence_s):
            what = "is not ready" if starting else "gives no sign of life"
            log.error(
                "%s %s after %.0f s: killed", self.name, what, silent_s, extra={"event": "hung"}
            )
            child.kill()

    def _lost(self, how: str) -> None:
        if self._stopping:
            return
        self._restarts.receive(Event.DIED, time.monotonic())
        self.state = SlotState.PAUSED
        self.how = f"{how}: {self.refusal}" if self.refusal else how
        self._owner.slot_died(self, self.how)

    def _hear(self, message: Message) -> None:
        match message.get("kind"):
            case "beat":
                status = message.get("status")
                self.status = status if isinstance(status, dict) else {}
                self._owner.slot_said(self, message)
            case "ready":
                if self.state is SlotState.STARTING:
                    self.state = SlotState.READY
                    self._owner.slot_ready(self)
            case "failed":
                code = exit_code(message.get("code"))
                final = message.get("final") is True
                self.refusal = Refusal(str(message.get("error", "")), code, final=final)
            case _:
                self._owner.slot_said(self, message)
