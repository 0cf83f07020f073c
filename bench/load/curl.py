"""libcurl: asks over TLS connections that stay open, by HTTP/1.1 or HTTP/2, at a lab host too.

For questions of time over distance: how long each answer took is told one by one, and not how many
a server can give. What a browser makes of a page is not here.

It runs in this process. libcurl is handed its sockets, which are made in the host's network
namespace and stay there wherever its calls are made from, so that nothing else of this process ever
is in another namespace, and no time is lost between two processes.
"""

import socket
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pycurl

from bench.errors import LoadError
from bench.lab.running import Host
from bench.load.reader import BROWSERS_TAKE
from bench.place import HOST, Address

BASE = f"https://{HOST}"
"""Of the one site that all contestants serve."""

_AGENT = "midmile-bench"
_PATIENCE_S = 120
"""Without a byte. TCP that loses its own retries on `far` has waited for half a minute."""
_WAIT_S = 1.0
"""libcurl's own timers are looked at that often."""
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, whose body was counted and thrown away."""

    ms: float
    """From when libcurl took the request up to the last byte, by its own clock."""
    first_byte_ms: float
    """The same up to the first byte of the head."""
    size_bytes: int
    """Of the body, decoded."""
    wire_bytes: int
    """Of the body as it came, encoded; without head, framing and TLS."""
    connection: int
    """Answers with the same number came over the same connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Access:
    """How a server is reached: what all requests of a client share."""

    base: str
    at: Address
    ca: Path
    http2: bool
    host: Host | None
    patience_s: int

    @property
    def version(self) -> int:
        """Of HTTP, as libcurl numbers it."""
        return pycurl.CURL_HTTP_VERSION_2_0 if self.http2 else pycurl.CURL_HTTP_VERSION_1_1


@dataclass(slots=True, eq=False)
class _Body:
    """What libcurl hands over. It would decode by itself, but takes half a gzip for a whole one."""

    size_bytes: int = 0
    wrong: str = ""
    """Why it cannot be decoded, if it cannot."""
    _inflater: "zlib._Decompress | None" = None

    def on_field(self, line: bytes) -> None:
        """A line of the head."""
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower() != "content-encoding":
            return
        coding = value.strip().lower()
        if coding == "gzip":
            self._inflater = zlib.decompressobj(_GZIP)
        elif coding != "identity":
            self.wrong = f"encoded as {coding}"

    def on_data(self, data: bytes) -> int:
        """A part of the body; whoever takes less than all of it ends the transfer."""
        try:
            self.size_bytes += len(self._inflater.decompress(data) if self._inflater else data)
        except zlib.error as error:
            self.wrong = str(error)
        return 0 if self.wrong else len(data)

    def end(self) -> None:
        """Nothing more comes."""
        if self._inflater and not self.wrong:
            if not self._inflater.eof:
                self.wrong = "a gzip that ends too early"
            elif self._inflater.unused_data:
                self.wrong = "something behind a gzip's end"


class _Transfer:
    """A request, and what comes of it."""

    def __init__(self, access: _Access, target: str, fields: Sequence[str]) -> None:
        self.curl = pycurl.Curl()
        self._access, self._target, self._body = access, target, _Body()
        for option, value in _options(access, target, fields).items():
            self.curl.setopt(option, value)
        self.curl.setopt(pycurl.HEADERFUNCTION, self._body.on_field)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._body.on_data)
        self._sockets: list[socket.socket] = []
        if access.host is not None:
            self.curl.setopt(pycurl.OPENSOCKETFUNCTION, _opening(access.host, self._sockets))

    def answer(self, error: str | None, *, kept: bool) -> Answer:
        """What came, once it is over; `error` is libcurl's.

        Raises:
            LoadError: it is not an answer that may be measured.
        """
        tell = self.curl.getinfo
        if wrong := self._wrong(error, kept=kept):
            raise LoadError(f"{self._access.base}{self._target}: {wrong}")
        return Answer(
            ms=tell(pycurl.TOTAL_TIME_T) / 1000,
            first_byte_ms=tell(pycurl.STARTTRANSFER_TIME_T) / 1000,
            size_bytes=self._body.size_bytes,
            wire_bytes=tell(pycurl.SIZE_DOWNLOAD_T),
            connection=tell(pycurl.CONN_ID),
        )

    def close(self) -> None:
        """Nothing more is wanted of it; its connection stays open."""
        self.curl.close()
        for sock in self._sockets:
            sock.close()

    def _wrong(self, error: str | None, *, kept: bool) -> str | None:
        """Why it may not be measured: the cause before the consequence."""
        tell = self.curl.getinfo
        if tell(pycurl.RESPONSE_CODE) not in {0, 200}:
            return f"answered {tell(pycurl.RESPONSE_CODE)}"
        if error is None:
            self._body.end()
        if self._body.wrong or error is not None:
            return self._body.wrong or error
        if kept and tell(pycurl.NUM_CONNECTS):
            return "the connection had not been kept open"
        if tell(pycurl.INFO_HTTP_VERSION) != self._access.version:
            return "answered in another version of HTTP"
        return None


