"""What users get: every test sends real requests through an edge and a parent to an origin."""

import asyncio
import json
from pathlib import Path
from typing import Any

import http_sf
import pytest

from edge.config import Limits
from tests.kit.delivery import QUICK, Delivery, delivery
from tests.kit.talk import Call, Talker, in_turn, origin, saying

FRESH = "Cache-Control: max-age=60"


def status_of(lines: list[str]) -> list[tuple[str, dict[str, object]]]:
    """Cache-Status, parsed as RFC 9651 wants it."""
    parsed: Any = http_sf.parse(", ".join(lines).encode(), tltype="list")
    return [(str(item), dict(params)) for item, params in parsed]


async def node_says(
    client: Talker, node: str, target: str = "/", *fields: str
) -> dict[str, object]:
    """A node's member in the Cache-Status of the answer."""
    reply = await client.ask(target, *fields)
    return dict(status_of(reply.lines("cache-status")))[node]


async def test_the_host_chooses_the_site(keys: Path) -> None:
    """Its port, case and trailing dot take no part; another site's content is another's."""

    async def play(call: Call) -> None:
        await call.answer(FRESH, body=call.lines("host")[0].encode())

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        for host in ("shop.test", "SHOP.test:8080", "shop.test.", "127.0.0.1:99", "blog.test"):
            assert (await client.ask(host=host)).body == host.lower().removesuffix(".").encode()
        assert {line["site"] for line in net.edge.log} == {"shop", "blog"}


@pytest.mark.parametrize("host", ["other.test", "shop.test.evil.test", "east", "[::1]"])
async def test_an_unknown_host_is_misdirected(keys: Path, host: str) -> None:
    """421, and no origin is asked; also for HTTP/1.0 without Host."""
    async with origin(saying()) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask(host=host)).status == 421
        client.say(b"GET / HTTP/1.0\r\n\r\n")
        assert (await client.reply()).status == 421
        assert shop.calls == []
        assert net.edge.count("requests_total", site="-", status="421", verdict="none") == 2


async def test_health_is_answered_before_any_site(keys: Path) -> None:
    """At the node's name only, without a body, and 503 once it drains."""
    path = "/.well-known/midmile/health"
    async with origin(saying()) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            reply = await client.ask(path, host="east:8080")
            assert (reply.status, reply.body) == (200, b"")
            assert (await client.ask(path)).body == b"hello"
            assert [line["host"] for line in net.edge.log] == ["shop.test"]
        net.edge.worker._pipeline.draining = True
        async with net.client() as client:
            assert (await client.ask(path, host="east")).status == 503


async def test_a_miss_then_hits(keys: Path) -> None:
    """One request reaches the origin; Age, Via and Cache-Status tell the way."""
    play = saying(FRESH, "Age: 7", "Connection: X-Hop", "X-Hop: 1", "Alt-Svc: h3", 'ETag: "v"')
    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        miss = await client.ask()
        hit = await client.ask()
        assert (miss.body, hit.body) == (b"hello", b"hello")
        assert len(shop.calls) == 1
        assert [int(miss.one("age") or -1), int(hit.one("age") or -1)] == [7, 7]
        assert ", ".join(hit.lines("via")) == "1.1 parent-a, 1.1 east"
        for name in ("x-hop", "alt-svc", "transfer-encoding", "midmile-coding", "connection"):
            assert hit.lines(name) == miss.lines(name) == []
        assert [name for name, _ in status_of(miss.lines("cache-status"))] == ["parent-a", "east"]
        assert status_of(hit.lines("cache-status"))[0][1]["hit"] is True
        assert [line["verdict"] for line in net.edge.log] == ["miss", "hit"]
        assert net.edge.count("cache_objects") == 1
        assert net.edge.count("bytes_total", direction="upstream-in") > 0


