"""`midmile explain` on a network that runs: what it says is what then happens."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.kit.network import Finished, Record, Running, grounds, running
from tests.kit.programs import need
from tests.scenario.visitor import requests

pytestmark = pytest.mark.asyncio(loop_scope="module")

STORED, UNCACHEABLE = "/objects/1KB", "/objects/8KB-uncacheable"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network() -> AsyncIterator[Running]:
    with grounds() as place:
        async with running(place) as started:
            yield started


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request, and the verdict and reason, or the refusal, that are expected of it."""

    path: str
    expected: tuple[str, str]
    headers: tuple[str, ...] = ()
    method: str = "GET"

    @property
    def arguments(self) -> list[str]:
        """Header options, which are the same for curl and for us."""
        return [part for line in self.headers for part in ("-H", line)]


CASES = [
    Case(path=STORED, expected=("miss", "nothing-stored")),
    Case(path=STORED, expected=("hit", "fresh")),
    Case(path=STORED, expected=("hit", "fresh"), method="HEAD"),
    Case(path=STORED, expected=("hit", "fresh"), headers=("Range: bytes=0-9",)),
    Case(path=f"{STORED}#top", expected=("hit", "fresh")),
    Case(path=f"{STORED}?x=%C3%BC", expected=("miss", "nothing-stored")),
    Case(
        path=STORED,
        expected=("revalidate", "request-no-cache"),
        headers=("Cache-Control: no-cache",),
    ),
    Case(path=UNCACHEABLE, expected=("miss", "nothing-stored")),
    Case(path=UNCACHEABLE, expected=("miss", "nothing-stored")),
    Case(path="/cart", expected=("bypass", "never-cache")),
    Case(path=STORED, expected=("bypass", "method"), method="DELETE"),
    Case(path="/", expected=("refused", "loop"), headers=("CDN-Loop: midmile-demo",)),
    Case(path="/", expected=("refused", "unknown-site"), headers=("Host: bank.example",)),
    Case(path="/", expected=("refused", "method-not-allowed"), method="TRACE"),
    Case(
        path="/objects/2KB",
        expected=("refused", "only-if-cached"),
        headers=("Cache-Control: only-if-cached",),
    ),
]


async def explain(network: Running, *arguments: str) -> Finished:
    """What the command says; the network is found by its state."""
    return await network.grounds.midmile(
        "explain", *arguments, "--state", str(network.grounds.state)
    )


async def explained(network: Running, *arguments: str) -> dict[str, Any]:
    """The answer for programs."""
    done = await explain(network, *arguments, "--json")
    assert done.code == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


