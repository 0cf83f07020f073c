"""Raw HTTP conversations: a client that sends exact bytes, and an origin that a test plays."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

PATIENCE_S = 10.0
"""No step of a test takes that long unless it hangs."""

Fields = list[tuple[str, str]]


def read_fields(head: bytes) -> Fields:
    """The field lines of a head, names in lower case."""
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    return [
        (name.lower(), value.strip()) for name, _, value in (one.partition(":") for one in lines)
    ]


@dataclass(frozen=True)
class Reply:
    """A response as it came."""

    status: int
    reason: str
    fields: Fields
    body: bytes = b""

    def lines(self, name: str) -> list[str]:
        """The values of all field lines of that name."""
        return [value for key, value in self.fields if key == name]

    def one(self, name: str) -> str | None:
        """The value of the only field line of that name."""
        values = self.lines(name)
        assert len(values) < 2, (name, values)
        return values[0] if values else None


class Talker:
    """A client's connection. Every wait is bounded."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, data: bytes) -> None:
        """Send exact bytes."""
        self.writer.write(data)

    def request(
        self,
        target: str = "/",
        *fields: str,
        method: str = "GET",
        host: str = "shop.test",
        body: bytes = b"",
    ) -> None:
        """Send a request with further field lines."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *fields]
        lines += [f"Content-Length: {len(body)}"] if body else []
        self.say("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    async def head(self) -> Reply:
        """The head of the next response."""
        async with asyncio.timeout(PATIENCE_S):
            raw = await self.reader.readuntil(b"\r\n\r\n")
        version, _, rest = raw.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        assert version == "HTTP/1.1"
        status, _, reason = rest.partition(" ")
        return Reply(int(status), reason, read_fields(raw))

    async def reply(self, method: str = "GET") -> Reply:
        """The next response, whole."""
        head = await self.head()
        async with asyncio.timeout(PATIENCE_S):
            body = await self._body(head, method)
        return Reply(head.status, head.reason, head.fields, body)

    async def ask(
        self,
        target: str = "/",
        *fields: str,
        method: str = "GET",
        host: str = "shop.test",
        body: bytes = b"",
    ) -> Reply:
        """Send a request and read the response."""
        self.request(target, *fields, method=method, host=host, body=body)
        return await self.reply(method)

    async def _body(self, head: Reply, method: str) -> bytes:
        if method == "HEAD" or head.status < 200 or head.status in (204, 304):
            return b""
        if head.one("transfer-encoding") == "chunked":
            return b"".join([chunk async for chunk in self.chunks()])
        length = head.one("content-length")
        if length is not None:
            return await self.reader.readexactly(int(length))
        return await self.reader.read()

    async def chunk(self) -> bytes:
        """The next chunk of a chunked body, nothing at its end."""
        async with asyncio.timeout(PATIENCE_S):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            data = await self.reader.readexactly(size + 2)
        assert data.endswith(b"\r\n")
        return data[:-2]

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks of a chunked body."""
        while chunk := await self.chunk():
            yield chunk

    async def rest(self) -> bytes:
        """Everything until the connection ends, in whichever way."""
        got = bytearray()
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError, ssl.SSLError):
                while data := await self.reader.read(65_536):
                    got += data
        return bytes(got)

    def stop_reading(self) -> None:
        """Take nothing more from the socket."""
        cast("asyncio.Transport", self.writer.transport).pause_reading()

    def read_on(self) -> None:
        """Take what comes again."""
        cast("asyncio.Transport", self.writer.transport).resume_reading()


@asynccontextmanager
async def talking(
    port: int,
    *,
    context: ssl.SSLContext | None = None,
    name: str | None = None,
    limit: int = 65_536,
) -> AsyncIterator[Talker]:
    """A connection to a port of this machine."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=name, limit=limit
    )
    try:
        yield Talker(reader, writer)
    finally:
        writer.transport.abort()


@dataclass
class Call:
    """A request that an origin got."""

    head: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def method(self) -> str:
        """Its method."""
        return self.head.split(b" ", 1)[0].decode()

    @property
    def target(self) -> str:
        """Its target."""
        return self.head.split(b" ", 2)[1].decode()

    @property
    def fields(self) -> Fields:
        """Its field lines."""
        return read_fields(self.head)

    def lines(self, name: str) -> list[str]:
        """The values of all field lines of that name."""
        return [value for key, value in self.fields if key == name]

    async def body(self) -> bytes:
        """Its body."""
        async with asyncio.timeout(PATIENCE_S):
            if self.lines("transfer-encoding"):
                return b"".join(
                    [chunk async for chunk in Talker(self.reader, self.writer).chunks()]
                )
            length = self.lines("content-length")
            return await self.reader.readexactly(int(length[0])) if length else b""

    async def write(self, data: bytes) -> None:
        """Send exact bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *fields: str, body: bytes = b"", status: str = "200 OK") -> None:
        """Send a whole response."""
        lines = [f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}", "", ""]
        if self.method == "HEAD":
            body = b""
        await self.write("\r\n".join(lines).encode("latin-1") + body)

    async def gone(self) -> None:
        """Wait until whoever asked has closed the connection."""
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                while await self.reader.read(65_536):
                    pass


Play = Callable[[Call], Awaitable[None]]


@dataclass
class Origin:
    """An origin server; `play` answers each request, and returns when the next may come."""

    play: Play
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    connections: int = 0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.port}"

    async def wait_for(self, calls: int) -> Call:
        """The last of so many requests, once it has come."""
        async with asyncio.timeout(PATIENCE_S), self.arrived:
            await self.arrived.wait_for(lambda: len(self.calls) >= calls)
        return self.calls[calls - 1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                call = Call(await reader.readuntil(b"\r\n\r\n"), reader, writer)
                self.calls.append(call)
                async with self.arrived:
                    self.arrived.notify_all()
                await self.play(call)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def origin(play: Play) -> AsyncIterator[Origin]:
    """An origin on a port of its own; what it still does at the end is cancelled."""
    stage = Origin(play)
    async with serving(stage._serve) as stage.port:
        yield stage


@asynccontextmanager
async def serving(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]],
    port: int = 0,
) -> AsyncIterator[int]:
    """A task for each connection to a port, which is given; those left at the end are cancelled."""
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", port)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def saying(*fields: str, body: bytes = b"hello", status: str = "200 OK") -> Play:
    """An origin that always says the same."""

    async def play(call: Call) -> None:
        await call.body()
        await call.answer(*fields, body=body, status=status)

    return play


def in_turn(plays: Iterable[Play]) -> Play:
    """An origin that plays one part a request."""
    parts = iter(plays)

    async def play(call: Call) -> None:
        await next(parts)(call)

    return play
