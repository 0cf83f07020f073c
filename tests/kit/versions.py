"""An origin whose bodies are functions of path, variant and version, and what may be seen of it.

So whatever a network gives can be held to the byte, and to what was confirmed: once a purge or an
answer to POST has come back, nobody who asks afterwards may be given anything from before it.
"""

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import blake2b

from aiohttp import web

SLOWLY, SLOWEST_S = 0.2, 2.0
"""Answers to POST that take longer than it takes to start a node again."""

_LINE_BYTES = 1024
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What there is under one path."""

    path: str
    size: int
    age_s: int
    """For so long an answer is fresh."""
    tag: str
    kinds: tuple[str, ...] = ("plain",)
    """Its variants, by the request's `X-Kind`."""


def body(thing: Thing, kind: str, version: int) -> bytes:
    """No line of it is in any other body, or in another place of the same."""
    seed = f"{thing.path} {kind} {version}".encode()
    noise = blake2b(seed).digest() * (_LINE_BYTES // 64)
    lines = (
        b"%s %d\n%s" % (seed, number, noise) for number in range(thing.size // _LINE_BYTES + 1)
    )
    return b"".join(lines)[: thing.size]


class WrongAnswerError(AssertionError):
    """A byte that must not be seen."""


@dataclass
class Versions:
    """The present version of each thing, and the oldest that may still be given."""

    things: Sequence[Thing]
    present: Counter[str] = field(default_factory=Counter)
    oldest: Counter[str] = field(default_factory=Counter)
    confirmed: int = 0
    """How often something older was ruled out."""

    def change(self, thing: Thing) -> int:
        """There is another version from now on; its number."""
        self.present[thing.path] += 1
        return self.present[thing.path]

    def confirm(self, path: str, version: int) -> None:
        """Nothing older than that version may be given to whoever asks from now on."""
        self.oldest[path] = max(self.oldest[path], version)
        self.confirmed += 1

    def check(
        self, thing: Thing, kind: str, oldest: int, fields: Mapping[str, str], got: bytes
    ) -> None:
        """Hold a whole answer, 200 or 206, to what was the oldest version when it was asked for.

        The names of its fields are in lower case. Raises WrongAnswerError.
        """
        version = int(fields["x-version"])
        what = f"{thing.path} ({kind}) version {version}, cache: {fields.get('cache-status')}"
        if version < oldest:
            raise WrongAnswerError(f"{what}: {oldest} was confirmed before")
        wanted = body(thing, kind, version)
        if "content-range" in fields:
            first, _, last = fields["content-range"].split()[1].partition("/")[0].partition("-")
            wanted = wanted[int(first) : int(last) + 1]
        if fields["etag"] != f'"{kind}-{version}"' or got != wanted:
            raise WrongAnswerError(f"{what}: {len(got)} bytes that are not it")


@asynccontextmanager
async def origin(
    versions: Versions, host: str, port: int, rng: random.Random
) -> AsyncIterator[None]:
    """Serve the things; POST makes another version of one, of which the answer tells.

    Sometimes it takes its time, so that much can happen to who asked.
    """
    things = {thing.path: thing for thing in versions.things}

    async def serve(request: web.Request) -> web.Response:
        thing = things[request.path]
        if request.method == "POST":
            fields = {"X-Version": str(versions.change(thing))}
            if rng.random() < SLOWLY:
                await asyncio.sleep(rng.random() * SLOWEST_S)
            return web.Response(status=204, headers=fields)
        return _answer(thing, versions.present[thing.path], request)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


def _answer(thing: Thing, version: int, request: web.Request) -> web.Response:
    kind = request.headers.get("X-Kind", "plain")
    tag = f'"{kind}-{version}"'
    fields = {
        "ETag": tag,
        "X-Version": str(version),
        "Cache-Control": f"max-age={thing.age_s}",
        "Cache-Tag": thing.tag,
        "Accept-Ranges": "bytes",
        **({"Vary": "X-Kind"} if len(thing.kinds) > 1 else {}),
    }
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers=fields)
    whole = body(thing, kind, version)
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None or request.headers.get("If-Range", tag) != tag:
        return web.Response(body=whole, headers=fields)
    first, last = int(asked[1]), min(int(asked[2] or thing.size), thing.size - 1)
    fields["Content-Range"] = f"bytes {first}-{last}/{thing.size}"
    return web.Response(status=206, body=whole[first : last + 1], headers=fields)
