"""The supervisor's command socket: one JSON line asks, one JSON line answers.

`STATE/supervisor.sock`, open to its owner alone. What a command does is in `deploy/supervise.py`.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.exits import ExitCode, Refusal
from deploy.roles import Message

QUESTION_BYTES = 65_536
ANSWER_BYTES = 16 * 1024 * 1024
PATIENCE_S = 5.0
PATH_BYTES = 107
"""`sun_path` of unix(7), without its final zero byte."""

Answer = Callable[[Message], Message]


class CommandSocket:
    """The supervisor's end."""

    def __init__(self, state: Path, answer: Answer) -> None:
        self._path = socket_path(state)
        self._answer = answer
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. The caller holds the state directory's lock, so a socket found there is stale."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._serve, self._path, limit=QUESTION_BYTES
            )
        except OSError as error:
            raise Refusal(
                f"cannot listen on {self._path}: {error.strerror}", ExitCode.ADDRESS
            ) from error
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError, OSError, ValueError, asyncio.IncompleteReadError):
            async with asyncio.timeout(PATIENCE_S):
                question = json.loads(await reader.readuntil(b"\n"))
                answer = self._answer(question if isinstance(question, dict) else {})
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        writer.close()


def ask(state: Path, question: Message) -> dict[str, Any]:
    """The running supervisor's answer, for a command line; `Refusal` where none runs."""
    path = socket_path(state)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(PATIENCE_S)
        try:
            sock.connect(str(path))
            sock.sendall(json.dumps(question).encode() + b"\n")
            line = _read_line(sock)
        except PermissionError as error:
            raise Refusal(f"no permission to use {path}", ExitCode.ADDRESS) from error
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise Refusal(
                f"no supervisor runs in {state} (start one: midmile up)", ExitCode.BUSY
            ) from error
        except (ConnectionResetError, BrokenPipeError) as error:
            raise Refusal(f"the supervisor in {state} has just ended", ExitCode.BUSY) from error
        except OSError as error:
            raise Refusal(f"the supervisor in {state} does not answer: {error}") from error
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise Refusal(f"the supervisor in {state} makes no sense")
    if "error" in answer:
        raise Refusal(str(answer["error"]), ExitCode.USAGE)
    return answer


def _read_line(sock: socket.socket) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = sock.recv(65_536)
        if not piece or len(line) > ANSWER_BYTES:
            raise ConnectionResetError("no whole answer")
        line += piece
    return bytes(line)


def socket_path(state: Path) -> Path:
    """Where the command socket of a state directory is; `Refusal` where no socket can be."""
    path = state.absolute() / "supervisor.sock"
    if len(os.fsencode(path)) > PATH_BYTES:
        raise Refusal(
            f"the state directory's path is too long for a socket: {path} has"
            f" {len(os.fsencode(path))} bytes, {PATH_BYTES} are allowed; use --state",
            ExitCode.USAGE,
        )
    return path
