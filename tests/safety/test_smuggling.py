"""Whatever is sent to an edge, the server behind the parent reads what was meant, or nothing."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.kit.delivery import Delivery, Standing, delivery
from tests.kit.talk import PATIENCE_S, Talker
from tests.safety.backends import SERVERS, Arrived, recorder, standing
from tests.safety.payloads import GETS, PAYLOADS, Meant, Payload

_OURS = frozenset(
    {"host", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}
    | {"x-forwarded-port", "x-real-ip", "cdn-loop", "via"}
    | {"x-request-id", "content-length", "transfer-encoding"}
)
"""Fields that the network sets itself."""


def after(payload: Payload) -> Meant:
    """The request that follows on the same connection, and must mean itself."""
    return Meant(target=f"/after/{payload.name}")


def served(payload: Payload) -> tuple[Meant, ...]:
    """All requests that are for the origin, if what follows is sent too."""
    return payload.arrives if payload.closes else (*payload.arrives, after(payload))


async def statuses(client: Talker, methods: Iterable[str]) -> list[int]:
    """Of the answers until the connection ends; to HEAD comes no body."""
    found = []
    asked = iter(methods)
    while not client.reader.at_eof():
        try:
            reply = await client.head()
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            break
        if reply.status >= 200:
            await client._body(reply, next(asked, "GET"))
            found.append(reply.status)
    return found


async def send(net: Delivery, payload: Payload) -> list[int]:
    """What is answered to a payload and the request behind it, on a connection of their own."""
    follower = (
        f"GET {after(payload).target} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"
    )
    async with net.client() as client:
        client.say(payload.wire + follower.encode())
        return await statuses(client, (one.method for one in payload.arrives))


def expected(payload: Payload) -> list[int]:
    """What is to be answered."""
    return [*payload.answers, *([] if payload.closes else [200])]


def read_as(request: Arrived) -> Meant:
    """What h11 took a request for."""
    [host] = request.lines("host")
    return Meant(
        method=request.method,
        target=request.target,
        host=host,
        body=request.body,
        fields=tuple(pair for pair in request.fields if pair[0] not in _OURS),
    )


def framed_once(request: Arrived) -> bool:
    """Whether one field at most says where it ends."""
    lengths, codings = request.lines("content-length"), request.lines("transfer-encoding")
    return len(lengths) + len(codings) <= 1 and codings in ([], ["chunked"])


def lines_end_alike(raw: bytes) -> bool:
    """Whether every CR and every LF is half of a CRLF, as in all bodies of the table."""
    return raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n")


async def test_an_origin_gets_what_was_meant_or_nothing(keys: Path) -> None:
    """Each row is answered as it says, and h11 reads what arrives as exactly what was meant."""
    wrong = []
    async with recorder() as sink, delivery(keys, sink) as net:
        for payload in PAYLOADS:
            answers = await send(net, payload)
            arrived = sink.arrived[:]
            sink.arrived.clear()
            meant = [read_as(one) for one in arrived] == list(served(payload))
            if answers != expected(payload) or not meant or not all(map(framed_once, arrived)):
                wrong.append((payload.name, payload.tries, answers, arrived))
    assert wrong == []
    assert sink.misread == []
    assert all(lines_end_alike(bytes(raw)) for raw in sink.raw)
    # Only what goes wrong in its body may have begun, once, and its connection ends there.
    assert Counter(sink.cut) <= Counter(f"/{each.name}" for each in PAYLOADS if each.breaks)


async def test_hits_are_judged_like_misses(keys: Path) -> None:
    """A target that is stored and ready: the same bytes are refused or answered all the same."""
    wrong: list[tuple[str, str, object]] = []
    async with recorder(cache_control="max-age=600") as sink, delivery(keys, sink) as net:
        for payload in (*PAYLOADS, *GETS):
            await stored(net, payload)
            answers = await send(net, payload)
            if answers != expected(payload):
                wrong.append((payload.name, payload.tries, answers))
            known = {f"/{payload.name}", *(one.target for one in served(payload))}
            strange = [one for one in sink.arrived if one.target not in known]
            if strange or sink.misread:
                wrong.append((payload.name, payload.tries, [*strange, *sink.misread]))
            sink.arrived.clear()
    assert wrong == []


async def stored(net: Delivery, payload: Payload) -> None:
    """Have the payload's target answered from what is ready."""
    before = net.edge.log.filled
    async with net.client() as client:
        for _ in range(5):
            assert (await client.ask(f"/{payload.name}")).status == 200
            if net.edge.log.filled > before:
                return
    raise AssertionError(payload.name)


_FIRST, _LAST = "/the/first", "/the/last"
_ENDS_WHAT_WAS_CUT = frozenset({"varnish"})
"""Servers that send the last chunk to their origin although we have cut the upload off before it.
The recording origin sees that none comes from us."""
_REFUSED_BEHIND = frozenset(
    {"/encoded-nul%00", "/half-encoded%?%zz", '/marks?"<>|{}[]^`\\', "/body-head"}
)
"""Targets of clear requests that not every server takes, or quotes in its log."""


def _bare(request: Arrived | Meant) -> tuple[str, str, bytes]:
    """What no server may change; Apache joins slashes."""
    return request.method, f"/{request.target.lstrip('/')}", request.body


@pytest.mark.system
@pytest.mark.parametrize("kind", SERVERS)
async def test_real_servers_are_asked_what_was_meant(kind: str, keys: Path, tmp_path: Path) -> None:
    """They log each request that was meant once, and pass no other one on."""
    payloads = [payload for payload in PAYLOADS if payload.goes_on]
    with standing(kind, tmp_path) as server:
        async with (
            recorder(port=server.sink) as sink,
            delivery(keys, Standing(server.port)) as net,
        ):
            async with net.client() as client, asyncio.timeout(PATIENCE_S):
                while ("GET", _FIRST) not in server.logged():  # a log may begin late
                    assert (await client.ask(_FIRST)).status == 200
                    await asyncio.sleep(0.05)
            sink.arrived.clear()
            counts = {each.name: len(await send(net, each)) for each in payloads}
            async with net.client() as client:
                assert (await client.ask(_LAST)).status == 200
            async with asyncio.timeout(PATIENCE_S):
                while ("GET", _LAST) not in server.logged():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        logged = Counter({key: n for key, n in server.logged().items() if key[1] != _FIRST})
    assert counts == {each.name: len(expected(each)) for each in payloads}
    meant = [Meant(target=_LAST), *(one for each in payloads for one in served(each))]
    broken = Counter(("POST", f"/{each.name}") for each in payloads if each.breaks)
    asked = Counter((one.method, one.target) for one in meant)
    missing, extra = asked - logged, logged - asked - broken
    # What they refuse themselves they log in a spelling of their own.
    assert {target for _, target in missing} <= _REFUSED_BEHIND, (missing, extra)
    assert missing.total() == extra.total(), (missing, extra)
    # A server may begin a request to its own origin anew, and the first is not heard to its end.
    whole = {_bare(one) for one in meant}
    begun = {(method, target, b"") for method, target, _ in whole}
    ended = broken if kind in _ENDS_WHAT_WAS_CUT else ()
    arrived = (_bare(one) for one in sink.arrived if (one.method, one.target) not in ended)
    assert set(arrived) <= whole | begun
    assert sink.misread == []
