"""Releases: what each one changes, how a running shop takes them up, and what stays."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from origin.aio.site.catalogue import product_named
from origin.aio.site.releases import release as releases
from origin.aio.site.releases import showing
from origin.aio.site.releases.release import (
    CHANGED_PRODUCTS,
    FILE,
    MOST_RELEASES,
    Release,
    changes,
    differences,
    read_release,
    write_release,
)
from tests.kit.shop import Client, open_shop

STYLE = ":root { --accent: #a63a20; }\n@media (prefers-color-scheme: dark) { --accent: #F0A183; }\n"
SCRIPT = 'const RELEASE = 0;\nconst OTHER = "RELEASE = 0";\n'


def test_the_first_release_changes_nothing() -> None:
    """Style and script are as their files, there is no banner and no note."""
    first = Release()
    assert (first.style(STYLE), first.script(SCRIPT)) == (STYLE, SCRIPT)
    assert (first.banner, first.note("night-sky-chart")) == ("", "")


@pytest.mark.parametrize("number", [1, 2, 3, MOST_RELEASES])
def test_a_release_changes_a_little_of_everything(number: int) -> None:
    """Colours and a rule of the style, a constant and a function of the script, a few pages."""
    now, before = Release(number=number), Release(number=number - 1)
    style, script = now.style(STYLE), now.script(SCRIPT)
    light, dark = changes(number).accents
    assert f":root {{ --accent: {light}; }}" in style
    assert f"--accent: {dark};" in style
    assert style.count("{") == style.count("}")
    assert f".release-{number} {{" in style
    assert script.startswith(f'const RELEASE = {number};\nconst OTHER = "RELEASE = 0";\n')
    assert f"function waymark{number}(miles) {{" in script
    assert now.banner != before.banner
    notes = changes(number).notes
    assert len(notes) == CHANGED_PRODUCTS
    for slug, note in notes.items():
        assert product_named(slug) is not None
        assert now.note(slug) == note


def test_what_a_release_changed_stays_changed() -> None:
    """A product's note is that of the last release which had one for it."""
    earlier = changes(1).notes
    later = {slug for number in (2, 3) for slug in changes(number).notes}
    for slug in earlier.keys() - later:
        assert Release(number=3).note(slug) == earlier[slug]


def test_styles_and_scripts_do_not_grow_for_ever() -> None:
    """What they weigh is fixed within a few percent, since benchmarks stand on it."""
    last = Release(number=MOST_RELEASES)
    assert len(last.style(STYLE)) < len(STYLE) + 2_000
    assert len(last.script(SCRIPT)) < len(SCRIPT) + 2_000


def test_releases_are_the_same_everywhere() -> None:
    """Whatever made them, they come from the number alone."""
    assert changes(1).mood == "Heather"
    made = changes(7)
    releases.changes.cache_clear()
    assert changes(7) == made
    assert changes(7).notes.keys() != changes(8).notes.keys()


def test_differences_are_told_a_line_each() -> None:
    """Forwards, over several, and backwards; none where nothing changes."""
    step = list(differences(0, 1))
    assert [line.partition(":")[0] for line in step] == [
        "site.css",
        "site.js",
        "/",
        *sorted(f"/product/{slug}" for slug in changes(1).notes),
    ]
    leap = list(differences(1, 3))
    assert leap[0].endswith("with releases 2 to 3")
    back = list(differences(1, 0))
    assert back[0].endswith("the first colour, without release 1")
    assert all(line.endswith("no note") for line in back[3:])
    assert list(differences(2, 2)) == []


def test_a_release_is_read_as_it_was_written(tmp_path: Path) -> None:
    """With the highest there ever was; none is the first."""
    home = tmp_path / "nodes" / "shop-origin"
    assert read_release(home) == Release(number=0, highest=0)
    write_release(home, Release(number=2, highest=5))
    assert read_release(home) == Release(number=2, highest=5)
    for text in ("3", "3\n", "3 1\n"):
        (home / FILE).write_text(text)
        assert read_release(home) == Release(number=3, highest=3)


