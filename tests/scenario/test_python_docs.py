"""A real site behind a real server: Debian's python3-doc, served by Debian's nginx, at our edge.

The network file is the sample for "your own site". What nginx answers is what users must get.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio

from tests.kit.network import grounds, running
from tests.kit.programs import need_path
from tests.scenario.nginx import nginx
from tests.scenario.visitor import Answer, get

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

DOCUMENTATION = Path("/usr/share/doc/python3-doc/html")
HOST = "docs.cdn.test"
CLIENTS = 32
_LONGER = ('default_ttl = "60s"', 'default_ttl = "1h"')
"""A slow machine may need more than a minute from the first file's miss to its hit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """The site at both ends of the network."""

    session: aiohttp.ClientSession
    origin: str
    edge: str

    async def at_origin(self, path: str, **fields: str) -> Answer:
        """What nginx says."""
        return await get(self.session, self.origin + path, host=HOST, **fields)

    async def at_edge(self, path: str, **fields: str) -> Answer:
        """What users get."""
        return await get(self.session, self.edge + path, host=HOST, **fields)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[_Site]:
    root = need_path(DOCUMENTATION, package="python3-doc").resolve()
    with grounds("python-docs.toml", _LONGER) as place:
        url = place.network.sites[0].origins[0]
        origin = f"{url.host}:{url.port}"
        home = tmp_path_factory.mktemp("nginx")
        connector = aiohttp.TCPConnector(limit=CLIENTS)
        async with (
            nginx(root, origin, home),
            running(place) as network,
            aiohttp.ClientSession(connector=connector, auto_decompress=False) as session,
        ):
            edge = network.edge("edge").advertise.http
            yield _Site(session=session, origin=f"http://{origin}", edge=f"http://{edge}")


def _paths() -> Iterator[str]:
    """Every file below the documentation's root, as URLs name them; links are followed."""
    for folder, _, names in os.walk(DOCUMENTATION.resolve(), followlinks=True):
        for name in names:
            if (file := Path(folder, name)).is_file():
                yield quote(f"/{file.relative_to(DOCUMENTATION.resolve())}")


async def test_every_file_is_what_nginx_serves_twice(site: _Site) -> None:
    """Miss, then hit: the same bytes, type and validators, for 32 clients at once."""
    paths = list(_paths())
    assert len(paths) > 500
    for verdict in ("edge; fwd=uri-miss; stored", "edge; hit"):
        left = iter(paths)  # shared: each client takes the next file when it has one
        clients = (_compare(site, left, verdict) for _ in range(CLIENTS))
        await asyncio.gather(*clients)


async def _compare(site: _Site, paths: Iterator[str], verdict: str) -> None:
    for path in paths:
        expected, answer = await site.at_origin(path), await site.at_edge(path)
        assert (answer.status, expected.status) == (200, 200)
        assert answer.cache.startswith(verdict), (path, answer.cache)
        assert answer.body == expected.body, path
        assert _described(answer) == _described(expected)


def _described(answer: Answer) -> dict[str, str | None]:
    return {name: answer.headers.get(name) for name in ("ETag", "Last-Modified", "Content-Type")}


async def test_many_clients_for_one_file_are_one_request(site: _Site) -> None:
    """32 who come at once get the same bytes, and nginx is asked for them once."""
    path = "/contents.html?together"
    answers = await asyncio.gather(*(site.at_edge(path) for _ in range(CLIENTS)))
    expected = await site.at_origin(path)
    assert {answer.body for answer in answers} == {expected.body}
    asked = [a for a in answers if "fwd=" in a.cache and "collapsed" not in a.cache]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("part", "status"),
    [
        ("bytes=0-99", 206),
        ("bytes=1000-1000", 206),
        ("bytes=500-", 206),
        ("bytes=-700", 206),
        ("bytes=0-999999999", 206),
        ("bytes=999999999-", 416),
        ("lines=1-2", 200),
    ],
)
@pytest.mark.parametrize("path", ["/library/asyncio.html", "/_static/og-image.png"])
async def test_parts_are_the_parts_that_nginx_serves(
    site: _Site, path: str, part: str, status: int
) -> None:
    """From a stored file and from one that is not: same status, bytes and Content-Range."""
    await site.at_edge(path)
    for target in (path, f"{path}?{quote(part)}"):
        expected = await site.at_origin(target, range=part)
        answer = await site.at_edge(target, range=part)
        assert (answer.status, expected.status) == (status, status)
        assert answer.headers.get("Content-Range") == expected.headers.get("Content-Range")
        if status != 416:
            assert answer.body == expected.body


async def test_validators_do_their_work(site: _Site) -> None:
    """304 to whom has the file, the file to whom has another; parts only of the version asked."""
    path = "/index.html"
    whole = await site.at_edge(path)
    tag, date = whole.headers["ETag"], whole.headers["Last-Modified"]
    for fields, status in [
        ({"if_none_match": tag}, 304),
        ({"if_none_match": '"other", ' + tag}, 304),
        ({"if_none_match": '"other"'}, 200),
        ({"if_none_match": '"other"', "if_modified_since": date}, 200),
        ({"if_modified_since": date}, 304),
        ({"if_modified_since": "Thu, 01 Jan 2004 00:00:00 GMT"}, 200),
        ({"range": "bytes=0-9", "if_range": tag}, 206),
        ({"range": "bytes=0-9", "if_range": '"other"'}, 200),
        ({"range": "bytes=0-9", "if_range": date}, 206),
    ]:
        for target in (path, f"{path}?{quote(repr(fields))}"):
            expected = await site.at_origin(target, **fields)
            answer = await site.at_edge(target, **fields)
            assert (expected.status, answer.status) == (status, status), (target, fields)
            assert answer.headers["ETag"] == tag
            assert answer.body == expected.body


async def test_what_is_not_there_is_not_there(site: _Site) -> None:
    """The error page of nginx and its status come through."""
    expected, answer = await site.at_origin("/no/such"), await site.at_edge("/no/such")
    assert (answer.status, answer.body) == (404, expected.body)
