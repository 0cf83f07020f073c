"""Copies of large ready bodies in files in memory, which the kernel sends without copying them.

What a process writes to a socket is copied into the kernel, for a body of 1 MB most of the CPU that
its answer takes. `os.sendfile` hands over a file's pages as they are. A file in memory (Linux's
`memfd_create`) has no name and needs no disk, and ends with the process. Of use without TLS only.
"""

import os
from contextlib import suppress
from weakref import WeakValueDictionary

LEAST_BYTES = 64 * 1024
"""Of a body that is copied: below, writing it costs hardly more."""
_ABLE = hasattr(os, "memfd_create")
_CLOSED = -1


class Copy:
    """A file with the same bytes as `body`, as long as somebody holds this."""

    __slots__ = ("__weakref__", "body", "file")

    def __init__(self, body: bytes | memoryview) -> None:
        """Raises OSError where there is no memory, or no descriptor left."""
        self.body = body
        self.file = _CLOSED
        """Its descriptor, or less than 0 once it is given up."""
        self.file = os.memfd_create("body")
        if os.write(self.file, body) < len(body):
            self.close()

    def close(self) -> None:
        """Give it up."""
        if self.file >= 0:
            os.close(self.file)
            self.file = _CLOSED

    __del__ = close


class Copies:
    """One worker's copies, within a budget for all of them."""

    def __init__(self, budget_bytes: int, most: int) -> None:
        """`most`: copies there may be, each an open file."""
        self._budget_bytes = budget_bytes
        self._most = most
        self._held: WeakValueDictionary[int, Copy] = WeakValueDictionary()  # oldest first

    @property
    def size_bytes(self) -> int:
        """Of all that are held."""
        return sum(len(copy.body) for copy in self._held.values())

    def of(self, body: bytes | memoryview) -> Copy | None:
        """The copy of `body`, for which older ones are given up; None if it is not worth one."""
        held = self._held.get(id(body))
        if held is not None and held.body is body:
            return held
        if not _ABLE or not LEAST_BYTES <= len(body) <= self._budget_bytes:
            return None
        self._make_room(len(body))
        with suppress(OSError):  # then it is written as others are
            self._held[id(body)] = copy = Copy(body)
            return copy
        return None

    def _make_room(self, size: int) -> None:
        room = self._budget_bytes - self.size_bytes - size
        for number, copy in tuple(self._held.items()):
            if room >= 0 and len(self._held) < self._most:
                return
            room += len(copy.body)
            del self._held[number]
            copy.close()
