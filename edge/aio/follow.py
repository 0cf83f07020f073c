"""Following the parents' logs of purges: how a node hears of each purge, and that there is none.

Each parent is asked, all the time: it answers at once if it knows something that we do not, and
otherwise after a while, so that every answer says that nothing was missed until then. The position
in the next question tells the parent that what it said is done.
"""

import asyncio
import json
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

import aiohttp

from edge.aio import tls
from edge.config import Identity, ParentAddress
from edge.purge_log import HOLD_S, PATH, Caught, News, Position, PurgeLogError, catch_up

log = logging.getLogger("midmile.edge.follow")

_PATIENCE_S = HOLD_S + 3.0
"""For an answer to one question."""
MOST_ANSWER_BYTES = 4 * 1024 * 1024
_LEAST_PAUSE_S, _MOST_PAUSE_S = 0.1, 1.0
"""Before a parent that gave no answer, or a hasty one, is asked again."""
_HASTY_S = HOLD_S / 2
"""An answer that comes sooner must say something: a parent that is not well, or that somebody else
asks in our name, must not be asked as fast as the network allows."""


class Link(Protocol):
    """A keeper's way to its workers."""

    def tell(self, message: Mapping[str, object], worker: int | None = None) -> None:
        """Tell one, or all that are ready."""

    async def have_done(self, task: Mapping[str, object]) -> frozenset[int]:
        """Have all that are ready do it; the numbers of those that have not."""


Apply = Callable[[Caught], Awaitable[bool]]
"""Carries news out; False: it could not be done, and is to be told again."""


class Follower:
    """Follows parents, and has what they tell carried out, one piece of news at a time."""

    def __init__(
        self,
        parents: Sequence[ParentAddress],
        identity: Identity,
        position: Callable[[], Position],
        apply: Apply,
        heard: Callable[[float], None],
    ) -> None:
        """`heard`: told when a question was asked whose answer is done; monotonic seconds."""
        self._parents = parents
        self._identity = identity
        self._position = position
        self._apply = apply
        self._heard = heard
        self._tasks: list[asyncio.Task[None]] = []
        self._one_at_a_time = asyncio.Lock()
        self._wanted = asyncio.Event()
        self.silent: set[str] = set()
        """Parents that gave no answer when they were last asked."""

    async def start(self) -> None:
        """Begin to ask."""
        self._tasks = [asyncio.create_task(self._follow(parent)) for parent in self._parents]

    async def stop(self) -> None:
        """Ask no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hurry(self) -> None:
        """Somebody knows more: ask those again now that did not answer."""
        self._wanted.set()

    async def _follow(self, parent: ParentAddress) -> None:
        pause_s = _LEAST_PAUSE_S
        context: ssl.SSLContext | None = None
        timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
        async with aiohttp.ClientSession(
            timeout=timeout,
            trust_env=False,
            auto_decompress=False,  # it would be larger than it looks
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            while True:
                try:
                    # Whoever begins to follow has something stored that waits for a word.
                    waits = context is not None
                    # Read here, since it fails while our keys are being renewed.
                    context = context or tls.tunnel_client(self._identity)
                    at_once = await self._ask(session, parent, context, waits=waits)
                except (aiohttp.ClientError, TimeoutError, OSError, PurgeLogError) as error:
                    self._note_silence(parent.name, error)
                    at_once, context = False, None  # our certificate may be new
                except Exception:
                    # Whoever does not follow any more would never use what it stores again.
                    log.exception("following %s failed", parent.name, extra={"event": "fault"})
                    at_once = False
                else:
                    self._note_word(parent.name)
                if at_once:
                    pause_s = _LEAST_PAUSE_S
                else:
                    await self._pause(pause_s)
                    pause_s = min(2 * pause_s, _MOST_PAUSE_S)

    async def _pause(self, seconds: float) -> None:
        self._wanted.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wanted.wait()

    async def _ask(
        self,
        session: aiohttp.ClientSession,
        parent: ParentAddress,
        context: ssl.SSLContext,
        *,
        waits: bool,
    ) -> bool:
        """Ask once, and wait for news if there are none; whether to ask again at once."""
        asked_s, position = time.monotonic(), self._position()
        async with session.post(
            f"https://{_bracketed(parent.host)}:{parent.port}{PATH}",
            data=json.dumps({"position": str(position), "waits": waits}).encode(),
            headers={"Host": parent.name, "Content-Type": "application/json"},
            ssl=context,
            server_hostname=parent.identity,
            allow_redirects=False,
        ) as response:
            if response.status != 200:
                raise PurgeLogError(f"it answers {response.status}")
            said = await _whole(response)
        answered_s = time.monotonic()
        try:
            news = News.of(json.loads(said))
        except (ValueError, RecursionError) as error:
            raise PurgeLogError(str(error)) from error
        done = await self.carry_out(news)
        if done and not news.more:
            self._heard(asked_s)
        hasty = self._position() == position and answered_s - asked_s < _HASTY_S
        return done and not hasty

    async def carry_out(self, news: News) -> bool:
        """Have news carried out, unless that has been done; whether it is done now.

        A worker that hangs is waited for once (`deploy.node.questions`), then the others have each
        purge at once again. Until it has done it, or is killed, nothing counts as done: the node is
        named as missing, and no lease is renewed.
        """
        async with self._one_at_a_time:
            caught = catch_up(self._position(), news)
            if caught.position.is_too_long:  # no parent could be told it
                raise PurgeLogError("it tells of too many parents")
            if caught.position == self._position() and not (caught.records or caught.everything):
                return True
            return await self._apply(caught)

    def _note_silence(self, name: str, error: Exception) -> None:
        if name in self.silent:
            return
        self.silent.add(name)
        log.warning(
            "%s tells nothing of purges: %s",
            name,
            str(error) or type(error).__name__,
            extra={"event": "purges-unheard", "upstream": name},
        )

    def _note_word(self, name: str) -> None:
        if name in self.silent:
            self.silent.discard(name)
            log.info(
                "%s tells of purges again", name, extra={"event": "purges-heard", "upstream": name}
            )


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """The body, unless that is too large; it need not say how large it is."""
    said = bytearray()
    async for chunk in response.content.iter_any():
        said += chunk
        if len(said) > MOST_ANSWER_BYTES:
            raise PurgeLogError("it says too much")
    return bytes(said)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
