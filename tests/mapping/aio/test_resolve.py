import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import cast

import dns.flags
import dns.message
import pytest

from mapping.aio.resolve import walk
from mapping.config import Region
from mapping.errors import WalkError
from mapping.walk import Step, StepKind, format_step
from tests.mapping.aio.sockets import serving
from tests.mapping.network import EAST, TOP, WEST, server

TOPS = ("127.0.10.1", "127.0.10.2")
LOWS = {"east": "127.0.1.53", "west": "127.0.2.53"}
REGIONS: tuple[Region, ...] = (
    replace(EAST, clients=(), servers=(server("low-east", LOWS["east"]),)),
    replace(WEST, clients=("127.0.0.1/32",), servers=(server("low-west", LOWS["west"]),)),
)
SETTINGS = replace(
    TOP, regions=REGIONS, top=tuple(server(f"top-{n}", a) for n, a in enumerate(TOPS))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Where a running network's servers are."""

    tops: list[tuple[str, int]]
    ports: dict[str, int]

    async def steps(self, name: str = "shop.cdn.test", **options: object) -> list[Step]:
        """Walk to the end."""
        steps = walk(name, tops=self.tops, ports=self.ports, **options)  # type: ignore[arg-type]
        return [step async for step in steps]


@contextlib.asynccontextmanager
async def network() -> AsyncIterator[Network]:
    async with contextlib.AsyncExitStack() as stack:
        _, top = await stack.enter_async_context(serving(SETTINGS, TOPS[0]))
        ports = {}
        for region, address in LOWS.items():
            low = replace(SETTINGS, tier="low", region=region)
            _, ports[address] = await stack.enter_async_context(serving(low, address))
        yield Network(tops=[(TOPS[0], top)], ports=ports)


async def test_both_tiers() -> None:
    """A referral for half an hour to the nearest region's server, and two edges for seconds."""
    async with network() as net:
        referral, answer = await net.steps()
    assert (referral.kind, referral.server, referral.rcode) == (
        StepKind.REFERRAL,
        TOPS[0],
        "NOERROR",
    )
    assert [r.value for r in referral.records] == ["low-west.ns.cdn.test.", "low-east.ns.cdn.test."]
    assert {r.ttl_s for r in (*referral.records, *referral.glue)} == {1800}
    assert (answer.kind, answer.server, answer.address) == (
        StepKind.ANSWER,
        "low-west.ns.cdn.test.",
        LOWS["west"],
    )
    assert answer.zone == "shop.cdn.test."
    assert answer.records[0].value == "10.2.0.1"
    assert [r.ttl_s for r in answer.records] == [20, 20]
    assert format_step(1, referral)[0].startswith("1. shop.cdn.test. A -> 127.0.10.1 (127.0.10.1:")


@pytest.mark.parametrize(
    ("name", "rdtype", "kinds"),
    [
        ("no.cdn.test", "A", ["nxdomain"]),
        ("cdn.test", "A", ["nodata"]),
        ("no.shop.cdn.test", "A", ["referral", "nxdomain"]),
        ("shop.cdn.test", "TXT", ["referral", "nodata"]),
        ("shop.cdn.test", "NS", ["referral", "answer"]),
    ],
)
async def test_endings(name: str, rdtype: str, kinds: list[str]) -> None:
    """A denial with authority is an end like an answer, and shows its SOA."""
    async with network() as net:
        steps = await net.steps(name, rdtype=rdtype)
    assert [step.kind for step in steps] == kinds
    assert steps[-1].records[0].rdtype == ("NS" if rdtype == "NS" else "SOA")


async def test_client_prefix_is_sent() -> None:
    """A prefix may have host bits; both families are understood."""
    async with network() as net:
        for prefix in ("192.0.2.77/24", "2001:db8::1/56", "192.0.2.1"):
            assert (await net.steps(client=prefix))[-1].kind is StepKind.ANSWER


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a..b", {}, r"cannot ask for 'a\.\.b' A"),
        ("shop.cdn.test", {"rdtype": "NONSENSE"}, "cannot ask for 'shop.cdn.test' NONSENSE"),
        ("shop.cdn.test", {"client": "300.1.1.1"}, "'300.1.1.1' does not appear to be"),
    ],
)
async def test_bad_arguments(name: str, options: dict[str, object], message: str) -> None:
    """What cannot be asked is said before anything is sent."""
    with pytest.raises(WalkError, match=message):
        await Network(tops=[("127.0.0.1", 9)], ports={}).steps(name, **options)


async def test_a_dead_server_costs_time_not_the_answer() -> None:
    """A first server that says nothing is a step of its own; the second is asked next."""
    async with network() as net:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind((TOPS[1], 0))
            dead = silent.getsockname()
            steps = await replace(net, tops=[dead, *net.tops]).steps(timeout_s=0.05)
    assert [step.kind for step in steps] == ["timeout", "referral", "answer"]
    assert steps[0].reason == "did not answer within 0.05 s"


async def test_a_server_outside_its_zone_is_no_end() -> None:
    """REFUSED from every server ends in one line that names them and why."""
    async with network() as net:
        with pytest.raises(WalkError, match=r"no server of the zone .*127\.0\.10\.1.*REFUSED"):
            await net.steps("example.org")


async def test_without_servers() -> None:
    """A network without top-level servers says so."""
    with pytest.raises(WalkError, match="none is known"):
        await Network(tops=[], ports={}).steps()


async def test_servers_are_addresses() -> None:
    """A host name in place of an address is told, not looked up with the very DNS under test."""
    with pytest.raises(WalkError, match="top-level server: 'dns' does not appear to be an IPv4"):
        await Network(tops=[("dns", 53)], ports={}).steps()


class Scripted(asyncio.DatagramProtocol):
    """A UDP server that makes of each query what it is told to."""

    def __init__(self, *records: str, raw: bytes | None = None) -> None:
        self._records, self._raw = records, raw

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer as told."""
        response = dns.message.make_response(dns.message.from_wire(data))
        for record in self._records:
            owner, ttl, rdtype, value = record.split()
            rrset = dns.rrset.from_text(owner, int(ttl), "IN", rdtype, value)
            (response.authority if rdtype == "NS" else response.additional).append(rrset)
        wire = response.to_wire() if self._raw is None else data[:2] + self._raw
        self._transport.sendto(wire, addr)


@pytest.mark.parametrize(
    ("scripted", "message"),
    [
        (Scripted(), r"lame delegation"),
        (Scripted("test. 9 NS ns.test."), r"tells no server's address"),
        (Scripted(raw=b"\x80\x00nonsense"), r"sent no DNS answer"),
    ],
)
async def test_servers_that_lead_nowhere(scripted: Scripted, message: str) -> None:
    """A lame server, a referral without addresses, and noise each end in a clear line."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: scripted, local_addr=("127.0.0.1", 0)
    )
    try:
        tops = [transport.get_extra_info("sockname")]
        with pytest.raises(WalkError, match=message):
            await Network(tops=tops, ports={}).steps(timeout_s=5.0)
    finally:
        transport.close()
