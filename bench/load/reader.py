"""A client of our own that keeps what it got, as a browser does, and gives bodies out decoded.

For questions of bytes: it asks one thing at a time, over a connection that is then closed.
"""

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from bench.errors import LoadError
from bench.place import HOST, Address, shown

BROWSERS_TAKE = "gzip, deflate, br, zstd"
"""Their `Accept-Encoding`. No contestant makes any of these but gzip: others are refused here."""
_ANSWER_S = 30.0
_HEAD = {
    "Host": HOST,
    "User-Agent": (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/131.0.0.0 Safari/537.36"
    ),
    "Accept": (
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
    ),
    "Accept-Language": "en-GB,en;q=0.9",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    tag: str
    body: bytes


class Reader:
    """All who ask one server; each has a `Cookie` field of one's own, or none."""

    def __init__(self, name: str, at: Address, *, encodings: str = BROWSERS_TAKE) -> None:
        """`name` is the server's in messages; `encodings` are what its answers may come in."""
        self.name = name
        self._at = at
        self._encodings = encodings
        self._copies: dict[tuple[str, str | None], _Copy] = {}

    def read(self, path: str, cookie: str | None = None) -> bytes:
        """The body that a visitor sees: a new one, or the visitor's copy if that is said to hold.

        Raises:
            LoadError: the answer was neither 200 nor an expected 304, or cannot be decoded.
        """
        copy = self._copies.get((path, cookie))
        status, fields, body = self._ask(path, self._head(cookie, copy))
        if status == 304 and copy is not None:
            return copy.body
        if status != 200:
            raise LoadError(f"{self.name} answered {status} to {path}")
        decoded = self._decoded(fields.get("content-encoding", "identity"), body)
        if tag := fields.get("etag"):
            self._copies[path, cookie] = _Copy(tag=tag, body=decoded)
        return decoded

    def _head(self, cookie: str | None, copy: _Copy | None) -> dict[str, str]:
        head = {**_HEAD, "Accept-Encoding": self._encodings}
        if cookie is not None:
            head["Cookie"] = cookie
        if copy is not None:
            head["If-None-Match"] = copy.tag
        return head

    def _ask(self, path: str, head: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        connection = HTTPConnection(*self._at, timeout=_ANSWER_S)
        try:
            connection.request("GET", path, headers=head)
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, fields, answer.read()
        except (HTTPException, OSError) as error:
            raise LoadError(f"{self.name} at {shown(self._at)}: {error!r}") from error
        finally:
            connection.close()

    def _decoded(self, coding: str, body: bytes) -> bytes:
        if coding == "identity":
            return body
        if coding != "gzip":
            raise LoadError(f"{self.name} answered in {coding}")
        try:
            return gzip.decompress(body)
        except (EOFError, OSError, zlib.error) as error:
            raise LoadError(f"{self.name}: {error}") from error
