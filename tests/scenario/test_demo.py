"""The demo network as a newcomer meets it: what `midmile up` prints, typed as it stands."""

import asyncio
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from deploy.network import LowNode, TopNode
from tests.kit.network import Finished, Running, grounds, running
from tests.kit.programs import need
from tests.scenario.visitor import get, requests, samples, settled

pytestmark = pytest.mark.asyncio(loop_scope="module")

STORED = "/objects/10KB"
_COMMAND = re.compile(r"(?:\S*/)?(curl|dig|midmile) .+")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network() -> AsyncIterator[Running]:
    with grounds() as place:
        async with running(place) as started, aiohttp.ClientSession() as session:
            await settled(session, started)
            yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as opened:
        yield opened


async def _type(network: Running, command: str) -> Finished:
    """Run a command of the printed table where `midmile up` was typed."""
    program, *arguments = shlex.split(command)
    if Path(program).name == "midmile":
        return await network.grounds.midmile(*arguments)
    if program == "dig":
        need("dig", package="bind9-dnsutils")
    else:
        need("curl", package="curl")
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        cwd=network.grounds.file.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return Finished(code=process.returncode, stdout=stdout.decode(), stderr=stderr.decode())


def _commands(network: Running) -> list[str]:
    """All commands of the printed table."""
    cells = [re.split(r"  +|, ", line.strip()) for line in network.notes.splitlines()]
    return [cell for row in cells for cell in row if _COMMAND.fullmatch(cell)]


async def test_what_is_printed_can_be_typed(network: Running) -> None:
    """HTTP and HTTPS with curl and the network's CA, dig, both DNS tiers, the status table."""
    done = {command: await _type(network, command) for command in _commands(network)}
    programs = [Path(command.split()[0]).name for command in done]
    assert programs == ["curl", "curl", "dig", "midmile", "midmile"], network.notes
    assert {command: end.code for command, end in done.items()} == dict.fromkeys(done, 0), done
    http, https, dig, resolve, status = (end.stdout for end in done.values())
    assert "</html>" in http
    assert "</html>" in https
    assert "low-east.ns.cdn.test." in dig
    assert "1. shop.cdn.test. A" in resolve
    assert "2. shop.cdn.test. A" in resolve
    for name in ("east", "west"):
        assert f" 20 A     {network.edge(name).advertise.http.host}" in resolve
    rows = [line.split() for line in status.splitlines()]
    states = {row[0]: row[2] for row in rows if row and row[0] in _names(network)}
    assert states == dict.fromkeys(_names(network), "ready"), status


def _names(network: Running) -> list[str]:
    return [node.name for node in network.network.nodes]


@pytest.mark.system
@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
async def test_other_peoples_resolvers_are_answered(network: Running, transport: str) -> None:
    """The tool kdig gets the referral of the first tier and the two edges of the second."""
    kdig = need("kdig", package="knot-dnsutils")
    edges = {network.edge(name).advertise.http.host for name in ("east", "west")}
    servers: list[tuple[TopNode | LowNode, set[str]]] = [
        (network.network.tops[1], {"low-east.ns.cdn.test.", "low-west.ns.cdn.test."}),
        (network.network.lows[0], edges),
    ]
    for server, expected in servers:
        host, port = server.advertise.dns
        process = await asyncio.create_subprocess_exec(
            kdig, f"@{host}", "-p", str(port), transport, "+norec", "shop.cdn.test", "A",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        stdout, _ = await asyncio.wait_for(process.communicate(), 30)
        answer = stdout.decode()
        assert "status: NOERROR" in answer
        assert {value for value in expected if value in answer} == expected
        assert ("(TCP)" in answer) == (transport == "+tcp")


async def test_a_name_that_is_not_served_gets_nobodys_content(
    network: Running, session: aiohttp.ClientSession
) -> None:
    """421 for an unknown host, over both listeners' addresses."""
    for address in network.edge("east").listen.http:
        answer = await get(session, f"http://{address}/", host="bank.example")
        assert answer.status == 421
        assert b"Misdirected" in answer.body


async def test_the_second_request_is_a_hit(
    network: Running, session: aiohttp.ClientSession
) -> None:
    """Cache-Status tells a miss at edge and parent, then a hit; Age and Via are there."""
    url = f"http://{network.edge('west').advertise.http}{STORED}"
    first = await get(session, url, host="shop.cdn.test")
    # It is stored when its last byte has come, which is a moment after we have all we need.
    await network.heard(node="west", request_id=first.headers["X-Request-Id"])
    second = await get(session, url, host="shop.cdn.test")
    assert (first.status, second.status) == (200, 200)
    assert first.cache.startswith("west; fwd=")
    assert second.cache.startswith("west; hit")
    assert second.body == first.body
    assert len(first.body) == 10 * 1024
    assert int(second.headers["Age"]) >= 0
    assert [via.split()[1] for via in second.headers.getall("Via")][-1] == "west"


async def test_the_access_log_tells_a_request_at_edge_and_parent(
    network: Running, session: aiohttp.ClientSession
) -> None:
    """One line at each, with the same request id, the verdict and its reason."""
    url = f"http://{network.edge('west').advertise.http}/about?asked-once"
    since = network.mark()
    answer = await get(session, url, host="shop.cdn.test")
    request_id = answer.headers["X-Request-Id"]
    edge = await network.heard(since=since, node="west", request_id=request_id)
    parent = await network.heard(since=since, node=edge["upstream"], request_id=request_id)
    for line in (edge, parent):
        assert (line["status"], line["site"], line["target"]) == (200, "shop", "/about?asked-once")
        assert (line["verdict"], line["reason"]) == ("miss", "nothing-stored")
        assert (line["scheme"], line["host"]) == ("http", "shop.cdn.test")
        assert "error" not in line, line
        assert line["seconds"] > 0
        assert line["response_bytes"] > 0
    assert network.said(since=since, request_id=request_id) in ([edge, parent], [parent, edge])


async def test_each_node_is_watched_at_its_own_port(
    network: Running, session: aiohttp.ClientSession
) -> None:
    """Health, readiness and metrics, under loopback names only."""
    for name in _names(network):
        admin = network.admin(name)
        assert (await get(session, f"{admin}/healthz")).body == b"ok\n"
        assert (await get(session, f"{admin}/readyz")).status == 200
        assert (await get(session, f"{admin}/metrics", host="bank.example")).status == 421
        found = {sample.name for sample in await samples(session, network, name)}
        assert "midmile_deploy_build_info" in found


async def test_counters_are_summed_over_workers(
    network: Running, session: aiohttp.ClientSession
) -> None:
    """`east` has two workers, both serve, and its `/metrics` counts what either has done."""
    url = f"http://{network.edge('east').advertise.http}{STORED}"
    before = await requests(session, network, "east")
    workers: set[str] = set()
    number = 0
    while len(workers) < 2:
        number += 1
        answer = await get(session, url, host="shop.cdn.test")
        request_id = answer.headers["X-Request-Id"]
        workers.add((await network.heard(node="east", request_id=request_id))["process"])
        assert number < 200, f"only {workers} ever serves"
    assert workers == {"worker-0", "worker-1"}
    assert await requests(session, network, "east") == before + number
