"""`midmile status --watch`, on a terminal and elsewhere."""

import asyncio
import codecs
import fcntl
import json
import os
import pty
import struct
import sys
import tempfile
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from deploy.command_socket import CommandSocket
from deploy.commands.watch import screen
from deploy.exits import ExitCode
from deploy.roles import Message
from tests.deploy.overview.samples import HOSTILE, at, busy, busy_view
from tests.kit.programs import need

PATIENCE_S = 20.0
ENTER, LEAVE, SHOW_CURSOR = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"
"""Of the alternate screen and the cursor (xterm's DECSET 1049, DECTCEM)."""


class Network:
    """A supervisor's command socket, whose network gets older with each answer."""

    def __init__(self) -> None:
        # Not below pytest's own folder: a unix socket's path is short.
        self.folder = tempfile.TemporaryDirectory(prefix="midmile-")
        self.state = Path(self.folder.name)
        self.socket = CommandSocket(self.state, self._answer)
        self.asked = 0

    def _answer(self, _: Message) -> Message:
        self.asked += 1
        chronicle, reports = busy()
        return chronicle.view(reports, at(1000.0, uptime_s=60.0 * self.asked)).to_json()

    def command(self, *options: str) -> tuple[str, ...]:
        """The command that watches it."""
        watch = ("-P", "-m", "deploy", "status", "--watch", "--state", str(self.state))
        return (sys.executable, *watch, *options)


@asynccontextmanager
async def network() -> AsyncIterator[Network]:
    """A network that answers."""
    made = Network()
    await made.socket.open()
    try:
        yield made
    finally:
        await made.socket.close()
        made.folder.cleanup()


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader) -> None:
        self.process = process
        self.shown = ""
        self._reader = reader
        # A read may end in the middle of a character.
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    async def shows(self, text: str) -> None:
        """Wait until `text` has been written."""
        async with asyncio.timeout(PATIENCE_S):
            while text not in self.shown:
                piece = await self._piece()
                assert piece, self.shown
                self.shown += self._decoder.decode(piece)

    async def end(self) -> int:
        """Wait for the end of the command; its exit code."""
        async with asyncio.timeout(PATIENCE_S):
            while piece := await self._piece():
                self.shown += self._decoder.decode(piece)
            return await self.process.wait()

    async def _piece(self) -> bytes:
        try:
            return await self._reader.read(65_536)
        except OSError:  # Linux says EIO when the last one at the terminal has gone
            return b""


@asynccontextmanager
async def terminal(*command: str, lines: int = 40) -> AsyncIterator[tuple[Terminal, int]]:
    """The terminal, and the descriptor of whoever types."""
    setsid = need("setsid", package="util-linux")
    keyboard, line = pty.openpty()
    fcntl.ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", lines, 160, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *(str(setsid), "--ctty", *command),
        stdin=line,
        stdout=line,
        stderr=line,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(line)
    reader = asyncio.StreamReader()
    pipe = os.fdopen(os.dup(keyboard), "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        yield Terminal(process, reader), keyboard
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        transport.close()
        os.close(keyboard)


@pytest.mark.system
async def test_ctrl_c_leaves_the_terminal_as_it_was() -> None:
    """It has a screen of its own, and its end is 130 as of any interrupted command."""
    async with network() as net, terminal(*net.command()) as (screen_, keyboard):
        await screen_.shows("up 1m 0s")
        assert screen_.shown.startswith(ENTER)
        await screen_.shows("up 3m 0s")
        os.write(keyboard, b"\x03")
        assert await screen_.end() == 130
    rest = screen_.shown[screen_.shown.rindex("up 3m 0s") :]
    assert LEAVE in rest
    assert SHOW_CURSOR in rest
    assert "Traceback" not in screen_.shown


@pytest.mark.system
async def test_a_network_that_stops_ends_it() -> None:
    """With one line, on the terminal as it was, and the code for what does not run."""
    async with network() as net, terminal(*net.command()) as (screen_, _):
        await screen_.shows("shop-origin")
        await net.socket.close()
        assert await screen_.end() == ExitCode.BUSY
    assert screen_.shown[screen_.shown.rindex(LEAVE) :].endswith(
        "midmile: the network has stopped\r\n"
    )


@asynccontextmanager
async def piped(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command, whose reader is a program."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_where_there_is_no_terminal_it_is_plain_text() -> None:
    """A block a second, without a single control character."""
    async with network() as net, piped(*net.command()) as process:
        assert process.stdout is not None
        first = (await process.stdout.readuntil(b"errors since start\n")).decode()
        again = (await process.stdout.readuntil(b"errors since start\n")).decode()
    assert first.startswith("demo  up 1m 0s  9 of 9 nodes well")
    assert first.splitlines()[1].startswith("10.0 req/s  hits 80.0 % (80.0 %)  saved 75.0 %")
    assert again.lstrip("\n").startswith("demo  up 2m 0s")
    assert (first + again).replace("\n", "").isprintable()


async def test_programs_get_a_line_of_json_each_second() -> None:
    """And a network that stops ends the stream with exit code 4."""
    async with network() as net, piped(*net.command("--json")) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [json.loads(await process.stdout.readline()) for _ in range(2)]
        assert [told["uptime_s"] for told in lines] == [60.0, 120.0]
        await net.socket.close()
        assert await process.wait() == ExitCode.BUSY
        assert (await process.stderr.read()).decode() == "midmile: the network has stopped\n"


def _shown(told: dict[str, Any], height: int, width: int = 160) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(screen(told, width=width, height=height))
    return captured.get()


@pytest.mark.parametrize("height", [24, 30, 50])
def test_it_fits_the_terminal(height: int) -> None:
    """Nodes come first; workers are shown where there is room for troubles besides."""
    chronicle, reports = busy()
    for number in range(80):
        chronicle.troubles.note({"level": "error", "message": f"fault {number}"})
    shown = _shown(chronicle.view(reports, at(1000.0)).to_json(), height)
    assert shown.count("\n") <= height
    assert "low-west" in shown
    assert "fault 79" in shown
    assert ("east/0" in shown) == (height >= 50)


def test_a_stranger_s_words_cannot_steer_the_terminal() -> None:
    """What is not printable is shown by its number, and markup is text."""
    chronicle, reports = busy()
    chronicle.troubles.note({"level": "error", "event": HOSTILE, "message": f"[red]{HOSTILE}"})
    shown = _shown(chronicle.view(reports, at(1000.0)).to_json(), 50)
    assert "[red]</li><script>alert(1)</script>\\x1b[2J\\u202e" in shown
    assert shown.replace("\n", "").isprintable()


def test_the_curves_are_of_the_last_minutes() -> None:
    """Requests and hits, with what the highest block means."""
    shown = _shown(busy_view().to_json(), 50).splitlines()
    assert shown[3].startswith("req/s ")
    assert shown[3].rstrip().endswith("10.0 at most in 2 min")
    assert shown[4].startswith("hits ")


@pytest.mark.parametrize("width", [80, 100, 120, 140, 200])
def test_columns_that_have_no_room_are_left_out(width: int) -> None:
    """Rather than all of them cut short."""
    chronicle, reports = busy()
    told = chronicle.view([{**each, "state": "starting"} for each in reports], at(1000.0)).to_json()
    shown = _shown(told, 60, width)
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= width
    assert ("restarts" in shown) == (width >= 120)
    assert ("last minutes" in shown) == (width >= 140)
