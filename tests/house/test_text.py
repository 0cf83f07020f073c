"""No file says where it was written: no package registry's host, no folder of one machine."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOT, files

# Put together here, so that this file does not name them either.
_HOSTS = (
    "pypi" + ".org",
    "python" + "hosted.org",
    "deb." + "debian.org",
    "snapshot." + "debian.org",
    "security." + "debian.org",
    "archive." + "ubuntu.com",
    "registry." + "npmjs.org",
    "registry-1." + "docker.io",
    "proxy." + "golang.org",
    "static." + "crates.io",
)
_FOLDERS = ("work", "root", "home/[a-z]+", "Users/[A-Za-z]+")
_TELLTALE = re.compile(
    "|".join((*map(re.escape, _HOSTS), rf"(?<![\w./~}}-])/(?:{'|'.join(_FOLDERS)})/"))
)


def telltales(text: str) -> list[str]:
    """What in a text belongs to one machine or one registry."""
    return _TELLTALE.findall(text)


def _told(paths: Iterator[Path]) -> Iterator[str]:
    for path in paths:
        text = path.read_bytes().decode("utf-8", "replace")
        yield from (f"{path.relative_to(ROOT)}: {found}" for found in telltales(text))


def test_no_file_names_a_registry_or_a_machine() -> None:
    """Whoever clones the project uses the registries that their own tools are set up for."""
    assert list(_told(files())) == []


@pytest.mark.parametrize(
    "text",
    [
        f"pip install --index-url https://{_HOSTS[0]}/simple",
        f"deb http://{_HOSTS[2]}/debian bookworm main",
        "cd /" + "work/main && make",
        "cp -a /" + "root/.cache .",
        "state = '/" + "home/ada/var'",
    ],
)
def test_a_telltale_is_seen(text: str) -> None:
    """A registry's host and a folder of one machine."""
    assert telltales(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "apt-get install docker.io",
        "https://docs.python.org/3/",
        "WORKDIR /src/work/",
        "GET /catalogue/work/of/art",
        "curl http://shop.localhost:8080/root/",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    """A package's name, a URL's path."""
    assert telltales(text) == []
