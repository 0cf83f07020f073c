"""Who asks an admin port."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from deploy.node.admin import guard, is_foreign

_HOST = {"Host": "localhost:8900"}


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        (_HOST, False),
        (_HOST | {"Sec-Fetch-Site": ""}, False),
        (_HOST | {"Sec-Fetch-Site": "none"}, False),
        (_HOST | {"Sec-Fetch-Site": "same-origin"}, False),
        (_HOST | {"Sec-Fetch-Site": "same-site"}, True),
        (_HOST | {"sec-fetch-site": "cross-site"}, True),
        (_HOST | {"Sec-Fetch-Site": "Same-Origin"}, True),
        (_HOST | {"Origin": "http://localhost:8900"}, False),
        (_HOST | {"Origin": "http://LOCALHOST:8900"}, False),
        ({"Host": "LocalHost", "Origin": "https://localhost"}, False),
        ({"Host": "[::1]:8900", "Origin": "http://[::1]:8900"}, False),
        (_HOST | {"Origin": "http://localhost:8901"}, True),
        (_HOST | {"Origin": "http://localhost"}, True),
        (_HOST | {"Origin": "http://evil.example"}, True),
        (_HOST | {"Origin": "http://localhost:8900.evil.example"}, True),
        (_HOST | {"Origin": "localhost:8900"}, True),
        (_HOST | {"Origin": "null"}, True),
        (_HOST | {"Origin": ""}, True),
        ({"Origin": "null"}, True),
        ({"Host": "", "Origin": ""}, True),
        (_HOST | {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, True),
    ],
)
def test_another_site_s_page_is_known(headers: dict[str, str], *, foreign: bool) -> None:
    """By what browsers say of it; what is no browser says nothing, and is none."""
    assert is_foreign(CIMultiDict(headers)) is foreign


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "empty"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}, 200),
    ],
    ids=["curl", "fetch", "image", "frame", "old-browser", "link"],
)
async def test_another_site_s_page_gets_nothing(headers: dict[str, str], status: int) -> None:
    """It could keep a node busy without reading an answer; a link that somebody follows is fine."""

    async def served(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application(middlewares=[guard(frozenset())])
    app.router.add_get("/", served)
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/", headers=headers)).status == status
