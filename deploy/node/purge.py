"""The admin port's `/purge`: what every worker of this node is to use no more.

`POST /purge` with `{"url": ...}` and its like (`edge/purging.py`), and with the node's token: it is
made anew at each start, in a file that only the node's own user can read.
"""

import hmac
import json
import logging
import secrets
from pathlib import Path

from aiohttp import web

from deploy.exits import ExitCode, Refusal
from deploy.keys.files import PRIVATE, write
from deploy.layout import admin_token
from deploy.node.explain import fault, told
from deploy.node.questions import Answers, Questions

log = logging.getLogger("midmile.deploy")


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

    def __init__(self, node: str, role: str, questions: Questions, token: str) -> None:
        self._node = node
        self._role = role
        self._questions = questions
        self._token = token.encode()

    async def serve(self, request: web.Request) -> web.Response:
        """Have it done by all workers (an aiohttp handler)."""
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
        return self._said(await self._questions.ask({"kind": "purge", "purge": asked}))

    def _said(self, answers: Answers) -> web.Response:
        said = [each for each in answers.given.values() if each is not None]
        if answers.given and not said:
            return fault(404, f"{self._node} is a node of role {self._role}, which stores nothing")
        for each in said:
            if "error" in each:
                return fault(500 if each.get("fault") else 400, str(each["error"]))
        done = {"node": self._node, "workers": sorted(answers.given)}
        if answers.silent or not said:
            return told(503, {**done, "silent": list(answers.silent)})
        log.info("purged", extra={"event": "purged", "purge": said[0]["purged"]})
        return told(200, done)
