"""One request head, checked so strictly that no two servers can read it differently.

Whatever RFC 9112 lets a recipient either repair or refuse is refused: a repair is one reading, and
a server behind us may have another (RFC 9112 11.2). Cutting heads out of a stream is `framing`'s.
"""

import re
from dataclasses import dataclass

from edge.authority import Authority, parse_authority
from edge.config import Limits
from edge.errors import FramingError, FramingReason
from edge.fields import tokens
from edge.message import Headers, Request

METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "QUERY"}
    | {"COPY", "LOCK", "MKCOL", "MOVE", "PROPFIND", "PROPPATCH", "SEARCH", "UNLOCK"}  # WebDAV
    | {"ACL", "BIND", "LINK", "MKCALENDAR", "REBIND", "REPORT", "UNBIND", "UNLINK"}
    | {"CHECKOUT", "M-SEARCH", "MERGE", "MKACTIVITY", "NOTIFY", "PURGE", "SOURCE"}
    | {"SUBSCRIBE", "UNSUBSCRIBE"}
)
"""Those that the parser behind the gate can read, without CONNECT, which needs a tunnel; any other
token is a method too, but one that is not implemented here (RFC 9110 9.1)."""
MAX_LENGTH_DIGITS = 15
"""A Content-Length of up to a petabyte: exact in every server's number, floating point too."""

_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CLEAN = bytes({0x09, *range(0x20, 0x7F), *range(0x80, 0x100)})
_ABSOLUTE = re.compile(r"(https?)://([^/?]*)(.*)", re.IGNORECASE)
_LENGTH = re.compile(r"0|[1-9][0-9]*")

_FRAMING_FIELDS = frozenset(
    {"connection", "content-length", "expect", "host", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "keep-alive", "proxy-connection"}
)
"""Fields that decide where a message ends or whom it is for."""
GIVEN_ONCE = frozenset(
    {"content-location", "content-range", "content-type", "etag", "max-forwards", "server"}
    | {"user-agent"}
)
"""Fields of one value (RFC 9110 5.3); which of several counts, servers do not agree upon. Those of
`_FRAMING_FIELDS` have rules of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A request head that can be read in one way only.

    `target` is in origin-form, or `*`, also where the client sent an absolute URI; `scheme` is
    that URI's, None otherwise. `authority` is None where an HTTP/1.0 client named no host.
    `length` is the body's where Content-Length gives it, 0 without a body, None if `chunked`.
    `raw` is the head as it came, with its empty line.
    """

    raw: bytes
    method: str
    target: str
    version: str
    scheme: str | None
    authority: Authority | None
    headers: Headers
    length: int | None
    websocket: bool
    """A WebSocket handshake (RFC 6455 4.1): what follows may not be HTTP any more."""
    expects_continue: bool
    keep_alive: bool

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return self.length is None

    @property
    def has_body(self) -> bool:
        """Whether anything follows the head."""
        return self.length != 0

    def request(self, *, scheme: str, client: str) -> Request:
        """In the pipeline's words, for a head that `client` sent on a connection of `scheme`."""
        return Request(
            method=self.method,
            scheme=scheme,
            authority=self.authority.host if self.authority is not None else "",
            host_port=str(self.authority) if self.authority is not None else "",
            target=self.target,
            headers=self.headers,
            client=client,
            version=self.version,
        )


def parse_head(raw: bytes, limits: Limits) -> Head:
    """Check a whole head, from its request line to its empty line.

    Raises:
        FramingError: with the status of the answer; the connection is to be closed after it.
    """
    _check_bytes(raw)
    request_line, *field_lines = raw[:-4].split(b"\r\n")
    method, wire_target, version = _request_line(request_line, limits)
    headers = parse_fields(field_lines, limits.header_count)
    scheme, authority, target = _target(method, wire_target)
    host = _host(headers, version)
    if authority is not None and host is not None and authority != host:
        # RFC 9112 3.2.2 lets the target win, but a server behind us may prefer Host.
        raise FramingError(FramingReason.HOST, "Host differs from the authority of the target")
    _check_once(headers)
    options = tokens(headers.lines("connection"))
    length = _length(headers, version)
    return Head(
        raw=raw,
        method=method,
        target=target,
        version=version,
        scheme=scheme,
        authority=authority or host,
        headers=headers,
        length=length,
        websocket=_websocket(headers, options, method=method, version=version, length=length),
        expects_continue=_expectation(headers, version),
        keep_alive="close" not in options and (version == "1.1" or "keep-alive" in options),
    )


def _check_bytes(raw: bytes) -> None:
    # Every CR and every LF must be half of a CRLF.
    if not raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n"):
        raise FramingError(FramingReason.LINE_END, "a line ends with a bare CR or LF")
    if not clean(raw.translate(None, b"\r\n")):
        raise FramingError(FramingReason.CONTROL, "a control character in the head")


def clean(text: bytes) -> bool:
    """Whether there is nothing in `text` that may not stand in a line (RFC 9110 5.5)."""
    return not text.translate(None, _CLEAN)


