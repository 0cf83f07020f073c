import asyncio
import socket
from collections.abc import Callable

import dns.asyncquery
import dns.message
import dns.rcode
import pytest
import uvloop
from prometheus_client import CollectorRegistry

from mapping.aio.server import Limits
from mapping.aio.worker import MappingWorker
from mapping.framing import framed
from mapping.metrics import MappingMetrics
from mapping.query import Query
from mapping.reply import Decision, Transport
from tests.mapping.aio.sockets import serving
from tests.mapping.network import LOW_EAST, LOW_WEST, TOP

HOST = "127.0.0.1"


def question(
    name: str = "shop.cdn.test", rdtype: str = "A", number: int = 1
) -> dns.message.Message:
    return dns.message.make_query(name, rdtype, id=number, use_edns=0)


async def read_reply(reader: asyncio.StreamReader) -> dns.message.Message:
    length = int.from_bytes(await reader.readexactly(2), "big")
    return dns.message.from_wire(await reader.readexactly(length))


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop turn until something has come true that nobody announces."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0)


async def test_udp_and_tcp() -> None:
    """Both transports give the same referral, and are counted apart."""
    registry = CollectorRegistry()
    async with serving(TOP, registry=registry) as (_, port):
        over_udp = await dns.asyncquery.udp(question(), HOST, port=port, timeout=5)
        over_tcp = await dns.asyncquery.tcp(question(), HOST, port=port, timeout=5)
    assert over_udp.authority == over_tcp.authority
    assert len(over_udp.authority[0]) == 2
    for transport in ("udp", "tcp"):
        labels = {"tier": "top", "kind": "referral", "transport": transport}
        assert registry.get_sample_value("midmile_mapping_answers_total", labels) == 1


