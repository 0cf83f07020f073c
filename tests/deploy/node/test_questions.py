"""Questions to workers: who answers, who is silent, and that nobody is waited for too long."""

import asyncio
from typing import cast

import pytest

from deploy.node.questions import MOST, Questions
from deploy.processes.slot import Slot, SlotState
from deploy.roles import Message


class FakeSlot:
    """A worker's slot, as far as questions need one."""

    def __init__(self, state: SlotState = SlotState.READY, *, listens: bool = True) -> None:
        self.state = state
        self.heard: list[Message] = []
        self._listens = listens

    def tell(self, message: Message) -> bool:
        """Keep it."""
        self.heard.append(message)
        return self._listens


def asked(*slots: FakeSlot, patience_s: float = 30.0) -> Questions:
    """The questions of a node with these workers."""
    return Questions(cast("list[Slot]", list(slots)), patience_s)


def answer(slot: FakeSlot, body: object) -> Message:
    """A worker's answer to the last question."""
    return {"kind": "answer", "number": slot.heard[-1]["number"], "body": body}


async def test_all_that_are_ready_are_asked() -> None:
    """Their answers come by worker; None is an answer too; others count as silent."""
    slots = [FakeSlot(), FakeSlot(SlotState.STARTING), FakeSlot(), FakeSlot(listens=False)]
    questions = asked(*slots)
    asking = asyncio.create_task(questions.ask({"kind": "weather"}))
    await asyncio.sleep(0)
    assert slots[0].heard[0]["body"] == {"kind": "weather"}
    questions.heard(0, answer(slots[0], {"sun": True}))
    questions.heard(2, answer(slots[2], None))
    answers = await asking
    assert answers.given == {0: {"sun": True}, 2: None}
    assert answers.silent == (1, 3)
    assert slots[1].heard == []


async def test_a_worker_that_dies_is_not_waited_for() -> None:
    """The others' answers are enough."""
    slots = [FakeSlot(), FakeSlot()]
    questions = asked(*slots)
    asking = asyncio.create_task(questions.ask({}))
    await asyncio.sleep(0)
    questions.lost(1)
    questions.heard(0, answer(slots[0], {}))
    answers = await asking
    assert (answers.given, answers.silent) == ({0: {}}, (1,))


async def test_patience_ends_and_late_words_are_dropped() -> None:
    """So are answers to nothing, from nobody, and second ones."""
    slot = FakeSlot()
    questions = asked(slot, patience_s=0.01)
    assert (await questions.ask({})).silent == (0,)
    late = answer(slot, {})
    questions.heard(0, late)
    questions.heard(7, late)
    questions.heard(0, {"kind": "answer", "number": "x"})
    asking = asyncio.create_task(questions.ask({}))
    await asyncio.sleep(0)
    questions.heard(0, answer(slot, {"first": 1}))
    questions.heard(0, answer(slot, {"second": 2}))
    assert (await asking).given == {0: {"first": 1}}


@pytest.mark.parametrize("is_new", [False, True])
async def test_a_worker_that_hangs_keeps_the_others_waiting_once(is_new: bool) -> None:
    """It is asked all the same, and waited for again when it has said anything, or is a new one."""
    hanging, well = FakeSlot(), FakeSlot()
    questions = asked(hanging, well, patience_s=0.01)
    assert await questions.have_done({}) == {0, 1}
    questions.heard(1, answer(well, {}))
    questions._patience_s = 30.0
    doing = asyncio.create_task(questions.have_done({}))
    await asyncio.sleep(0)
    assert hanging.heard[-1] == well.heard[-1]
    questions.heard(1, answer(well, {"done": True}))
    assert await doing == {0}
    if is_new:
        questions.lost(0)
    else:
        questions.heard(0, answer(hanging, {"done": True}))
    doing = asyncio.create_task(questions.have_done({}))
    await asyncio.sleep(0)
    questions.heard(1, answer(well, {"done": True}))
    questions.heard(0, answer(hanging, {"done": True}))
    assert await doing == frozenset()


async def test_questions_are_bounded() -> None:
    """Above a number the keeper takes no more until some are answered."""
    slot = FakeSlot()
    questions = asked(slot)
    waiting = [asyncio.create_task(questions.ask({})) for _ in range(MOST)]
    crowded = [questions.crowded]
    await asyncio.sleep(0)
    crowded.append(questions.crowded)
    questions.lost(0)
    await asyncio.gather(*waiting)
    assert [*crowded, questions.crowded] == [False, True, False]


async def test_workers_have_done_what_they_say_they_have() -> None:
    """Not those who failed, know no such task, keep silent, or do not even listen."""
    slots = [FakeSlot() for _ in range(4)]
    questions = asked(*slots, FakeSlot(listens=False), patience_s=0.01)
    doing = asyncio.create_task(questions.have_done({"kind": "chore"}))
    await asyncio.sleep(0)
    assert slots[3].heard[0]["body"] == {"kind": "chore"}
    for index, said in enumerate(({"done": True}, {"error": "no room"}, None)):
        questions.heard(index, answer(slots[index], said))
    assert await doing == {1, 2, 3, 4}


async def test_who_is_not_ready_or_dies_is_not_missed() -> None:
    """The next worker in its place begins with nothing, and is greeted."""
    starting, dying, well = FakeSlot(SlotState.STARTING), FakeSlot(), FakeSlot()
    questions = asked(starting, dying, well)
    doing = asyncio.create_task(questions.have_done({}))
    await asyncio.sleep(0)
    dying.state = SlotState.PAUSED
    questions.lost(1)
    questions.heard(2, answer(well, {"done": True}))
    assert await doing == frozenset()
