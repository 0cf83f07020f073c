"""The admin port's `/purge`: what no node of the network is to use any more.

`POST /purge` at a parent, with `{"url": ...}` and its like (`edge/purging.py`), and with the node's
token: it is made anew at each start, in a file that only the node's own user can read. The answer
comes when all nodes have done it (200), or when some have not in time (202): these do it as soon as
they hear of it.
"""

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from deploy.exits import ExitCode, Refusal
from deploy.keys.files import PRIVATE, write
from deploy.layout import admin_token
from deploy.node.explain import fault, told
from deploy.roles import Message


def new_token(home: Path) -> str:
    """Make this run's token, and leave it where `midmile purge` finds it."""
    token = secrets.token_hex(32)
    try:
        home.mkdir(parents=True, exist_ok=True)
        write(admin_token(home), f"{token}\n".encode(), PRIVATE)
    except OSError as error:
        raise Refusal(f"cannot write in {home}: {error.strerror}", ExitCode.ADDRESS) from None
    return token


class Purge:
    """Answers `/purge`."""

    def __init__(
        self,
        node: str,
        role: str,
        purge: Callable[[Message], Awaitable[Message | None]],
        token: str,
    ) -> None:
        """`purge`: the role's."""
        self._node = node
        self._role = role
        self._purge = purge
        self._token = token.encode()

    async def serve(self, request: web.Request) -> web.Response:
        """Have it done by all nodes (an aiohttp handler)."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), self._token):
            refused = fault(401, "that wants the node's token")
            refused.headers["WWW-Authenticate"] = "Bearer"
            return refused
        try:
            asked = json.loads(await request.text())
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            return fault(400, "send a JSON object")
        said = await self._purge(asked)
        if said is None:
            whose = f"{self._node} is a node of role {self._role}"
            return fault(404, f"{whose}, which numbers no purges: ask a parent")
        if "error" in said:
            return fault(500 if said.get("fault") else 400, str(said["error"]))
        return told(202 if said["missing"] else 200, {"node": self._node, **said})
