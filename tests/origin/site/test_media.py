"""Pictures and film: made by the shop itself, with validators and ranges."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from origin.aio.site.handlers import media
from origin.aio.site.kept import write_whole
from origin.aio.site.pictures import page_pictures
from origin.aio.site.pictures.queue import Queue
from tests.kit.shop import Client, open_shop

pytestmark = pytest.mark.asyncio(loop_scope="module")
FILM_BYTES = 1_000_003


async def _short_film(folder: Path) -> Path:
    body = bytes(range(251)) * (FILM_BYTES // 251) + bytes(FILM_BYTES % 251)
    write_whole(folder / "film.webm", [body])
    return folder / "film.webm"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(media, "film_file", _short_film)
        async with open_shop(tmp_path_factory.mktemp("home")) as client:
            yield client


async def test_a_picture_may_be_kept_for_a_week(shop: Client) -> None:
    """It is what its path says, never coded, and revalidates."""
    for picture in page_pictures("home")[:2]:
        response = await shop.get(picture.path, headers={"Accept-Encoding": "gzip"})
        assert response.status == 200
        assert response.content_type == picture.kind.media_type
        assert response.headers["Cache-Control"] == "public, max-age=604800"
        assert "Content-Encoding" not in response.headers
        for fields in (
            {"If-None-Match": response.headers["ETag"]},
            {"If-Modified-Since": response.headers["Last-Modified"]},
        ):
            assert (await shop.get(picture.path, headers=fields)).status == 304


@pytest.mark.parametrize(
    "path",
    [
        *("/pictures/", "/pictures/home/99-none.jpg", "/pictures/..%2f..%2fdirectory.json"),
        *("/pictures/%00", "/media/other.webm", "/media/"),
    ],
)
async def test_only_planned_pictures_are_there(shop: Client, path: str) -> None:
    """A path that names none leads nowhere, least of all to other files."""
    assert (await shop.get(path)).status == 404


async def test_too_many_unpainted_pictures_are_refused_for_a_moment(
    shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With when to come again; nothing keeps the refusal, and what is painted is served."""
    painted, wanted = (picture.path for picture in page_pictures("home")[2:4])
    assert (await shop.get(painted)).status == 200
    assert shop.app is not None
    pictures = shop.app[media.MEDIA].pictures
    monkeypatch.setattr(pictures, "_wanted", Queue[bytes | Path](hands=1, most=0))
    refused = await shop.get(wanted)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "2")
    assert refused.headers["Cache-Control"] == "no-store"
    assert (await shop.get(painted)).status == 200


async def test_the_film_has_ranges(shop: Client) -> None:
    """As a browser seeks in it: at its beginning, in the middle, at its end."""
    whole = await shop.get("/media/film.webm")
    body = await whole.read()
    assert (whole.status, len(body)) == (200, FILM_BYTES)
    assert whole.content_type == "video/webm"
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["Cache-Control"] == "public, max-age=86400"
    for wanted, start, stop in (
        ("bytes=0-", 0, FILM_BYTES),
        ("bytes=300000-600000", 300_000, 600_001),
        ("bytes=-7", FILM_BYTES - 7, FILM_BYTES),
    ):
        part = await shop.get("/media/film.webm", headers={"Range": wanted})
        assert part.status == 206
        assert part.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{FILM_BYTES}"
        assert await part.read() == body[start:stop]


async def test_the_film_is_judged_as_everything_is(shop: Client) -> None:
    """HEAD, preconditions, If-Range, and a range past its end."""
    head = await shop.head("/media/film.webm")
    assert head.headers["Content-Length"] == str(FILM_BYTES)
    assert await head.read() == b""
    tag = head.headers["ETag"]
    for fields, status in (
        ({"If-None-Match": tag}, 304),
        ({"If-Match": '"other"'}, 412),
        ({"Range": f"bytes={FILM_BYTES}-"}, 416),
        ({"Range": "bytes=0-0", "If-Range": tag}, 206),
        ({"Range": "bytes=0-0", "If-Range": '"other"'}, 200),
        ({"Range": "bytes=0-0", "If-Range": head.headers["Last-Modified"]}, 206),
    ):
        response = await shop.get("/media/film.webm", headers=fields)
        assert response.status == status, fields
        await response.read()


async def test_a_film_that_was_removed_is_made_again(shop: Client) -> None:
    """Somebody has cleared the node's folder."""
    assert shop.app is not None
    film = await shop.app[media.MEDIA].film()
    film.path.unlink()
    assert (await shop.head("/media/film.webm")).status == 200
    assert film.path.is_file()