def test_on_uvloop() -> None:
    """The loop that nodes run on, whose transports are not asyncio's classes."""

    async def ask_both() -> list[int]:
        async with serving(LOW_WEST, limits=Limits(turn_messages=2)) as (_, port):
            over_udp = await dns.asyncquery.udp(question(), HOST, port=port, timeout=5)
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(b"".join(framed(question(number=n).to_wire()) for n in range(9)))
            over_tcp = [await read_reply(reader) for _ in range(9)]
            writer.close()
            await writer.wait_closed()
        return [len(over_udp.answer[0]), *(reply.id for reply in over_tcp)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(ask_both()) == [2, *range(9)]


async def test_the_keeper_s_word_changes_answers() -> None:
    """An edge told to be down leaves the answers at once, and comes back as soon."""
    async with serving(LOW_EAST) as (worker, port):

        async def addresses() -> set[str]:
            reply = await dns.asyncquery.udp(question(), HOST, port=port, timeout=5)
            return {data.address for data in reply.answer[0]}

        worker.receive({"kind": "fleet", "down": ["e1"]})
        assert await addresses() == {"10.1.0.2", "10.2.0.1"}
        worker.receive({"kind": "something else", "down": ["e2"]})
        worker.receive({"kind": "fleet"})
        assert await addresses() == {"10.1.0.2", "10.2.0.1"}
        worker.receive({"kind": "fleet", "down": []})
        assert await addresses() == {"10.1.0.1", "10.1.0.2"}


async def test_a_top_level_worker_needs_no_keeper() -> None:
    """A fleet message means nothing to it."""
    async with serving(TOP) as (worker, port):
        worker.receive({"kind": "fleet", "down": ["e1"]})
        await worker.reload_keys()
        reply = await dns.asyncquery.udp(question(), HOST, port=port, timeout=5)
    assert reply.authority


async def test_garbage_does_not_stop_the_server() -> None:
    """After datagrams of noise, some without answer, the next query is answered."""
    async with serving(TOP) as (_, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for noise in (b"", b"\0", b"\xff" * 12, b"\0" * 12, b"\x00\x01" * 300):
                sock.sendto(noise, (HOST, port))
        reply = await dns.asyncquery.udp(question(), HOST, port=port, timeout=5)
    assert reply.rcode() == dns.rcode.NOERROR


async def test_pipelined_queries_are_all_answered_in_order() -> None:
    """A hundred queries in one write, more than one turn's worth, and a half-close behind them."""
    async with serving(TOP, limits=Limits(turn_messages=3)) as (_, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"".join(framed(question(number=n).to_wire()) for n in range(100)))
        writer.write_eof()
        assert [(await read_reply(reader)).id for _ in range(100)] == list(range(100))
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_a_query_in_pieces() -> None:
    """Length and message may come byte by byte."""
    async with serving(TOP) as (_, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        for byte in framed(question().to_wire()):
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        assert (await read_reply(reader)).id == 1
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("start", [b"\x00\x00", b"\xff\xff", b"GET / HTTP/1.1\r\n\r\n"])
async def test_what_is_not_dns_is_cut_off(start: bytes) -> None:
    """A length that no query has ends the connection."""
    async with serving(TOP) as (_, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(start)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_idle_connections_end() -> None:
    """Trickling bytes is no activity: only whole queries keep a connection open."""
    async with serving(TOP, limits=Limits(idle_s=0.05)) as (_, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"\x00")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_one_connection_too_many_costs_the_most_silent_one() -> None:
    """Of two connections the one that asked last stays when a third comes."""
    registry = CollectorRegistry()
    limits = Limits(connections=2)
    async with serving(TOP, limits=limits, registry=registry) as (_, port):
        silent, active = [await asyncio.open_connection(HOST, port) for _ in range(2)]
        for reader, writer in (silent, active):
            writer.write(framed(question().to_wire()))
            await read_reply(reader)
        third = await asyncio.open_connection(HOST, port)
        async with asyncio.timeout(5):
            assert await silent[0].read() == b""
        for reader, writer in (active, third):
            writer.write(framed(question().to_wire()))
            assert (await read_reply(reader)).id == 1
        assert registry.get_sample_value("midmile_mapping_tcp_connections") == 2
        for _, writer in (silent, active, third):
            writer.close()
    assert registry.get_sample_value("midmile_mapping_tcp_connections") == 0


async def test_a_client_that_reads_nothing_is_not_read_either() -> None:
    """Answers do not pile up: once too many are unread, no more queries are taken."""
    limits = Limits(unread_bytes=1_024)
    async with serving(TOP, limits=limits) as (worker, port):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, (HOST, port))
            queries = framed(question().to_wire()) * 200_000
            sending = asyncio.create_task(loop.sock_sendall(sock, queries))
            await until(lambda: any(not c._writable for c in worker._server._connections))
            [connection] = worker._server._connections
            assert connection._transport is not None
            assert not connection._transport.is_reading()
            assert connection._cutter.holding < 512 * 1024
            sending.cancel()


async def test_draining_lets_a_begun_query_finish() -> None:
    """Idle connections close at once; half a query may become a whole one within the grace."""
    async with serving(TOP) as (worker, port):
        idle_reader, idle_writer = await asyncio.open_connection(HOST, port)
        reader, writer = await asyncio.open_connection(HOST, port)
        wire = framed(question().to_wire())
        for stream in (idle_writer, writer):
            stream.write(wire)
        await read_reply(idle_reader)
        await read_reply(reader)
        writer.write(wire[:5])
        await until(lambda: any(c._cutter.holding for c in worker._server._connections))
        draining = asyncio.create_task(worker.drain(5.0))
        assert await idle_reader.read() == b""
        assert not draining.done()
        writer.write(wire[5:])
        assert (await read_reply(reader)).id == 1
        assert await reader.read() == b""
        await draining
        with pytest.raises(OSError):
            await asyncio.open_connection(HOST, port)
        idle_writer.close()
        writer.close()


async def test_draining_is_bounded() -> None:
    """A connection with half a query does not hold up the end."""
    async with serving(TOP) as (worker, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        wire = framed(question().to_wire())
        writer.write(wire + wire[:5])
        await read_reply(reader)
        async with asyncio.timeout(5):
            await worker.drain(0.05)
            assert await reader.read() == b""
        writer.close()


def test_our_own_faults_become_servfail(caplog: pytest.LogCaptureFixture) -> None:
    """A bug costs one answer, not the server; it is logged and counted."""

    class Broken:
        def decide(self, _query: Query, _client: str, /) -> Decision:
            raise ZeroDivisionError

    registry = CollectorRegistry()
    worker = MappingWorker(TOP, MappingMetrics(registry))
    worker._responder._tier = Broken()
    reply = worker.answer(question().to_wire(), HOST, Transport.UDP)
    assert reply is not None
    assert dns.message.from_wire(reply).rcode() == dns.rcode.SERVFAIL
    assert "a query broke the responder" in caplog.text
    labels = {"tier": "top", "kind": "servfail", "transport": "udp"}
    assert registry.get_sample_value("midmile_mapping_answers_total", labels) == 1
