"""The shop's pictures: what each page has, that they weigh what they should, and how they are kept.

That all 531 pages keep to their weight is shown by painting them all, which takes minutes; here a
few pages of every sort stand for them.
"""

import asyncio
import io
import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from origin.aio.site.catalogue import CATEGORIES, PRODUCTS
from origin.aio.site.kept import write_whole
from origin.aio.site.pictures import (
    PAGE_BYTES,
    Kind,
    Picture,
    PictureStore,
    all_keys,
    page_pictures,
    picture_at,
    store,
)
from origin.aio.site.pictures.look import look_of
from origin.aio.site.pictures.motifs import motif_of, tools
from origin.aio.site.pictures.painter import paint

_SLUG = "longhaul-rucksack"
_SMALL = page_pictures(f"product/{_SLUG}")[-1]
_SAMPLE = (
    "home",
    *(f"shop/{category.slug}/2" for category in CATEGORIES[::3]),
    *(
        "product/" + [product.slug for product in PRODUCTS if product.category == category.slug][3]
        for category in CATEGORIES
    ),
)


def test_every_page_has_twenty_pictures_of_its_own() -> None:
    """No path comes twice in the whole shop, and each leads back to its picture."""
    pages = [page_pictures(key) for key in all_keys()]
    pictures = [picture for page in pages for picture in page]
    assert {len(page) for page in pages} == {20}
    assert len({picture.path for picture in pictures}) == len(pictures) > 10_000
    assert all(picture_at(picture.path) == picture for picture in pictures)


def test_a_page_mixes_large_and_small_jpeg_and_webp() -> None:
    """Half of each kind; one large picture weighs several times what a small one does."""
    for key in all_keys():
        page = page_pictures(key)
        weights = [picture.size_bytes for picture in page]
        assert [picture.kind for picture in page].count(Kind.WEBP) == 10
        assert abs(sum(weights) / PAGE_BYTES - 1) < 0.04
        assert max(weights) > 3 * min(weights)


def test_a_category_page_shows_its_products_in_their_order() -> None:
    """The pictures follow the shelf: twenty products, and the next twenty on the second page."""
    slugs = [product.slug for product in PRODUCTS if product.category == "maps"]
    shown = [picture.subject for page in (1, 2) for picture in page_pictures(f"shop/maps/{page}")]
    assert shown == slugs[:40]


@pytest.mark.parametrize("key", ["", "shop/maps", "shop/maps/0", "shop/maps/99", "product/none"])
def test_other_pages_have_none(key: str) -> None:
    """KeyError tells that there is no such page."""
    with pytest.raises(KeyError):
        page_pictures(key)


@pytest.mark.parametrize(
    "path",
    [
        "/pictures/",
        "/pictures/product/../home/01-hero.jpg",
        "/pictures/home/00-hero.jpg",
        "/pictures/home/21-hero.jpg",
        "/pictures/home/01-hero.webp",
        "/pictures/home/01-hero.jpg/",
        "/pictures/home/01-hero.jpg\n",
        "/pictures/home/1-hero.jpg",
        "/pictures/home/\u0660\u0661-hero.jpg",
        "/pictures/product/nothing/01-front.jpg",
        "/pictures/shop/maps/01/01-front.jpg",
        "/pictures//home/01-hero.jpg",
        "/etc/passwd",
        "pictures/home/01-hero.jpg",
        "/pictures/home/01-hero.jpg\0",
    ],
)
async def test_no_other_path_has_a_picture(path: str, tmp_path: Path) -> None:
    """What is not planned is not there, and makes no file."""
    assert await PictureStore(tmp_path).get(path) is None
    assert _below(tmp_path) == []


@pytest.mark.parametrize("key", _SAMPLE)
def test_a_page_weighs_what_it_should(key: str) -> None:
    """Its pictures are whole, of their kind and size, all different, and 300 KB together."""
    files = [paint(picture) for picture in page_pictures(key)]
    for picture, content in zip(page_pictures(key), files, strict=True):
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            shape = (image.format, *image.size)
        assert shape == (picture.kind.upper(), picture.width, picture.height), picture.path
    assert len({*files}) == 20
    assert abs(sum(map(len, files)) / PAGE_BYTES - 1) < 0.10


def test_a_picture_is_the_same_in_every_process() -> None:
    """Another interpreter with another hash seed paints the same bytes."""
    program = (
        "import sys; from origin.aio.site.pictures.painter import paint;"
        "from origin.aio.site.pictures import picture_at;"
        "sys.stdout.buffer.write(paint(picture_at(sys.argv[1])))"
    )
    painted = subprocess.run(
        [sys.executable, "-c", program, _SMALL.path],
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        check=True,
    )
    assert painted.stdout == paint(_SMALL)