async def test_what_the_origin_is_told(keys: Path) -> None:
    """Who asks and for what is written by us; what could mean another request is dropped."""
    async with origin(saying()) as shop, delivery(keys, shop) as net, net.client() as client:
        await client.ask(
            "/a?b",
            "X-Forwarded-For: 6.6.6.6",
            "Forwarded: for=6.6.6.6",
            "X-Original-URL: /admin",
            "X-Request-Id: mine",
            "Connection: X-Secret, keep-alive",
            "X-Secret: 1",
            "Keep-Alive: 5",
            "TE: trailers",
            "Midmile-Accept: none",
            "Proxy-Authorization: x",
            "X-Kept: 2",
            host="shop.test:8080",
        )
        told = dict(shop.calls[0].fields)
        assert shop.calls[0].target == "/a?b"
        assert told["host"] == "shop.test:8080"
        assert told["x-forwarded-for"] == "127.0.0.1"
        assert told["forwarded"] == 'for=127.0.0.1;host="shop.test:8080";proto=http'
        assert (told["x-forwarded-proto"], told["x-kept"]) == ("http", "2")
        assert told["cdn-loop"] == "midmile-demo"
        assert ", ".join(shop.calls[0].lines("via")) == "1.1 east, 1.1 parent-a"
        dropped = {"x-original-url", "x-secret", "keep-alive", "te", "connection"}
        assert not dropped & told.keys()
        assert not {name for name in told if name.startswith("midmile")}


async def test_one_request_has_one_id(keys: Path) -> None:
    """User, both logs and the origin see the same; each request has its own."""
    async with origin(saying()) as shop, delivery(keys, shop) as net, net.client() as client:
        ids = [(await client.ask()).one("x-request-id") for _ in range(2)]
        assert len(set(ids)) == 2
        for log in (net.edge.log, net.parents[0].log):
            assert [line["request_id"] for line in log] == ids
        assert [call.lines("x-request-id") for call in shop.calls] == [[one] for one in ids]


async def test_a_loop_is_refused(keys: Path) -> None:
    """RFC 8586: 508, and other networks' names mean nothing."""
    async with origin(saying()) as shop, delivery(keys, shop) as net, net.client() as client:
        looped = await client.ask("/", "CDN-Loop: other; v=1, MIDMILE-demo; x")
        assert looped.status == 508
        assert (await client.ask("/", "CDN-Loop: other")).status == 200


async def test_methods(keys: Path) -> None:
    """TRACE is refused, Max-Forwards obeyed, any other method passed."""
    async with origin(saying()) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask(method="TRACE")).status == 405
        last = await client.ask("*", "Max-Forwards: 0", method="OPTIONS")
        assert (last.status, bool(last.one("allow"))) == (200, True)
        assert shop.calls == []
        for method in ("OPTIONS", "DELETE", "PURGE", "PATCH"):
            assert (await client.ask(method=method)).status == 200
        assert [call.method for call in shop.calls] == ["OPTIONS", "DELETE", "PURGE", "PATCH"]


@pytest.mark.parametrize(
    ("asked", "answered", "stored"),
    [
        ((), (FRESH,), True),
        ((), (), False),
        ((), ("Cache-Control: private, max-age=60",), False),
        ((), ("Cache-Control: no-store",), False),
        (("Authorization: Basic eDp5",), (FRESH,), False),
        (("Authorization: Basic eDp5",), ("Cache-Control: public, max-age=60",), True),
        ((), (FRESH, "Set-Cookie: a=b"), False),
        (("Cache-Control: no-store",), (FRESH,), False),
        ((), (FRESH, "Vary: *"), False),
        (("Range: bytes=0-1",), (FRESH,), False),
    ],
)
async def test_what_is_stored(
    keys: Path, asked: tuple[str, ...], answered: tuple[str, ...], stored: bool
) -> None:
    """The rules hold through both caches: a second request finds it or reaches the origin."""
    async with origin(saying(*answered)) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            await client.ask("/", *asked)
            await client.ask("/", *asked)
        assert len(shop.calls) == (1 if stored else 2)


