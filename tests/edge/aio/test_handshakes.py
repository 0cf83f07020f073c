"""Connections for TLS are counted before they say anything, and let go if they do not."""

import asyncio
import os
import socket
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.aio.tls import SiteContexts
from edge.config import CertificateFiles, Limits
from edge.crowd import Crowd
from edge.errors import EdgeError, OurReason, RequestReason
from tests.kit.delivery import site_rules
from tests.kit.serving import GET, Stage, serving
from tests.kit.talk import PATIENCE_S, talking

_SITE = "shop.test"


@pytest.fixture
def ours(keys: Path) -> ssl.SSLContext:
    """What an edge listens with."""
    folder = keys / "keys" / "nodes" / "east" / "sites"
    files = CertificateFiles(certificate=str(folder / "shop.crt"), key=str(folder / "shop.key"))
    return SiteContexts(site_rules(), {"shop": files}).listening


@pytest.fixture
def users(keys: Path) -> ssl.SSLContext:
    """What a browser comes with."""
    return ssl.create_default_context(cafile=str(keys / "keys" / "ca.crt"))


class _Watched(Crowd):
    """Tells when it has so many."""

    def __init__(self, **limits: Any) -> None:
        super().__init__(replace(Limits(), **limits))
        self._changed = asyncio.Event()

    def enter(self, party: bytes) -> EdgeError | None:
        """And tell."""
        self._changed.set()
        return super().enter(party)

    def leave(self, party: bytes) -> None:
        """And tell."""
        self._changed.set()
        super().leave(party)

    async def has(self, number: int) -> None:
        """Wait until it has so many."""
        async with asyncio.timeout(PATIENCE_S):
            while self._count != number:
                self._changed.clear()
                await self._changed.wait()


async def _connected(stage: Stage, crowd: _Watched, number: int = 1) -> socket.socket:
    """One that says nothing, when the server has so many with it."""
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", stage.port))
    await crowd.has(number)
    return sock


async def _end_of(sock: socket.socket) -> bytes:
    """What came until its end."""
    came = b""
    async with asyncio.timeout(PATIENCE_S):
        try:
            while data := await asyncio.get_running_loop().sock_recv(sock, 1024):
                came += data
        except ConnectionError:
            pass
    sock.close()
    return came


async def test_who_says_nothing_is_counted_and_let_go(
    ours: ssl.SSLContext, users: ssl.SSLContext
) -> None:
    """It takes one of its client's connections until a handshake's time is over."""
    crowd = _Watched(connections_per_client=1, head_timeout_s=0.3)
    async with serving(crowd=crowd, context=ours) as stage:
        silent = await _connected(stage, crowd)
        with pytest.raises(ConnectionError):
            async with talking(stage.port, context=users, name=_SITE):
                pass
        assert stage.refused(RequestReason.CROWD) == 1
        assert await _end_of(silent) == b""
        async with talking(stage.port, context=users, name=_SITE) as client:
            assert (await client.ask()).status == 200


async def test_connections_of_all_are_bounded_before_their_handshake(ours: ssl.SSLContext) -> None:
    """Whoever they are of: descriptors are what runs out."""
    crowd = _Watched(connections=2)
    async with serving(crowd=crowd, context=ours) as stage:
        kept = [await _connected(stage, crowd, number) for number in (1, 2)]
        one_too_many = socket.create_connection(("127.0.0.1", stage.port))
        one_too_many.setblocking(False)
        assert await _end_of(one_too_many) == b""
        assert stage.refused(OurReason.BUSY) == 1
        for sock in kept:
            sock.close()


@pytest.mark.parametrize(
    "said",
    [b"", b"\x16", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ids=["nothing", "a byte", "plain http", "half a hello"],
)
async def test_a_handshake_that_fails_leaves_nothing(said: bytes, ours: ssl.SSLContext) -> None:
    """Its place is free for the next one."""
    crowd = _Watched(head_timeout_s=0.3)
    async with serving(crowd=crowd, context=ours) as stage:
        sock = await _connected(stage, crowd)
        if said:
            await asyncio.get_running_loop().sock_sendall(sock, said)
        assert not (await _end_of(sock)).startswith(b"HTTP/"), "nothing is answered in plain text"
        await crowd.has(0)
        assert not stage.server._connections


async def test_who_goes_before_the_handshake_is_counted_out(ours: ssl.SSLContext) -> None:
    """At once, and not when its time is over."""
    crowd = _Watched()
    async with serving(crowd=crowd, context=ours) as stage:
        sock = await _connected(stage, crowd)
        assert crowd._count == 1
        sock.close()
        await crowd.has(0)
        assert not stage.server._connections


async def test_a_place_is_taken_once_and_given_back_once(
    ours: ssl.SSLContext, users: ssl.SSLContext
) -> None:
    """By the handshake, for the connection that it becomes."""
    crowd = _Watched(connections=2)
    async with serving(crowd=crowd, context=ours) as stage:
        for _ in range(5):
            async with talking(stage.port, context=users, name=_SITE) as client:
                client.say(GET)
                assert (await client.reply()).status == 200
                assert crowd._count == 1
                client.request("/", "Connection: close")
                await client.rest()
            await crowd.has(0)


async def test_a_drain_ends_those_who_say_nothing(ours: ssl.SSLContext) -> None:
    """Also one whose handshake has begun, when its time is over."""
    crowd = _Watched()
    async with serving(crowd=crowd, context=ours) as stage:
        silent, half = [await _connected(stage, crowd, number) for number in (1, 2)]
        await asyncio.get_running_loop().sock_sendall(half, b"\x16\x03\x01")
        await stage.server.drain(0.1)
        assert [await _end_of(sock) for sock in (silent, half)] == [b"", b""]
        await crowd.has(0)


async def test_a_lack_of_descriptors_is_no_end(
    ours: ssl.SSLContext,
    users: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is said, and connections are taken again a while later."""
    accept, failed = socket.socket.accept, asyncio.Event()

    def fail_once(sock: socket.socket) -> object:
        if failed.is_set():
            return accept(sock)
        failed.set()
        raise OSError(24, os.strerror(24))

    monkeypatch.setattr(socket.socket, "accept", fail_once)
    async with (
        serving(context=ours) as stage,
        talking(stage.port, context=users, name=_SITE) as client,
    ):
        assert (await client.ask()).status == 200
    assert failed.is_set()
    assert "no connection can be taken: Too many open files" in caplog.text
