"""Questions that wait for news: who is answered, when, and through which worker."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from edge.purge_log import News, Position
from origin.aio.polls import Poll, Polls
from tests.kit.talk import PATIENCE_S

QUIET = News(position=Position())


class Link:
    """What is told to which worker, question by question."""

    def __init__(self) -> None:
        self.told = list[tuple[int | None, int, News]]()
        self.something = asyncio.Event()

    def tell(self, message: Mapping[str, object], worker: int | None = None) -> None:
        """Take a message."""
        self.told.append((worker, cast("int", message["id"]), News.of(message["news"])))
        self.something.set()

    async def have_done(self, task: Mapping[str, object]) -> frozenset[int]:
        """Nothing is to be done."""
        raise AssertionError(task)


def poll(number: int, *, node: str = "east", worker: int = 0, at: str = "a=10:1") -> Poll:
    """A question."""
    return Poll(node=node, position=Position.of(at), worker=worker, number=number)


async def test_who_knows_all_waits() -> None:
    """Then hears what there is by then, once: that may be that it knows more than there is."""
    link, news = Link(), [QUIET]
    polls = Polls(link, lambda _: news[0], hold_s=0.01)
    polls.ask(poll(1))
    polls.answer_news()
    assert link.told == []
    news[0] = News(position=Position(), more=True)
    async with asyncio.timeout(PATIENCE_S):
        await link.something.wait()
    polls.answer_news()
    polls.close()
    assert link.told == [(0, 1, news[0])]


async def test_who_does_not_want_to_wait_is_told_what_there_is() -> None:
    """Whoever begins to follow has something stored that he may not use without a word."""
    link = Link()
    polls = Polls(link, lambda _: QUIET)
    polls.ask(replace(poll(1), waits=False))
    assert link.told == [(0, 1, QUIET)]
    polls.close()


async def test_news_are_told_at_once() -> None:
    """To all who wait, each through the worker that it asked, and to who asks then."""
    link, news = Link(), [QUIET]
    polls = Polls(link, lambda _: news[0])
    polls.ask(poll(1))
    polls.ask(poll(1, node="west", worker=1))
    polls.ask(poll(2, node="north", at="a=10:2"))
    news[0] = News(position=Position.of("a=10:2"))
    polls.answer_news()
    polls.ask(poll(3, worker=2))
    assert link.told == [(0, 1, news[0]), (1, 1, news[0]), (2, 3, news[0])]
    news[0] = News(position=Position(), everything=True)
    polls.answer_news()
    assert link.told[3:] == [(0, 2, news[0])]
    polls.close()


async def test_one_question_of_each_node_waits() -> None:
    """However many it asks, through whichever workers: the others have their answers."""
    link = Link()
    polls = Polls(link, lambda _: QUIET)
    for number in range(1_000):
        polls.ask(poll(number, worker=number % 3))
    assert link.told == [(number % 3, number, QUIET) for number in range(999)]
    assert len(polls._held) == 1
    polls.close()


async def test_at_the_end_nobody_is_answered() -> None:
    """The workers are gone."""
    link = Link()
    polls = Polls(link, lambda _: QUIET, hold_s=0.0)
    polls.ask(poll(1))
    polls.close()
    polls.answer_news()
    await asyncio.sleep(0)
    assert link.told == []
