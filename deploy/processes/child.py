"""A child process with a control channel, as its parent sees it.

The supervisor's children are keepers, a keeper's children are workers; both are this. A child gets
one end of a socket pair; what it does with it is in `upward.py`. Whether and when a dead
child is replaced is the business of `slot.py`.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from deploy.processes.channel import Channel, open_channel
from deploy.roles import Message

LAST_WORDS_S = 1.0
"""An exit may be noticed before the last message is read; it lies in our own socket buffer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a child is started."""

    arguments: Sequence[str]
    """After `python -m deploy`; `--control FD` is added."""
    setup: Message
    """The first message it gets."""
    inherit: Sequence[int] = ()
    """Descriptors it gets under the same numbers."""
    output: int | None = None
    """Descriptor for its stdout and stderr; None: ours."""
    own_group: bool = False
    """Whether it leads a process group of its own, which a terminal's Ctrl-C does not reach."""


class Child:
    """A running child process."""

    def __init__(self, process: subprocess.Popen[bytes], *, own_group: bool) -> None:
        self._process = process
        self._own_group = own_group
        self._channel: Channel | None = None
        self._silent = asyncio.Event()
        self._ended = asyncio.get_running_loop().create_future()
        self.pid = process.pid
        self.started_at = self.heard_at = time.monotonic()
        """When it was spawned, and when it last said anything (monotonic)."""
        self._watch_exit()

    @classmethod
    async def spawn(cls, launch: Launch, receive: Callable[[Message], None]) -> "Child":
        """Start a child; `receive` gets its messages."""
        ours, theirs = socket.socketpair()
        try:
            process = _popen(launch, theirs.fileno())
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        child = cls(process, own_group=launch.own_group)

        def hear(message: Message) -> None:
            child.heard_at = time.monotonic()
            receive(message)

        child._channel = await open_channel(ours, hear, child._silent.set)
        child.send(launch.setup)
        return child

    def _watch_exit(self) -> None:
        # A pid descriptor needs no SIGCHLD handler, which asyncio and uvloop install differently.
        loop = asyncio.get_running_loop()
        descriptor = os.pidfd_open(self.pid)

        def exited() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self._ended.set_result(self._process.wait())

        loop.add_reader(descriptor, exited)

    def send(self, message: Message) -> bool:
        """Tell the child something; False where it no longer listens."""
        return self._channel is not None and self._channel.send(message)

    def kill(self) -> None:
        """End the process at once (its own children notice by their control channels)."""
        if not self._ended.done():
            self._process.kill()

    def kill_group(self) -> None:
        """End the process and all it has started at once."""
        if self._own_group:
            # The group outlives its leader while any member does.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        else:
            self.kill()

    async def wait(self) -> int:
        """Its exit status, negative for a signal; all it said before has been received."""
        status: int = await asyncio.shield(self._ended)
        if self._channel is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._silent.wait(), LAST_WORDS_S)
            self._channel.close()
        return status


def _popen(launch: Launch, control: int) -> subprocess.Popen[bytes]:
    # -P: a folder called `deploy` where the user stands must not be taken for ours.
    command = [sys.executable, "-P", "-m", "deploy", *launch.arguments, "--control", str(control)]
    with _interrupt_blocked():
        return subprocess.Popen(  # noqa: S603  our own interpreter and arguments
            command,
            stdin=subprocess.DEVNULL,
            stdout=launch.output,
            stderr=launch.output,
            pass_fds=(control, *launch.inherit),
            start_new_session=launch.own_group,
        )


@contextlib.contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Let a child inherit a mask without SIGINT: Ctrl-C is its parent's to act on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def describe_exit(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit code {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"