async def test_set_cookie_may_be_stored_where_the_site_says_so(keys: Path) -> None:
    """Only with explicit freshness."""
    play = saying(FRESH, "Set-Cookie: a=b")
    async with origin(play) as shop, delivery(keys, shop, store_set_cookie=True) as net:
        async with net.client() as client:
            await client.ask()
            assert (await client.ask()).one("set-cookie") == "a=b"
        assert len(shop.calls) == 1


async def test_one_request_cannot_keep_a_page_out_of_the_cache(keys: Path) -> None:
    """What was not stored for a reason of one client is stored for the next."""
    async with origin(saying(FRESH)) as shop, delivery(keys, shop) as net, net.client() as client:
        await client.ask("/", "Cache-Control: no-store")
        await client.ask("/", "Authorization: Basic eDp5")
        await client.ask()
        assert (await node_says(client, "east"))["hit"] is True
        assert len(shop.calls) == 3


async def test_a_page_that_was_private_once_is_stored_when_it_is_not(keys: Path) -> None:
    """An answer that is not to be shared stops requests from waiting, not from storing."""
    parts = [saying("Cache-Control: private"), saying(FRESH), saying("Cache-Control: private")]
    async with origin(in_turn(parts)) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            await client.ask()
            await client.ask()
            assert (await node_says(client, "east"))["hit"] is True
        assert len(shop.calls) == 2


async def test_a_bad_login_does_not_drop_what_is_stored(keys: Path) -> None:
    """A 401 says something of one client only."""
    login = saying("WWW-Authenticate: Basic", status="401 Unauthorized")
    async with (
        origin(in_turn([saying(FRESH, 'ETag: "v"'), login])) as shop,
        delivery(keys, shop) as net,
        net.client() as client,
    ):
        await client.ask()
        refused = await client.ask("/", "Authorization: Basic eDp5", "Cache-Control: no-cache")
        assert refused.status == 401
        assert (await node_says(client, "east"))["hit"] is True


async def test_variants(keys: Path) -> None:
    """Each language is stored by itself and given to whoever asks for it."""

    async def play(call: Call) -> None:
        await call.answer(
            FRESH, "Vary: Accept-Language", body=call.lines("accept-language")[0].encode()
        )

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        for language in ("de", "en", "de", "en"):
            assert (await client.ask("/", f"Accept-Language: {language}")).body == language.encode()
        assert len(shop.calls) == 2


async def test_conditions_and_ranges_on_hits(keys: Path) -> None:
    """A stored response answers them all without its origin."""
    modified = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"
    play = saying(FRESH, 'ETag: "v"', modified, body=b"0123456789")
    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        await client.ask()
        for condition in (
            'If-None-Match: "v"',
            modified.replace("Last-Modified", "If-Modified-Since"),
        ):
            reply = await client.ask("/", condition)
            assert (reply.status, reply.one("etag"), reply.body) == (304, '"v"', b"")
        part = await client.ask("/", "Range: bytes=2-4")
        assert (part.status, part.body) == (206, b"234")
        assert part.one("content-range") == "bytes 2-4/10"
        assert (await client.ask("/", "Range: bytes=2-4", 'If-Range: "w"')).body == b"0123456789"
        beyond = await client.ask("/", "Range: bytes=50-")
        assert (beyond.status, beyond.one("content-range")) == (416, "bytes */10")
        head = await client.ask(method="HEAD")
        assert (head.one("content-length"), head.status) == ("10", 200)
        assert len(shop.calls) == 1


async def test_conditions_on_a_miss(keys: Path) -> None:
    """The whole is fetched for all, and who has it already is told so."""
    async with origin(saying(FRESH, 'ETag: "v"')) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            assert (await client.ask("/", 'If-None-Match: "v"')).status == 304
            assert (await client.ask()).body == b"hello"
        assert len(shop.calls) == 1
        assert shop.calls[0].lines("if-none-match") == []


