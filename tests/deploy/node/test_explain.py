"""The admin port's `/explain`: who may ask, what may be asked, and how workers' answers meet."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.kit.fake_network import FakeNetwork, describe, running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FakeNetwork]:
    place = describe(tmp_path_factory.mktemp("state"), {"a": "echo"}, workers=2)
    async with running(place) as started:
        yield started


async def asked(network: FakeNetwork, query: str, **more: str) -> tuple[int, dict[str, Any]]:
    """The status, and the JSON of an answer."""
    answer = await network.http("a", f"/explain?{query}", **more)
    head, _, body = answer.partition("\r\n\r\n")
    assert "cache-control: no-store" in head.lower()
    return int(head.split()[1]), json.loads(body) if body.startswith("{") else {}


async def test_workers_that_agree_answer_as_one(network: FakeNetwork) -> None:
    """What they were asked reaches them whole."""
    query = "url=shop.test/%C3%BC%3Fa%26b&method=HEAD&header=X:+1&header=Y:+2"
    status, answer = await asked(network, query)
    assert (status, answer["node"], answer["role"], answer["silent"]) == (200, "a", "echo", [])
    [only] = answer["answers"]
    assert only["workers"] == [0, 1]
    told = only["explanation"]
    assert (told["url"], told["method"]) == ("shop.test/ü?a&b", "HEAD")
    assert told["headers"] == ["X: 1", "Y: 2"]


async def test_workers_that_differ_are_told_apart(network: FakeNetwork) -> None:
    """Each has a memory of its own."""
    _, answer = await asked(network, "url=differ")
    assert [each["workers"] for each in answer["answers"]] == [[0], [1]]


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("", 400, "one url="),
        ("url=a&url=b", 400, "one url="),
        ("url=a&method=GET&method=PUT", 400, "one method="),
        ("url=a&purge=1", 400, "header="),
        ("url=a" + "&header=X:1" * 129, 400, "header="),
        ("url=wrong", 400, "nobody could ask that"),
        ("url=none", 404, "a is a node of role echo: only edges and parents explain"),
        ("url=fail", 500, "see the log"),
    ],
)
async def test_questions_without_an_answer(
    network: FakeNetwork, query: str, status: int, text: str
) -> None:
    """Each says in one line why."""
    code, answer = await asked(network, query)
    assert code == status
    assert text in answer["error"]


async def test_only_reads_under_the_nodes_own_names(network: FakeNetwork) -> None:
    """As all of the admin port; and what is asked has a bound."""
    assert (await asked(network, "url=a", host="bank.example"))[0] == 421
    assert (await asked(network, "url=a", method="POST"))[0] == 405
    assert (await asked(network, "url=a", host="a"))[0] == 200
    long = "%61" * 40_000
    assert (await network.http("a", f"/explain?url={long}")).split()[1] == "200"
    assert (await network.http("a", f"/explain?url={long}{long}")).split()[1] == "400"


async def test_a_failed_answer_is_in_the_log(network: FakeNetwork) -> None:
    """With its traceback, and the worker goes on."""
    await asked(network, "url=fail")
    line = await network.heard("question-failed", "a")
    assert "no answer" in line["error"]
    assert (await asked(network, "url=a"))[0] == 200
