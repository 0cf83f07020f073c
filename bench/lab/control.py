"""How a running lab is spoken to: one JSON object a line, each answered by one.

The door is an abstract Unix socket, which vanishes with its process and leaves no file. Anyone on
the machine could connect to it, so the lab asks the kernel who does: root and its own user may.
"""

import json
import os
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.lab.namespaces import LabError

_PREFIX = "midmile-lab/"
_PATIENCE_S = 10.0
_LONGEST_REQUEST = 4 * 1024 * 1024
"""A change of every link of a hundred places is about one megabyte."""

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(slots=True, eq=False)
class Door:
    """A lab's side. Non-blocking; `serve` is called with each descriptor that has something."""

    name: str
    answer: Answer
    _listener: socket.socket = field(init=False)
    _visitors: dict[int, tuple[socket.socket, bytearray]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(_address(self.name))
        self._listener.listen()
        self._listener.setblocking(False)

    def descriptors(self) -> list[int]:
        """What to wait for."""
        return [self._listener.fileno(), *self._visitors]

    def serve(self, descriptor: int) -> None:
        """Do what one of them has for us."""
        if descriptor == self._listener.fileno():
            self._let_in()
            return
        visitor, begun = self._visitors[descriptor]
        try:
            received = visitor.recv(65536)
            begun += received
            while (end := begun.find(b"\n")) >= 0:
                self._reply(visitor, bytes(begun[:end]))
                del begun[: end + 1]
        except OSError:
            received = b""
        if not received or len(begun) > _LONGEST_REQUEST:
            del self._visitors[descriptor]
            visitor.close()

    def _let_in(self) -> None:
        visitor, _ = self._listener.accept()
        packed = visitor.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, user, _ = struct.unpack("3i", packed)
        if user in {0, os.geteuid()}:
            # Answers are written whole: a visitor that does not read them is cut off soon.
            visitor.settimeout(0.5)
            self._visitors[visitor.fileno()] = visitor, bytearray()
        else:
            visitor.close()

    def _reply(self, visitor: socket.socket, line: bytes) -> None:
        try:
            reply = self.answer(json.loads(line))
        except (KeyError, TypeError, ValueError) as error:
            reply = {"error": str(error.args[0] if error.args else error)}
        visitor.sendall(json.dumps(reply).encode() + b"\n")


@dataclass(slots=True, eq=False)
class Remote:
    """A visitor's side, blocking: a lab answers within milliseconds."""

    name: str
    _socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_PATIENCE_S)
        try:
            self._socket.connect(_address(self.name))
        except OSError as error:
            self._socket.close()
            raise LabError(f"there is no lab {self.name}: {error.strerror}") from error

    def ask(self, **request: object) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            LabError: the lab refuses, or is gone.
        """
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            line = self._line()
        except OSError as error:
            raise LabError(f"lab {self.name} does not answer: {error}") from error
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise LabError(reply["error"])
        return reply

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def _line(self) -> bytes:
        line = bytearray()
        while not line.endswith(b"\n"):
            part = self._socket.recv(1 << 20)
            if not part:
                raise ConnectionResetError("it has ended")
            line += part
        return bytes(line)


def running() -> list[str]:
    """The names of the labs on this machine."""
    lines = Path("/proc/net/unix").read_text().splitlines()
    mark = f"@{_PREFIX}"
    return sorted({line.partition(mark)[2] for line in lines if mark in line})


def _address(name: str) -> str:
    return f"\0{_PREFIX}{name}"
