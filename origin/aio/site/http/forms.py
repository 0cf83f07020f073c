"""What browsers send: forms and JSON, read within bounds, from the shop's own pages only."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

LARGEST_BYTES = 16 * 1024
"""Of a form or of JSON: a login, a line of a cart."""
MOST_FIELDS = 20
LONGEST_WAY = 300
"""Characters of the address that a form leads back to."""
PATIENCE_S = 15.0

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


class RefusedError(Exception):
    """A request that cannot be served as it is, with the status and what is wrong with it."""

    def __init__(self, status: HTTPStatus, problem: str) -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem


async def read_form(request: web.Request) -> Mapping[str, str]:
    """The fields of a form; where one is sent twice the last one counts."""
    text = await _text(request, _FORM)
    try:
        return dict(
            parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        )
    except ValueError:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "this is no form of ours") from None


async def read_json(request: web.Request) -> Mapping[str, object]:
    """A JSON object."""
    text = await _text(request, _JSON)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the body is not JSON") from None
    if not isinstance(value, dict):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the body is no JSON object")
    return cast("Mapping[str, object]", value)


def refuse_strangers(request: web.Request) -> None:
    """403 for what another site's page makes a browser send (RFC 6454; CSRF)."""
    origin = request.headers.get("Origin")
    if origin is None:  # no browser, or one whose SameSite=Lax cookies stay at home
        return
    # Before the edge, where a network file has another Host sent on, it is X-Forwarded-Host.
    own = {request.headers.get("Host"), request.headers.get("X-Forwarded-Host")} - {None}
    if _host(origin) not in {host.lower() for host in own if host}:
        raise RefusedError(HTTPStatus.FORBIDDEN, "the request comes from another site")


def way_back(asked: str, default: str) -> str:
    """`asked` where it is a path of this site; `default` for anything else."""
    local = asked.startswith("/") and not asked.startswith(("//", "/\\"))
    tame = asked.isascii() and asked.isprintable() and " " not in asked and "\\" not in asked
    return asked if local and tame and len(asked) <= LONGEST_WAY else default


def whole_number(value: object, *, least: int, most: int) -> int | None:
    """A number of a form or of JSON; None for what is none, or is out of bounds."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else None
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if least <= value <= most else None


async def _text(request: web.Request, media_type: str) -> str:
    refuse_strangers(request)
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if request.content_type != media_type or coding != "identity":
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"this wants {media_type}")
    try:
        async with asyncio.timeout(PATIENCE_S):
            body = await request.content.read(LARGEST_BYTES + 1)
            while len(body) <= LARGEST_BYTES and (more := await request.content.readany()):
                body += more
    except TimeoutError:
        raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, "the body stalled") from None
    if len(body) > LARGEST_BYTES:
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {LARGEST_BYTES} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the body is not UTF-8") from None


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None
