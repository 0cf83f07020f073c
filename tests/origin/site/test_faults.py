"""Faults on demand: the bytes on the wire, who meets them, and that nobody does by default."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from origin.aio.site.handlers.failing import BOUNDS, Kind
from origin.aio.site.handlers.faults import MOST_ARMED
from tests.kit.shop import NOON, Client, Clock, open_shop

pytestmark = pytest.mark.asyncio(loop_scope="module")
HEAD_END = b"\r\n\r\n"


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> AsyncIterator[Client]:
    async with open_shop(tmp_path_factory.mktemp("home"), clock, faults=True) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def shop(running: Client, clock: Clock) -> AsyncIterator[Client]:
    """With nothing armed, at noon."""
    yield running
    clock.now = NOON
    await running.delete("/admin/faults")


async def _wire(shop: Client, target: str, method: str = "GET") -> tuple[bytes, bytes]:
    """Head and body of what comes before the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
    everything = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = everything.partition(HEAD_END)
    return head, body


async def _arm(shop: Client, **wish: Any) -> None:
    response = await shop.post("/admin/faults", json=wish)
    assert response.status == 200, await response.text()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/faults"),
        ("POST", "/admin/faults"),
        ("DELETE", "/admin/faults"),
        ("GET", "/admin/faults/status/503"),
        ("GET", "/admin/faults/garbage"),
    ],
)
async def test_there_are_none_unless_asked_for(
    tmp_path_factory: pytest.TempPathFactory, method: str, path: str
) -> None:
    """A shop whose network file does not say `faults = true` has no such paths."""
    async with open_shop(tmp_path_factory.mktemp("home")) as plain:
        assert (await plain.request(method, path)).status == 404


async def test_what_there_is_can_be_read(shop: Client) -> None:
    """Each kind with its parameters and their bounds, and what is armed."""
    response = await shop.get("/admin/faults")
    told = await response.json()
    assert set(told["kinds"]) == {kind.value for kind in Kind}
    assert told["kinds"]["close"]["after"] == {"default": 1000, "least": 0, "most": 10 * 2**20}
    assert told["armed"] == []
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("code", [200, 204, 304, 404, 500, 503, 599])
async def test_a_status(shop: Client, code: int) -> None:
    """A whole response, to be kept only where the query says so."""
    response = await shop.get(f"/admin/faults/status/{code}")
    assert (response.status, response.headers["Cache-Control"]) == (code, "no-store")
    kept = await shop.get(f"/admin/faults/status?code={code}&cache=60")
    assert (kept.status, kept.headers["Cache-Control"]) == (code, "public, max-age=60")


async def test_a_close_in_the_middle_of_a_body(shop: Client) -> None:
    """The length was told; less than that comes, then the end of the stream."""
    head, body = await _wire(shop, "/admin/faults/close?after=100&of=1000")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: 1000" in head
    assert len(body) == 100
    _, nothing = await _wire(shop, "/admin/faults/close?after=0&of=1")
    assert nothing == b""


async def test_a_reset_in_the_middle_of_a_body(shop: Client) -> None:
    """The client hears of it as an error."""
    with pytest.raises(ConnectionResetError):
        await _wire(shop, "/admin/faults/close?after=100&of=1000&reset=1")


@pytest.mark.parametrize(("claimed", "sent"), [(1000, 10), (10, 1000), (0, 5), (5, 0)])
async def test_a_length_that_is_wrong(shop: Client, claimed: int, sent: int) -> None:
    """Longer or shorter than what comes."""
    head, body = await _wire(shop, f"/admin/faults/length?claimed={claimed}&sent={sent}")
    assert f"\r\nContent-Length: {claimed}".encode() in head
    assert len(body) == sent


