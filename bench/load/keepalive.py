"""A client of our own: fetches many paths once, asks with HEAD, or holds idle connections.

wrk cannot do these: it takes no list of paths, and waits for a body behind an answer to HEAD.
"""

import asyncio
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

from bench.errors import LoadError
from bench.place import HOST, Address

HEAD = "{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: midmile-bench\r\n\r\n"
_ANSWER_S = 30.0
STORES_PER_S = 10.0
"""What goes on in a cache while `hit` measures it."""


def fetch_all(
    where: Address, paths: Iterable[str], *, method: str = "GET", connections: int = 16
) -> int:
    """Ask for each path once over keep-alive connections; how many were answered 200.

    Raises:
        LoadError: an answer was something else.
    """
    return asyncio.run(_fetch_all(where, iter(paths), method, connections))


async def _fetch_all(where: Address, paths: Iterator[str], method: str, connections: int) -> int:
    tasks = [asyncio.create_task(_fetch(where, paths, method)) for _ in range(connections)]
    return sum(await asyncio.gather(*tasks))


async def _fetch(where: Address, paths: Iterator[str], method: str) -> int:
    reader, writer = await asyncio.open_connection(*where)
    answered = 0
    try:
        for path in paths:
            writer.write(HEAD.format(method=method, path=path, host=HOST).encode())
            async with asyncio.timeout(_ANSWER_S):
                await read_answer(reader, body=method != "HEAD")
            answered += 1
    finally:
        writer.close()
        await writer.wait_closed()
    return answered


async def read_answer(reader: asyncio.StreamReader, *, body: bool) -> None:
    """Read an answer to its end; `body`: whether it has one.

    Raises:
        LoadError: it is not 200.
        EOFError: it is cut short.
    """
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise LoadError(f"answered {head[:200]!r}")
    if not body:
        return
    _, found, length = head.partition(b"\r\ncontent-length:")
    if found:
        await reader.readexactly(int(length.partition(b"\r\n")[0]))
        return
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        await reader.readexactly(size + 2)
    await reader.readuntil(b"\r\n")


@contextmanager
def idle(where: Address, number: int, path: str) -> Iterator[None]:
    """Hold open connections that each had one answer and now say nothing."""
    request = HEAD.format(method="GET", path=path, host=HOST).encode()
    with ExitStack() as stack:
        for _ in range(number):
            sock = stack.enter_context(socket.create_connection(where, timeout=_ANSWER_S))
            sock.sendall(request)
            if not sock.recv(65_536).startswith(b"HTTP/1.1 200"):
                raise LoadError("an idle connection's first request was not answered 200")
        yield


@contextmanager
def storing(where: Address, path: str) -> Iterator[list[int]]:
    """Meanwhile, ten times a second, make a server store something new; the list grows by each."""
    stored: list[int] = []
    over = threading.Event()

    def store() -> None:
        while not over.wait(1 / STORES_PER_S):
            stored.append(fetch_all(where, [f"{path}?store={next(_fresh)}"], connections=1))

    thread = threading.Thread(target=store)
    thread.start()
    try:
        yield stored
    finally:
        over.set()
        thread.join()


_fresh = count()
