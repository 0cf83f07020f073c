"""The client that tells how long each answer took: what it measures is what was promised."""

import gzip
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from bench.bodies import prose
from bench.certificate import Pair, certify
from bench.errors import LoadError
from bench.lab.running import Host, opened
from bench.lab.topologies import standard
from bench.load import curl
from bench.peers import nginx
from bench.place import HOST, Address
from tests.kit.benching import need_programs, small_place
from tests.kit.lab import need_lab
from tests.kit.webserver import WebHandler, WebServer

_TEXT = prose(100 * 1024, seed=1).encode()
_ZIPPED = gzip.compress(_TEXT)
_LARGE = os.urandom(8 << 20)
_connected = partial(curl.connected, warm="/healthz")
_NUMBER = 50
_PATIENCE_S = 20.0
_GZIP = ("Content-Encoding", "gzip")
_BODIES: dict[str, tuple[bytes, tuple[str, str]]] = {
    "/healthz": (b"ok\n", ("Cache-Control", "no-store")),
    "/together": (_TEXT, ("Cache-Control", "no-store")),
    "/text": (_ZIPPED, _GZIP),
    "/large": (_LARGE, ("Content-Type", "video/mp4")),
    "/half": (_ZIPPED[:-2000], _GZIP),
    "/no-end": (_ZIPPED[:-1], _GZIP),
    "/corrupt": (_ZIPPED[:-8] + bytes(8), _GZIP),
    "/more": (_ZIPPED + b"more", _GZIP),
    "/no-gzip": (_TEXT, _GZIP),
    "/brotli": (_TEXT, ("Content-Encoding", "br")),
    "/farewell": (b"this was the last one", ("Connection", "close")),
    "/cut-off": (b"not all of it", ("Content-Length", "20")),
}


class _Shop(WebHandler):
    server: "_Server"

    def answer(self) -> None:
        self.server.asked.append((self.path, self.client_address, self.headers.items()))
        if self.path == "/together":
            self.server.together.wait(_PATIENCE_S)
        if self.path == "/silence":
            self.server.over.wait(_PATIENCE_S)
        body, field = _BODIES.get(self.path, (b"what?", ("Cache-Control", "no-store")))
        self.send_response(200 if self.path in _BODIES else 404)
        self.send_header(*field)
        if self.path == "/cut-off":
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(WebServer):
    """A small shop, by TLS if it is given a certificate."""

    def __init__(self, pair: Pair | None = None, host: Host | None = None) -> None:
        super().__init__(_Shop, pair=pair, host=host)
        self.asked: list[tuple[str, Address, list[tuple[str, str]]]] = []
        self.together = threading.Barrier(_NUMBER)
        """Nobody is answered before all have asked."""
        self.over = threading.Event()

    def asked_for(self, path: str) -> list[Address]:
        """The client's address of each request."""
        return [client for asked, client, _ in self.asked if asked == path]

    def __exit__(self, *_: object) -> None:
        self.over.set()
        super().__exit__()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The shop's certificate."""
    return certify(tmp_path_factory.mktemp("keys"), HOST)


@pytest.fixture
def server(pair: Pair) -> Iterator[_Server]:
    """The shop by HTTP/1.1."""
    with _Server(pair) as serving:
        yield serving


@contextmanager
def _http2(pair: Pair) -> Iterator[tuple[Address, _Server]]:
    """The shop behind an nginx that speaks HTTP/2, and where that is."""
    need_programs("nginx")
    with ExitStack() as stack:
        place = stack.enter_context(small_place())
        shop = stack.enter_context(_Server())
        front = stack.enter_context(nginx.edge(place, shop.address, pair))
        assert front.https is not None
        yield front.https, shop


def test_a_kept_connection_is_kept(server: _Server, pair: Pair) -> None:
    """All requests come over the one connection that was open before; each is told of alone."""
    with _connected(None, server.address, ca=pair.certificate) as client:
        answers = [*client.ask("/text", times=3), *client.ask("/healthz", times=3)]
    assert len({client for _, client, _ in server.asked}) == 1
    assert {answer.connection for answer in answers} == {answers[0].connection}
    assert [answer.size_bytes for answer in answers] == [len(_TEXT)] * 3 + [3] * 3
    assert [answer.wire_bytes for answer in answers] == [len(_ZIPPED)] * 3 + [3] * 3
    assert all(0 < answer.first_byte_ms <= answer.ms for answer in answers)


def test_it_asks_as_browsers_do(server: _Server, pair: Pair) -> None:
    """By the site's own name, for whatever encoding, and with the fields that are added."""
    with _connected(None, server.address, ca=pair.certificate) as client:
        client.ask("/text", fields=("Cookie: visitor=1",))
    fields = dict(server.asked[-1][2])
    assert fields["Host"] == HOST
    assert fields["Accept-Encoding"] == "gzip, deflate, br, zstd"
    assert fields["Cookie"] == "visitor=1"


