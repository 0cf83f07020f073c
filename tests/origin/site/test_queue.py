"""Wishes that wait for their turn: bounded, the newest first, and none for those who have gone."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from origin.aio.site.pictures import BusyError
from origin.aio.site.pictures.queue import Queue


class Bench:
    """A queue with one hand that works when it is let, and what it has begun."""

    def __init__(self, *, most: int = 64) -> None:
        self.begun: list[str] = []
        self.first_begun = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.go = threading.Event()
        self.queue = Queue[str](hands=1, most=most)

    def ask(self, name: str) -> asyncio.Task[str]:
        """Somebody who wants this."""
        return asyncio.create_task(self.queue.get(name, self._make(name)))

    def _make(self, name: str) -> Callable[[], str]:
        def make() -> str:
            self.begun.append(name)
            self._loop.call_soon_threadsafe(self.first_begun.set)
            assert self.go.wait(20)
            return name.upper()

        return make


async def test_what_nobody_waits_for_is_not_made() -> None:
    """Six thousand who ask and go leave nothing that the next one waits for."""
    bench = Bench()
    first = bench.ask("first")
    await bench.first_begun.wait()
    for number in range(6000):
        gone = bench.ask(str(number))
        await asyncio.sleep(0)
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await gone
    last = bench.ask("last")
    await asyncio.sleep(0)
    bench.go.set()
    assert (await first, await last) == ("FIRST", "LAST")
    assert bench.begun == ["first", "last"]


async def test_one_of_two_who_goes_leaves_it_to_the_other() -> None:
    """A wish is dropped with the last who has it."""
    bench = Bench()
    first = bench.ask("first")
    await bench.first_begun.wait()
    leaver, stayer = bench.ask("shared"), bench.ask("shared")
    await asyncio.sleep(0)
    leaver.cancel()
    bench.go.set()
    assert (await first, await stayer) == ("FIRST", "SHARED")


async def test_the_newest_is_first() -> None:
    """Who has waited longest is the likeliest to have gone."""
    bench = Bench()
    first = bench.ask("first")
    await bench.first_begun.wait()
    others = [bench.ask(name) for name in ("a", "b", "c")]
    await asyncio.sleep(0)
    bench.go.set()
    await asyncio.gather(first, *others)
    assert bench.begun == ["first", "c", "b", "a"]


async def test_no_more_wait_than_may() -> None:
    """One too many is told at once; one more for what waits already is none too many."""
    bench = Bench(most=2)
    first = bench.ask("first")
    await bench.first_begun.wait()
    others = [bench.ask(name) for name in ("a", "b", "a", "first")]
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await bench.ask("c")
    bench.go.set()
    assert await asyncio.gather(first, *others) == ["FIRST", "A", "B", "A", "FIRST"]


async def test_a_failure_is_told_to_those_who_wait() -> None:
    """And the next wish has its turn."""

    def fail() -> str:
        raise ArithmeticError("no paint")

    queue = Queue[str](hands=1, most=2)
    for _ in range(2):
        with pytest.raises(ArithmeticError, match="no paint"):
            await queue.get("a", fail)
    assert await queue.get("a", lambda: "done") == "done"
