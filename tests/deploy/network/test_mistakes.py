"""What an operator reads who made a mistake in a network file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from deploy.exits import Refusal
from deploy.network import NetworkFileError, Problem, load, read
from tests.deploy.networks import changed, complaints

_NETWORK_KEYS = "name, zone, contact, admin, status, cdn_id, referral_ttl, answer_ttl"
_STORIES = (Path(__file__).parent / "mistakes.txt").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A mistake: what is changed in the demo network, and what is said of it."""

    title: str
    changes: tuple[tuple[str, str], ...]
    said: tuple[str, ...]


def stories(text: str) -> list[Story]:
    """The stories of `mistakes.txt`, whose head says how they are written."""
    told = (part.split("\n") for part in re.split(r"^== ", text, flags=re.MULTILINE)[1:])
    return [
        Story(
            title=title,
            changes=tuple(_changes(lines)),
            said=tuple(line.removeprefix("> ") for line in lines if line.startswith(">")),
        )
        for title, *lines in told
    ]


def _changes(lines: list[str]) -> Iterator[tuple[str, str]]:
    runs = [(sign, list(run)) for sign, run in groupby(lines, key=lambda line: line[:1])]
    for (sign, old), (_, new) in pairwise(runs):
        if sign == "-":
            yield "\n".join(line[1:] for line in old), "\n".join(line[1:] for line in new)


_NOT_TOML = {
    "text without quotes": (
        "[[site]]\ndefault_ttl = 20s",
        (
            'line 2, column 17: found "default_ttl = 20s", expected valid TOML (expected newline '
            "or end of document after a statement); "
            "text, durations, sizes and addresses stand in quotes"
        ),
    ),
    "a heading with one bracket, twice": (
        "[node]\n[node]",
        (
            'line 2, column 6: found "[node]", expected valid TOML (cannot declare node twice); '
            "write [[node]], with two brackets, above each node"
        ),
    ),
    "another format": (
        "<xml>",
        'line 1, column 1: found "<xml>", expected valid TOML (invalid statement)',
    ),
    "an end too early": ("a = [1,", "end of the file: found invalid value, expected valid TOML"),
    "nesting without end": (
        "a = " + "[" * 100_000,
        "found values nested too deeply, expected a network file (TOML)",
    ),
    "a number without end": (
        "a = " + "9" * 10_000,
        "found a number too long to be read, expected a network file (TOML)",
    ),
}


@pytest.mark.parametrize("story", stories(_STORIES), ids=lambda story: story.title)
def test_a_mistake_is_answered(story: Story) -> None:
    """At once with all others: where, what was found, what was expected, perhaps what was meant."""
    assert complaints(changed(*story.changes)) == list(story.said)


@pytest.mark.parametrize(("text", "expected"), _NOT_TOML.values(), ids=_NOT_TOML)
def test_what_is_not_toml(text: str, expected: str) -> None:
    """One line, with the place where reading ended."""
    assert complaints(text) == [expected]


def test_an_empty_file_lacks_everything() -> None:
    """Each table is told."""
    assert complaints("") == [
        f"network: found nothing, expected a table with {_NETWORK_KEYS}",
        "site: found nothing, expected at least one [[site]]",
        "region: found nothing, expected at least one [[region]]",
        "node: found nothing, expected at least one [[node]]",
    ]


def test_values_where_tables_belong() -> None:
    """Whatever the file holds, its reader is told and does not fall."""
    text = "network = 3\nsite = []\nregion = {}\nnode = [1]"
    assert complaints(text) == [
        f"network: found 3, expected a table with {_NETWORK_KEYS}",
        "site: found an empty list, expected at least one [[site]]",
        (
            "region: found an empty table, expected a list of tables; "
            "write [[region]], with two brackets, above each"
        ),
        "node[0]: found 1, expected a table",
    ]


def test_a_problem_has_its_parts() -> None:
    """For who wants more than a line."""
    with pytest.raises(NetworkFileError) as caught:
        load(changed(("esi = false", "esi = 1")), "my.toml")
    assert caught.value.where == "my.toml"
    assert caught.value.problems == [
        Problem(
            path="site[0].pages.esi",
            owner="shop",
            found="1",
            expected="true or false",
            hint="write true without quotes",
        )
    ]


def test_many_problems_do_not_flood_the_terminal() -> None:
    """The first fifty are printed, the rest counted; none is lost to a program."""
    with pytest.raises(NetworkFileError) as caught:
        load("\n".join(f"key{number} = 1" for number in range(96)), "my.toml")
    assert len(caught.value.problems) == 100
    lines = str(caught.value).split("\n")
    assert len(lines) == 51
    assert lines[-1] == "my.toml: and 50 more"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Is told in one line like any other mistake."""
    (tmp_path / "latin1.toml").write_bytes(b"\n# caf\xe9\n")
    (tmp_path / "endless.toml").write_bytes(b"#" * 2**21)
    reasons = {
        "latin1.toml": "bytes that are not UTF-8 in line 2",
        "endless.toml": "more than 256 KiB",
    }
    for name, reason in reasons.items():
        with pytest.raises(NetworkFileError) as caught:
            read(tmp_path / name)
        expected = f"{tmp_path / name}: found {reason}, expected a network file (TOML)"
        assert str(caught.value) == expected


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Is told as the operating system tells it."""
    for path, reason in [
        (tmp_path / "none.toml", "no such file or directory"),
        (tmp_path, "is a directory"),
    ]:
        with pytest.raises(Refusal) as refused:
            read(path)
        assert str(refused.value) == f"cannot read {path}: {reason}"
