"""Where nodes that follow a parent's purges ask: a worker's part of it.

The question goes to the keeper, which answers when there is news, or after a while.
"""

import asyncio
import itertools
import json
import secrets
from collections.abc import Callable, Mapping

from edge.aio.exchange import Exchange
from edge.message import Headers, Request, Response
from edge.purge_log import HOLD_S, PATH, Position

MOST_BYTES = 8 * 1024
"""Of a question: a position and little more."""
_PATIENCE_S = HOLD_S + 1.0
"""For the keeper's answer."""

Message = Mapping[str, object]


class _Refusal(Exception):  # noqa: N818 - it is an answer
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Desk:
    """The questions that came through one worker."""

    def __init__(
        self, node: str, tell: Callable[[Message], None], patience_s: float = _PATIENCE_S
    ) -> None:
        """`tell` reaches the keeper of this node."""
        self._node = node
        self._tell = tell
        self._patience_s = patience_s
        # The keeper may still hold questions of a worker that died, which began elsewhere.
        self._numbers = itertools.count(secrets.randbits(48))
        self._open: dict[int, asyncio.Future[object]] = {}
        self._closed = False

    def is_for(self, request: Request) -> bool:
        """Whether the node itself is asked for purges, and no site."""
        return request.target == PATH and request.authority == self._node

    async def answer(self, exchange: Exchange, caller: str) -> None:
        """Answer a question of the node whose certificate has this name."""
        try:
            position, waits = await _question(exchange)
            said = await self._news(position, caller, waits=waits)
            await _send(exchange, 200, said)
        except _Refusal as refusal:
            exchange.close_after()  # of its body there may be more
            await _send(exchange, refusal.status, {})
        except asyncio.CancelledError:
            exchange.abort()
            raise

    async def _news(self, position: str, caller: str, *, waits: bool) -> object:
        if self._closed:
            raise _Refusal(503)
        number = next(self._numbers)
        answer = self._open[number] = asyncio.get_running_loop().create_future()
        self._tell(
            {
                "kind": "follow",
                "id": number,
                "node": caller,
                "position": position,
                "waits": waits,
            }
        )
        try:
            async with asyncio.timeout(self._patience_s):
                return await answer
        except TimeoutError:
            raise _Refusal(503) from None
        finally:
            del self._open[number]

    def take(self, message: Message) -> None:
        """The keeper has an answer."""
        number = message.get("id")
        answer = self._open.get(number) if isinstance(number, int) else None
        if answer is not None and not answer.done():
            answer.set_result(message.get("news"))

    def close(self) -> None:
        """Let nobody wait any longer."""
        self._closed = True
        for answer in self._open.values():
            if not answer.done():
                answer.set_exception(_Refusal(503))


async def _question(exchange: Exchange) -> tuple[str, bool]:
    """The caller's position, and whether it waits for news if there are none."""
    if exchange.request.method != "POST":
        raise _Refusal(405)
    body = bytearray()
    if exchange.upload is not None:
        async for chunk in exchange.upload.chunks:
            body += chunk
            if len(body) > MOST_BYTES:
                raise _Refusal(413)
    try:
        match json.loads(body):
            case {"position": str(position), **rest}:
                Position.of(position)
                return position, rest.get("waits") is not False
    except (ValueError, RecursionError):  # PurgeLogError is one
        pass
    raise _Refusal(400)


async def _send(exchange: Exchange, status: int, said: object) -> None:
    body = json.dumps(said, separators=(",", ":")).encode()
    fields = [
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
        ("cache-control", "no-store"),
    ]
    if status == 405:
        fields.append(("allow", "POST"))
    await exchange.send(Response(status=status, headers=Headers(fields)), body)
