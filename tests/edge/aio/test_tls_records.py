"""How a response over TLS is cut into records, as seen on the wire (RFC 8446 5.1)."""

import asyncio
import ssl
from pathlib import Path

import pytest

from edge.aio.tls_records import EARLY_BYTES, RECORD_BYTES
from tests.kit.delivery import delivery
from tests.kit.talk import PATIENCE_S, origin, saying, talking

APPLICATION_DATA = 23
OVERHEAD = 1 + 16
"""TLS 1.3 hides a content type and a tag in each record (RFC 8446 5.2)."""


def application_records(wire: bytes) -> list[int]:
    """The content bytes of each whole record that carries application data."""
    sizes, at = [], 0
    while at + 5 <= len(wire):
        size = int.from_bytes(wire[at + 3 : at + 5], "big")
        if wire[at] == APPLICATION_DATA:
            sizes.append(size - OVERHEAD)
        at += 5 + size
    return sizes


async def records_of(port: int, context: ssl.SSLContext, request: bytes, size: int) -> list[int]:
    """Records of the answer to `request`, whose body has `size` bytes."""
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(coming, going, server_hostname="shop.test")
    async with talking(port) as wire, asyncio.timeout(PATIENCE_S):

        async def more() -> bytes:
            wire.say(going.read())
            data = await wire.reader.read(65_536)
            assert data, "the server hung up"
            coming.write(data)
            return data

        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                await more()
        client.write(request)
        got = plain = b""
        while len(plain.partition(b"\r\n\r\n")[2]) < size:
            got += await more()
            while True:
                try:
                    plain += client.read()
                except ssl.SSLWantReadError:
                    break
        return application_records(got)


@pytest.mark.parametrize("before", [0, 1, 2], ids=["streamed", "stored", "ready"])
async def test_the_first_byte_waits_for_no_large_record(keys: Path, before: int) -> None:
    """A response begins in records that arrive with a first flight; later ones cost less."""
    body = bytes(200_000)
    context = ssl.create_default_context(cafile=str(keys / "keys" / "ca.crt"))
    async with (
        origin(saying("Cache-Control: max-age=60", body=body)) as shop,
        delivery(keys, shop) as net,
    ):
        async with net.client(tls="shop.test") as client:
            for _ in range(before):
                await client.ask()
        request = b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"
        sizes = await records_of(net.edge.ports["https"], context, request, len(body))
        assert net.edge.log.filled == (before == 2)
    begun = 0
    while begun < EARLY_BYTES:
        begun += sizes[0]
        assert sizes.pop(0) <= RECORD_BYTES
    assert max(sizes) == 16_384
