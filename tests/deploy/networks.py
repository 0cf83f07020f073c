"""Network files for tests: the demo network, as it is and with mistakes in it."""

from pathlib import Path

from deploy.network import Network, NetworkFileError, load

NETWORKS = Path(__file__).parents[2] / "deploy" / "networks"
DEMO = (NETWORKS / "demo.toml").read_text(encoding="utf-8")


def changed(*changes: tuple[str, str]) -> str:
    """The demo file with the first occurrence of each text replaced."""
    text = DEMO
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def demo(*changes: tuple[str, str]) -> Network:
    """The demo network with changes."""
    return load(changed(*changes), "net/demo.toml")


def complaints(text: str) -> list[str]:
    """What is wrong with a text, line by line without the file's name; nothing if it is right."""
    try:
        load(text, "my.toml")
    except NetworkFileError as error:
        lines = str(error).split("\n")
        assert all(line.startswith("my.toml: ") for line in lines)
        return [line.removeprefix("my.toml: ") for line in lines]
    return []
