"""A worker process: takes its sockets from the keeper, runs its role's worker, drains."""

import asyncio
import logging
import resource
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from deploy import telemetry
from deploy.errand import Errand
from deploy.exits import ExitCode, Refusal, in_one_line
from deploy.logs.lines import start_logs
from deploy.node import sockets
from deploy.processes.upward import Upward
from deploy.roles import Message, Worker
from edge.trail import AccessLog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry

log = logging.getLogger("midmile.deploy")


async def run_worker(control: int) -> ExitCode:
    """A worker's life."""
    try:
        upward, setup = await Upward.connect(control)
    except Refusal as refusal:  # nobody is left who could be told
        return refusal.code
    index = int(cast("int", setup["index"]))
    process = telemetry.worker_process(index)
    stream = start_logs(str(setup["node"]), process)
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, upward.stop, upward.grace_s)
    try:
        await _serve(upward, setup, stream, process)
    except Refusal as refusal:
        upward.failed(refusal)
        return refusal.code
    except Exception as error:
        log.exception("worker %d has failed", index, extra={"event": "worker-failed"})
        upward.failed(Refusal(in_one_line(error)))
        return ExitCode.FAILED
    finally:
        stream.close()
    return ExitCode.OK


async def _serve(upward: Upward, setup: Message, access_log: AccessLog, process: str) -> None:
    errand = Errand.of(setup)
    place = errand.place(str(setup["node"]))
    registry: CollectorRegistry = telemetry.activate(place.metrics, process)
    builders = errand.load_builders()
    worker = builders.build_worker(place, registry, access_log, upward.tell_role)
    listening = sockets.adopt(cast("Mapping[str, list[int]]", setup["descriptors"]))
    inbox = Inbox(worker, upward.tell)
    upward.listen(inbox.receive)
    await worker.start(listening)
    upward.ready(dict)
    await upward.stopping.wait()
    await worker.drain(upward.grace_s)
    inbox.close()


class Inbox:
    """Hands the keeper's messages to a role's worker."""

    def __init__(self, worker: Worker, tell: Callable[[Message], bool]) -> None:
        self._worker = worker
        self._tell = tell
        self._reload: asyncio.Task[None] | None = None

    def receive(self, message: Message) -> None:
        """Take a message from the keeper."""
        match message.get("kind"):
            case "role":
                self._worker.receive(cast("Message", message["body"]))
            case "question":
                self._respond(message["number"], cast("Message", message["body"]))
            case "reload-keys":
                self._reload = asyncio.create_task(self._reload_keys(self._reload))

    def _respond(self, number: object, question: Message) -> None:
        answer: Message | None
        try:
            answer = self._worker.respond(question)
        except Exception:
            log.exception("a question could not be answered", extra={"event": "question-failed"})
            answer = {"error": "internal error: see the log", "fault": True}
        self._tell({"kind": "answer", "number": number, "body": answer})

    async def _reload_keys(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await before
        try:
            await self._worker.reload_keys()
            log.info("new keys are in use", extra={"event": "keys-reloaded"})
        except Exception as error:  # noqa: BLE001  the old keys still serve
            log.error(  # noqa: TRY400  one line: the file is at fault, not the code
                "new keys cannot be used: %s", in_one_line(error), extra={"event": "keys-refused"}
            )

    def close(self) -> None:
        """Drop a reload that has not ended."""
        if self._reload is not None:
            self._reload.cancel()
