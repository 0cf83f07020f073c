"""The admin port's `/explain`: what this node would do with a request, asked of its workers.

It reads only: nothing is fetched, stored, counted or marked as used. `?url=` is wanted; `method=`
and any number of `header=Name: value` may follow.
"""

import json
import secrets
from typing import Any

from aiohttp import web

from deploy.node.questions import Answers, Questions

_KNOWN = frozenset({"url", "method", "header"})
MOST_HEADERS = 128
"""More than an edge takes; `Limits.header_count` is what refuses."""


class Explain:
    """Answers `/explain`."""

    def __init__(self, node: str, role: str, questions: Questions) -> None:
        self._node = node
        self._role = role
        self._questions = questions
        # Of this run, and one for all workers: answers that agree are to look alike.
        self._secret = secrets.token_hex(16)

    async def serve(self, request: web.Request) -> web.Response:
        """Ask the workers and gather what they say (an aiohttp handler)."""
        query = request.query
        strange = sorted(set(query) - _KNOWN)
        urls, methods = query.getall("url", []), query.getall("method", ["GET"])
        headers = query.getall("header", [])
        if strange or len(urls) != 1 or len(methods) != 1 or len(headers) > MOST_HEADERS:
            return fault(400, "ask with one url=, at most one method=, and header=Name: value")
        if self._questions.crowded:
            return fault(503, "too many questions at once")
        question = {
            "kind": "explain",
            "url": urls[0],
            "method": methods[0],
            "headers": headers,
            "secret": self._secret,
        }
        return self._told(await self._questions.ask(question))

    def _told(self, answers: Answers) -> web.Response:
        if not answers.given:
            return fault(503, f"no worker of {self._node} answers")
        said = list(answers.given.values())
        known = [each for each in said if each is not None]
        if not known:
            return fault(
                404, f"{self._node} is a node of role {self._role}: only edges and parents explain"
            )
        for each in known:
            if "error" in each:
                return fault(500 if each.get("fault") else 400, str(each["error"]))
        body = {
            "node": self._node,
            "role": self._role,
            "answers": _grouped(answers),
            "silent": list(answers.silent),
        }
        return told(200, body)


def _grouped(answers: Answers) -> list[dict[str, Any]]:
    """Each different explanation, with the workers that give it."""
    groups: list[dict[str, Any]] = []
    for index, answer in answers.given.items():
        explanation = (answer or {}).get("explanation")
        same = next((each for each in groups if each["explanation"] == explanation), None)
        if same is None:
            groups.append({"workers": [index], "explanation": explanation})
        else:
            same["workers"].append(index)
    return groups


def fault(status: int, text: str) -> web.Response:
    """An error, as JSON."""
    return told(status, {"error": text})


def told(status: int, body: object) -> web.Response:
    """An answer, as JSON."""
    return web.Response(
        status=status, text=json.dumps(body) + "\n", content_type="application/json"
    )
