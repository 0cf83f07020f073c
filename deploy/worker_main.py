"""A worker process: takes its sockets from the keeper, runs its role's worker, drains."""

import asyncio
import importlib
import logging
import signal
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from deploy import sockets, telemetry
from deploy.exits import ExitCode, Refusal
from deploy.logs import start_logs
from deploy.plan import AccessLog, Builders, Place
from deploy.roles import Message, Worker
from deploy.upward import Upward

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry

log = logging.getLogger("midmile.deploy")


def load_place(setup: Message) -> tuple[Place, Builders]:
    """Where the parent's setup message puts this process."""
    values = cast("Mapping[str, Any]", setup)
    builders = cast("Builders", importlib.import_module(values["builders"]))
    source, state = Path(values["source"]), Path(values["state"])
    network = builders.read_plan(values["network"], source, state)
    node = network.node(values["node"])
    if node is None:
        names = ", ".join(each.name for each in network.nodes)
        raise Refusal(f"no node {values['node']!r} in {source} (it has {names})", ExitCode.USAGE)
    return Place(network=network, node=node, source=source, state=state), builders


async def run_worker(control: int) -> ExitCode:
    """A worker's life."""
    upward, setup = await Upward.connect(control)
    index = int(cast("int", setup["index"]))
    process = telemetry.worker_process(index)
    stream, access_log = start_logs(str(setup["node"]), process)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, upward.stop, upward.grace_s)
    try:
        await _serve(upward, setup, access_log, process)
    except Refusal as refusal:
        upward.failed(refusal)
        return refusal.code
    except Exception:
        log.exception("worker %d has failed", index, extra={"event": "worker-failed"})
        return ExitCode.FAILED
    finally:
        stream.close()
    return ExitCode.OK


async def _serve(upward: Upward, setup: Message, access_log: AccessLog, process: str) -> None:
    place, builders = load_place(setup)
    registry: CollectorRegistry = telemetry.activate(place.home / "metrics", process)
    worker = builders.build_worker(place, registry, access_log, upward.tell_role)
    listening = sockets.adopt(cast("Mapping[str, list[int]]", setup["descriptors"]))
    inbox = Inbox(worker)
    upward.listen(inbox.receive)
    await worker.start(listening)
    upward.ready(dict)
    await upward.stopping.wait()
    await worker.drain(upward.grace_s)
    inbox.close()


class Inbox:
    """Hands the keeper's messages to a role's worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._reload: asyncio.Task[None] | None = None

    def receive(self, message: Message) -> None:
        """Take a message from the keeper."""
        match message.get("kind"):
            case "role":
                self._worker.receive(cast("Message", message["body"]))
            case "reload-keys":
                self._reload = asyncio.create_task(self._reload_keys(self._reload))

    async def _reload_keys(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await before
        try:
            await self._worker.reload_keys()
            log.info("new keys are in use", extra={"event": "keys-reloaded"})
        except Exception as error:  # noqa: BLE001  the old keys still serve
            detail = traceback.format_exception_only(error)[-1].strip()
            log.error(  # noqa: TRY400  one line: the file is at fault, not the code
                "new keys cannot be used: %s", detail, extra={"event": "keys-refused"}
            )

    def close(self) -> None:
        """Drop a reload that has not ended."""
        if self._reload is not None:
            self._reload.cancel()