async def curl(*arguments: str) -> tuple[int, dict[str, str]]:
    """The response that curl gets: its status, and the last line of each field."""
    program = need("curl", package="curl")
    process = await asyncio.create_subprocess_exec(
        program, "--silent", "--noproxy", "*", "--path-as-is", "--max-time", "20",
        "--dump-header", "-", "--output", "/dev/null", *arguments,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    stdout, _ = await asyncio.wait_for(process.communicate(), 30)
    first, *lines = stdout.decode().strip().split("\r\n")
    fields = (line.partition(": ") for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, _, value in fields}


async def happened(network: Running, case: Case, address: str) -> tuple[Record, str]:
    """The edge's line in the access log about the request, made; and its Cache-Status."""
    method = ["--head"] if case.method == "HEAD" else ["--request", case.method]
    since = network.mark()
    status, fields = await curl(
        *method, *case.arguments, "--connect-to", f"::{address}", f"http://shop.cdn.test{case.path}"
    )
    line = await network.heard(since=since, node="west", request_id=fields["x-request-id"])
    assert line["status"] == status
    return line, fields.get("cache-status", "")


async def test_what_is_explained_happens(network: Running) -> None:
    """Verdict and reason before a request are those of its line in the access log."""
    address = str(network.edge("west").advertise.http)
    for case in CASES:
        url, method = f"http://shop.cdn.test{case.path}", ("--method", case.method)
        answer = await explained(network, url, "--node", "west", *method, *case.arguments)
        [told] = [each["explanation"] for each in answer["answers"]]
        line, status = await happened(network, case, address)
        if case.expected[0] == "refused":
            refusal = told["refusal"]
            assert ("refused", refusal["reason"]) == case.expected
            assert (refusal["status"], refusal["reason"]) == (line["status"], line["error"])
            continue
        assert (told["verdict"], told["reason"]) == case.expected, case
        assert (line["verdict"], line["reason"]) == case.expected, case
        assert (line["site"], line["target"]) == (told["site"], told["request"]["target"])
        if told["answer"] is not None:
            assert told["answer"]["status"] == line["status"]
            assert status.startswith(told["answer"]["cache_status"].partition("; ttl")[0])
        else:
            assert line["upstream"] == told["upstreams"][0]["name"]


async def test_it_reads_as_a_story(network: Running) -> None:
    """The edge is found by the URL's address; all that a request came to is told."""
    address = str(network.edge("east").advertise.http)
    await curl("-H", "Host: shop.cdn.test", f"http://{address}{UNCACHEABLE}")
    done = await explain(network, f"{address}{UNCACHEABLE}", "-H", "Host: shop.cdn.test")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith("east")
    assert "MISS (nothing-stored): nothing is stored under this key\n" in done.stdout
    assert "ago, could not be stored (no-store)\n" in done.stdout
    assert f"key       shop http shop.cdn.test {UNCACHEABLE}\n" in done.stdout
    assert "asks      parent-" in done.stdout
    assert f"origin    {network.network.sites[0].origins[0]}\n" in done.stdout


async def test_nothing_is_fetched_or_counted(network: Running) -> None:
    """Whatever is asked, counters and logs stay as they are."""
    async with aiohttp.ClientSession() as session:
        before, since = await requests(session, network, "east"), network.mark()
        for path in ("/objects/3KB", STORED, "/cart"):
            await explained(network, f"http://shop.cdn.test{path}", "--node", "east")
            await explained(network, f"http://shop.cdn.test{path}", "--node", "parent-a")
        assert await requests(session, network, "east") == before
    assert network.said(since=since, logger="midmile.access") == []


async def test_a_parent_knows_what_its_edges_have_asked(network: Running) -> None:
    """The site's home has it stored; whom it asks are the origins."""
    address = str(network.edge("west").advertise.http)
    await curl("-H", "Host: shop.cdn.test", f"http://{address}/objects/4KB")
    url = "http://shop.cdn.test/objects/4KB"
    edge = await explained(network, url, "--node", "west")
    home = edge["answers"][0]["explanation"]["upstreams"][0]["name"]
    answer = await explained(network, url, "--node", home)
    assert answer["role"] == "parent"
    told = answer["answers"][0]["explanation"]
    assert (told["verdict"], told["key"]) == ("hit", "shop http shop.cdn.test /objects/4KB")
    assert [each["name"] for each in told["upstreams"]] == told["origins"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["ftp://shop.cdn.test/"], 2, "ftp URLs are not served, only http and https"),
        (["shop.cdn.test", "--node", "nobody"], 2, "no node 'nobody' in the network file"),
        (["shop.cdn.test", "--node", "top-a"], 2, "top-a is a node of role top: only edges"),
        (["shop.cdn.test", "-H", "nonsense"], 2, "a header is written `Name: value`"),
        (["shop.cdn.test", "--network", "nowhere.toml"], 2, "cannot read"),
        (["shop.cdn.test", "--network", "demo.toml"], 0, ""),
    ],
)
async def test_mistakes_are_one_line(
    network: Running, arguments: list[str], code: int, text: str
) -> None:
    """With the exit code of wrong usage; a file may be named instead of the state."""
    done = await explain(network, *arguments)
    assert done.code == code, done.stderr
    assert done.stderr.startswith(f"midmile: {text}" if code else "")
    assert done.stderr.count("\n") == (1 if code else 0)


async def test_a_node_that_is_down_is_code_4(network: Running) -> None:
    """Here: a network of the same file that nobody has started."""
    with grounds() as place:
        done = await place.midmile("explain", "shop.cdn.test", "--network", str(place.file))
    assert done.code == 4
    assert done.stderr.startswith("midmile: east does not run at ")