async def test_revalidation(keys: Path) -> None:
    """A 304 renews what is stored, another answer replaces it; the user sees a whole response."""

    async def confirm(call: Call) -> None:
        assert call.lines("if-none-match") == ['"v"']
        await call.write(
            b'HTTP/1.1 304 Not Modified\r\nETag: "v"\r\nCache-Control: no-cache\r\n\r\n'
        )

    first = saying("Cache-Control: no-cache", 'ETag: "v"')
    other = saying("Cache-Control: no-cache", 'ETag: "w"', body=b"new")
    async with (
        origin(in_turn([first, confirm, other, confirm])) as shop,
        delivery(keys, shop) as net,
        net.client() as client,
    ):
        assert [(await client.ask()).body for _ in range(3)] == [b"hello", b"hello", b"new"]
        assert len(shop.calls) == 3


async def test_only_if_cached(keys: Path) -> None:
    """504 where nothing is stored (RFC 9111 5.2.1.7)."""
    async with origin(saying(FRESH)) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask("/", "Cache-Control: only-if-cached")).status == 504
        await client.ask()
        assert (await client.ask("/", "Cache-Control: only-if-cached")).status == 200


async def test_a_change_drops_what_is_stored(keys: Path) -> None:
    """RFC 9111 4.4: after a successful POST nobody gets the old page, at edge or parent."""
    bodies = iter([b"old", b"", b"new"])

    async def play(call: Call) -> None:
        await call.body()
        await call.answer(FRESH, body=next(bodies))

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask()).body == b"old"
        await client.ask(method="POST", body=b"x")
        assert (await client.ask()).body == b"new"


async def test_queries_that_do_not_count(keys: Path) -> None:
    """They are neither keyed nor sent, so that the origin cannot answer by them."""
    async with origin(saying(FRESH)) as shop:
        async with (
            delivery(keys, shop, query_parameters=frozenset({"q"})) as net,
            net.client() as client,
        ):
            await client.ask("/s?q=1&utm=x")
            assert (await node_says(client, "east", "/s?utm=y&q=1"))["hit"] is True
        assert [call.target for call in shop.calls] == ["/s?q=1"]


async def test_paths_that_are_never_cached(keys: Path) -> None:
    """They pass as they came, each time."""
    async with origin(saying(FRESH)) as shop:
        async with delivery(keys, shop, never_cache=("/cart*",)) as net, net.client() as client:
            for _ in range(2):
                assert (await node_says(client, "east", "/cart?a"))["fwd"] == "bypass"
        assert len(shop.calls) == 2


async def test_https_by_site(keys: Path) -> None:
    """SNI chooses the certificate, Host the site; the origin is told the scheme."""
    async with origin(saying()) as shop, delivery(keys, shop) as net:
        for name in ("shop.test", "blog.test"):
            async with net.client(tls=name) as client:
                assert (await client.ask(host=name)).status == 200
        assert [call.lines("x-forwarded-proto") for call in shop.calls] == [["https"], ["https"]]


async def test_uploads_of_both_kinds(keys: Path) -> None:
    """A known length stays known, chunks stay chunks, and every byte arrives."""
    got: list[tuple[str, bytes]] = []

    async def play(call: Call) -> None:
        kind = "chunked" if call.lines("transfer-encoding") else "length"
        got.append((kind, await call.body()))
        await call.answer(body=b"thanks")

    body = bytes(range(256)) * 2_000
    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask(method="POST", body=body)).body == b"thanks"
        client.request("/", "Transfer-Encoding: chunked", method="PUT")
        client.say(b"%x\r\n%b\r\n3;a=b\r\nend\r\n0\r\nX-T: 1\r\n\r\n" % (len(body), body))
        assert (await client.reply()).body == b"thanks"
        client.request("/", "Content-Length: 0", method="POST")
        assert (await client.reply()).body == b"thanks"
    assert got == [("length", body), ("chunked", body + b"end"), ("length", b"")]


