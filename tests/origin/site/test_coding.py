"""gzip at the origin: who gets it, for what, and under which entity tag."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.aio.site.http.coding import Packed, packed_tag, takes_gzip
from tests.kit.shop import Client, open_shop

on_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZip", True),
        ("x-gzip", True),
        ("gzip, deflate, br", True),
        ("br, gzip;q=0.1", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=0, *", False),
        ("br", False),
        ("identity", False),
        ("gzip;q=0.5, identity", False),
        ("gzip;q=0.5, identity;q=0.4", True),
        ("gzip; Q=1.0", True),
        ("gzip;q=high", False),
        ("gzip;q=-1", False),
        ("gzip;q=nan", False),
        ("gzip;q=", False),
        ("gzip;level=9", True),
    ],
)
def test_who_takes_gzip(accepted: str | None, takes: bool) -> None:
    """Whoever wants it as much as none (RFC 9110 12.5.3); a weight that is none wants nothing."""
    assert takes_gzip(accepted) is takes


@given(st.text(max_size=60))
def test_any_wish_is_read(accepted: str) -> None:
    """Whatever a client writes, it gets gzip or it does not."""
    assert takes_gzip(accepted) in {True, False}


def test_coded_bodies_are_kept_within_a_bound() -> None:
    """The least recently wanted goes first."""
    packed = Packed(most_bytes=130)
    one, other = (packed.body(name, name.encode() * 500) for name in ("one", "other"))
    assert packed.body("one", b"not even looked at") == one
    assert gzip.decompress(other) == b"other" * 500
    for name in ("third", "fourth", "fifth"):
        packed.body(name, name.encode() * 500)
    assert gzip.decompress(packed.body("one", b"made anew")) == b"made anew"


@on_one_loop
@pytest.mark.parametrize("path", ["/", "/objects/10KB", "/me/20KB", "/api/products", "/nowhere"])
async def test_text_goes_out_under_gzip(shop: Client, path: str) -> None:
    """To who takes it, with a tag and a length of its own; caches are told on what that depends."""
    plain = await shop.get(path)
    coded = await shop.get(path, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert coded.headers["Content-Encoding"] == "gzip"
    body = await coded.read()
    assert gzip.decompress(body) == await plain.read()
    assert coded.headers["Content-Length"] == str(len(body))
    for response in (plain, coded):
        assert "Accept-Encoding" in response.headers["Vary"]
    if tag := plain.headers.get("ETag"):
        assert coded.headers["ETag"] == packed_tag(tag)
        assert not tag.startswith("W/")


@on_one_loop
@pytest.mark.parametrize("path", ["/healthz", "/favicon.ico", "/echo", "/fragments/offer/nothing"])
async def test_what_is_small_or_no_text_stays_as_it_is(shop: Client, path: str) -> None:
    """Below a kilobyte, or for pictures, it would save nothing."""
    response = await shop.get(path, headers={"Accept-Encoding": "gzip"})
    assert ("Content-Encoding" in response.headers) == (response.status == 404)


@on_one_loop
async def test_head_tells_of_the_coded_body(shop: Client) -> None:
    """The same fields as GET, length included."""
    fields = {"Accept-Encoding": "gzip"}
    get = await shop.get("/objects/10KB", headers=fields)
    head = await shop.head("/objects/10KB", headers=fields)
    for name in ("Content-Encoding", "Content-Length", "ETag", "Vary"):
        assert head.headers[name] == get.headers[name]
    assert await head.read() == b""


@on_one_loop
async def test_parts_are_parts_of_the_plain_bytes(shop: Client) -> None:
    """A range is cut from the plain object, and only for who has a part of that one."""
    whole = await shop.get("/objects/10KB")
    body, tag = await whole.read(), whole.headers["ETag"]
    fields = {"Accept-Encoding": "gzip", "Range": "bytes=5-9"}
    part = await shop.get("/objects/10KB", headers=fields)
    assert (part.status, part.headers["ETag"]) == (206, tag)
    assert await part.read() == body[5:10]
    assert "Content-Encoding" not in part.headers
    resumed = await shop.get("/objects/10KB", headers={**fields, "If-Range": packed_tag(tag)})
    assert (resumed.status, resumed.headers["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(await resumed.read()) == body


@on_one_loop
async def test_each_coding_revalidates_by_its_own_tag(shop: Client) -> None:
    """The other one's tag gets a whole body."""
    tag = (await shop.get("/about")).headers["ETag"]
    fields = {"Accept-Encoding": "gzip"}
    same = await shop.get("/about", headers={**fields, "If-None-Match": packed_tag(tag)})
    assert (same.status, same.headers["ETag"]) == (304, packed_tag(tag))
    assert "Accept-Encoding" in same.headers["Vary"]
    assert "Content-Encoding" not in same.headers
    other = await shop.get("/about", headers={**fields, "If-None-Match": tag})
    assert other.status == 200


async def test_gzip_can_be_switched_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Then nothing is coded, and nothing depends on Accept-Encoding."""
    async with open_shop(tmp_path_factory.mktemp("home"), gzip=False) as shop:
        response = await shop.get("/objects/10KB", headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in response.headers
        assert "Vary" not in response.headers
        assert len(await response.read()) == 10 * 1024
