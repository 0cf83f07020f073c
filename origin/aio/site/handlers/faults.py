"""Faults on demand: what an origin server can do wrong, for tests of who must live with it.

Only where the network file says `faults = true`. `GET /admin/faults/close?after=100&of=1000` is a
fault each time it is asked for; `POST /admin/faults` arms one for other paths, for a while. What is
armed stands in the node's home folder, so that all its processes fail alike; after a restart too.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler

from origin.aio.site.clock import CLOCK
from origin.aio.site.handlers.failing import BOUNDS, Fault, Kind, fail
from origin.aio.site.http import answers
from origin.aio.site.http.forms import RefusedError, read_json, refuse_strangers, whole_number
from origin.aio.site.kept import write_whole

log = logging.getLogger("midmile.origin.site")

FILE = "faults.json"
PREFIX = "/admin/"
MOST_ARMED = 16
LONGEST_PATH = 200
_PATH = re.compile(rf"/[ -~]{{0,{LONGEST_PATH - 1}}}")
"""Printable ASCII: enough for all paths of the shop, and what is no text cannot be told again."""
LONGEST_FOR_S = 86_400
USUAL_FOR_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Armed:
    """A fault that requests for some paths meet."""

    path: str
    """How their paths begin."""
    kind: Kind
    parameters: Mapping[str, int] = field(default_factory=dict)
    share: float = 1.0
    """The part of them that meets it, evenly spread."""
    until: float
    """Unix seconds."""

    @property
    def fault(self) -> Fault:
        """What happens to them."""
        return Fault(kind=self.kind, parameters=self.parameters)


class Faults:
    """What is armed on this node, and whose turn it is."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE
        self._stamp: tuple[int, int] | None = None
        self._armed: tuple[Armed, ...] = ()
        self._met: dict[tuple[str, Kind, float], int] = {}

    def armed(self, now: float) -> tuple[Armed, ...]:
        """What is armed at this time."""
        self._read()
        return tuple(each for each in self._armed if each.until > now)

    def arm(self, armed: Armed, now: float) -> None:
        """Arm one more; `RefusedError` where there are too many."""
        others = self.armed(now)
        if len(others) >= MOST_ARMED:
            problem = f"{MOST_ARMED} faults are armed already; DELETE clears them"
            raise RefusedError(HTTPStatus.CONFLICT, problem)
        self._write((*others, armed))

    def clear(self) -> None:
        """Disarm all."""
        self._write(())

    def due(self, path: str, now: float) -> Fault | None:
        """The fault that a request for `path` meets."""
        for each in self.armed(now):
            if path.startswith(each.path) and self._turn(each):
                return each.fault
        return None

    def _turn(self, armed: Armed) -> bool:
        """Whether it is this request's turn: with a share of 0.25 every fourth's."""
        key = armed.path, armed.kind, armed.until
        before = self._met.get(key, 0)
        self._met[key] = before + 1
        return int((before + 1) * armed.share) > int(before * armed.share)

    def _write(self, armed: tuple[Armed, ...]) -> None:
        write_whole(self._file, [json.dumps([asdict(each) for each in armed]).encode()])
        self._read()

    def _read(self) -> None:
        try:
            stat = self._file.stat()
        except OSError:
            self._stamp, self._armed = None, ()
            return
        stamp = stat.st_mtime_ns, stat.st_ino
        if stamp == self._stamp:
            return
        self._stamp, self._met = stamp, {}
        try:
            listed = json.loads(self._file.read_text(encoding="utf-8"))
            self._armed = tuple(Armed(**{**each, "kind": Kind(each["kind"])}) for each in listed)
        except (OSError, ValueError, TypeError, KeyError):
            log.warning("cannot read armed faults", extra={"event": "faults-unreadable"})
            self._armed = ()


_FIELDS = ("path", "kind", "parameters", "for_s", "share")
"""Of a wish to arm a fault."""

FAULTS = web.AppKey("faults", Faults)


