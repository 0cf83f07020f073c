"""What is explained is what then happens: a worker is asked, then sent the very same bytes."""

import json
from pathlib import Path
from typing import Any

import pytest

from edge.explain.question import question
from tests.kit.delivery import Delivery, Node, delivery
from tests.kit.talk import Call, Reply, origin, saying

PAGES = {
    "/minute": ("Cache-Control: max-age=60", 'ETag: "v"'),
    "/stale": ("Cache-Control: max-age=60", "Age: 61", 'ETag: "v"'),
    "/private": ("Cache-Control: private",),
    "/vary": ("Cache-Control: max-age=60", "Vary: Accept-Language"),
    "/asking": ("Cache-Control: no-cache", 'ETag: "v"'),
}
STORY: list[tuple[str, str, list[str], str, str]] = [
    ("GET", "/minute", [], "miss", "nothing-stored"),
    ("GET", "/minute", [], "hit", "fresh"),
    ("HEAD", "/minute", [], "hit", "fresh"),
    ("GET", "/minute", ["Range: bytes=1-2"], "hit", "fresh"),
    ("GET", "/minute", ['If-None-Match: "v"'], "hit", "fresh"),
    ("GET", "/minute", ["Cache-Control: min-fresh=90"], "revalidate",
     "request-min-fresh"),
    ("GET", "/minute", ["Cache-Control: no-cache"], "revalidate", "request-no-cache"),
    ("GET", "/minute#fragment", [], "hit", "fresh"),
    ("GET", "/stale", [], "miss", "nothing-stored"),
    ("GET", "/stale", [], "revalidate", "stale"),
    ("GET", "/private", [], "miss", "nothing-stored"),
    ("GET", "/private", [], "miss", "nothing-stored"),
    ("GET", "/vary", ["Accept-Language: de"], "miss", "nothing-stored"),
    ("GET", "/vary", ["Accept-Language: en"], "miss", "no-variant"),
    ("GET", "/vary", ["Accept-Language: DE"], "hit", "fresh"),
    ("GET", "/asking", [], "miss", "nothing-stored"),
    ("GET", "/asking", [], "revalidate", "no-cache"),
    ("GET", "/new", ["Range: bytes=0-1"], "miss", "nothing-stored"),
    ("GET", "/cart", [], "bypass", "never-cache"),
    ("DELETE", "/minute", [], "bypass", "method"),
    ("GET", "/minute", [], "miss", "nothing-stored"),
    ("GET", "/none", ["Cache-Control: only-if-cached"], "refuse", "only-if-cached"),
]  # fmt: skip


async def play(call: Call) -> None:
    """Answer with the page's fields, or 304 to our own conditions."""
    fields = PAGES.get(call.target, ("Cache-Control: no-store",))
    if '"v"' in call.lines("if-none-match"):
        await call.answer(*fields, status="304 Not Modified")
    else:
        await call.answer(*fields, body=b"hello")


def explained(node: Node, url: str, *fields: str, method: str = "GET") -> dict[str, Any]:
    """What a worker says of a request, as it reaches its keeper."""
    message = {
        "kind": "explain",
        "url": url,
        "method": method,
        "headers": fields,
        "secret": "00" * 16,
    }
    answer = json.loads(json.dumps(node.worker.respond(message)))
    found: dict[str, Any] = answer["explanation"]
    return found


async def asked(net: Delivery, url: str, *fields: str, method: str = "GET") -> Reply:
    """The answer to the same request, made."""
    async with net.client() as client:
        client.say(question(url, method, fields).raw)
        return await client.reply(method)


async def test_what_is_explained_happens(keys: Path) -> None:
    """Verdict, reason, status, size and Cache-Status, request after request."""
    async with origin(play) as shop, delivery(keys, shop, never_cache=("/cart",)) as net:
        for method, path, fields, kind, reason in STORY:
            url = f"http://shop.test{path}"
            told = explained(net.edge, url, *fields, method=method)
            assert (told["verdict"], told["reason"]) == (kind, reason), (method, path, fields)
            reply = await asked(net, url, *fields, method=method)
            line = net.edge.log[-1]
            assert (line["verdict"], line["reason"]) == (kind, reason)
            assert line["target"] == told["request"]["target"]
            if told["answer"] is not None:
                assert told["answer"]["status"] == reply.status
                assert method == "HEAD" or told["answer"]["size_bytes"] == len(reply.body)
                assert told["answer"]["cache_status"].partition("; ttl")[0] in str(reply.fields)
            if told["refusal"] is not None:
                assert told["refusal"]["status"] == reply.status
            elif told["fetch"] is not None:
                assert line["upstream"] == told["upstreams"][0]["name"]


