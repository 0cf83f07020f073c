"""What stands behind a parent: an origin that reads by h11's rules, and real servers before one.

h11 shares no code with us or aiohttp, so what it reads is a second opinion of what we send.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import h11

from bench.processes import listening, ready, running
from bench.programs import data, libraries
from tests.kit.processes import free_ports
from tests.kit.programs import need
from tests.kit.talk import serving

_HERE = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """A whole request, as h11 read it."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def lines(self, name: str) -> list[str]:
        """The values of all field lines of that name."""
        return [value for key, value in self.fields if key == name]


@dataclass
class RecordingOrigin:
    """An origin that answers `ok` to everything, and what it was sent."""

    cache_control: str
    port: int = 0
    raw: list[bytearray] = field(default_factory=list)
    """All bytes, one entry a connection."""
    arrived: list[Arrived] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    """Targets of requests that were cut off before their end."""
    misread: list[str] = field(default_factory=list)
    """What h11 would not read."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests."""
        try:
            await self._requests(h11.Connection(h11.SERVER), reader, writer)
        except ConnectionError:
            pass  # of the answer to a request that was cut off
        finally:
            writer.close()

    async def _requests(
        self, wire: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        request: h11.Request | None = None
        raw, body, came = bytearray(), bytearray(), b"?"
        self.raw.append(raw)
        while True:
            try:
                event = wire.next_event()
            except h11.RemoteProtocolError as error:
                if came:
                    self.misread.append(f"{error}: {bytes(raw[-200:])!r}")
                else:
                    self.cut.append(request.target.decode() if request else "no whole head")
                return
            match event:
                case h11.NEED_DATA:
                    came = await reader.read(65_536)
                    raw += came
                    wire.receive_data(came)
                case h11.Request():
                    request = event
                    body.clear()
                case h11.Data():
                    body += event.data
                case h11.EndOfMessage():
                    assert request is not None
                    self.arrived.append(_arrived(request, bytes(body)))
                    writer.write(self._answer(wire, request.method))
                    request = None
                    if wire.our_state is h11.MUST_CLOSE:
                        return
                    wire.start_next_cycle()
                case _:
                    return

    def _answer(self, wire: h11.Connection, method: bytes) -> bytes:
        fields = [("Content-Length", "2"), ("Cache-Control", self.cache_control)]
        head = wire.send(h11.Response(status_code=200, headers=fields))
        body = b"" if method == b"HEAD" else wire.send(h11.Data(data=b"ok"))
        return b"".join(each or b"" for each in (head, body, wire.send(h11.EndOfMessage())))


def _arrived(request: h11.Request, body: bytes) -> Arrived:
    return Arrived(
        method=request.method.decode(),
        target=request.target.decode(),
        fields=tuple((name.decode(), value.decode("latin-1")) for name, value in request.headers),
        body=body,
    )


@asynccontextmanager
async def recorder(
    *, cache_control: str = "no-store", port: int = 0
) -> AsyncIterator[RecordingOrigin]:
    """A recording origin; what it still does at the end is cancelled."""
    record = RecordingOrigin(cache_control)
    async with serving(record._serve, port) as record.port:
        yield record


@dataclass(frozen=True, kw_only=True)
class Server:
    """A real server that passes everything on to `sink`, and logs all that it was asked."""

    port: int
    sink: int
    log: Path

    def logged(self) -> Counter[tuple[str, str]]:
        """Method and target of every request, also of those that it refused itself."""
        lines = self.log.read_text(errors="replace").splitlines()
        if self.log.name.startswith("haproxy"):  # in the foreground it writes each line twice
            lines = list(dict.fromkeys(lines))  # which ends with a number of its own
        words = [[*line.split(), "", ""] for line in lines if line.startswith("logged ")]
        return Counter((method, target) for _, method, target, *_ in words)


_Commands = Callable[[Path, int, int], Sequence[Sequence[str | Path]]]
"""Daemons in the foreground, from a folder, a port to listen on and the port of the sink. The last
one writes the log to its standard output."""


def _written(path: Path, text: str, **values: object) -> Path:
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    path.write_text(text)
    return path


_NGINX = """
daemon off;
@user@
pid @home@/nginx.pid;
error_log stderr;
events { worker_connections 512; }
http {
    log_format asked escape=none 'logged $request_method $request_uri';
    access_log /dev/stdout asked;
    client_body_temp_path @home@/temporary;
    proxy_temp_path @home@/temporary;
    fastcgi_temp_path @home@/temporary;
    uwsgi_temp_path @home@/temporary;
    scgi_temp_path @home@/temporary;
    upstream sink { server 127.0.0.1:@sink@; keepalive 8; }
    server {
        listen 127.0.0.1:@port@;
        location / {
            proxy_pass http://sink;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
        }
    }
}
"""


def _nginx(home: Path, port: int, sink: int) -> Sequence[Sequence[str | Path]]:
    program = need("nginx", package="nginx", unpack=True)
    user = "user root;" if os.geteuid() == 0 else ""
    settings = _written(home / "nginx.conf", _NGINX, user=user, home=home, port=port, sink=sink)
    return [[program, "-e", "stderr", "-p", home, "-c", settings]]


_VARNISH = """
vcl 4.1;
backend sink { .host = "127.0.0.1"; .port = "@sink@"; }
sub vcl_recv { return (pass); }
sub vcl_backend_fetch { return (fetch); }
"""


def _varnish(home: Path, port: int, sink: int) -> Sequence[Sequence[str | Path]]:
    program = need("varnishd", package="varnish", unpack=True)
    logger = need("varnishncsa", package="varnish", unpack=True)
    need("cc", package="gcc")  # it compiles its configuration
    settings = _written(home / "sink.vcl", _VARNISH, sink=sink)
    server: list[str | Path] = [
        program, "-F", "-n", home / "work", "-a", f"{_HERE}:{port},HTTP", "-f", settings,
        "-s", "malloc,16m", "-j", "none",
        "-p", f"vmod_path={data('usr/lib/{triplet}/varnish/vmods')}",
    ]  # fmt: skip
    return [server, [logger, "-n", home / "work", "-F", "logged %m %U%q"]]


_APACHE = """
ServerRoot @home@
ServerName localhost
DefaultRuntimeDir @home@
PidFile @home@/apache.pid
Listen 127.0.0.1:@port@
User #65534
Group #65534
ErrorLog /dev/stderr
LoadModule mpm_event_module @modules@/mod_mpm_event.so
LoadModule authz_core_module @modules@/mod_authz_core.so
LoadModule proxy_module @modules@/mod_proxy.so
LoadModule proxy_http_module @modules@/mod_proxy_http.so
StartServers 1
ThreadsPerChild 25
MaxKeepAliveRequests 0
MergeSlashes Off
KeepAliveTimeout 60
AllowEncodedSlashes NoDecode
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:@sink@/ nocanon
LogFormat "logged %r" asked
CustomLog /dev/stdout asked
"""


def _apache(home: Path, port: int, sink: int) -> Sequence[Sequence[str | Path]]:
    program = need("apache2", package="apache2-bin", unpack=True)
    settings = _written(
        home / "apache.conf",
        _APACHE,
        home=home,
        port=port,
        sink=sink,
        modules=data("usr/lib/apache2/modules"),
    )
    return [[program, "-d", home, "-f", settings, "-DFOREGROUND"]]


_HAPROXY = """
defaults
    mode http
    option dontlognull
    log-format "logged %HM %HU %rt"
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
frontend asked
    log stdout format raw local0
    bind 127.0.0.1:@port@
    default_backend sink
backend sink
    server sink 127.0.0.1:@sink@
"""


def _haproxy(home: Path, port: int, sink: int) -> Sequence[Sequence[str | Path]]:
    program = need("haproxy", package="haproxy", unpack=True)
    settings = _written(home / "haproxy.cfg", _HAPROXY, port=port, sink=sink)
    return [[program, "-db", "-f", settings]]


SERVERS: dict[str, _Commands] = {
    "nginx": _nginx,
    "varnish": _varnish,
    "apache": _apache,
    "haproxy": _haproxy,
}


@contextmanager
def standing(kind: str, home: Path) -> Iterator[Server]:
    """One of `SERVERS`; nothing listens at its sink yet."""
    port, sink = free_ports(2)
    environment = libraries("{triplet}/varnish")
    with ExitStack() as stack:
        for number, command in enumerate(SERVERS[kind](home, port, sink)):
            name = f"{kind}-{number}"
            log = home / f"{name}.log"
            pid = stack.enter_context(running(command, home, name, environment))
            ready(lambda: listening((_HERE, port)), name, pid, log)
        yield Server(port=port, sink=sink, log=log)
