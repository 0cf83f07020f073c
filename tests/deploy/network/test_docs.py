"""The page about the network file is the one that the models write."""

from pathlib import Path

from deploy.network import docs

_COMMITTED = Path(__file__).parents[3] / "docs" / "network-file.md"


def test_the_committed_page_is_current() -> None:
    """`python -m deploy.network.docs > docs/network-file.md` makes it so."""
    assert _COMMITTED.read_text(encoding="utf-8") == docs.page()


def test_every_key_is_on_the_page_with_its_default_and_meaning() -> None:
    """Own keys, inline tables, a role's own default, and what is required."""
    lines = docs.page().splitlines()
    for beginning in (
        '| `answer_ttl` | `"20s"` | How long ',
        '| `query` | `"all"` | Which ',
        "| `workers` | `1` | Processes ",
        "| `workers` | one per CPU | Processes ",
        "| `listen.tunnel` | required | Addresses ",
        "| `advertise.dns` | the first of `listen.dns` | Address ",
        "| `identity_cookie` | none | Cookie ",
    ):
        assert any(line.startswith(beginning) for line in lines), beginning


def test_no_cell_breaks_its_table() -> None:
    """Each row has four cells."""
    rows = [line for line in docs.page().splitlines() if line.startswith("| ")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}
