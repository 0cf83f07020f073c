"""httplint finds nothing wrong in anything that midmile says, made by it or passed on."""

import gzip
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from httplint import HttpRequestLinter, HttpResponseLinter
from httplint.note import levels

from edge.cache.dates import format_date
from edge.config import Limits
from tests.kit.delivery import delivery
from tests.kit.talk import Call, Reply, origin, read_fields

BODY = b"".join(b"%04d lines of text\n" % number for number in range(100))
_JUDGED = {levels.BAD, levels.WARN}
_ACCEPTED = {
    "STATUS_BAD_REQUEST": "what a 400 means: the request was wrong",
    "STATUS_URI_TOO_LONG": "what a 414 means: the request's target was too long",
    "STATUS_VERSION_NOT_SUPPORTED": "what a 505 means: the request's version was no HTTP/1",
}
"""By name of the note. It tells the client that the fault is its own, which is so."""
_MULTIPART = "PARTIAL_WITHOUT_RANGE"
"""RFC 9110 15.3.7.2: an answer of several parts has Content-Range in each part, and must have none
in its head, which httplint does not know."""


async def play(call: Call) -> None:
    """A well-behaved origin."""
    await call.body()
    now = time.time()
    fields = [
        f"Date: {format_date(now)}",
        f"Last-Modified: {format_date(now - 86_400)}",
        'ETag: "first"',
        "Content-Type: text/plain; charset=utf-8",
    ]
    fresh = [*fields, "Cache-Control: max-age=60"]
    match call.target:
        case "/gzip":
            coded = [*fresh, "Content-Encoding: gzip", "Vary: Accept-Encoding"]
            await call.answer(*coded, body=gzip.compress(BODY))
        case "/redirect":
            await call.answer(
                *fresh[:1], fresh[-1], "Location: /page", status="301 Moved Permanently"
            )
        case "/chunked":
            head = "\r\n".join(["HTTP/1.1 200 OK", *fresh, "Transfer-Encoding: chunked", "", ""])
            await call.write(head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))
        case "/missing":
            await call.answer(*fields[:1], fields[3], body=b"no", status="404 Not Found")
        case "/own":
            await call.answer(*fields, "Cache-Control: private, max-age=60", body=BODY)
        case "/stale" if call.lines("if-none-match"):
            call.writer.close()
        case "/stale":
            await call.answer(*fields, "Cache-Control: max-age=0", body=BODY)
        case "/broken":
            call.writer.close()
        case _:
            await call.answer(*fresh, body=BODY)


