"""A URL and a few fields as a question about a request: the bytes that curl would send for them.

Whether a node takes these bytes is its framer's to say; nothing is mended here. Dot segments stay,
as with curl's `--path-as-is`.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_AUTHORITY = re.compile(r"([^/?]*)(.*)", re.DOTALL)
_PORT = re.compile(r"(.*?)(?::([0-9]*))?", re.DOTALL)
_UNSENDABLE = re.compile(rb"[^\x21-\x7e]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_FIELD = re.compile(r"([^:;]+)(?::(.*)|;)", re.DOTALL)
_LONGEST_HOST = 253
"""RFC 1035 2.3.4. What is in ASCII is the framer's to refuse."""


class QuestionError(ValueError):
    """Nobody could ask that; `str()` is one line for who tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """An http or https URL, cut as a client cuts it."""

    scheme: str
    host: str
    """In ASCII, an IPv6 address in brackets; otherwise as it was given."""
    port: int
    """That is connected to."""
    target: str
    """In origin-form; what no request line can hold is percent-encoded."""
    credentials: str = ""
    """`user:password` before the host, decoded: latin-1."""

    @property
    def host_port(self) -> str:
        """What Host says: the port where it is not the scheme's own."""
        usual = self.port == _DEFAULT_PORTS[self.scheme]
        return self.host if usual else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request that might be made."""

    scheme: str
    raw: bytes
    """Its head on the wire."""


def parse_url(text: str) -> Url:
    """Cut a URL; without a scheme it is http's, a fragment is dropped. Raises QuestionError."""
    match = _SCHEME.fullmatch(text.strip())
    scheme, rest = (match[1].lower(), match[2]) if match else ("http", text.strip())
    if scheme not in _DEFAULT_PORTS:
        raise QuestionError(f"{scheme[:20]} URLs are not served, only http and https")
    found = _AUTHORITY.fullmatch(rest.partition("#")[0])
    assert found is not None
    credentials, _, place = found[1].rpartition("@")
    named = _PORT.fullmatch(place)
    assert named is not None
    if not named[1]:
        raise QuestionError(f"no host in {_quoted(text)}")
    target = found[2] if found[2].startswith("/") else f"/{found[2]}"
    return Url(
        scheme=scheme,
        host=_ascii(named[1]),
        port=_port(named[2], scheme),
        target=_UNSENDABLE.sub(_encoded, target.encode("utf-8", "replace")).decode("ascii"),
        credentials=unquote_to_bytes(credentials).decode("latin-1"),
    )


def question(url: str, method: str, fields: Iterable[str]) -> Question:
    """Ask about `method` on a URL, with fields in curl's forms. Raises QuestionError.

    `Name: value` is sent in place of what would be sent without it, `Name:` sends nothing in its
    place, `Name;` an empty value.
    """
    place = parse_url(url)
    given = [_field(text) for text in fields]
    named = {name.lower() for name, _ in given}
    usual = [("Host", place.host_port), ("Accept", "*/*")]
    if place.credentials:
        coded = b64encode(place.credentials.encode("latin-1")).decode("ascii")
        usual.append(("Authorization", f"Basic {coded}"))
    sent = [pair for pair in usual if pair[0].lower() not in named]
    sent += [(name, value) for name, value in given if value is not None]
    return Question(scheme=place.scheme, raw=b"".join(_lines(method, place.target, sent)))


def _lines(method: str, target: str, fields: list[tuple[str, str]]) -> Iterator[bytes]:
    for text in (method, *(part for pair in fields for part in pair)):
        if "\r" in text or "\n" in text:
            raise QuestionError("a line end is no part of a method or a header")
    yield f"{method} {target} HTTP/1.1\r\n".encode("utf-8", "replace")
    for name, value in fields:
        yield f"{name}: {value}\r\n".encode("utf-8", "replace")
    yield b"\r\n"


def _field(text: str) -> tuple[str, str | None]:
    """Name and value; None: the field is not sent at all."""
    match = _FIELD.fullmatch(text)
    if match is None:
        raise QuestionError(f"a header is written `Name: value`, not {_quoted(text)}")
    if match[2] is None:
        return match[1], ""
    return match[1], match[2].strip(" \t") or None


def _ascii(host: str) -> str:
    """A host name as it stands in Host: labels that are not ASCII in their A-form (RFC 5890)."""
    if host.isascii():
        return host
    try:
        if len(host) <= _LONGEST_HOST:
            return host.encode("idna").decode("ascii")
    except UnicodeError:
        pass
    raise QuestionError(f"{_quoted(host)} is no host name")


def _port(digits: str | None, scheme: str) -> int:
    if not digits:
        return _DEFAULT_PORTS[scheme]
    if len(digits) > 5 or not 0 < int(digits) <= 65_535:
        raise QuestionError(f"{_quoted(digits)} is no port")
    return int(digits)


def _quoted(text: str) -> str:
    """On one line that can be read."""
    return repr(text if len(text) <= 60 else f"{text[:60]}...")


def _encoded(match: re.Match[bytes]) -> bytes:
    return b"%%%02X" % match[0][0]
