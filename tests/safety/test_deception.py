"""Cache deception: a private page that looks like a file is not stored for strangers to fetch."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.cache.never import _readings, never_pattern
from edge.config import SiteRules
from tests.kit.delivery import delivery
from tests.kit.talk import Call, origin, saying

RULES = SiteRules(name="shop", hostnames=frozenset({"shop.test"}), origins=())

SPELLINGS = (
    *("/account", "/account/", "/account/x.css", "/account/.css", "/account/x/y.js"),
    *("/account;x.css", "/account;/x.css", "/account;a=b/x.css", "/account/;x.css"),
    *("/account%2fx.css", "/account%2Fx.css", "/account%252fx.css", "/account%5cx.css"),
    *("/account%3fx.css", "/account%3Fx.css", "/account%253fx.css", "/account%23x.css"),
    *("/account%3bx.css", "/account%253Bx.css", "/account%00x.css", "/account%00.css"),
    *("/account%0ax.css", "/account%0d%0ax.css", "/account%0A.css", "/account%2500.css"),
    *("/account\\x.css", "\\account", "/\\account", "/x\\..\\account"),
    *("//account", "///account/x.css", "/./account", "/account/.", "/account//x.css"),
    *("/static/../account", "/static/..%2faccount", "/static/%2e%2e/account/x.css"),
    *("/static/%2e%2e%2faccount", "/static/..;/account", "/static/..;x=1/account/x.css"),
    *("/static/..%252faccount", "/static/%252e%252e%252faccount", "/static/..\\account"),
    *("/static/..%5caccount", "/static%2f..%2faccount", "/static/x/..%2f..%2faccount"),
    *("/account/..%2fstatic/x.css", "/account/..;/static/x.css", "/account/%2e%2e/x.css"),
    *("/x/../account%2f..%2fstatic.css", "/x/..;/account%3fx.css", "/x%2f..%2faccount%3f.css"),
    *("/%61ccount", "/%2561ccount/x.css", "/accoun%74/x.css", "/ACCOUNT", "/Account/x.css"),
    *("/%41ccount", "/account.", "/account./x.css", "/account%20", "/account%2e", "/account .css"),
)

ELSEWHERE = (
    *("/", "/accounts", "/static/account.css", "/a", "/x/account", "/accountx/y.css"),
    *("/static/%61.css", "/static;account", "/static/../x.css", "/%E2%82%AC/x", "/x;/account/y"),
)


@pytest.mark.parametrize("pattern", ["/account/*", "/Account/*", "/account*"])
def test_a_rule_holds_for_every_spelling(pattern: str) -> None:
    """Whatever some server may take for the path or for what is beneath it."""
    rules = replace(RULES, never_cache=("/other", pattern))
    spellings = [path for path in SPELLINGS if path != "/account .css"]
    missed = [path for path in spellings if never_pattern(path, rules) != pattern]
    assert not missed


@pytest.mark.parametrize("pattern", ["/account", "/account/"])
def test_a_rule_for_one_page_holds_for_what_is_only_spelt_otherwise(pattern: str) -> None:
    """What comes after it, and is cut off by some servers, changes nothing."""
    rules = replace(RULES, never_cache=("/account", "/account/"))
    for path in (
        *("/account", "/account/", "//account", "/account;x.css", "/account%3fx.css"),
        *("/account%00.css", "/account%0a.css", "/x/..%2faccount", "/ACCOUNT", "/account%23.css"),
        *("/account;/", "/account/.", "/account%2f", "/%61ccount", "/account."),
    ):
        assert never_pattern(path, rules) is not None, path
    assert never_pattern("/account/x.css", rules) is None


def test_a_rule_leaves_other_paths_alone() -> None:
    """They are stored as ever."""
    rules = replace(RULES, never_cache=("/account/*",))
    assert [path for path in ELSEWHERE if never_pattern(path, rules)] == []


def servers(path: str) -> Iterator[str]:
    """What servers of several kinds make of a path, written without the code under test."""
    import posixpath
    from urllib.parse import unquote

    def joined(text: str) -> str:
        return posixpath.normpath("/" + text.lstrip("/"))

    yield path
    yield joined(path)
    yield joined(unquote(path))
    yield joined(unquote(unquote(path)))
    yield joined("/".join(part.partition(";")[0] for part in path.split("/")))
    yield joined("/".join(unquote(part.partition(";")[0]) for part in path.split("/")))
    yield joined(unquote(path).replace("\\", "/"))
    yield joined(unquote(path).partition("\0")[0].partition("?")[0])
    yield unquote(joined(path))


PIECES = st.sampled_from(
    [
        *("/", "//", "account", "ACCOUNT", "static", ".", "..", ";", ";x", "%2f", "%2e"),
        *("%2e%2e", "%5c", "%252f", "%3f", "%3b", "%00", "%61ccount", ".css", "x", "\\"),
        *("a", "%"),
    ]
)


@settings(max_examples=2_000)
@example("/%2f%61ccount/..%5c")
@example("/;\\%3f/%61ccount")
@given(st.lists(PIECES, max_size=8).map(lambda pieces: "/" + "".join(pieces)))
def test_no_server_is_led_to_what_the_rule_names(path: str) -> None:
    """However pieces of a path are put together."""
    rules = replace(RULES, never_cache=("/account/*",))
    led = [text for text in servers(path) if text == "/account" or text.startswith("/account/")]
    assert not led or never_pattern(path, rules) is not None, led


def test_a_long_and_odd_path_has_few_readings() -> None:
    """Whatever the path: strangers cannot make one request cost as much as thousands."""
    for piece in ("/..", "/;", "%25", "%2e%2e%2f", "\\.", ". ", "/.;", "%3b/", "//", "..;/", ";"):
        assert len(_readings("/" + piece * (8_000 // len(piece)))) < 100


async def test_nothing_is_stored_for_what_its_name_looks_like(keys: Path) -> None:
    """Where neither origin nor site gives a lifetime, `.css` means nothing."""
    async with origin(saying('ETag: "v"', "Content-Type: text/css")) as shop:
        async with delivery(keys, shop) as net, net.client() as client:
            for _ in range(2):
                await client.ask("/account/x.css")
        assert len(shop.calls) == 2


@pytest.mark.parametrize(
    ("asked", "answered", "stored"),
    [
        ((), (), True),
        (("Cookie: id=1",), (), False),
        (("Cookie: id=1",), ("Cache-Control: public",), True),
        (("Cookie: id=1",), ("Vary: Cookie",), True),
        (("Cookie: id=1",), ("Cache-Control: max-age=60",), True),
        (("Authorization: Basic eDp5",), (), False),
        (("X-Api-Key: 1",), (), False),
        ((), ("Set-Cookie: id=1",), False),
        ((), ("Cache-Control: private",), False),
    ],
)
@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
async def test_a_sites_own_lifetime_is_not_for_what_may_be_one_visitors(
    keys: Path, asked: tuple[str, ...], answered: tuple[str, ...], stored: bool, status: str
) -> None:
    """`default_ttl` and `negative_ttl`: with cookies only where the origin says a word."""
    async with origin(saying(*answered, status=status)) as shop:
        rules: dict[str, Any] = {"default_ttl_s": 60.0, "negative_ttl_s": 60.0}
        async with delivery(keys, shop, **rules) as net, net.client() as client:
            for _ in range(2):
                await client.ask("/account/x.css", *asked)
        assert len(shop.calls) == (1 if stored else 2)


async def test_visitors_with_cookies_renew_what_is_stored_already(keys: Path) -> None:
    """A 304 says that all may have what all had before; another answer is theirs alone."""
    answers = iter([("200 OK", b"all"), ("304 Not Modified", b""), ("200 OK", b"anna")])

    async def play(call: Call) -> None:
        status, body = next(answers)
        if body:
            await call.answer('ETag: "v"', body=body, status=status)
        else:
            await call.write(b'HTTP/1.1 304 Not Modified\r\nETag: "v"\r\n\r\n')

    ask = "Cache-Control: no-cache"
    async with origin(play) as shop, delivery(keys, shop, default_ttl_s=60.0) as net:
        async with net.client() as client:
            assert (await client.ask()).body == b"all"
            assert (await client.ask("/", ask, "Cookie: id=1")).body == b"all"
            assert (await client.ask("/", ask, "Cookie: id=1")).body == b"anna"
            assert (await client.ask()).body == b"all"
        assert len(shop.calls) == 3


async def test_the_origin_gets_what_was_keyed(keys: Path) -> None:
    """Letter by letter; each spelling is a page of its own."""

    async def play(call: Call) -> None:
        await call.answer("Cache-Control: max-age=60", body=call.target.encode("latin-1"))

    spellings = {path for path in (*SPELLINGS, *ELSEWHERE) if path[0] == "/" and " " not in path}
    targets = sorted(spellings | {"/?", "/a?b#c".partition("#")[0], "/a?b?c", "/a??", "/*"})
    async with origin(play) as shop, delivery(keys, shop) as net, net.client() as client:
        for _ in range(2):
            for target in targets:
                assert (await client.ask(target)).body == target.encode()
        assert [call.target for call in shop.calls] == targets