def get(target: str, *fields: str, method: str = "GET", host: str = "shop.test") -> bytes:
    """A request as browsers send them."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "User-Agent: test/1", *fields, "", ""]
    return "\r\n".join(lines).encode()


def notes(wire: bytes, reply: Reply) -> list[tuple[str, str]]:
    """What is wrong with the answer to a request: names of notes, and what they say."""
    line, _, _ = wire.partition(b"\r\n")
    method, target, *_ = line.split(b" ")
    asked = HttpRequestLinter()
    asked.process_request_topline(method, b"http://shop.test" + target, b"1.1")
    asked.process_headers([(a.encode(), b.encode()) for a, b in read_fields(wire)])
    asked.finish_content(complete=True)
    linter = HttpResponseLinter(start_time=time.time())
    linter.request = asked
    linter.is_head_response = method == b"HEAD"
    linter.process_response_topline(b"1.1", str(reply.status).encode(), reply.reason.encode())
    linter.process_headers([(a.encode(), b.encode("latin-1")) for a, b in reply.fields])
    linter.feed_content(reply.body)
    linter.finish_content(complete=True)
    several = (reply.one("content-type") or "").startswith("multipart/byteranges")
    accepted = {*_ACCEPTED, _MULTIPART} if several else _ACCEPTED
    return [
        (type(note).__name__, str(note.summary))
        for note in linter.notes
        if note.level in _JUDGED and type(note).__name__ not in accepted
    ]


@pytest.mark.parametrize(
    ("wires", "status"),
    [
        ([get("/page")], 200),
        ([get("/page")] * 3, 200),
        ([get("/page")] * 2 + [get("/page", 'If-None-Match: "first"')], 304),
        ([get("/page")] * 2 + [get("/page", "Range: bytes=0-9")], 206),
        ([get("/page")] * 2 + [get("/page", "Range: bytes=0-9,40-49")], 206),
        ([get("/page")] * 2 + [get("/page", "Range: bytes=99999-")], 416),
        ([get("/page")] * 2 + [get("/page", method="HEAD")], 200),
        ([get("/gzip", "Accept-Encoding: gzip")] * 3, 200),
        ([get("/chunked")] * 3, 200),
        ([get("/redirect")] * 2, 301),
        ([get("/missing")] * 2, 404),
        ([get("/own")] * 2, 200),
        ([get("/stale")] * 2, 200),
        ([get("/", "Content-Length: x")], 400),
        ([get("/", method="TRACE")], 405),
        ([get("/" + "a" * 9_000)], 414),
        ([get("/", "Expect: miracle")], 417),
        ([get("/", host="nobody.test")], 421),
        ([get("/", *["A: b"] * 101)], 431),
        ([get("/", method="BREW")], 501),
        ([get("/broken")], 502),
        ([get("/", "Cache-Control: only-if-cached")], 504),
        ([b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"], 505),
    ],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
async def test_nothing_is_wrong(
    keys: Path, wires: Sequence[bytes], status: int, accept: str
) -> None:
    """With any answer of a conversation, in any form of error pages."""
    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        for wire in wires:
            asked = wire.replace(b"\r\n\r\n", f"\r\nAccept: {accept}\r\n\r\n".encode())
            client.say(asked)
            reply = await client.reply(asked.split(b" ")[0].decode())
            assert notes(asked, reply) == []
        assert reply.status == status


async def test_nobody_to_ask(keys: Path) -> None:
    """503 too."""
    async with delivery(keys, parents=()) as net, net.client() as client:
        client.say(get("/"))
        reply = await client.reply()
        assert (reply.status, notes(get("/"), reply)) == (503, [])


async def test_an_origin_that_says_nothing(keys: Path) -> None:
    """504."""

    async def silent(call: Call) -> None:
        await call.reader.read()

    limits = Limits(answer_timeout_s=0.1)
    async with (
        origin(silent) as shop,
        delivery(keys, shop, limits=limits) as net,
        net.client() as client,
    ):
        client.say(get("/"))
        reply = await client.reply()
        assert (reply.status, notes(get("/"), reply)) == (504, [])


@pytest.mark.parametrize(
    ("field", "body"),
    [("Content-Length: 5", b"12345"), ("Transfer-Encoding: chunked", b"5\r\n12345\r\n0\r\n\r\n")],
)
async def test_too_large_a_body(keys: Path, field: str, body: bytes) -> None:
    """413, whether it was announced or not."""
    asked = get("/", field, method="POST")
    async with (
        origin(play) as shop,
        delivery(keys, shop, body_bytes=4) as net,
        net.client() as client,
    ):
        client.say(asked + body)
        reply = await client.reply("POST")
        assert (reply.status, notes(asked, reply)) == (413, [])
        assert reply.one("connection") == "close"


async def test_too_slow(keys: Path) -> None:
    """408."""
    limits = Limits(head_timeout_s=0.1)
    async with delivery(keys, parents=(), limits=limits) as net, net.client() as client:
        client.say(get("/")[:9])
        reply = await client.reply()
        assert (reply.status, notes(get("/"), reply)) == (408, [])


async def test_one_connection_too_many(keys: Path) -> None:
    """429 and 503, before any request."""
    for limits, status in (
        (Limits(connections=9, connections_per_client=1), 429),
        (Limits(connections=1), 503),
    ):
        async with (
            delivery(keys, parents=(), limits=limits) as net,
            net.client() as first,
            net.client() as second,
        ):
            await first.ask("/", "Connection: close")
            reply = await second.reply()
            assert (reply.status, notes(get("/"), reply)) == (status, [])
