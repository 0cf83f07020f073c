"""The ways in which the shop fails when it is asked to: which there are, and their bytes.

Where HTTP itself is broken (lengths that lie, bodies that end too soon, no HTTP at all) the bytes
go to the socket past aiohttp, which would not write them.
"""

import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from origin.aio.site.handlers import probes
from origin.aio.site.handlers.live import CLOSING
from origin.aio.site.objects import TEXT, prose

MOST_BYTES = 10 * 1024 * 1024
LONGEST_S = 600
"""No fault holds a connection for longer."""
LONGEST_CACHE_S = 86_400
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: closing sends a reset."""


class Kind(StrEnum):
    """A way to fail."""

    STATUS = "status"
    """A whole response with an error's status."""
    HANG = "hang"
    """No answer, until the client leaves; the connection is closed then."""
    CLOSE = "close"
    """The connection ends in the middle of a body whose length was told."""
    DRIP = "drip"
    """A whole response, a few bytes at a time."""
    LENGTH = "length"
    """Another Content-Length than there are bytes; more or fewer."""
    CHUNKED_CUT = "chunked-cut"
    """A chunked body that ends without its last chunk."""
    GARBAGE = "garbage"
    """Bytes that are no HTTP."""


Bounds = Mapping[str, tuple[int, int, int]]
"""Of each parameter: what it is by default, at least, at most."""

_CACHE: Bounds = {"cache": (0, 0, LONGEST_CACHE_S)}
"""Seconds for which all may keep the response; 0: nobody may."""
BOUNDS: Mapping[Kind, Bounds] = {
    Kind.STATUS: {"code": (503, 200, 599), **_CACHE},
    Kind.HANG: {"for_s": (LONGEST_S, 1, LONGEST_S)},
    Kind.CLOSE: {
        "after": (1_000, 0, MOST_BYTES),
        "of": (10_000, 1, MOST_BYTES),
        "reset": (0, 0, 1),
        **_CACHE,
    },
    Kind.DRIP: {
        "bytes": (1_000, 1, MOST_BYTES),
        "ms": (100, 1, 60_000),
        "size": (10, 1, 65_536),
        **_CACHE,
    },
    Kind.LENGTH: {"claimed": (10_000, 0, MOST_BYTES), "sent": (5_000, 0, MOST_BYTES), **_CACHE},
    Kind.CHUNKED_CUT: {"after": (1_000, 1, MOST_BYTES), "reset": (0, 0, 1), **_CACHE},
    Kind.GARBAGE: {"bytes": (100, 1, MOST_BYTES)},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A way to fail, with all its parameters."""

    kind: Kind
    parameters: Mapping[str, int]

    @property
    def cache_control(self) -> str:
        """What the response says of keeping it."""
        lasts_s = self.parameters.get("cache", 0)
        return f"public, max-age={lasts_s}" if lasts_s else "no-store"


async def fail(request: web.Request, fault: Fault) -> web.StreamResponse:
    """Do to this request what the fault says; ConnectionResetError where that ends it."""
    match fault.kind:
        case Kind.STATUS:
            response = probes.of_status(fault.parameters["code"])
            response.headers["Cache-Control"] = fault.cache_control
            return response
        case Kind.DRIP:
            return await _drip(request, fault)
        case Kind.HANG:
            await request.app[CLOSING].within(fault.parameters["for_s"])
        case _:
            head, body = _head(fault), _body(fault)
            _write(request, head if request.method == "HEAD" and head else head + body)
    if fault.parameters.get("reset"):
        _linger_not(request)
    raise ConnectionResetError("closed on demand")


async def _drip(request: web.Request, fault: Fault) -> web.StreamResponse:
    told = fault.parameters
    headers = {"Content-Type": TEXT, "Cache-Control": fault.cache_control}
    response = web.StreamResponse(headers=headers)
    response.content_length = told["bytes"]
    if request.method == "HEAD":
        return response
    await response.prepare(request)
    body, pause_s = _text(told["bytes"]), told["ms"] / 1000
    last = time.monotonic() + LONGEST_S
    for at in range(0, len(body), told["size"]):
        if at and (await request.app[CLOSING].within(pause_s) or time.monotonic() > last):
            raise ConnectionResetError("the drip has been stopped")
        await response.write(body[at : at + told["size"]])
    return response


def _head(fault: Fault) -> bytes:
    """The head of a response whose body is another than it tells; none where there is no HTTP."""
    match fault.kind:
        case Kind.CLOSE:
            framing = f"Content-Length: {fault.parameters['of']}"
        case Kind.LENGTH:
            framing = f"Content-Length: {fault.parameters['claimed']}"
        case Kind.CHUNKED_CUT:
            framing = "Transfer-Encoding: chunked"
        case _:
            return b""
    fields = (
        "HTTP/1.1 200 OK",
        "Server: midmile-shop",
        f"Content-Type: {TEXT}",
        f"Cache-Control: {fault.cache_control}",
        framing,
        "\r\n",
    )
    return "\r\n".join(fields).encode("ascii")


def _body(fault: Fault) -> bytes:
    told = fault.parameters
    match fault.kind:
        case Kind.CLOSE:
            return _text(min(told["after"], told["of"] - 1))
        case Kind.LENGTH:
            return _text(told["sent"])
        case Kind.CHUNKED_CUT:
            # One chunk is whole; the next one tells a byte more than there is.
            body = _text(told["after"])
            whole, rest = body[: (len(body) + 1) // 2], body[(len(body) + 1) // 2 :]
            return b"%x\r\n%b\r\n%x\r\n%b" % (len(whole), whole, len(rest) + 1, rest)
        case _:
            # No status line, a line feed now and then.
            line = bytes(range(0x80, 0x100)) + b"\x00\xff meow\r\n"
            return (line * (told["bytes"] // len(line) + 1))[: told["bytes"]]


def _text(size: int) -> bytes:
    return prose(size, seed=3).encode() if size else b""


def _write(request: web.Request, raw: bytes) -> None:
    if request.transport is not None:
        request.transport.write(raw)


def _linger_not(request: web.Request) -> None:
    """Have closing send a reset, so that the client notices more than an end."""
    wire = None if request.transport is None else request.transport.get_extra_info("socket")
    if wire is not None:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