@pytest.mark.parametrize("text", ["", "x", "-1", "100", "1 2 3", "9" * 5_000, "1.0", "\u0661"])
def test_a_file_that_names_no_release_is_refused(tmp_path: Path, text: str) -> None:
    """With its name."""
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="release holds no release number"):
        read_release(tmp_path)


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """It looks for releases so often that no test waits."""
    monkeypatch.setattr(showing, "LOOK_S", 0.01)
    async with open_shop(tmp_path) as client:
        yield client


async def _shown(shop: Client, number: int) -> None:
    """Wait until the running shop shows a release."""
    assert shop.app is not None
    look = shop.app[showing.SHOWING]
    async with asyncio.timeout(20), look.changed:
        await look.changed.wait_for(lambda: look.now.release.number == number)


async def test_a_running_shop_takes_up_a_release(shop: Client, tmp_path: Path) -> None:
    """Without a restart: new pages with new assets, and the old assets where they were."""
    slug = next(iter(changes(1).notes))
    paths = ("/", f"/product/{slug}")
    before = {path: await (await shop.get(path)).text() for path in paths}
    old = {path: await (await shop.get(path)).read() for path in _assets(before["/"])}
    write_release(tmp_path, Release(number=1))
    await _shown(shop, 1)
    after = {path: await (await shop.get(path)).text() for path in paths}
    assert changes(1).notes[slug] in _plain(after[f"/product/{slug}"])
    assert changes(1).banner in _plain(after["/"])
    assert all(before[path] != after[path] for path in paths)
    new = _assets(after["/"]) - old.keys()
    assert sorted(path.split(".")[0] for path in new) == ["/assets/site", "/assets/site"]
    for path, body in old.items():
        assert await (await shop.get(path)).read() == body
    for path in new:
        assert (await shop.get(path)).status == 200


async def test_a_step_back_leaves_the_later_assets(shop: Client, tmp_path: Path) -> None:
    """Pages that load them are still about."""
    first = await (await shop.get("/")).text()
    write_release(tmp_path, Release(number=2))
    await _shown(shop, 2)
    second = _assets(await (await shop.get("/")).text())
    write_release(tmp_path, Release(number=0, highest=2))
    await _shown(shop, 0)
    assert _assets(await (await shop.get("/")).text()) == _assets(first)
    for path in second:
        assert (await shop.get(path)).status == 200


async def test_a_file_that_cannot_be_used_changes_nothing(
    shop: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The shop goes on as it was, says so once, and takes the next one."""
    (tmp_path / FILE).write_text("seven")
    assert shop.app is not None
    await shop.app[showing.SHOWING].look()
    await shop.app[showing.SHOWING].look()
    assert (await shop.get("/")).status == 200
    assert len([each for each in caplog.records if "cannot show" in each.message]) == 1
    write_release(tmp_path, Release(number=1))
    await _shown(shop, 1)


async def test_a_shop_starts_whatever_the_file_says(tmp_path: Path) -> None:
    """With the first release where it names none."""
    (tmp_path / FILE).write_text("seven")
    async with open_shop(tmp_path) as shop:
        assert (await shop.get("/")).status == 200


async def test_an_asset_of_a_quicker_process_is_there(tmp_path: Path) -> None:
    """A process that has not yet looked does so before it says that an asset is missing."""
    async with open_shop(tmp_path) as slow:
        write_release(tmp_path, Release(number=1))
        async with open_shop(tmp_path) as quick:
            for path in _assets(await (await quick.get("/")).text()):
                assert (await slow.get(path)).status == 200


def _assets(html: str) -> set[str]:
    return set(re.findall(r"/assets/[\w.-]+", html))


def _plain(html: str) -> str:
    """Without what escaping does to an apostrophe."""
    return html.replace("&#39;", "'")
