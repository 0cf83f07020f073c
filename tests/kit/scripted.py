"""A server that plays a script, for what well-behaved servers never send."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

CLOSE = b""
"""In a script: close the connection here."""


@dataclass
class Scripted:
    """Where it listens, and the raw heads and bodies it was sent, one entry a request."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    came_on: list[int] = field(default_factory=list)
    """For each request, the number of its connection, from 1."""

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.port}"


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return head + await reader.readexactly(int(value))
        if name.lower() == b"transfer-encoding":
            return head + await reader.readuntil(b"0\r\n\r\n")
    return head


@asynccontextmanager
async def scripted(*answers: bytes | Sequence[bytes]) -> AsyncIterator[Scripted]:
    """Answer the n-th request with the n-th of `answers`, whatever connection it comes on.

    An answer is bytes, or a sequence of pieces of which `CLOSE` ends the connection. Requests
    beyond the script get no answer.
    """
    server = Scripted()
    script = iter(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        number = server.connections
        try:
            while True:
                server.requests.append(await _read_request(reader))
                server.came_on.append(number)
                answer = next(script, None)
                if answer is None:
                    continue
                for piece in [answer] if isinstance(answer, bytes) else answer:
                    if piece == CLOSE:
                        return
                    writer.write(piece)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        listener.close_clients() if hasattr(listener, "close_clients") else None