@pytest.mark.parametrize("after", [1, 2, 999])
async def test_a_chunked_body_that_is_cut(shop: Client, after: int) -> None:
    """A whole chunk, a part of another, and no last one."""
    head, body = await _wire(shop, f"/admin/faults/chunked-cut?after={after}")
    assert b"\r\nTransfer-Encoding: chunked" in head
    size, _, rest = body.partition(b"\r\n")
    assert int(size, 16) == (after + 1) // 2
    assert not body.endswith(b"0\r\n\r\n")
    told, _, part = rest[int(size, 16) + 2 :].partition(b"\r\n")
    assert len(part) == int(told, 16) - 1 == after // 2


async def test_garbage(shop: Client) -> None:
    """No status line."""
    head, _ = await _wire(shop, "/admin/faults/garbage?bytes=500")
    assert not head.startswith(b"HTTP")
    assert len(head) == 500


async def test_a_drip(shop: Client) -> None:
    """A whole body, a few bytes at a time."""
    async with shop.get("/admin/faults/drip?bytes=25&ms=1&size=10") as response:
        pieces = [piece async for piece in response.content.iter_any()]
    assert len(b"".join(pieces)) == int(response.headers["Content-Length"]) == 25
    assert len(pieces) > 1


async def test_a_hang_ends_when_the_shop_does(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No byte comes; the shop closes when it is drained."""
    async with open_shop(tmp_path_factory.mktemp("home"), faults=True) as hanging:
        asked = asyncio.create_task(_wire(hanging, "/admin/faults/hang"))
        assert (await hanging.get("/healthz")).status == 200
        assert not asked.done()
        await hanging.close()
        assert await asked == (b"", b"")


async def test_a_hang_can_be_short(shop: Client) -> None:
    """The connection is closed after so many seconds."""
    async with asyncio.timeout(10):
        assert await _wire(shop, "/admin/faults/hang?for_s=1") == (b"", b"")


@pytest.mark.parametrize("kind", ["close", "length", "chunked-cut", "status", "drip"])
async def test_head_has_no_body(shop: Client, kind: str) -> None:
    """However wrong the length is that it tells."""
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
    fields = "Host: shop\r\nConnection: close"
    writer.write(f"HEAD /admin/faults/{kind} HTTP/1.1\r\n{fields}\r\n\r\n".encode())
    everything = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert everything.count(HEAD_END) == 1
    assert everything.endswith(HEAD_END)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        *(("none", 404), ("status/99", 404), ("status/100", 400), ("status/600", 400)),
        *(("close?after=-1", 400), ("close?of=99999999999", 400), ("close?aftre=1", 400)),
        *(("drip?ms=0", 400), ("hang?for_s=601", 400), ("hang/503", 400), ("garbage?bytes=x", 400)),
        *(("close?reset=2", 400), ("status?cache=-1", 400)),
    ],
)
async def test_parameters_are_bounded(shop: Client, target: str, status: int) -> None:
    """What is out of bounds, or unknown, is told."""
    response = await shop.get(f"/admin/faults/{target}")
    assert response.status == status
    assert response.content_type == "application/json"


async def test_defaults_are_within_bounds() -> None:
    """Of every parameter."""
    for bounds in BOUNDS.values():
        for default, least, most in bounds.values():
            assert least <= default <= most


async def test_an_armed_fault_meets_its_paths(shop: Client, clock: Clock) -> None:
    """Those that begin so, until its time is over; others, health and faults go on."""
    await _arm(shop, path="/objects/", kind="status", parameters={"code": 502}, for_s=30)
    assert (await shop.get("/objects/1KB")).status == 502
    assert (await shop.get("/about")).status == 200
    listed = await (await shop.get("/admin/faults")).json()
    assert [(each["path"], each["for_s"]) for each in listed["armed"]] == [("/objects/", 30)]
    clock.now = NOON + 30
    assert (await shop.get("/objects/1KB")).status == 200
    assert (await (await shop.get("/admin/faults")).json())["armed"] == []


async def test_everything_can_fail_but_health(shop: Client) -> None:
    """A container that plays at being ill is not restarted for it, and can be healed."""
    await _arm(shop, path="/", kind="close", parameters={"after": 5, "of": 9})
    _, body = await _wire(shop, "/about")
    assert len(body) == 5
    assert (await shop.get("/healthz")).status == 200
    assert (await shop.delete("/admin/faults")).status == 200
    assert (await shop.get("/about")).status == 200


async def test_a_share_is_spread_evenly(shop: Client) -> None:
    """With a quarter it is every fourth request."""
    await _arm(shop, path="/objects/1KB", kind="status", share=0.25)
    statuses = [(await shop.get("/objects/1KB")).status for _ in range(8)]
    assert statuses == [200, 200, 200, 503] * 2


async def test_processes_of_a_node_fail_alike(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """What one is told all know at once, also one that starts later."""
    home = tmp_path_factory.mktemp("home")
    async with open_shop(home, faults=True) as one, open_shop(home, faults=True) as other:
        await _arm(one, path="/about", kind="status")
        assert (await other.get("/about")).status == 503
        async with open_shop(home, faults=True) as third:
            assert (await third.get("/about")).status == 503
            await third.delete("/admin/faults")
        assert (await other.get("/about")).status == 200
    (home / "faults.json").write_text('[{"kind": "none"}]')
    async with open_shop(home, faults=True) as again:
        assert (await again.get("/about")).status == 200


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"path": "/", "kind": "status", "for": 30},
        {"path": "/", "kind": "status", "parameter": {"code": 500}},
        {"path": "about", "kind": "status"},
        {"path": "/\ud800", "kind": "status"},
        {"path": "/caf\u00e9", "kind": "status"},
        {"path": "/a\n", "kind": "status"},
        {"path": "/" + "a" * 200, "kind": "status"},
        {"path": 5, "kind": "status"},
        {"path": "/" + "x" * 300, "kind": "status"},
        {"path": "/", "kind": "none"},
        {"path": "/", "kind": ["status"]},
        {"path": "/", "kind": "status", "parameters": []},
        {"path": "/", "kind": "status", "parameters": {"code": 700}},
        {"path": "/", "kind": "status", "parameters": {"cod": 500}},
        {"path": "/", "kind": "status", "for_s": 0},
        {"path": "/", "kind": "status", "for_s": True},
        {"path": "/", "kind": "status", "share": 0},
        {"path": "/", "kind": "status", "share": 1.5},
        {"path": "/", "kind": "status", "share": "1"},
    ],
)
async def test_a_wrong_fault_is_not_armed(shop: Client, wish: dict[str, object]) -> None:
    """It is told what is wrong."""
    response = await shop.post("/admin/faults", json=wish)
    assert response.status in {400, 404}
    assert "error" in await response.json()
    assert (await (await shop.get("/admin/faults")).json())["armed"] == []


async def test_a_misspelt_field_is_named(shop: Client) -> None:
    """With the fields that there are."""
    wish = {"path": "/", "kind": "status", "paramters": {"code": 500}}
    response = await shop.post("/admin/faults", json=wish)
    assert response.status == 400
    told = (await response.json())["error"]
    assert told == "a fault has no 'paramters'; it has path, kind, parameters, for_s, share"


async def test_a_change_is_answered_with_what_is_armed(shop: Client) -> None:
    """And nothing else, in lines that people can read."""
    response = await shop.post("/admin/faults", json={"path": "/a", "kind": "status"})
    assert (await response.text()).startswith('{\n  "armed": [\n    {\n      "path": "/a",\n')
    assert (await (await shop.delete("/admin/faults")).text()) == '{\n  "armed": []\n}\n'


async def test_only_so_many_can_be_armed(shop: Client) -> None:
    """One more is refused."""
    for number in range(MOST_ARMED):
        await _arm(shop, path=f"/{number}", kind="status")
    response = await shop.post("/admin/faults", json={"path": "/x", "kind": "status"})
    assert response.status == 409


async def test_other_sites_cannot_break_the_shop(shop: Client) -> None:
    """By sending a visitor's browser there."""
    strange = {"Origin": "https://bank.example"}
    wish = {"path": "/", "kind": "status"}
    assert (await shop.post("/admin/faults", json=wish, headers=strange)).status == 403
    assert (await shop.delete("/admin/faults", headers=strange)).status == 403
