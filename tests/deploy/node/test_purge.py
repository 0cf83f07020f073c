"""The admin port's `/purge`: who may, and what is told."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from deploy.layout import admin_token, node_home
from tests.kit.fake_network import FakeNetwork, describe, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = '{"site": "shop"}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FakeNetwork]:
    place = describe(tmp_path_factory.mktemp("state"), {"a": "echo"}, workers=2)
    async with running(place) as started:
        yield started


def token_file(network: FakeNetwork) -> Path:
    """The node's token."""
    return admin_token(node_home(network.state, "a"))


async def purge(
    network: FakeNetwork, body: str, method: str = "POST", **fields: str
) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of an answer; with the token unless another is given."""
    token = f"Bearer {token_file(network).read_text().strip()}"
    headers = {"Authorization": token, **{name.replace("_", "-"): v for name, v in fields.items()}}
    url = f"http://127.0.0.1:{network.admin['a']}/purge"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=body, headers=headers) as answer,
    ):
        assert answer.headers["Cache-Control"] == "no-store"
        text = await answer.text()
        return answer.status, json.loads(text) if text.startswith("{") else {}


async def test_every_worker_does_it(network: FakeNetwork) -> None:
    """The answer says who has done it, and comes when all have."""
    status, answer = await purge(network, ALL)
    assert (status, answer["done"], answer["missing"]) == (200, ["a"], {})
    assert answer["purged"] == {"site": "shop"}


async def test_who_has_not_done_it_is_named(network: FakeNetwork) -> None:
    """Accepted: they will."""
    status, answer = await purge(network, '{"url": "slow"}')
    assert (status, answer["missing"]) == (202, {"b": "it was never heard of"})


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Bearer " + "0" * 64}, 401),
        ({"Authorization": "Basic YTpi"}, 401),
        ({"Authorization": "Bearer \u00e9"}, 401),
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
    ],
)
async def test_strangers_change_nothing(
    network: FakeNetwork, fields: dict[str, str], status: int
) -> None:
    """The token is the node's, and of this run."""
    assert (await purge(network, ALL, **fields))[0] == status


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ("", 400, "a JSON object"),
        ("[]", 400, "a JSON object"),
        ("{", 400, "a JSON object"),
        ('{"url": "wrong"}', 400, "nobody could purge that"),
        ('{"url": "full"}', 500, "no space left"),
        ('{"url": "none"}', 404, "a is a node of role echo, which numbers no purges: ask a parent"),
    ],
)
async def test_mistakes_are_told(network: FakeNetwork, body: str, status: int, text: str) -> None:
    """In one line."""
    found, answer = await purge(network, body)
    assert (found, text in answer["error"]) == (status, True)


async def test_only_a_post_purges(network: FakeNetwork) -> None:
    """And nothing else may be posted to."""
    assert (await purge(network, ALL, method="GET"))[0] == 405
    assert (await network.http("a", "/metrics", method="POST")).startswith("HTTP/1.1 405")


async def test_a_token_is_for_nobody_else(network: FakeNetwork) -> None:
    """Nobody but the node's own user may read it."""
    file = token_file(network)
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_text().strip()) == 64
