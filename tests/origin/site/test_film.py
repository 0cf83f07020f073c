"""The shop's film: made once, of the size it should have, and playable in a browser."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from origin.aio.site.film import footage as film
from tests.kit.browser import open_browser

_WATCH = """async () => {
    const video = document.querySelector("video");
    const told = (name) => new Promise((resolve, reject) => {
        video.addEventListener(name, resolve, { once: true });
        video.addEventListener("error", () => reject(video.error.message), { once: true });
    });
    if (video.readyState < 1) await told("loadedmetadata");
    const seeked = told("seeked");
    video.currentTime = video.duration * 0.75;
    await seeked;
    const played = told("timeupdate");
    await video.play();
    await played;
    return {
        duration: video.duration, at: video.currentTime,
        size: [video.videoWidth, video.videoHeight],
    };
}"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film's file."""
    return asyncio.run(film.film_file(tmp_path_factory.mktemp("film")))


def test_the_film_has_its_size(made: Path) -> None:
    """It is fifty megabytes to the byte, and nothing else is left in the folder."""
    assert made.stat().st_size == film.FILM_BYTES
    assert [*made.parent.iterdir()] == [made]


async def test_who_asks_at_the_same_time_waits_for_one_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made once for all of them, and later calls find the file."""
    makings: list[Path] = []

    def make(file: Path) -> Path:
        makings.append(file)
        file.write_bytes(b"film")
        return file

    monkeypatch.setattr(film, "_make", make)
    files = await asyncio.gather(*(film.film_file(tmp_path) for _ in range(5)))
    assert {*files, await film.film_file(tmp_path)} == {*makings}
    assert len(makings) == 1


async def test_a_film_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    """The caller is told, and the next call tries anew."""
    (tmp_path / "file").write_bytes(b"")
    for _ in range(2):
        with pytest.raises(OSError, match="file"):
            await film.film_file(tmp_path / "file")


@pytest_asyncio.fixture
async def page(made: Path) -> AsyncIterator[str]:
    """The URL of a page with the film."""

    async def show(_: web.Request) -> web.Response:
        body = '<link rel="icon" href="data:,"><video muted src="/film.webm"></video>'
        return web.Response(text=body, content_type="text/html")

    async def send(_: web.Request) -> web.FileResponse:
        return web.FileResponse(made)

    application = web.Application()
    application.router.add_get("/", show)
    application.router.add_get("/film.webm", send)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest.mark.system
async def test_a_browser_plays_the_film_and_seeks_in_it(page: str) -> None:
    """Chromium knows its duration, jumps to its last quarter without loading all, and plays on."""
    async with open_browser() as browser, browser.tab(page) as tab:
        seen = await tab.page.evaluate(_WATCH)
        assert tab.witness.console_errors == []
    assert seen["duration"] == pytest.approx(len(film.film().frames) * film.FRAME_MS / 1000)
    assert seen["at"] >= seen["duration"] * 0.75
    assert seen["size"] == [film.WIDTH, film.HEIGHT]