async def test_continue_is_answered_by_the_edge(keys: Path) -> None:
    """Once a parent stands ready; the origin is not asked for leave."""

    async def play(call: Call) -> None:
        assert call.lines("expect") == []
        await call.answer(body=await call.body())

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        client.request("/", "Expect: 100-continue", "Content-Length: 2", method="POST")
        assert (await client.head()).status == 100
        client.say(b"ab")
        assert (await client.reply()).body == b"ab"
        client.request(
            "/", "Expect: 100-continue", "Content-Length: 2", method="POST", host="no.test"
        )
        assert (await client.reply()).status == 421
        assert await client.rest() == b""


async def test_an_upload_that_breaks(keys: Path) -> None:
    """The user gets 400, the origin sees an incomplete request, nobody is asked again."""
    gone = asyncio.Event()

    async def play(call: Call) -> None:
        await call.gone()
        gone.set()

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        client.request("/", "Transfer-Encoding: chunked", method="PUT")
        client.say(b"3\r\nabc\r\n")
        await shop.wait_for(1)
        client.say(b"zz\r\n")
        assert (await client.reply()).status == 400
        assert await client.rest() == b""
        await asyncio.wait_for(gone.wait(), 5)
        assert len(shop.calls) == 1
        assert net.edge.count("requests_refused_total", reason="bad-chunk") == 1
        assert net.edge.count("upstream_errors_total", reason="closed-before-answer") == 0


async def test_interim_responses_reach_the_user(keys: Path) -> None:
    """103 passes both nodes while the origin still thinks."""
    heard = asyncio.Event()

    async def play(call: Call) -> None:
        await call.write(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\nx: 1\r\n\r\n"
        )
        await heard.wait()
        await call.answer()

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        client.request()
        early = await client.head()
        assert (early.status, early.one("link"), early.one("x")) == (103, "</a.css>", None)
        heard.set()
        assert (await client.reply()).status == 200


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nCache-Control: max-age=9\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 999\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: a/xml\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
async def test_a_truncated_response_looks_truncated(keys: Path, response: bytes) -> None:
    """The connection is cut where the origin's was, and nothing of it is stored."""
    head, end, rest = response.partition(b"\r\n\r\n")
    seen = asyncio.Event()

    async def play(call: Call) -> None:
        await call.write(head + end + rest[:3])
        await seen.wait()
        await call.write(rest[3:])
        call.writer.close()

    async with origin(play) as shop, delivery(keys, shop) as net:
        for calls in (1, 2):
            seen.clear()
            async with net.client() as client:
                client.request()
                await client.head()
                seen.set()
                assert not (await client.rest()).endswith(b"0\r\n\r\n")
            assert len(shop.calls) == calls
        assert net.edge.log[-1]["error"] == "broken-body"


async def test_a_response_that_is_too_long(keys: Path) -> None:
    """What follows the announced length is nobody's answer."""

    async def play(call: Call) -> None:
        await call.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nEvil: 1\r\n\r\n"
        )

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        for _ in range(3):
            reply = await client.ask()
            assert (reply.body, reply.one("evil")) == (b"ok", None)


async def test_an_answer_nobody_asked_for_is_nobodys(keys: Path) -> None:
    """What an origin sends on an idle connection does not answer the next request."""
    sent = asyncio.Event()

    async def play(call: Call) -> None:
        await call.answer(body=b"mine")
        if len(shop.calls) == 1:
            await asyncio.sleep(0)
            await call.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            sent.set()

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask()).body == b"mine"
        await sent.wait()
        assert (await client.ask("/next")).body == b"mine"


