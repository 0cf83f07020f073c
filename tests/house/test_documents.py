"""What the documents tell a reader to type works: code runs, commands exist."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.main import get_command

from bench import catalogue
from deploy.cli import app
from tests.house.tree import PACKAGES, ROOT, files

_HEADINGS = ["What", "Shape", "Words", "Try it"]
_FENCE = re.compile(r"^```(?P<kind>[\w-]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_SHELL = frozenset({"sh", "bash", "shell", "console"})
_TARGET = re.compile(r"^(?P<name>[a-z][a-z-]*):", re.MULTILINE)
_MEASUREMENTS = frozenset(f"bench-{name}" for name in catalogue.NAMES)
"""What the Makefile's rule `bench-%` stands for."""
_DOCTEST = "import doctest, sys; sys.exit(doctest.testfile(sys.argv[1], module_relative=False)[0])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a Markdown file."""

    kind: str
    body: str


def blocks(text: str) -> list[Block]:
    """Every fenced block, in order."""
    return [Block(kind=found["kind"], body=found["body"]) for found in _FENCE.finditer(text)]


def headings(text: str) -> list[str]:
    """Second-level headings outside fenced blocks."""
    return re.findall(r"^## (.+)$", _FENCE.sub("", text), re.MULTILINE)


def commands(block: Block) -> list[str]:
    """The command lines of a shell block; in a `console` block only those after a `$`."""
    joined = block.body.replace("\\\n", " ")
    if block.kind == "console":
        return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def wrong_commands(block: Block) -> list[str]:
    """What in a shell block is not shell, or calls midmile or make in a way they do not know."""
    return [f"{command}: {fault}" for command in commands(block) for fault in _faults_of(command)]


def _faults_of(command: str) -> Iterator[str]:
    parsed = subprocess.run(
        ["bash", "-n", "-c", command], capture_output=True, text=True, check=False
    )
    if parsed.returncode:
        yield parsed.stderr.strip()
        return
    words = _words(command)
    match words:
        case [program, *arguments] if Path(program).name == "midmile":
            yield from _midmile_faults(arguments)
        case ["make", *targets]:
            known = {*_TARGET.findall((ROOT / "Makefile").read_text()), *_MEASUREMENTS}
            yield from (f"make has no {name}" for name in targets if _is_unknown(name, known))


def _words(command: str) -> list[str]:
    """The first command of a line, without `sudo`, variables before it and what follows a pipe."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("|&;<>()"):
            break
        words.append(word)
    while words and (words[0] == "sudo" or re.match(r"\w+=", words[0])):
        del words[0]
    return words


def _is_unknown(word: str, known: set[str]) -> bool:
    return "=" not in word and not word.startswith("-") and word not in known


def _midmile_faults(arguments: list[str]) -> Iterator[str]:
    """Errors that the command line finds while parsing; nothing is run."""
    command, name = get_command(app), "midmile"
    while arguments and hasattr(command, "commands") and not arguments[0].startswith("-"):
        name = arguments.pop(0)
        if name not in command.commands:
            yield f"midmile has no {name}"
            return
        command = command.commands[name]
    known = {option for parameter in command.params for option in _options(parameter)} | {"--help"}
    given = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    yield from (f"{name} has no {option}" for option in sorted(given - known))


def _options(parameter: object) -> list[str]:
    return [*getattr(parameter, "opts", ()), *getattr(parameter, "secondary_opts", ())]


def _documents() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_has_a_readme_with_the_four_headings(package: str) -> None:
    """What, Shape, Words, Try it: in this order."""
    assert headings((ROOT / package / "README.md").read_text()) == _HEADINGS


def test_the_benchmarks_readme_goes_on() -> None:
    """After the same four headings it tells how each is done, what it hides, how to repeat it."""
    assert headings((ROOT / "bench" / "README.md").read_text()) == [
        *_HEADINGS,
        "How each is done",
        "What they do not show",
        "How to repeat it",
    ]


def _run(block: Block, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python block in a process and an empty folder of its own."""
    script = folder / "example.py"
    script.write_text(block.body)
    runner = ["-c", _DOCTEST] if ">>>" in block.body else []
    return subprocess.run(
        [sys.executable, "-W", "error", *runner, str(script)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _examples() -> Iterator[object]:
    for path in _documents():
        found = [block for block in blocks(path.read_text()) if block.kind in {"python", "pycon"}]
        for number, block in enumerate(found, start=1):
            yield pytest.param(block, id=f"{_relative(path)}-{number}")


@pytest.mark.parametrize("example", [*_examples()])
def test_each_python_example_runs(example: Block, tmp_path: Path) -> None:
    """As it stands in the document, with the output that it promises."""
    finished = _run(example, tmp_path)
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize("path", _documents(), ids=_relative)
def test_each_command_exists(path: Path) -> None:
    """Shell blocks are shell, and what they ask of midmile and make is known."""
    shell = [block for block in blocks(path.read_text()) if block.kind in _SHELL]
    assert [fault for block in shell for fault in wrong_commands(block)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_can_be_tried(package: str) -> None:
    """Its "Try it" holds something to run."""
    _, _, end = (ROOT / package / "README.md").read_text().partition("## Try it")
    assert [block for block in blocks(end) if block.kind in _SHELL | {"python", "pycon"}]


@pytest.mark.parametrize(
    "command",
    [
        "midmile upp",
        "midmile status --no-such-option",
        ".venv/bin/midmile upp",
        "make coffee",
        "make bench-coffee",
        "make up coffee",
        "echo 'unfinished",
    ],
)
def test_a_wrong_command_is_seen(command: str) -> None:
    """A subcommand, an option or a target that does not exist; a quote left open."""
    assert wrong_commands(Block(kind="sh", body=f"{command}\n")) != []


@pytest.mark.parametrize(
    "command",
    [
        "midmile up",
        "sudo midmile up | cat",
        "make test ARGS='-k cache'",
        "make bench-hit",
        "curl -v http://localhost",
    ],
)
def test_a_right_command_is_left_alone(command: str) -> None:
    """What exists, and programs that are not ours."""
    assert wrong_commands(Block(kind="sh", body=f"{command}\n")) == []


@pytest.mark.parametrize("body", ["1 / 0\n", "assert False\n", ">>> 1 + 1\n3\n"])
def test_a_wrong_example_is_seen(body: str, tmp_path: Path) -> None:
    """It raises, or prints something else than it promises."""
    assert _run(Block(kind="python", body=body), tmp_path).returncode != 0


def test_blocks_and_headings_are_told_apart() -> None:
    """A comment in a shell block is no heading, and output in a console block no command."""
    text = "## One\n```console\n$ ls\n## not this\n```\n### Deeper\n## Two\n```python\nx = 1\n```\n"
    assert headings(text) == ["One", "Two"]
    assert [(block.kind, block.body) for block in blocks(text)] == [
        ("console", "$ ls\n## not this\n"),
        ("python", "x = 1\n"),
    ]
    assert commands(blocks(text)[0]) == ["ls"]
