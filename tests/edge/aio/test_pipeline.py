"""What users get: every test sends real requests through an edge and a parent to an origin."""

from pathlib import Path
from typing import Any

import http_sf
import pytest

from tests.kit.delivery import delivery
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


@pytest.mark.parametrize("named", ["accept-language", "close, Accept-LANGUAGE"])
async def test_what_connection_names_selects_nothing(keys: Path, named: str) -> None:
    """A field that the origin does not get to see cannot choose what others are given."""

    async def play(call: Call) -> None:
        language = "".join(call.lines("accept-language")) or "default"
        await call.answer(FRESH, "Vary: Accept-Language", body=language.encode())

    async with origin(play) as shop, delivery(keys, shop) as net:
        async with net.client() as attacker:
            reply = await attacker.ask("/", "Accept-Language: de", f"Connection: {named}")
            assert reply.body == b"default"
        async with net.client() as client:
            assert (await client.ask("/", "Accept-Language: de")).body == b"de"
            assert (await client.ask()).body == b"default"
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
