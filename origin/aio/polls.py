"""Followers' questions that wait for news of purges, in the keeper of the parent that was asked."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge.aio.follow import Link
from edge.purge_log import HOLD_S, News, Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One question."""

    node: str
    """Who asks."""
    position: Position
    worker: int
    """Through which worker of ours."""
    number: int
    """By which that worker knows it."""
    waits: bool = True
    """For news, if there are none."""


class Polls:
    """The questions that wait, one of each node at most."""

    def __init__(self, link: Link, news: Callable[[Poll], News], hold_s: float = HOLD_S) -> None:
        """`news`: what there is for who asks."""
        self._link = link
        self._news = news
        self._hold_s = hold_s
        self._held: dict[str, tuple[Poll, asyncio.TimerHandle]] = {}

    def ask(self, poll: Poll) -> None:
        """Answer at once if there is news, and else when there is, or after a while."""
        self._answer(poll.node)  # which asks anew, and no longer waits for its last answer
        loop = asyncio.get_running_loop()
        self._held[poll.node] = poll, loop.call_later(self._hold_s, self._answer, poll.node)
        if poll.waits:
            self._answer_news(poll)
        else:
            self._answer(poll.node)

    def answer_news(self) -> None:
        """Answer all for whom there is news."""
        for poll, _ in tuple(self._held.values()):
            self._answer_news(poll)

    def close(self) -> None:
        """Answer nobody any more."""
        for _, timer in self._held.values():
            timer.cancel()
        self._held.clear()

    def _answer_news(self, poll: Poll) -> None:
        news = self._news(poll)
        if news.everything or not poll.position.covers(news.position):
            self._answer(poll.node)

    def _answer(self, node: str) -> None:
        """Answer what a node has asked, if it has: with what there is, be it nothing."""
        held = self._held.pop(node, None)
        if held is None:
            return
        poll, timer = held
        timer.cancel()
        news = self._news(poll).as_json()
        message: Mapping[str, object] = {"kind": "news", "id": poll.number, "news": news}
        self._link.tell(message, poll.worker)
