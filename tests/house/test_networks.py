"""Every sample network file is a network."""

from pathlib import Path

import pytest

from deploy.network import NetworkFileError, read
from tests.house.tree import ROOT

_SAMPLES = sorted((ROOT / "deploy" / "networks").glob("*.toml"))


@pytest.mark.parametrize("path", _SAMPLES, ids=lambda path: path.name)
def test_a_sample_network_file_loads(path: Path) -> None:
    """As it stands, with every reference in it."""
    assert read(path).nodes


def test_the_samples_are_all_there() -> None:
    """The demo, the containers', and the one that shows a site of one's own."""
    assert {"demo.toml", "compose.toml"} <= {path.name for path in _SAMPLES}
    assert len(_SAMPLES) >= 3


def test_a_wrong_sample_would_be_seen(tmp_path: Path) -> None:
    """One misspelt key is enough."""
    sample = (ROOT / "deploy" / "networks" / "compose.toml").read_text()
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(sample.replace("contact =", "contcat ="))
    with pytest.raises(NetworkFileError):
        read(wrong)
