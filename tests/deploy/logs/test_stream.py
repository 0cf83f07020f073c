"""The supervisor's stream: one line of progress on a terminal, whole lines from every node."""

import json
import os
import pty
import termios
from collections.abc import Iterator
from contextlib import closing

import pytest

from deploy.logs.stream import LONGEST_BYTES, LogStreamOut, NodeOutput

_WIDTH = 40


class Terminal:
    """A terminal of 40 columns, and what has been written to it."""

    def __init__(self) -> None:
        self._reading, self.descriptor = pty.openpty()
        termios.tcsetwinsize(self.descriptor, (24, _WIDTH))

    def close(self) -> None:
        """Take it away."""
        os.close(self._reading)
        os.close(self.descriptor)

    def shown(self, out: LogStreamOut) -> str:
        """All that was written to it, once `out` has ended."""
        os.set_blocking(self._reading, False)
        out.close()
        return os.read(self._reading, 65_536).decode().replace("\r\n", "\n")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with closing(Terminal()) as terminal:
        yield terminal


def line(level: str, message: str) -> bytes:
    """A log line of a node."""
    return json.dumps({"time": "t", "level": level, "message": message}).encode()


def test_progress_stays_below_trouble_and_goes_when_it_is_over(terminal: Terminal) -> None:
    """While a network starts only trouble is shown; afterwards every line is."""
    out = LogStreamOut(terminal.descriptor, human=True)
    out.progress("1 of 2 ready")
    out.relay("a", line("info", "as planned"))
    out.relay("a", line("error", "trouble"))
    out.progress("")
    out.relay("a", line("info", "serving"))
    shown = terminal.shown(out)
    assert "as planned" not in shown
    before, after = shown.split("trouble\n")
    assert before.startswith("\r\x1b[K1 of 2 ready\r\x1b[K")
    assert after.startswith("1 of 2 ready\r\x1b[K")
    assert after.endswith("serving\n")


def test_progress_never_wraps(terminal: Terminal) -> None:
    """What is wider than the terminal is cut, so that it can be taken back."""
    out = LogStreamOut(terminal.descriptor, human=True)
    out.progress("x" * 200)
    shown = terminal.shown(out).removeprefix("\r\x1b[K")
    assert shown == "x" * (_WIDTH - 2) + "…"


def test_a_terminal_shows_colours_of_ours_alone(terminal: Terminal) -> None:
    """Levels are coloured; escape sequences in a value are shown, not obeyed."""
    out = LogStreamOut(terminal.descriptor, human=True)
    out.relay("a", line("error", "\x1b[2J gone?"))
    shown = terminal.shown(out)
    assert "\x1b[31merror" in shown
    assert "\\x1b[2J gone?" in shown
    assert "\x1b[2J" not in shown


def test_elsewhere_the_stream_is_json() -> None:
    """No colour, no progress: a program reads it."""
    reading, writing = os.pipe()
    out = LogStreamOut(writing, human=False)
    out.relay("a", line("error", "trouble"))
    out.close()
    os.close(writing)
    with os.fdopen(reading) as stream:
        records = [json.loads(each) for each in stream]
    assert [(each["node"], each["message"]) for each in records] == [("a", "trouble")]


async def test_a_nodes_bytes_are_cut_into_lines() -> None:
    """Lines come whole however they were written; one without end is cut, the last one kept."""
    lines: list[tuple[str, bytes]] = []
    output = NodeOutput("a", lambda node, text: lines.append((node, text)))
    await output.open()
    for piece in (b"one\ntw", b"o\n\n", b"x" * (LONGEST_BYTES + 1), b"\nlast"):
        output.data_received(piece)
    await output.close()
    assert [text[:4] for _, text in lines] == [b"one", b"two", b"xxxx", b"last"]
    assert {node for node, _ in lines} == {"a"}
    assert len(lines[2][1]) == LONGEST_BYTES
