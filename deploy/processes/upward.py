"""A child's end of its control channel: what ties a keeper or worker to its parent.

It says `ready`, beats, and ends the process when the parent is gone, however the parent went: the
channel's end of file asks for a short drain, and a thread ends the process should that hang.
"""

import asyncio
import ctypes
import logging
import os
import select
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from deploy.exits import Refusal
from deploy.processes.channel import Channel, open_channel
from deploy.roles import Message

log = logging.getLogger("midmile.deploy")

BEAT_S = 1.0
ORPHAN_GRACE_S = 1.5
"""How long an orphan may finish what is in flight: its successor waits for its addresses."""
ORPHAN_END_S = 2.5
"""An orphan that still runs after this ends hard. Less than `sockets.UNCLEAN_RETRY_S`."""
EARLY_MESSAGES = 1000
"""What may arrive while a role is still being made."""

_PR_SET_PDEATHSIG = 1


class Upward:
    """The parent, as its child sees it."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        """Set when this process must end."""
        self.grace_s = ORPHAN_GRACE_S
        """How long what is in flight may take then."""
        self._channel: Channel | None = None
        self._setup: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._receive: Callable[[Message], None] | None = None
        self._early: deque[Message] = deque(maxlen=EARLY_MESSAGES)
        self._beats: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, control: int) -> tuple["Upward", Message]:
        """The parent behind descriptor `control`, and its setup message."""
        end_with_parent(control)
        upward = cls()
        sock = socket.socket(fileno=control)
        upward._channel = await open_channel(sock, upward._hear, upward._orphaned)
        return upward, await upward._setup

    def listen(self, receive: Callable[[Message], None]) -> None:
        """Hand messages to `receive` from now on, and those that came before."""
        self._receive = receive
        while self._early:
            receive(self._early.popleft())

    def tell(self, message: Message) -> bool:
        """Send a message; False where the parent does not listen."""
        return self._channel is not None and self._channel.send(message)

    def tell_role(self, body: Message) -> None:
        """Send the role's part of the parent a message."""
        self.tell({"kind": "role", "body": body})

    def ready(self, status: Callable[[], Message]) -> None:
        """Say that this process serves, and beat with its `status` from now on."""
        self.tell({"kind": "ready"})
        self._beats = asyncio.create_task(self._beat(status))

    def failed(self, refusal: Refusal) -> None:
        """Say why this process cannot work."""
        self.tell(
            {
                "kind": "failed",
                "code": int(refusal.code),
                "error": str(refusal),
                "final": refusal.final,
            }
        )

    def stop(self, grace_s: float) -> None:
        """End this process, letting what is in flight take `grace_s`."""
        if not self.stopping.is_set():
            self.grace_s = grace_s
            self.stopping.set()

    async def _beat(self, status: Callable[[], Message]) -> None:
        alive = True
        while alive:
            try:
                now = status()
            except Exception:
                # To lose one status is better than to be taken for dead.
                log.exception("no status for the heartbeat", extra={"event": "status-failed"})
                now = {}
            alive = self.tell({"kind": "beat", "status": now})
            await asyncio.sleep(BEAT_S)

    def _hear(self, message: Message) -> None:
        if not self._setup.done():
            self._setup.set_result(message)
        elif message.get("kind") == "drain":
            grace_s = message.get("grace_s")
            self.stop(float(grace_s) if isinstance(grace_s, int | float) else ORPHAN_GRACE_S)
        elif self._receive is not None:
            self._receive(message)
        else:
            self._early.append(message)

    def _orphaned(self) -> None:
        self.stop(ORPHAN_GRACE_S)
        if not self._setup.done():
            self._setup.set_exception(Refusal("the parent process is gone"))


def end_with_parent(control: int) -> None:
    """Make sure that this process does not outlive its parent for long."""
    # The kernel's word (prctl(2)) reaches us even where the channel is not yet watched; the signal
    # is the one that drains. A parent that died before this line shows as an end of file.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(
        target=_outlive_no_parent, args=(os.dup(control),), name="orphan watch", daemon=True
    ).start()


def _outlive_no_parent(control: int) -> None:
    """Wait in a thread, so that a hung event loop cannot keep an orphan alive."""
    watch = select.poll()
    watch.register(control, select.POLLRDHUP)
    watch.poll()
    time.sleep(ORPHAN_END_S)
    os._exit(1)