def _request_line(line: bytes, limits: Limits) -> tuple[str, str, str]:
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise FramingError(FramingReason.REQUEST_LINE, "malformed request line")
    method, target, major, minor = (group.decode("ascii") for group in match.groups())
    if major != "1" or minor not in ("0", "1"):
        text = f"HTTP/{major}.{minor} is not spoken here"
        raise FramingError(FramingReason.VERSION, text, status=505)
    if len(target) > limits.target_bytes:
        raise FramingError(FramingReason.TARGET_LENGTH, "request target too long", status=414)
    if method not in METHODS:
        # Not 405, which would be about this target only.
        raise FramingError(FramingReason.METHOD, "method not implemented", status=501)
    return method, target, f"1.{minor}"


def _target(method: str, target: str) -> tuple[str | None, Authority | None, str]:
    """Scheme and authority of an absolute target, and the target in origin-form (RFC 9112 3.2)."""
    if "#" in target:
        raise FramingError(FramingReason.TARGET, "a fragment in the request target")
    if target.startswith("/") or (target == "*" and method == "OPTIONS"):
        return None, None, target
    match = _ABSOLUTE.fullmatch(target)
    authority = parse_authority(match[2]) if match else None
    if match is None or authority is None:
        raise FramingError(FramingReason.TARGET, "malformed request target")
    rest = match[3]
    if not rest.startswith("/"):
        # RFC 9112 3.2.4: OPTIONS without path and query asks about the server as a whole.
        rest = "*" if method == "OPTIONS" and not rest else f"/{rest}"
    return match[1].lower(), authority, rest


def parse_fields(lines: list[bytes], most: int) -> Headers:
    """Check field lines, each without its CRLF; shared by header and trailer sections.

    Raises:
        FramingError: 431 for more than `most` lines, 400 for anything malformed.
    """
    if len(lines) > most:
        raise FramingError(FramingReason.FIELD_COUNT, "too many header fields", status=431)
    return Headers([_field(line) for line in lines])


def _field(line: bytes) -> tuple[str, str]:
    if line[:1] in (b" ", b"\t"):
        raise FramingError(FramingReason.FOLD, "a folded header field")
    wire_name, colon, value = line.partition(b":")
    if not colon or not _NAME.fullmatch(wire_name):
        raise FramingError(FramingReason.FIELD, "malformed header field line")
    name = wire_name.decode("ascii").lower()
    if "_" in name and name.replace("_", "-") in _FRAMING_FIELDS:
        raise FramingError(FramingReason.DISGUISED, "an underscore in a framing field's name")
    return name, value.strip(b" \t").decode("latin-1")


def _host(headers: Headers, version: str) -> Authority | None:
    lines = headers.lines("host")
    if not lines and version == "1.0":
        return None
    host = parse_authority(lines[0]) if len(lines) == 1 else None
    if host is None:
        raise FramingError(FramingReason.HOST, "exactly one valid Host field is needed")
    return host


def _check_once(headers: Headers) -> None:
    seen: set[str] = set()
    for name, _ in headers:
        if name in seen:
            raise FramingError(FramingReason.REPEATED, f"{name} given more than once")
        if name in GIVEN_ONCE:
            seen.add(name)


def _length(headers: Headers, version: str) -> int | None:
    """Length of the body, None if it is chunked (RFC 9112 6.3)."""
    lengths = headers.lines("content-length")
    codings = headers.lines("transfer-encoding")
    if codings and lengths:
        text = "both Content-Length and Transfer-Encoding"
        raise FramingError(FramingReason.BOTH_LENGTHS, text)
    if codings:
        _check_codings(codings, version)
        return None
    if not lengths:
        return 0
    # RFC 9110 8.6 would let us accept repeated equal values; refusing them is the safe choice.
    if len(lengths) > 1 or len(lengths[0]) > MAX_LENGTH_DIGITS or not _LENGTH.fullmatch(lengths[0]):
        raise FramingError(FramingReason.LENGTH, "malformed Content-Length")
    return int(lengths[0])


def _check_codings(codings: tuple[str, ...], version: str) -> None:
    if version == "1.0":
        # RFC 9112 6.1: framing is faulty, even if both sides could guess what is meant.
        raise FramingError(FramingReason.CODING, "Transfer-Encoding on HTTP/1.0")
    if len(codings) == 1 and codings[0].lower() == "chunked":
        return
    # RFC 9112 6.1: 501 for a coding that is not understood, 400 where no length can be known.
    final = codings[-1].rpartition(",")[2].strip(" \t").lower()
    status = 501 if final == "chunked" else 400
    raise FramingError(FramingReason.CODING, "only `chunked` is understood", status=status)


def _websocket(
    headers: Headers, options: frozenset[str], *, method: str, version: str, length: int | None
) -> bool:
    protocols = tokens(headers.lines("upgrade"))
    if "upgrade" not in options or "websocket" not in protocols:
        return False  # any other Upgrade is declined by not answering it (RFC 9110 7.8)
    if method != "GET" or version != "1.1" or length != 0:
        raise FramingError(FramingReason.UPGRADE, "malformed WebSocket handshake")
    return True


def _expectation(headers: Headers, version: str) -> bool:
    lines = headers.lines("expect")
    if not lines or version == "1.0":  # RFC 9110 10.1.1: ignored on HTTP/1.0
        return False
    if tokens(lines) != {"100-continue"}:
        raise FramingError(FramingReason.EXPECTATION, "unknown expectation", status=417)
    return True
