"""`midmile keys`, as an operator of two machines uses it."""

from pathlib import Path

import pytest

from deploy.cli import main
from deploy.exits import ExitCode


class Machine:
    """A machine with a state directory of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.state = folder
        self._capsys = capsys

    def keys(self, *arguments: object) -> tuple[int, list[str]]:
        """The exit code of `midmile keys` and all that it prints."""
        with pytest.raises(SystemExit) as ended:
            main(["keys", *map(str, arguments), "--state", str(self.state)])
        said = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, (said.out + said.err).splitlines()


@pytest.fixture
def here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Machine:
    return Machine(tmp_path / "here", capsys)


@pytest.fixture
def there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Machine:
    return Machine(tmp_path / "there", capsys)


def test_keys_are_made_once(here: Machine) -> None:
    """The first run says what it made and where the CA's certificate is, the second keeps all."""
    code, said = here.keys()
    assert code == ExitCode.OK
    assert "made network CA" in said
    assert "made east: certificate of site shop" in said
    assert said[-1] == f"certificate of the network's CA, for users: {here.state}/keys/ca.crt"
    code, said = here.keys()
    assert code == ExitCode.OK
    assert {line.partition(" ")[0] for line in said[:-1]} == {"kept"}


def test_a_bundle_travels(here: Machine, there: Machine, tmp_path: Path) -> None:
    """What `--node` writes `--install` takes in elsewhere, without the CA's key."""
    bundle = tmp_path / "parent-a.keys.tar"
    code, said = here.keys("--node", "parent-a", "--output", bundle)
    assert code == ExitCode.OK
    assert said[-1] == "  midmile keys --install parent-a.keys.tar"
    assert bundle.stat().st_mode & 0o777 == 0o600
    code, said = there.keys("--install", bundle)
    assert (code, said) == (
        ExitCode.OK,
        ["installed the keys of parent parent-a of network demo"],
    )
    assert (there.state / "keys" / "nodes" / "parent-a" / "tls.key").exists()
    assert not (there.state / "keys" / "authority").exists()


def test_nothing_is_overwritten_without_being_told(here: Machine, tmp_path: Path) -> None:
    """A bundle that is there already is refused in one line, and replaced with `--replace`."""
    bundle = tmp_path / "west.tar"
    bundle.write_text("precious")
    code, said = here.keys("--node", "west", "--output", bundle)
    assert code == ExitCode.USAGE
    assert len(said) == 1
    assert said[0].startswith(f"midmile: {bundle} ")
    assert bundle.read_text() == "precious"
    assert here.keys("--node", "west", "--output", bundle, "--replace")[0] == ExitCode.OK


def test_rotation_renews_everything(here: Machine) -> None:
    """The new CA stands beside the old one, whose last day is told."""
    code, said = here.keys("--rotate")
    assert (code, len(said)) == (ExitCode.USAGE, 1)
    here.keys()
    code, said = here.keys("--rotate")
    assert code == ExitCode.OK
    assert said[0].startswith("renewed network CA (the old one is trusted until ")
    assert (here.state / "keys" / "ca.crt").read_text().count("BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize(
    "arguments",
    [("--node", "nobody"), ("--install", "nowhere.tar"), ("--output", "x"), ("--rotate", "--node")],
)
def test_a_mistake_is_one_line(here: Machine, arguments: tuple[str, ...]) -> None:
    """An unknown node, a missing file, options that do not go together."""
    code, said = here.keys(*arguments)
    assert code == ExitCode.USAGE
    assert len(said) == 1
    assert said[0].startswith("midmile: ")
