"""A DNS node's keeper: low-level nodes watch over every edge, and tell the workers.

What follows from a probe is `fleet.py`'s; this only runs the probes it asks for.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from mapping.aio.probe import probe
from mapping.config import EdgeServer, MappingSettings
from mapping.fleet import EdgeState, Fleet, ProbeTiming, StartProbe, Transition
from mapping.metrics import MappingMetrics

_log = logging.getLogger("midmile.mapping")

_DRAIN = 64
"""Outputs taken from the fleet before the event loop gets a turn."""

_TOLD = {
    EdgeState.UP: (logging.INFO, "edge-up", "is in the answers"),
    EdgeState.ABSENT: (logging.INFO, "edge-absent", "is not in the answers yet"),
    EdgeState.DOWN: (logging.WARNING, "edge-down", "is out of the answers"),
}
"""Level, event and words for each state that a transition leads to."""


class MappingKeeper:
    """What a DNS node does once; top-level nodes do nothing here."""

    def __init__(
        self,
        settings: MappingSettings,
        metrics: MappingMetrics,
        tell: Callable[[Mapping[str, object]], None],
        timing: ProbeTiming | None = None,
    ) -> None:
        """`tell` sends a message to every worker."""
        self._metrics = metrics
        self._tell = tell
        self._timing = timing or ProbeTiming()
        self._edges: dict[str, EdgeServer] = {}
        if settings.tier == "low":
            self._edges = {e.name: e for region in settings.regions for e in region.edges}
        self._down: tuple[str, ...] = ()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to probe."""
        if self._edges:
            self._count_up()
            self._task = asyncio.create_task(self._run(), name="edge watch")

    async def stop(self) -> None:
        """End all probes."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def receive(self, worker: int, message: Mapping[str, object]) -> None:
        """Workers have nothing to say yet."""

    def worker_died(self, how: str) -> None:
        """Another one takes its place, and is greeted."""

    def greeting(self) -> Mapping[str, object] | None:
        """Which edges are down, for a worker that has just begun."""
        return {"kind": "fleet", "down": list(self._down)} if self._edges else None

    async def purge(self, asked: Mapping[str, object]) -> Mapping[str, object] | None:  # noqa: ARG002
        """Nothing is stored here."""
        return None

    async def _run(self) -> None:
        """Keep a watch running. One that breaks down leaves every edge in the answers."""
        while True:
            try:
                await self._watch()
            except Exception:  # noqa: BLE001 - whatever it was, the map must go on
                _log.exception(
                    "the watch over edges broke down: all are answered until it is back",
                    extra={"event": "edge-watch-failed"},
                )
                self._metrics.watch_failed()
                self._announce(())
                await asyncio.sleep(self._timing.interval_s)

    async def _watch(self) -> None:
        fleet = Fleet(tuple(self._edges), now=time.monotonic(), timing=self._timing)
        async with asyncio.TaskGroup() as probes:
            while True:
                fleet.on_due(time.monotonic())
                while outputs := fleet.drain(_DRAIN):
                    for output in outputs:
                        self._perform(output, fleet, probes)
                    await asyncio.sleep(0)
                await self._pause(fleet.next_due() - time.monotonic())

    def _perform(
        self, output: StartProbe | Transition, fleet: Fleet, probes: asyncio.TaskGroup
    ) -> None:
        if isinstance(output, StartProbe):
            probes.create_task(self._probe(self._edges[output.edge], fleet))
            return
        level, event, what = _TOLD[output.state]
        _log.log(
            level,
            "edge %s %s: its probe said %s",
            output.edge,
            what,
            output.outcome,
            extra={"event": event, "edge": output.edge, "reason": output.outcome.value},
        )
        self._announce(fleet.down)

    def _announce(self, down: tuple[str, ...]) -> None:
        self._down = down
        self._count_up()
        self._tell({"kind": "fleet", "down": list(down)})

    def _count_up(self) -> None:
        self._metrics.edges_up({edge: edge not in self._down for edge in self._edges})

    async def _probe(self, edge: EdgeServer, fleet: Fleet) -> None:
        outcome = await probe(edge.probe_host, edge.probe_port, edge.name, self._timing.timeout_s)
        self._metrics.probed(edge.name, outcome)
        fleet.receive(edge.name, outcome, time.monotonic())
        self._wake.set()

    async def _pause(self, seconds: float) -> None:
        """Until a probe ends, or the next one is due."""
        self._wake.clear()
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(None if seconds == float("inf") else seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