async def test_a_body_until_the_connection_ends(keys: Path) -> None:
    """HTTP/1.0 origins: the user gets chunks and a proper end, the cache the whole."""

    async def play(call: Call) -> None:
        await call.write(b"HTTP/1.0 200 Fine\r\nCache-Control: max-age=9\r\n\r\nabc")
        call.writer.close()

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        first = await client.ask()
        assert (first.body, first.one("transfer-encoding"), first.reason) == (
            b"abc",
            "chunked",
            "Fine",
        )
        second = await client.ask()
        assert (second.body, second.one("content-length")) == (b"abc", "3")


@pytest.mark.parametrize("phrase", [b"", b"caf\xe9", "성공".encode(), b"\xff\xfe"])
async def test_reason_phrases_pass(keys: Path, phrase: bytes) -> None:
    """Whatever bytes they are made of."""

    async def play(call: Call) -> None:
        await call.write(b"HTTP/1.1 200 " + phrase + b"\r\nContent-Length: 0\r\n\r\n")

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        assert (await client.ask()).reason.encode("latin-1") in (phrase, b"OK")


@pytest.mark.parametrize(
    "response",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 40_000 + b"\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50,
        b"",
    ],
)
async def test_an_origin_that_speaks_no_http(keys: Path, response: bytes) -> None:
    """502, and the user's connection goes on."""

    async def play(call: Call) -> None:
        await call.write(response)
        call.writer.close()

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        for _ in range(2):
            client.request()
            reply = await client.reply()
            while reply.status == 103:
                reply = await client.reply()
            assert reply.status == 502


async def test_error_pages(keys: Path) -> None:
    """In the form the client likes, with the id that is in the log; nobody stores them."""
    async with delivery(keys, dead={"parent-a": 9}, parents=()) as net, net.client() as client:
        for accept, media in (
            ("text/html,*/*", "text/html; charset=utf-8"),
            ("application/json", "application/json"),
            ("*/*", "text/plain; charset=utf-8"),
        ):
            reply = await client.ask("/", f"Accept: {accept}")
            assert (reply.status, reply.one("content-type")) == (502, media)
            assert (reply.one("cache-control"), bool(reply.one("date"))) == ("no-store", True)
            request_id = reply.one("x-request-id")
            assert request_id is not None
            assert request_id.encode() in reply.body
            assert net.edge.log[-1]["request_id"] == request_id
            assert net.edge.log[-1]["error"] == "connect-failed"
            if media == "application/json":
                assert json.loads(reply.body)["status"] == 502


async def test_no_upstream_at_all(keys: Path) -> None:
    """503 with leave to come again."""
    async with delivery(keys, parents=()) as net, net.client() as client:
        reply = await client.ask()
        assert (reply.status, reply.one("retry-after")) == (503, "2")


async def test_an_origin_that_does_not_answer(keys: Path) -> None:
    """504 from the parent, which stays the edge's parent."""

    async def play(call: Call) -> None:
        await call.gone()

    limits = Limits(answer_timeout_s=0.1, connect_timeout_s=1)
    async with (
        origin(play) as shop,
        delivery(keys, shop, limits=limits) as net,
        net.client() as client,
    ):
        reply = await client.ask("/", "Accept: application/json")
        assert reply.status == 504
        assert json.loads(reply.body)["node"] == "parent-a"
        assert net.edge.count("upstream_errors_total", reason="answer-timeout") == 0


async def test_a_client_that_leaves_is_logged(keys: Path) -> None:
    """As 499, and what was fetched for it alone is dropped at the origin too."""
    gone = asyncio.Event()

    async def play(call: Call) -> None:
        await call.body()
        await call.gone()
        gone.set()

    async with origin(play) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            client.request(method="POST", body=b"x")
            await shop.wait_for(1)
        await asyncio.wait_for(gone.wait(), 5)
        await net.edge.stop()
        assert (net.edge.log[0]["status"], net.edge.log[0]["error"]) == (499, "client-gone")


