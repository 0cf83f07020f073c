"""`midmile shop`: releases and pictures of the demo shop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.commands import shop
from deploy.exits import ExitCode, Refusal
from deploy.layout import node_home, run_file
from deploy.processes.runfile import RunFile
from origin.aio.site.handlers import media
from origin.aio.site.kept import write_whole
from origin.aio.site.pictures import PictureStore
from origin.aio.site.releases.release import MOST_RELEASES, Release, changes, read_release
from tests.deploy.networks import NETWORKS, changed

DEMO = NETWORKS / "demo.toml"
_SECOND = """
[[node]]
name = "other-shop"
role = "origin"
listen = { http = ["127.0.9.4:8088"] }
"""


@contextmanager
def running(state: Path) -> Iterator[None]:
    """A shop that runs as far as the command can tell."""
    home = node_home(state, "shop-origin")
    home.mkdir(parents=True)
    with RunFile(run_file(home), "node shop-origin"):
        yield


def test_the_next_release_comes_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its number goes into the node's folder; what changes is told."""
    with running(tmp_path / "state"):
        for number in (1, 2):
            shop.release(DEMO, tmp_path / "state", None, None)
            said = capsys.readouterr().out.splitlines()
            assert said[0] == f"shop-origin shows release {number}; before, release {number - 1}"
            assert said[1].startswith("  site.css: accent ")
            pages = [line.strip().partition(":")[0] for line in said[3:]]
            assert pages == ["/", *sorted(f"/product/{slug}" for slug in changes(number).notes)]
            home = node_home(tmp_path / "state", "shop-origin")
            assert read_release(home) == Release(number=number)


def test_a_release_of_a_shop_that_does_not_run_is_for_its_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nobody is told that it is shown."""
    node_home(tmp_path, "shop-origin").mkdir(parents=True)
    shop.release(DEMO, tmp_path, None, None)
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("shop-origin does not run from ")
    assert second == "shop-origin will show release 1; before, release 0"
    assert read_release(node_home(tmp_path, "shop-origin")).number == 1


def test_a_state_directory_where_the_shop_never_ran_is_refused(tmp_path: Path) -> None:
    """Most likely it is not the one that was meant; nothing is made."""
    with pytest.raises(
        Refusal, match=r"no shop runs from the state directory .*--state"
    ) as refused:
        shop.release(DEMO, tmp_path / "var", None, None)
    assert refused.value.code is ExitCode.BUSY
    assert [*tmp_path.iterdir()] == []


def test_any_release_can_be_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A step back keeps in mind which was the highest; the same again changes nothing."""
    home = node_home(tmp_path, "shop-origin")
    with running(tmp_path):
        shop.release(DEMO, tmp_path, None, 5)
        shop.release(DEMO, tmp_path, "shop-origin", 3)
        assert read_release(home) == Release(number=3, highest=5)
        capsys.readouterr()
        shop.release(DEMO, tmp_path, None, 3)
    assert capsys.readouterr().out == "shop-origin shows release 3 already\n"
    assert read_release(home) == Release(number=3, highest=5)


@pytest.mark.parametrize("number", [-1, MOST_RELEASES + 1])
def test_a_release_that_cannot_be_is_refused(tmp_path: Path, number: int) -> None:
    """And nothing is written."""
    node_home(tmp_path, "shop-origin").mkdir(parents=True)
    with pytest.raises(Refusal, match=f"release {number} is not from 0 to {MOST_RELEASES}"):
        shop.release(DEMO, tmp_path, None, number)
    assert read_release(node_home(tmp_path, "shop-origin")) == Release()


def test_a_file_that_names_no_release_is_told(tmp_path: Path) -> None:
    """With what to do."""
    home = node_home(tmp_path, "shop-origin")
    home.mkdir(parents=True)
    (home / "release").write_text("seven")
    with pytest.raises(Refusal, match="holds no release number; remove that file"):
        shop.release(DEMO, tmp_path, None, None)


def test_the_shop_is_named_where_there_are_several(tmp_path: Path) -> None:
    """Which shops there are is told."""
    network = tmp_path / "two.toml"
    network.write_text(changed() + _SECOND)
    with pytest.raises(Refusal, match="with --node: shop-origin, other-shop") as refused:
        shop.release(network, tmp_path / "state", None, None)
    assert refused.value.code is ExitCode.USAGE
    with pytest.raises(Refusal, match=r"no demo shop 'east' in .* \(it has shop-origin, "):
        shop.release(network, tmp_path / "state", "east", None)
    node_home(tmp_path / "state", "other-shop").mkdir(parents=True)
    shop.release(network, tmp_path / "state", "other-shop", None)
    assert read_release(node_home(tmp_path / "state", "other-shop")).number == 1


def test_a_network_without_a_shop_is_refused(tmp_path: Path) -> None:
    """Somebody's own site has no releases of ours."""
    with pytest.raises(Refusal, match="has no demo shop"):
        shop.release(NETWORKS / "python-docs.toml", tmp_path, None, None)


async def _short_film(folder: Path) -> Path:
    write_whole(folder / "film.webm", [b"short"])
    return folder / "film.webm"


def test_pictures_and_film_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them, in the node's folder; how far it is stands on stderr."""
    painted: list[Path] = []

    def make_all(store: PictureStore, progress: shop.Progressing) -> None:
        painted.append(store.folder)
        for done in (0, 20, 40):
            progress(done, 40)

    monkeypatch.setattr(PictureStore, "make_all", make_all)
    monkeypatch.setattr(media, "film_file", _short_film)
    shop.pictures(DEMO, tmp_path, None)
    home = node_home(tmp_path, "shop-origin")
    assert [folder.is_relative_to(home) for folder in painted] == [True]
    said = capsys.readouterr()
    assert said.out.startswith("shop-origin has 40 pictures and the film, in ")
    assert "40/40" in said.err
    assert [file.name for file in home.rglob("*.webm")] == ["film.webm"]


def test_an_interrupt_is_answered_at_once_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before what is being painted is finished."""
    before = signal.getsignal(signal.SIGINT)

    def make_all(_store: PictureStore, progress: shop.Progressing) -> None:
        progress(0, 10_520)
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            assert "stopping after the pages begun..." in capsys.readouterr().err
            progress(1_040, 10_520)
            raise

    monkeypatch.setattr(PictureStore, "make_all", make_all)
    with pytest.raises(KeyboardInterrupt):
        shop.pictures(DEMO, tmp_path, None)
    assert capsys.readouterr().err.endswith("stopped; 1,040 of 10,520 made\n")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line."""

    def make_all(_store: PictureStore, _progress: shop.Progressing) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PictureStore, "make_all", make_all)
    with pytest.raises(Refusal, match=r"cannot write to .*: No space left on device"):
        shop.pictures(DEMO, tmp_path, None)