def test_fifty_at_once_have_a_connection_each(server: _Server, pair: Pair) -> None:
    """All have asked before one is answered, again and again over the same connections."""
    with _connected(None, server.address, ca=pair.certificate, connections=_NUMBER) as client:
        for _ in range(2):
            answers = client.at_once("/together", _NUMBER)
            assert [answer.size_bytes for answer in answers] == [len(_TEXT)] * _NUMBER
            assert len({answer.connection for answer in answers}) == _NUMBER
        with pytest.raises(ValueError, match="51 at once"):
            client.at_once("/together", _NUMBER + 1)
    assert len({client for _, client, _ in server.asked}) == _NUMBER


@pytest.mark.system
def test_fifty_at_once_are_streams_of_one_connection(pair: Pair) -> None:
    """By HTTP/2, where a kept one is a single one, however many were asked for."""
    with (
        _http2(pair) as (at, shop),
        _connected(None, at, ca=pair.certificate, http2=True, connections=9) as client,
    ):
        alone = client.ask("/text", times=3)
        together = client.at_once("/together", _NUMBER)
        assert len(shop.asked_for("/together")) == _NUMBER
    assert [answer.size_bytes for answer in alone + together] == [len(_TEXT)] * (_NUMBER + 3)
    assert len({answer.connection for answer in alone + together}) == 1
    # nginx does not find it zipped in its cache: the shop sent it so.
    assert {answer.wire_bytes for answer in alone} == {len(_ZIPPED)}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/nowhere", "answered 404"),
        ("/cut-off", "unexpected eof"),
        ("/half", "ends too early"),
        ("/no-end", "ends too early"),
        ("/corrupt", "incorrect data check"),
        ("/more", "behind a gzip's end"),
        ("/no-gzip", "incorrect header check"),
        ("/brotli", "encoded as br"),
    ],
)
def test_wrong_answers_are_refused(server: _Server, pair: Pair, path: str, why: str) -> None:
    """Whatever is not the whole of a good one, and says why."""
    with (
        _connected(None, server.address, ca=pair.certificate) as client,
        pytest.raises(LoadError, match=f"{path}: .*{why}"),
    ):
        client.ask(path)


def test_one_wrong_answer_of_many_is_refused(server: _Server, pair: Pair) -> None:
    """The client goes on to be of use to whoever forgives."""
    with _connected(None, server.address, ca=pair.certificate, connections=3) as client:
        with pytest.raises(LoadError, match="404"):
            client.at_once("/nowhere", 3)
        assert len(client.at_once("/text", 3)) == 3


def test_a_new_connection_is_not_measured(server: _Server, pair: Pair) -> None:
    """Where the server closed the one that was open: a handshake would be in the time."""
    with _connected(None, server.address, ca=pair.certificate) as client:
        client.ask("/farewell")
        with pytest.raises(LoadError, match="not been kept open"):
            client.ask("/text")


def test_silence_ends(server: _Server, pair: Pair) -> None:
    """A server that does not answer is not waited for without end."""
    with (
        _connected(None, server.address, ca=pair.certificate, patience_s=1) as client,
        pytest.raises(LoadError, match="too slow"),
    ):
        client.ask("/silence")


def test_another_certificate_is_not_accepted(server: _Server, tmp_path: Path) -> None:
    """Nor is one of another name; nothing is asked then."""
    other = certify(tmp_path, HOST)
    with (
        pytest.raises(LoadError, match="certificate"),
        _connected(None, server.address, ca=other.certificate),
    ):
        pass
    assert server.asked == []


def test_the_certificate_must_have_the_sites_name(server: _Server, pair: Pair) -> None:
    """The address that it was reached at does not matter, the name does."""
    with (
        pytest.raises(LoadError, match="match"),
        _connected(None, server.address, ca=pair.certificate, base="https://other.bench.test"),
    ):
        pass


def test_http2_where_there_is_none_is_refused(server: _Server, pair: Pair) -> None:
    """HTTP/1.1 instead would be measured as something that it is not."""
    with (
        pytest.raises(LoadError, match="another version"),
        _connected(None, server.address, ca=pair.certificate, http2=True),
    ):
        pass


def test_nobody_there_is_said(pair: Pair) -> None:
    """As soon as it is known."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        with (
            pytest.raises(LoadError, match="connect"),
            _connected(None, taken.getsockname(), ca=pair.certificate),
        ):
            pass


def test_something_large_is_counted(server: _Server, pair: Pair) -> None:
    """And not kept."""
    with _connected(None, server.address, ca=pair.certificate) as client:
        answer = client.ask("/large")[0]
    assert (answer.size_bytes, answer.wire_bytes) == (len(_LARGE), len(_LARGE))


@pytest.mark.system
def test_a_lab_hosts_client_is_as_far_away_as_the_host(pair: Pair) -> None:
    """No answer comes sooner than light, and the server sees the host's own address."""
    need_lab()
    with opened(standard("regional")) as lab:
        lab.degrade("user", "origin", loss=0)  # losses are another test's matter
        user, origin = lab.host("user"), lab.host("origin")
        with (
            _Server(pair, origin) as shop,
            _connected(user, shop.address, ca=pair.certificate, connections=3) as client,
        ):
            answers = [*client.ask("/healthz", times=5), *client.at_once("/healthz", 3)]
    assert {client[0] for _, client, _ in shop.asked} == {user.ipv4}
    assert min(answer.first_byte_ms for answer in answers) >= 30