async def test_a_client_that_leaves_in_mid_answer(keys: Path) -> None:
    """The origin stops being read for a response that only this client wanted."""
    gone = asyncio.Event()

    async def play(call: Call) -> None:
        await call.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        await call.gone()
        gone.set()

    async with origin(play) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            client.request()
            await client.head()
            assert await client.chunk() == b"a"
        await asyncio.wait_for(gone.wait(), 5)


async def streamed(net: Delivery, total: int) -> int:
    """Read a large response, stopping for a while; the size of what came."""
    async with net.client(limit=1024 * 1024) as client:
        client.request("/big")
        await client.head()
        got = 0
        while got < total and (data := await client.reader.read(1024 * 1024)):
            got += len(data)
        return got


async def test_a_large_response_is_not_held(keys: Path) -> None:
    """While the user reads nothing, neither edge nor parent takes more from the origin."""
    total = 100 * 1024 * 1024
    sent = 0

    async def play(call: Call) -> None:
        nonlocal sent
        await call.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while sent < total:
            await call.write(bytes(256 * 1024))
            sent += 256 * 1024
            stalled.clear()
            asyncio.get_running_loop().call_later(0.2, stalled.set)

    stalled = asyncio.Event()
    async with origin(play) as shop, delivery(keys, shop) as net:
        async with net.client() as client:
            client.stop_reading()
            client.request("/big")
            await stalled.wait()  # the origin has not got rid of a piece for a while
            assert sent < total / 4  # kernel buffers of three connections
        sent = 0
        assert await streamed(net, total) == total


async def test_a_large_upload_is_not_held(keys: Path) -> None:
    """While the origin reads nothing, the user cannot go on sending."""
    total, sent = 100 * 1024 * 1024, 0
    may_read, stalled = asyncio.Event(), asyncio.Event()

    async def play(call: Call) -> None:
        await may_read.wait()
        got = 0
        while got < total:
            got += len(await call.reader.read(1024 * 1024))
        await call.answer(body=b"%d" % got)

    async def upload(client: Talker) -> None:
        nonlocal sent
        client.say(b"POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: %d\r\n\r\n" % total)
        while sent < total:
            client.say(bytes(256 * 1024))
            await client.writer.drain()
            sent += 256 * 1024
            stalled.clear()
            asyncio.get_running_loop().call_later(0.2, stalled.set)

    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        task = asyncio.create_task(upload(client))
        await stalled.wait()
        assert sent < total / 4
        may_read.set()
        await task
        assert (await client.reply()).body == b"%d" % total


async def test_an_upload_that_nobody_takes_ends(keys: Path) -> None:
    """504 once the origin has taken nothing for too long, though the user could go on."""

    async def play(call: Call) -> None:
        await asyncio.Event().wait()

    limits = Limits(write_stall_s=0.3, connect_timeout_s=1)
    async with (
        origin(play) as shop,
        delivery(keys, shop, limits=limits) as net,
        net.client() as client,
    ):
        client.say(b"POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 99999999\r\n\r\n")
        filling = asyncio.create_task(fill(client))
        assert (await client.head()).status == 504
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)


async def fill(client: Talker) -> None:
    """Send without end."""
    while True:
        client.say(bytes(256 * 1024))
        await client.writer.drain()


async def test_draining_an_edge(keys: Path) -> None:
    """What is under way finishes, through to the origin."""
    may_end = asyncio.Event()

    async def play(call: Call) -> None:
        await may_end.wait()
        await call.answer(body=b"done")

    async with (
        origin(play) as shop,
        delivery(keys, shop, limits=QUICK) as net,
        net.client() as client,
    ):
        client.request()
        await shop.wait_for(1)
        drain = asyncio.create_task(net.edge.stop(5))
        await asyncio.sleep(0)
        may_end.set()
        reply = await client.reply()
        assert (reply.body, reply.one("connection")) == (b"done", "close")
        await drain
