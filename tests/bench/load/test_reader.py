"""The client that counts no time: what it hands over is what its visitors would see."""

import gzip
from collections.abc import Iterator
from contextlib import closing
from socket import create_server

import pytest

from bench.errors import LoadError
from bench.load.reader import Reader
from bench.place import HOST
from tests.kit.webserver import WebHandler, WebServer

_BODY = b"It has been raining since the pass. " * 40
_ZIPPED = gzip.compress(_BODY)


class _Shop(WebHandler):
    server: "_Server"

    def answer(self) -> None:
        self.server.asked.append({name.lower(): value for name, value in self.headers.items()})
        tag, coding, body = self.server.pages.get(self.path, ("", "identity", b""))
        known = self.headers.get("If-None-Match")
        unchanged = self.path == "/always-304" or (known is not None and known == tag)
        self.send_response(304 if unchanged else 200 if self.path in self.server.pages else 404)
        if tag:
            self.send_header("ETag", tag)
        if not unchanged:
            if coding != "identity":
                self.send_header("Content-Encoding", coding)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not unchanged:
            self.wfile.write(body)


class _Server(WebServer):
    """Pages by path: entity tag, coding, body."""

    def __init__(self) -> None:
        super().__init__(_Shop)
        self.asked: list[dict[str, str]] = []
        self.pages = {
            "/page": ('"1"', "identity", _BODY),
            "/gzip": ('"1-gzip"', "gzip", _ZIPPED),
            "/fresh": ("", "identity", _BODY),
            "/half": ("", "gzip", _ZIPPED[:-20]),
            "/no-gzip": ("", "gzip", _BODY),
            "/corrupt": ("", "gzip", _ZIPPED[:-8] + bytes(8)),
            "/brotli": ("", "br", _BODY),
        }


@pytest.fixture
def server() -> Iterator[_Server]:
    """A small shop."""
    with _Server() as shop:
        yield shop


@pytest.fixture
def reader(server: _Server) -> Reader:
    """Whoever asks it."""
    return Reader("the shop", server.address)


def test_a_visitor_looks_like_a_browser(server: _Server, reader: Reader) -> None:
    """One with a cookie, if it has one; that is what others are told apart by."""
    assert reader.read("/page", "sid=1") == _BODY
    assert reader.read("/page") == _BODY
    mine, nobodys = server.asked
    assert mine["host"] == HOST
    assert mine["accept-encoding"] == "gzip, deflate, br, zstd"
    assert mine["user-agent"].startswith("Mozilla/5.0 ")
    assert mine["cookie"] == "sid=1"
    assert nobodys == {name: value for name, value in mine.items() if name != "cookie"}


@pytest.mark.parametrize("path", ["/page", "/gzip"])
def test_a_copy_is_asked_about_and_shown(server: _Server, reader: Reader, path: str) -> None:
    """Whoever has one sees the same again, decoded; nobody else is asked about it."""
    for cookie in ("sid=1", "sid=1", "sid=2"):
        assert reader.read(path, cookie) == _BODY
    asked = [head.get("if-none-match") for head in server.asked]
    assert asked == [None, server.pages[path][0], None]


def test_what_has_changed_takes_the_copys_place(server: _Server, reader: Reader) -> None:
    """And is asked about the next time."""
    reader.read("/page")
    server.pages["/page"] = ('"2"', "identity", b"It has stopped.")
    assert reader.read("/page") == b"It has stopped."
    assert reader.read("/page") == b"It has stopped."
    assert [head.get("if-none-match") for head in server.asked] == [None, '"1"', '"2"']


def test_what_has_no_tag_is_asked_for_anew(server: _Server, reader: Reader) -> None:
    """There is nothing to ask about."""
    for _ in range(2):
        assert reader.read("/fresh") == _BODY
    assert all("if-none-match" not in head for head in server.asked)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/none", "answered 404 to /none"),
        ("/always-304", "answered 304"),
        ("/brotli", "answered in br"),
        ("/half", "the shop: "),
        ("/no-gzip", "the shop: "),
        ("/corrupt", "the shop: "),
    ],
)
def test_a_wrong_answer_is_none(reader: Reader, path: str, said: str) -> None:
    """An error, a 304 that nobody asked for, and a body that nobody can read."""
    with pytest.raises(LoadError, match=said):
        reader.read(path)


def test_where_nobody_listens_it_is_said() -> None:
    """With who should have, and where."""
    with closing(create_server(("127.0.0.1", 0))) as sock:
        port = sock.getsockname()[1]
    with pytest.raises(LoadError, match=rf"the shop at 127\.0\.0\.1:{port}: ConnectionRefused"):
        Reader("the shop", ("127.0.0.1", port)).read("/page")
