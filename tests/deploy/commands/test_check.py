"""`midmile check`: a summary, or what is wrong."""

from pathlib import Path

import pytest

from deploy.commands.check import check
from deploy.exits import ExitCode, Refusal
from tests.deploy.networks import NETWORKS, changed


def test_a_good_file_is_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    """Its sites, regions and nodes, a line each."""
    path = NETWORKS / "python-docs.toml"
    check(path)
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"{path}: good",
        "  network  python-docs  zone cdn.test",
        "  site     docs         docs.cdn.test, docs.localhost from http://127.0.9.2:8088",
        "  region   here         edges edge; DNS low",
        (
            "  node     edge         edge    http 127.0.1.1:8080, 127.0.0.1:8080; "
            "https 127.0.1.1:8443, 127.0.0.1:8443; admin 127.0.0.1:8900; 1 worker"
        ),
        "  node     parent       parent  tunnel 127.0.9.1:7443; admin 127.0.0.1:8901; 1 worker",
        "  node     top          top     dns 127.0.10.1:5300; admin 127.0.0.1:8902; 1 worker",
        "  node     low          low     dns 127.0.1.53:5300; admin 127.0.0.1:8903; 1 worker",
    ]
    assert said.err == ""


def test_every_problem_of_a_bad_file_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line each, code 2, and no summary."""
    path = tmp_path / "my.toml"
    path.write_text(changed(("esi = false", "esi = 1"), ("delta = false", "delta = 2")))
    with pytest.raises(Refusal) as refused:
        check(path)
    assert refused.value.code is ExitCode.USAGE
    assert capsys.readouterr().out == ""
    assert str(refused.value).splitlines() == [
        (
            f'{path}: site[0].pages.esi ("shop"): found 1, expected true or false; '
            "write true without quotes"
        ),
        f'{path}: site[0].pages.delta ("shop"): found 2, expected true or false',
    ]


def test_a_certificate_that_is_elsewhere_is_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is good all the same: only edges need it."""
    path = tmp_path / "my.toml"
    (tmp_path / "shop.crt").touch()
    path.write_text(changed(('"all"', '"all"\ncertificate = "shop.crt"\nkey = "shop.key"')))
    check(path)
    note = f"midmile: {path}: note: site[0].key is not here: {tmp_path / 'shop.key'}\n"
    assert capsys.readouterr().err == note
