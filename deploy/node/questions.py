"""Questions that a keeper puts to its workers, and their answers as they come.

Each worker is asked, since each has a memory of its own. Nobody is waited for longer than
`PATIENCE_S`, and what comes later is dropped. A worker that hangs is waited for once: what is asked
after that it finds when it listens again, and the others need not wait for it each time.
"""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.processes.slot import Slot, SlotState
from deploy.roles import Message

PATIENCE_S = 2.0
"""A worker that does not look at its channel for so long is in trouble, and is not asked twice."""
MOST = 4
"""Questions at a time. They come from operators, one by one, and keep workers from visitors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the workers said, by their numbers."""

    given: Mapping[int, Message | None]
    """None: the role knows no such question."""
    silent: tuple[int, ...]
    """Those that are not ready, or did not answer in time."""
    asked: frozenset[int] = frozenset()
    """Those that were ready."""


class Questions:
    """The questions that are out."""

    def __init__(self, slots: Sequence[Slot], patience_s: float = PATIENCE_S) -> None:
        self._slots = slots
        self._patience_s = patience_s
        self._numbers = itertools.count(1)
        self._open: dict[int, dict[int, asyncio.Future[Message | None]]] = {}
        self._hanging: set[int] = set()
        """Workers that were waited for in vain, and have said nothing since."""

    @property
    def crowded(self) -> bool:
        """Whether another question must wait for its turn."""
        return len(self._open) >= MOST

    async def ask(self, question: Message) -> Answers:
        """Ask every worker that is ready."""
        number = next(self._numbers)
        loop = asyncio.get_running_loop()
        slots = enumerate(self._slots)
        ready = {index: slot for index, slot in slots if slot.state is SlotState.READY}
        waiting = {
            index: loop.create_future()
            for index, slot in ready.items()
            if slot.tell({"kind": "question", "number": number, "body": question})
        }
        self._open[number] = waiting
        try:
            awaited = [waiting[index] for index in waiting if index not in self._hanging]
            if awaited:
                await asyncio.wait(awaited, timeout=self._patience_s)
        finally:
            del self._open[number]
        self._hanging.update(index for index, answer in waiting.items() if not answer.done())
        given = {
            index: answer.result()
            for index, answer in waiting.items()
            if answer.done() and not answer.cancelled()
        }
        silent = tuple(index for index in range(len(self._slots)) if index not in given)
        return Answers(given=given, silent=silent, asked=frozenset(ready))

    async def have_done(self, task: Message) -> frozenset[int]:
        """Have every worker that is ready do something; the numbers of those that have not.

        Who has died meanwhile is not among them. Who does not even listen is: it may still serve.
        """
        answers = await self.ask(task)
        silent = {
            index
            for index in answers.silent
            if index in answers.asked and self._slots[index].state is SlotState.READY
        }
        failed = {
            index
            for index, answer in answers.given.items()
            if answer is None or answer.get("done") is not True
        }
        return frozenset(silent | failed)

    def heard(self, worker: int, message: Message) -> None:
        """A worker has answered."""
        self._hanging.discard(worker)
        number, body = message.get("number"), message.get("body")
        waiting = self._open.get(number, {}) if isinstance(number, int) else {}
        answer = waiting.get(worker)
        if answer is not None and not answer.done():
            answer.set_result(body if isinstance(body, dict) else None)

    def lost(self, worker: int) -> None:
        """A worker has died: nobody needs to wait for it."""
        self._hanging.discard(worker)
        for waiting in self._open.values():
            if worker in waiting:
                waiting[worker].cancel()