@dataclass(slots=True, eq=False)
class Client:
    """Asks over connections that are open already. `connected` makes them."""

    connections: int
    """So many are kept open."""
    _access: _Access
    _multi: pycurl.CurlMulti = field(default_factory=pycurl.CurlMulti)

    def __post_init__(self) -> None:
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        # By default libcurl keeps four connections for each request that is going on.
        self._multi.setopt(pycurl.M_MAXCONNECTS, self.connections)
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, self.connections)

    def ask(self, target: str, *, times: int = 1, fields: Sequence[str] = ()) -> list[Answer]:
        """Ask, and ask again when the answer is there.

        Where several connections are open libcurl chooses among them: whoever wants all answers
        over one opens one. `fields` are further lines of the head: `Cookie: a=b`.

        Raises:
            LoadError: an answer was not 200 or not whole, or the connection had been closed.
        """
        return [self._together(target, 1, fields)[0] for _ in range(times)]

    def at_once(self, target: str, number: int, *, fields: Sequence[str] = ()) -> list[Answer]:
        """Ask `number` times at the same moment: over a connection each, or as streams of the one.

        Raises:
            LoadError: an answer was not 200 or not whole, or a connection had been closed.
            ValueError: there are not so many connections.
        """
        if number > self.connections and not self._access.http2:
            raise ValueError(f"{number} at once want as many connections, not {self.connections}")
        return self._together(target, number, fields)

    def warm(self, target: str) -> None:
        """Make the connections, with a request each.

        Raises:
            LoadError: one was not answered 200, or there are fewer connections.
        """
        answers = self._together(target, self.connections, (), kept=False)
        if len({answer.connection for answer in answers}) != self.connections:
            raise LoadError(f"{self._access.base}: there are not {self.connections} connections")

    def close(self) -> None:
        """Close the connections."""
        self._multi.close()

    def _together(
        self, target: str, number: int, fields: Sequence[str], *, kept: bool = True
    ) -> list[Answer]:
        with ExitStack() as stack:
            transfers = [_Transfer(self._access, target, fields) for _ in range(number)]
            for transfer in transfers:
                stack.callback(transfer.close)
            for transfer in transfers:  # nothing is sent yet
                self._multi.add_handle(transfer.curl)
                stack.callback(self._multi.remove_handle, transfer.curl)
            errors = self._performed()
            return [transfer.answer(errors.get(transfer.curl), kept=kept) for transfer in transfers]

    def _performed(self) -> dict[pycurl.Curl, str]:
        """Until all is over; what failed, and why."""
        _, going_on = self._multi.perform()
        while going_on:
            timeout_ms = self._multi.timeout()
            self._multi.select(min(timeout_ms / 1000, _WAIT_S) if timeout_ms >= 0 else _WAIT_S)
            _, going_on = self._multi.perform()
        errors: dict[pycurl.Curl, str] = {}
        queued = 1
        while queued:
            queued, _, failed = self._multi.info_read()
            errors |= {curl: f"{text or 'libcurl failed'} ({code})" for curl, code, text in failed}
        return errors


@contextmanager
def connected(
    host: Host | None,
    at: Address,
    *,
    ca: Path,
    http2: bool = False,
    connections: int = 1,
    warm: str,
    base: str = BASE,
    patience_s: int = _PATIENCE_S,
) -> Iterator[Client]:
    """A client at a lab host, or on this machine's own loopback, whose connections are open.

    Args:
        host: where it is.
        at: where the server of `base` is. Its name is not looked up.
        ca: a PEM file; the server's certificate must be of it and have the name in `base`.
        http2: one connection with many streams, whatever `connections` says.
        connections: how many there are with HTTP/1.1.
        warm: what each is first asked for, so that no handshake is measured.
        base: the site, without a path.
        patience_s: after so long a silence an answer is given up.

    Raises:
        LoadError: they cannot be opened, or `warm` was not answered 200.
    """
    access = _Access(base=base, at=at, ca=ca, http2=http2, host=host, patience_s=patience_s)
    client = Client(1 if http2 else connections, access)
    try:
        client.warm(warm)
        yield client
    finally:
        client.close()


def _options(access: _Access, target: str, fields: Sequence[str]) -> dict[int, object]:
    """Cookies, redirections and whatever else libcurl could do by itself stay off."""
    name, port = access.at
    version = pycurl.CURL_HTTP_VERSION_2TLS if access.http2 else pycurl.CURL_HTTP_VERSION_1_1
    return {
        pycurl.URL: f"{access.base}{target}",
        pycurl.PATH_AS_IS: 1,
        pycurl.CONNECT_TO: [f"::[{name}]:{port}" if ":" in name else f"::{name}:{port}"],
        pycurl.PROXY: "",  # else the environment's
        pycurl.CAINFO: str(access.ca),
        pycurl.SSL_SESSIONID_CACHE: 0,  # each connection has a handshake of its own
        pycurl.HTTP_VERSION: version,
        pycurl.PIPEWAIT: int(access.http2),
        pycurl.HTTPHEADER: [f"Accept-Encoding: {BROWSERS_TAKE}", *fields],
        pycurl.USERAGENT: _AGENT,
        pycurl.TCP_NODELAY: 1,
        pycurl.NOSIGNAL: 1,
        pycurl.CONNECTTIMEOUT: access.patience_s,
        pycurl.LOW_SPEED_LIMIT: 1,  # bytes a second
        pycurl.LOW_SPEED_TIME: access.patience_s,
    }


def _opening(
    host: Host, made: list[socket.socket]
) -> Callable[[int, pycurl.CurlSockAddr], socket.socket]:
    """What libcurl has its sockets from. It gets duplicates of those `made`, which remain ours."""

    def opened(_purpose: int, address: pycurl.CurlSockAddr) -> socket.socket:
        made.append(host.socket(address.family, address.socktype))
        return made[-1]

    return opened
