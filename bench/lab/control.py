"""How a running lab is spoken to: one JSON object a line, each answered by one.

The door is an abstract Unix socket, which vanishes with its process and leaves no file. Anyone on
the machine could connect to it, or put up one that looks like it, so both sides ask the kernel who
the other is: root and their own user are trusted, with others not a word is spoken.
"""

import json
import os
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import LabError

_PREFIX = "midmile-lab/"
_LISTED = re.compile(rb" @midmile-lab/([a-z0-9-]+)")
"""How lines of /proc/net/unix end that tell of a lab. Others may have any bytes there."""
_PATIENCE_S = 10.0
_LONGEST_REQUEST = 4 * 1024 * 1024
"""A change of every link of a hundred places is about one megabyte."""
_LONGEST_ANSWER = 16 * 1024 * 1024
"""The statistics of a hundred places are about three."""

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
        if _trusted(visitor):
            # Answers are written whole: a visitor that does not read them is cut off soon.
            visitor.settimeout(0.5)
            self._visitors[visitor.fileno()] = visitor, bytearray()
        else:
            visitor.close()

    def _reply(self, visitor: socket.socket, line: bytes) -> None:
        try:
            reply = self.answer(json.loads(line))
        except Exception as error:  # noqa: BLE001 (a visitor who asks nonsense ends no lab)
            reply = {"error": str(error.args[0] if error.args else error)}
        visitor.sendall(json.dumps(reply).encode() + b"\n")


@dataclass(slots=True, eq=False)
class Remote:
    """A visitor's side, blocking: a lab answers within milliseconds. Threads may share it."""

    name: str
    _socket: socket.socket = field(init=False)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_PATIENCE_S)
        try:
            self._socket.connect(_address(self.name))
        except OSError as error:
            self._socket.close()
            raise LabError(f"there is no lab {self.name}: {error.strerror}") from error
        if not _trusted(self._socket):
            self._socket.close()
            raise LabError(f"{self.name} is another user's, who may be anybody; it is not asked")

    def ask(self, **request: object) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            LabError: the lab refuses, or is gone.
        """
        try:
            with self._turn:  # answers come in the order of requests, and belong to nobody
                self._socket.sendall(json.dumps(request).encode() + b"\n")
                line = self._line()
        except OSError as error:
            raise LabError(f"lab {self.name} does not answer: {error}") from error
        try:
            reply = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise LabError(f"lab {self.name} answers no JSON") from error
        if not isinstance(reply, dict):
            raise LabError(f"lab {self.name} answers no JSON object")
        if "error" in reply:
            raise LabError(str(reply["error"]))
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
            if len(line) > _LONGEST_ANSWER:
                raise OSError("the answer has no end")
        return bytes(line)


def open_labs() -> list[str]:
    """The names of the labs on this machine that are root's or our own."""
    return sorted(_ours(Path("/proc/net/unix").read_bytes()))


def _ours(sockets: bytes) -> Iterator[str]:
    endings = {line[line.rfind(b" ") :] for line in sockets.split(b"\n")}
    for name in [found[1].decode() for line in endings if (found := _LISTED.fullmatch(line))]:
        try:
            Remote(name).close()
        except LabError:  # somebody else's, or it has just ended
            continue
        yield name


def _trusted(peer: socket.socket) -> bool:
    """Whether the other end of a Unix socket is root's or our own user's."""
    packed = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", packed)
    return user in {0, os.geteuid()}


def _address(name: str) -> str:
    return f"\0{_PREFIX}{name}"