@pytest.mark.parametrize(
    ("url", "fields", "method"),
    [
        ("http://other.test/", [], "GET"),
        ("http://shop.test/", ["CDN-Loop: midmile-demo"], "GET"),
        ("http://shop.test/", [], "TRACE"),
        ("http://shop.test/", [], "FOO"),
        ("http://shop.test/", [], "get"),
        ("http://shop.test/", ["Host: a, b"], "GET"),
        ("http://shop.test/", ["Content-Length: +1"], "GET"),
        ("http://shop.test/", ["Transfer-Encoding: gzip"], "POST"),
        (f"http://shop.test/{'a' * 8_192}", [], "GET"),
        ("http://shop.test/", [f"X: {'a' * 33_000}"], "GET"),
    ],
)
async def test_refusals_are_foretold(keys: Path, url: str, fields: list[str], method: str) -> None:
    """Status and reason are those of the error page and of the log."""
    async with origin(play) as shop, delivery(keys, shop) as net:
        told = explained(net.edge, url, *fields, method=method)["refusal"]
        reply = await asked(net, url, *fields, method=method)
        assert reply.status == told["status"]
        assert net.edge.log[-1]["error"] == told["reason"]


async def test_a_question_leaves_no_trace(keys: Path) -> None:
    """Nobody is asked, nothing is counted or logged, and nothing counts as used."""
    big = saying("Cache-Control: max-age=60", body=b"x" * 1_000)
    async with origin(big) as shop, delivery(keys, shop, cache_bytes=7_600) as net:
        for path in ("/a", "/b"):
            await asked(net, f"shop.test{path}")
        assert explained(net.edge, "shop.test/a")["verdict"] == "hit"
        calls, requests = len(shop.calls), len(net.edge.log)
        before = net.edge.count("requests_total", site="shop", status="200", verdict="hit")
        for url in ("shop.test/a", "shop.test/c", "shop.test/.well-known/midmile/health"):
            explained(net.edge, url)
            explained(net.parents[0], url)
        assert (len(shop.calls), len(net.edge.log)) == (calls, requests)
        assert net.edge.count("requests_total", site="shop", status="200", verdict="hit") == before
        await asked(net, "shop.test/c")  # /a is still the first to go
        assert explained(net.edge, "shop.test/a")["verdict"] == "miss"
        assert explained(net.edge, "shop.test/b")["verdict"] == "hit"


async def test_a_parent_explains_what_an_edge_would_bring(keys: Path) -> None:
    """The same key as for the edge's request; whom it asks are the site's origins."""
    async with origin(play) as shop, delivery(keys, shop) as net:
        parent = net.parents[0]
        assert explained(parent, "http://shop.test/minute")["verdict"] == "miss"
        await asked(net, "http://shop.test/minute")
        told = explained(parent, "http://shop.test/minute")
        assert (told["verdict"], told["node"]) == ("hit", "parent-a")
        assert [each["name"] for each in told["upstreams"]] == told["origins"] == [shop.url]


async def test_parents_are_named_in_order_with_their_health(keys: Path) -> None:
    """One that failed comes last, and the order explained is the order asked."""
    with_dead = {"parent-b": 9}
    async with origin(play) as shop, delivery(keys, shop, dead=with_dead) as net:
        for _ in range(2):  # whichever of the two is the site's home
            await asked(net, "http://shop.test/private")
        told = explained(net.edge, "http://shop.test/private")
        assert told["upstreams"][0]["name"] == "parent-a"
        dead = told["upstreams"][1]
        assert (dead["name"], dead["failures"] > 0) == ("parent-b", dead["rests_s"] > 0)


async def test_what_is_being_fetched_is_said(keys: Path) -> None:
    """The next request would wait for it."""

    async def stall(call: Call) -> None:
        assert explained(net.edge, "shop.test/a")["fetch"]["under_way"]
        await call.answer("Cache-Control: no-store", body=b"hello")

    async with origin(stall) as shop, delivery(keys, shop) as net:
        assert not explained(net.edge, "shop.test/a")["fetch"]["under_way"]
        assert (await asked(net, "shop.test/a")).body == b"hello"
        fetch = explained(net.edge, "shop.test/a")["fetch"]
        assert (fetch["in_vain"], fetch["last_not_stored"]) == (True, "no-store")
        assert not fetch["under_way"]


async def test_a_private_answer_is_told_to_whom_it_concerns(keys: Path) -> None:
    """Who asks with another cookie hears nothing of it, and would be waited for."""

    async def private(call: Call) -> None:
        await call.answer("Cache-Control: private", "Vary: Cookie", body=b"hello")

    async with origin(private) as shop, delivery(keys, shop) as net:
        await asked(net, "shop.test/a", "Cookie: id=1")
        same = explained(net.edge, "shop.test/a", "Cookie: id=1")["fetch"]
        assert (same["in_vain"], same["last_not_stored"]) == (True, "private")
        assert same["last_not_stored_vary"] == ["cookie"]
        for fields in ((), ("Cookie: id=2",)):
            other = explained(net.edge, "shop.test/a", *fields)["fetch"]
            assert (other["in_vain"], other["last_not_stored"]) == (False, None)


async def test_what_nobody_could_ask_is_an_error(keys: Path) -> None:
    """And what is no question of ours is not answered."""
    async with origin(play) as shop, delivery(keys, shop) as net:
        message = {"kind": "explain", "url": "ftp://x", "method": "GET", "headers": []}
        for node in (net.edge, net.parents[0]):
            assert "ftp" in str(node.worker.respond(message))
            assert node.worker.respond({"kind": "weather"}) is None
