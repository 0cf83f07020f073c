"""The contract between the shell, which all roles share, and what each role does.

A node is a keeper process and N worker processes. The shell (`deploy/node`) starts them, hands them
their sockets, passes messages, watches heartbeats and serves the admin port. A role brings a
`Keeper` and a `Worker`; rooms need not import these protocols, since they hold structurally.
"""

import socket
from collections.abc import Callable, Mapping
from typing import Protocol

Message = Mapping[str, object]
"""What keeper and workers tell each other: JSON-able, with a `kind`."""
Tell = Callable[[Message], None]


class Link(Protocol):
    """A keeper's way to its workers."""

    def tell(self, message: Message, worker: int | None = None) -> None:
        """Tell one, or all that are ready."""

    async def have_done(self, task: Message) -> frozenset[int]:
        """Have all that are ready do it; the numbers of those that have not.

        A worker that dies meanwhile does not count: the next one in its place is greeted.
        """


class Worker(Protocol):
    """What a role does in each of its worker processes."""

    async def start(self, sockets: Mapping[str, list[socket.socket]]) -> None:
        """Serve on the node's bound (TCP: listening) sockets, by listener name."""

    async def drain(self, grace_s: float) -> None:
        """Close listeners at once, let what is in flight finish (bounded), then return."""

    def receive(self, message: Message) -> None:
        """Take a message from the keeper."""

    def respond(self, question: Message) -> Message | None:
        """Answer a question, or do what it asks; None: the role knows no such question."""

    async def reload_keys(self) -> None:
        """The key bundle's files have changed: use the new ones from now on."""


class Keeper(Protocol):
    """What a role does once per node."""

    async def start(self) -> None:
        """Begin; workers may not run yet."""

    async def stop(self) -> None:
        """End; workers have ended."""

    def receive(self, worker: int, message: Message) -> None:
        """Take a message from worker number `worker`."""

    def worker_died(self, how: str) -> None:
        """A worker has ended without being asked: `exit code 3`, or `signal SIGBUS`."""

    def greeting(self) -> Message | None:
        """What a worker that has just become ready must be told."""

    async def purge(self, asked: Message) -> Message | None:
        """Have all nodes of the network purge something; None: the role numbers no purges.

        Gives `error` (and `fault`, where it is not who asked that is wrong), or `purged`, `number`,
        the names of the nodes that have `done` it, and those `missing` it, with the reason.
        """