def test_every_product_has_a_drawing_of_its_sort() -> None:
    """No product is shown as a parcel, and every drawing leaves something on its sheet."""
    motifs = {motif_of(product.slug, product.category) for product in PRODUCTS}
    assert tools.parcel not in {motif.draw for motif in motifs}
    for motif in motifs:
        assert motif.sheet(64, look_of("any")).getchannel("A").getbbox() is not None


def test_what_has_no_drawing_is_shown_as_a_parcel() -> None:
    """A new category needs no change here."""
    motif = motif_of("unheard-of-thing", "novelties")
    assert motif.draw is tools.parcel
    assert motif.sheet(64, look_of("any")).getbbox() is not None


async def test_a_picture_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who ask while it is painted wait for it, later ones get the same file."""
    painted = _counting(monkeypatch)
    pictures = PictureStore(tmp_path)
    files = await asyncio.gather(*(pictures.get(_SMALL.path) for _ in range(5)))
    assert painted == [_SMALL.path]
    assert {*files, await PictureStore(tmp_path).get(_SMALL.path)} == {files[0]}
    file = files[0]
    assert isinstance(file, Path)
    assert file.read_bytes() == paint(_SMALL)
    assert [found for found in _below(tmp_path) if found.is_file()] == [file]


async def test_pictures_are_kept_for_our_user_only(tmp_path: Path) -> None:
    """Nobody else on the machine can read or change what the shop serves."""
    file = await PictureStore(tmp_path / "home").get(_SMALL.path)
    assert isinstance(file, Path)
    assert {found.stat().st_mode & 0o077 for found in _below(tmp_path)} == {0}


async def test_one_who_goes_away_takes_the_picture_from_nobody(tmp_path: Path) -> None:
    """The painting goes on for those who still wait."""
    pictures = PictureStore(tmp_path)
    leaver, stayer = (asyncio.create_task(pictures.get(_SMALL.path)) for _ in range(2))
    await asyncio.sleep(0)
    leaver.cancel()
    assert isinstance(await stayer, Path)
    assert leaver.cancelled()


async def test_a_picture_that_cannot_be_kept_is_served_all_the_same(tmp_path: Path) -> None:
    """Where no file can be written the bytes come from memory."""
    (tmp_path / "home").write_bytes(b"in the way")
    assert await PictureStore(tmp_path / "home").get(_SMALL.path) == paint(_SMALL)


def test_make_all_paints_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What exists stays, progress is told, and an earlier painter's files go."""
    key = f"product/{_SLUG}"
    monkeypatch.setattr(store, "all_keys", lambda: (key,))
    pictures = PictureStore(tmp_path)
    kept = pictures.folder / key / Path(_SMALL.path).name
    write_whole(kept, [b"kept"])
    write_whole(tmp_path / "pictures-0-1.2" / "old.jpg", [b"old"])
    told: list[tuple[int, int]] = []
    pictures.make_all(lambda done, total: told.append((done, total)))
    assert told == [(0, 20), (20, 20)]
    assert kept.read_bytes() == b"kept"
    assert len([*kept.parent.iterdir()]) == 20
    assert [*tmp_path.iterdir()] == [pictures.folder]


def test_make_all_can_be_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that nobody has begun are left, no process stays behind, and a second run goes on."""
    keys = all_keys()[1:12]
    monkeypatch.setattr(store, "all_keys", lambda: keys)
    pictures = PictureStore(tmp_path)
    blank = paint(_SMALL)
    for key in keys[:-1]:
        for picture in page_pictures(key):
            write_whole(pictures.folder / picture.path.removeprefix("/pictures/"), [blank])

    told: list[tuple[int, int]] = []

    def interrupt(done: int, total: int) -> None:
        told.append((done, total))
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pictures.make_all(interrupt)
    assert multiprocessing.active_children() == []
    assert told[:2] == [(0, 220), (20, 220)]
    files = [file for file in _below(pictures.folder) if file.is_file()]
    assert told[2:] == [(len(files), 220)]
    pictures.make_all(lambda done, total: told.append((done, total)))
    assert told[-1] == (220, 220)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A failure on the way leaves the old content, and nothing beside it."""

    def broken() -> list[bytes]:
        raise OSError("disk full")

    file = tmp_path / "file"
    write_whole(file, [b"old"])
    with pytest.raises(OSError, match="disk full"):
        write_whole(file, (part for _ in range(2) for part in broken()))
    assert file.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [file]


def _below(folder: Path) -> list[Path]:
    return [*folder.rglob("*")]


def _counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are painted from now on."""
    painted: list[str] = []

    def counted(picture: Picture) -> bytes:
        painted.append(picture.path)
        return paint(picture)

    monkeypatch.setattr(store, "paint", counted)
    return painted