async def listed(request: web.Request) -> web.Response:
    """`GET /admin/faults`: what there is, and what is armed."""
    kinds = {
        "kinds": {
            kind: {
                name: {"default": default, "least": least, "most": most}
                for name, (default, least, most) in bounds.items()
            }
            for kind, bounds in BOUNDS.items()
        }
    }
    return _answer(request, kinds)


async def at_once(request: web.Request) -> web.StreamResponse:
    """`/admin/faults/KIND?...`: the fault itself; `/admin/faults/status/503` for a status."""
    kind, code = request.match_info["kind"], request.match_info.get("code")
    asked = {**request.query, **({"code": code} if code else {})}
    return await fail(request, fault_of(kind, asked))


async def arm(request: web.Request) -> web.Response:
    """`POST /admin/faults`: `{"path": "/product/", "kind": "status", "for_s": 30, "share": 0.5}`.

    With `"parameters": {"code": 503}` where the kind's usual ones will not do.
    """
    wish, now = await read_json(request), request.app[CLOCK]()
    if unknown := wish.keys() - set(_FIELDS):
        problem = f"a fault has no {min(unknown)!r}; it has {', '.join(_FIELDS)}"
        raise RefusedError(HTTPStatus.BAD_REQUEST, problem)
    path, share = wish.get("path"), wish.get("share", 1.0)
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "path is not the beginning of a path, in ASCII")
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0 < share <= 1:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "share is not above 0, and 1 at most")
    for_s = whole_number(wish.get("for_s", USUAL_FOR_S), least=1, most=LONGEST_FOR_S)
    if for_s is None:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"for_s is not from 1 to {LONGEST_FOR_S}")
    parameters = wish.get("parameters", {})
    if not isinstance(parameters, dict):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "parameters is no object")
    fault = fault_of(wish.get("kind"), cast("Mapping[str, object]", parameters))
    armed = Armed(
        path=path,
        kind=fault.kind,
        parameters=fault.parameters,
        share=float(share),
        until=now + for_s,
    )
    request.app[FAULTS].arm(armed, now)
    return _answer(request)


async def clear(request: web.Request) -> web.Response:
    """`DELETE /admin/faults`: nothing is armed then."""
    refuse_strangers(request)
    request.app[FAULTS].clear()
    return _answer(request)


def _answer(
    request: web.Request, more: Mapping[str, object] = MappingProxyType({})
) -> web.Response:
    """What is armed now, laid out for people: they ask with curl."""
    now = request.app[CLOCK]()
    armed = [
        {**asdict(each), "for_s": round(each.until - now)}
        for each in request.app[FAULTS].armed(now)
    ]
    written = json.dumps({**more, "armed": armed}, ensure_ascii=False, indent=2)
    return answers.text(
        request, f"{written}\n", content_type=answers.JSON, cache_control=answers.NO_STORE
    )


def fault_of(kind: object, asked: Mapping[str, object]) -> Fault:
    """The fault of this kind with these parameters; `RefusedError` where there is none."""
    try:
        known = Kind(cast("str", kind))
    except ValueError:
        problem = f"kind is none of {', '.join(Kind)}"
        raise RefusedError(HTTPStatus.NOT_FOUND, problem) from None
    parameters = {}
    for name, (default, least, most) in BOUNDS[known].items():
        value = whole_number(asked.get(name, default), least=least, most=most)
        if value is None:
            problem = f"{name} is not from {least} to {most}"
            raise RefusedError(HTTPStatus.BAD_REQUEST, problem)
        parameters[name] = value
    if unknown := asked.keys() - parameters.keys():
        problem = f"{known} has no {min(unknown)!r}; it has {', '.join(parameters)}"
        raise RefusedError(HTTPStatus.BAD_REQUEST, problem)
    return Fault(kind=known, parameters=parameters)


@web.middleware
async def meet(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let requests meet what is armed for their paths; `/healthz` never does."""
    faults = request.app.get(FAULTS)
    path = request.path
    if faults is None or path.startswith(PREFIX) or path == "/healthz":
        return await handler(request)
    fault = faults.due(path, request.app[CLOCK]())
    return await (handler(request) if fault is None else fail(request, fault))
