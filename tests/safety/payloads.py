"""What smugglers send, and what must become of it: one row a way to be read differently by two.

Our own cases, from the classes of bugs that public lists name. In a row's bytes `/~` stands for a
target of its own, and `/evil` for one that must never be asked for unless the row says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

HOST = b"Host: shop.test"
EVIL = b"GET /evil HTTP/1.1\r\nHost: shop.test\r\n\r\n"
"""What is to be smuggled."""
_TRANSFER = b"Transfer-Encoding: chunked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A request that an origin is to get."""

    method: str = "GET"
    target: str = "/~"
    host: str = "shop.test"
    body: bytes = b""
    fields: tuple[tuple[str, str], ...] = ()
    """Those that the client is to be quoted with; all others are the network's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """Bytes on a connection of their own, and what they lead to."""

    name: str
    tries: str
    wire: bytes
    answers: tuple[int, ...]
    """The statuses that come back, in their order."""
    arrives: tuple[Meant, ...] = ()
    """What arrives at the origin, whole."""
    closes: bool
    """Whether nothing that follows on the connection is answered."""
    breaks: bool = False
    """Whether it goes wrong in a body, of which the beginning may have been forwarded."""

    @property
    def goes_on(self) -> bool:
        """Whether an origin gets anything of it."""
        return bool(self.arrives) or self.breaks

    def named(self) -> "Payload":
        """With targets that no other row has."""
        own = f"/{self.name}"
        return replace(
            self,
            wire=self.wire.replace(b"/~", own.encode()),
            arrives=tuple(
                replace(one, target=one.target.replace("/~", own)) for one in self.arrives
            ),
        )


def refused(
    name: str, tries: str, wire: bytes, status: int = 400, *before: Meant, breaks: bool = False
) -> Payload:
    """A row whose last bytes are refused, after the requests `before` them were served."""
    return Payload(
        name=name,
        tries=tries,
        wire=wire,
        answers=(*(200 for _ in before), status),
        arrives=before,
        closes=True,
        breaks=breaks,
    )


def answered(name: str, tries: str, wire: bytes, status: int) -> Payload:
    """A row that is clear, but nothing for an origin."""
    return Payload(name=name, tries=tries, wire=wire, answers=(status,), closes=False)


def passes(name: str, tries: str, wire: bytes, *arrives: Meant, closes: bool = False) -> Payload:
    """A row that has one reading: these requests, by default one GET."""
    arrives = arrives or (Meant(),)
    return Payload(
        name=name,
        tries=tries,
        wire=wire,
        answers=tuple(200 for _ in arrives),
        arrives=arrives,
        closes=closes,
    )


def get(*lines: bytes, line: bytes = b"GET /~ HTTP/1.1", host: bytes = HOST) -> bytes:
    """A request without a body; `lines` before Host."""
    return b"\r\n".join([line, *lines, host, b"", b""])


def post(*lines: bytes, body: bytes = b"", line: bytes = b"POST /~ HTTP/1.1") -> bytes:
    """A request whose body the lines are to announce."""
    return get(*lines, line=line) + body


def chunked(body: bytes) -> bytes:
    """A request with this chunked body on the wire."""
    return post(_TRANSFER, body=body)


def _posted(body: bytes = b"", **changes: str) -> Meant:
    return Meant(method="POST", body=body, **changes)  # type: ignore[arg-type]


_BAD_REQUEST_LINES: tuple[tuple[str, str, bytes, int], ...] = (
    ("http-0-9", "no version: HTTP/0.9 answers at once", b"GET /~\r\n\r\n", 400),
    ("http-0-9-lf", "the same, ended by LF", b"GET /~\n", 400),
    ("version-0-9", "HTTP/0.9 in so many words", get(line=b"GET /~ HTTP/0.9"), 505),
    ("version-1-2", "a later minor version", get(line=b"GET /~ HTTP/1.2"), 505),
    ("version-1-32", "read up to its longest prefix", get(line=b"GET /~ HTTP/1.32"), 400),
    ("version-2", "HTTP/2 in a request line", get(line=b"GET /~ HTTP/2.0"), 505),
    ("preface", "HTTP/2 without upgrade", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("version-dots", "three numbers", get(line=b"GET /~ HTTP/1.1.1"), 400),
    ("version-zero", "a leading zero", get(line=b"GET /~ HTTP/01.1"), 400),
    ("version-huge", "an 8-bit overflow", get(line=b"GET /~ HTTP/4294967297.257"), 400),
    ("version-sign", "a signed number", get(line=b"GET /~ HTTP/+1.1"), 400),
    ("version-case", "lower case", get(line=b"GET /~ http/1.1"), 400),
    ("version-space", "a space at the end", get(line=b"GET /~ HTTP/1.1 "), 400),
    ("version-tab", "a tab at the end", get(line=b"GET /~ HTTP/1.1\t"), 400),
    ("version-cr", "CR inside", get(line=b"GET /~ HTTP/\r\r1.1"), 400),
    ("version-nul", "NUL at the end", get(line=b"GET /~ HTTP/1.1\0"), 400),
    ("version-other", "another protocol", get(line=b"GET /~ ICAP/1.1"), 400),
    ("method-lower", "methods in lower case", get(line=b"get /~ HTTP/1.1"), 501),
    ("method-mixed", "or in both", get(line=b"GeT /~ HTTP/1.1"), 501),
    ("method-unknown", "one that nobody knows", get(line=b"GETT /~ HTTP/1.1"), 501),
    ("method-prefix", "no token", get(line=b'G=":<>(e),[T];?" /~ HTTP/1.1'), 400),
    ("method-nul", "NUL for a method", get(line=b"\0 /~ HTTP/............0596.7407."), 400),
    ("method-nul-end", "NUL behind it", get(line=b"GET\0 /~ HTTP/1.1"), 400),
    ("method-empty", "none at all", get(line=b" /~ HTTP/1.1"), 400),
    ("connect", "a tunnel", get(line=b"CONNECT shop.test:80 HTTP/1.1"), 501),
    ("spaces", "two spaces", get(line=b"GET  /~ HTTP/1.1"), 400),
    ("spaces-after", "two behind the target", get(line=b"GET /~  HTTP/1.1"), 400),
    ("tabs", "tabs between", get(line=b"GET\t/~\tHTTP/1.1"), 400),
    ("vertical-tab", "VT between", get(line=b"GET\x0b/~ HTTP/1.1"), 400),
    ("no-break-space", "what Latin-1 calls a space", get(line=b"GET\xa0/~ HTTP/1.1"), 400),
    ("lf-between", "LF between", get(line=b"GET /~\nHTTP/1.1"), 400),
    ("cr-between", "CR between", get(line=b"GET /~\rHTTP/1.1"), 400),
    ("two-lines", "a second one in the first", get(line=b"GET /~ HTTP/1.1 GET /evil"), 400),
    ("leading-space", "a space before it", b" " + get(), 400),
    ("leading-nul", "NUL before it", b"\0" + get(), 400),
    ("leading-bom", "a byte order mark before it", b"\xef\xbb\xbf" + get(), 400),
    ("leading-lf", "LF before it", b"\n" + get(), 400),
    ("leading-cr", "CR before it", b"\r" + get(), 400),
    ("leading-lines", "two empty lines before it", b"\r\n\r\n" + get(), 400),
    ("leading-half", "an empty line and a CR", b"\r\n\r" + get(), 400),
)


def _request_lines() -> Iterator[Payload]:
    yield from (refused(*row) for row in _BAD_REQUEST_LINES)
    yield passes("leading-line", "one empty line, as RFC 9112 2.2 allows", b"\r\n" + get())
    yield answered("trace", "a method that echoes", get(line=b"TRACE /~ HTTP/1.1"), 405)


def _targets() -> Iterator[Payload]:
    for name, tries, target in (
        ("fragment", "a fragment, which some cut off", b"/~#/evil"),
        ("no-slash", "a path without slash", b"~"),
        ("mark", "anything at all", b"!"),
        ("question", "a query alone", b"?/~"),
        ("backslash", "what browsers read as a slash", b"\\~"),
        ("target-space", "a space inside", b"/~ /evil"),
        ("target-nul", "NUL inside", b"/~\0/evil"),
        ("target-utf8", "bytes beyond ASCII", b"/~\xc3\xa9"),
        ("target-del", "DEL inside", b"/~\x7f"),
        ("asterisk", "`*` for another method than OPTIONS", b"*"),
        ("scheme-ftp", "another scheme", b"ftp://shop.test/~"),
        ("scheme-only", "a scheme without authority", b"http:/~"),
        ("authority-empty", "an empty authority", b"http:///~"),
        ("authority-user", "user information", b"http://evil@shop.test/~"),
        ("authority-other", "another host than Host", b"http://evil.test/~"),
        ("authority-port", "another port than Host", b"http://shop.test:81/~"),
        ("authority-backslash", "a host that ends early", b"http://shop.test\\@evil.test/~"),
        ("authority-comma", "two hosts", b"http://shop.test,evil.test/~"),
        ("authority-percent", "an encoded host", b"http://%73hop.test/~"),
        ("absolute-fragment", "an absolute one with a fragment", b"http://shop.test/~#evil"),
    ):
        yield refused(name, tries, get(line=b"GET " + target + b" HTTP/1.1"))
    for name, tries, target, arrives in (
        ("absolute", "absolute-form", b"http://shop.test/~", "/~"),
        ("absolute-case", "scheme and host in capitals", b"HTTP://SHOP.test/~", "/~"),
        ("absolute-query", "no path before the query", b"http://shop.test?/~", "/?/~"),
        ("slashes", "an empty first segment", b"//~", "//~"),
        ("dots", "dot segments stay", b"/~/../x/./y", "/~/../x/./y"),
        ("encoded-dots", "so do encoded ones", b"/~/%2e%2e%2fx", "/~/%2e%2e%2fx"),
        ("encoded-line", "an encoded line end", b"/~%0d%0aHost:%20x", "/~%0d%0aHost:%20x"),
        ("encoded-nul", "an encoded NUL", b"/~%00", "/~%00"),
        ("half-encoded", "a percent sign alone", b"/~%?%zz", "/~%?%zz"),
        ("marks", "characters that URIs may not have", b'/~?"<>|{}[]^`\\', '/~?"<>|{}[]^`\\'),
        ("empty-query", "a query of nothing", b"/~?", "/~?"),
        ("authority-in-path", "an authority as a path", b"/~@evil.test:81/", "/~@evil.test:81/"),
    ):
        line = b"GET " + target + b" HTTP/1.1"
        yield passes(name, tries, get(line=line), Meant(target=arrives))
    unknown = get(line=b"GET http://evil.test/~ HTTP/1.1", host=b"Host: evil.test")
    yield answered("host-unknown", "a host that is not served here", unknown, 421)
    yield refused(
        "target-long", "a target without end", get(line=b"GET /" + b"a" * 9000 + b" HTTP/1.1"), 414
    )


def _hosts() -> Iterator[Payload]:
    for name, tries, host in (
        ("host-empty", "no value", b"Host:"),
        ("host-same", "the same twice", HOST + b"\r\n" + HOST),
        ("host-two", "two that differ", HOST + b"\r\nHost: evil.test"),
        ("host-list", "a list", b"Host: shop.test, evil.test"),
        ("host-path", "a path in it", b"Host: shop.test/evil"),
        ("host-user", "user information", b"Host: shop.test@evil.test"),
        ("host-space", "a space inside", b"Host: shop.test evil.test"),
        ("host-nul", "cut off at NUL", b"Host: shop.test\0.evil.test"),
        ("host-high", "bytes that some strip", b"Host: \xffshop.test\xff"),
        ("host-port-huge", "a port that overflows", b"Host: shop.test:65616"),
        ("host-port-sign", "a signed port", b"Host: shop.test:+80"),
        ("host-port-text", "no number for a port", b"Host: shop.test:80evil"),
        ("host-ipv6", "half an address", b"Host: [::1"),
        ("host-dots", "an empty label", b"Host: shop..test"),
        ("host-colon", "a space before the colon", b"Host : shop.test"),
        ("host-folded", "folded", b"Host:\r\n shop.test"),
        ("host-indented", "indented behind another", HOST + b"\r\n Host: evil.test"),
        ("host-absent", "none", b"X: y"),
    ):
        yield refused(name, tries, get(host=host))
    for name, tries, host, arrives in (
        ("host-tight", "no space", b"Host:shop.test", "shop.test"),
        ("host-tabs", "tabs around", b"Host:\tshop.test\t", "shop.test"),
        ("host-case", "capitals", b"HOST: SHOP.TEST", "shop.test"),
        ("host-port", "the port of the scheme", b"Host: shop.test:80", "shop.test"),
        ("host-dot", "a dot at the end", b"Host: shop.test.", "shop.test"),
    ):
        yield passes(name, tries, get(host=host), Meant(host=arrives))


_BAD_LINES = (
    ("lf", "LF for CRLF everywhere", b"GET /~ HTTP/1.1\nHost: shop.test\n\n"),
    ("lf-once", "LF at the end of one line", get(b"X: y\nX: z")),
    ("lf-last", "LF for the empty line", b"GET /~ HTTP/1.1\r\n" + HOST + b"\r\n\n"),
    ("cr", "CR for CRLF", b"GET /~ HTTP/1.1\rHost: shop.test\r\r\n\r\n"),
    ("cr-cr-lf", "one CR too many", get(b"X: y\r")),
    ("lf-cr", "the wrong order", get(b"X: y\n\rX: z")),
    ("cr-end", "a head that ends on CRLF CR", b"GET /~ HTTP/1.1\r\n" + HOST + b"\r\n\rZ" + EVIL),
    ("cr-line", "CR as a line end", get(b"Visible: :/\rContent-Length: 39") + EVIL),
    ("lf-line", "LF as a line end", get(b"Visible: :/\nContent-Length: 39") + EVIL),
    ("lf-value", "LFs stripped from a value", get(b"Useless:\n\nGET /evil HTTP/1.1")),
    ("cr-value", "CR in a value", get(b"X: va\rlue")),
    ("nul-value", "a value cut off at NUL", get(b"X: y\0z")),
    ("nul-end", "NUL stripped from its end", get(b"X: y\0")),
    ("nul-cr", "both", get(b"X: v\0\ralue")),
    ("vt-value", "VT in a value", get(b"X: y\x0bz")),
    ("ff-value", "FF in a value", get(b"X: y\x0cz")),
    ("esc-value", "ESC in a value", get(b"X: y\x1b[0m")),
    ("del-value", "DEL in a value", get(b"X: y\x7f")),
    ("fold", "a folded line", get(b"X: y", b" Content-Length: 39") + EVIL),
    ("fold-tab", "folded with a tab", get(b"X: y", b"\tContent-Length: 39") + EVIL),
    ("fold-first", "the first line indented", get(b"\tContent-Length: 39") + EVIL),
    ("fold-blank", "a line of a space", get(b"X: y", b" ") + EVIL),
    ("colon-none", "no colon", get(b"Content-Length 39") + EVIL),
    ("colon-only", "nothing but a colon", get(b":", b"X: chopped off")),
    ("name-empty", "no name", get(b": ignored")),
    ("name-space", "a space before the colon", get(b"Content-Length : 39") + EVIL),
    ("name-tab", "a tab before the colon", get(b"Content-Length\t: 39") + EVIL),
    ("name-inside", "a space inside", get(b"Content Length: 39") + EVIL),
    ("name-nul", "NUL inside", get(b"c\0: d")),
    ("name-x85", "a byte that some strip", get(b"Content-Length\x85: 39") + EVIL),
    ("name-xa0", "another one", get(b"\xa0Content-Length: 39") + EVIL),
    ("name-utf8", "bytes beyond ASCII", get(b"\xc3\xbcber: y")),
    ("name-marks", "all that is no token", get(b'\x01\x02 "(),/;<=>?@[]{}: y')),
    ("name-lf", "LF inside", get(b"Te\nst: y")),
    ("name-lines", "a name on two lines", get(b"Content-", b"Length: 39") + EVIL),
    ("name-slash", "a request as a name", get(b"GET /evil HTTP/1.1: y")),
    ("agents", "a field of one value twice", get(b"User-Agent: a", b"User-Agent: b")),
)


def _lines() -> Iterator[Payload]:
    for name, tries, wire in _BAD_LINES:
        yield refused(name, tries, wire)
    many = get(*[b"X: y"] * 200)
    yield refused("lines-many", "more lines than anybody counts", many, 431)
    yield refused("line-long", "a line that fills a buffer", get(b"X: " + b"y" * 40_000), 431)
    for name, tries, line, field in (
        ("value-high", "bytes that some strip", b"X: \x85y\xa0", ("x", "\x85y\xa0")),
        ("value-empty", "no value", b"X:", ("x", "")),
        ("value-colons", "a field in a value", b"X: Host: y", ("x", "Host: y")),
        ("name-underscore", "an underscore", b"X_Y: z", ("x_y", "z")),
        ("value-tab", "a tab inside", b"X: y\tz", ("x", "y\tz")),
    ):  # fmt: skip
        yield passes(name, tries, get(line), Meant(fields=(field,)))


def _lengths() -> Iterator[Payload]:
    for name, tries, value in (
        ("length-empty", "nothing, which some take for 0", b""),
        ("length-plus", "a sign", b"+39"),
        ("length-minus", "a negative one", b"-39"),
        ("length-hex", "a hexadecimal one", b"0x27"),
        ("length-octal", "an octal one", b"047"),
        ("length-zeros", "leading zeros", b"0039"),
        ("length-underscore", "as Python writes numbers", b"3_9"),
        ("length-suffix", "read up to its longest prefix", b"39Z"),
        ("length-decimal", "a fraction", b"39.0"),
        ("length-exponent", "an exponent", b"39e0"),
        ("length-inside", "a space inside", b"3 9"),
        ("length-list", "a list", b"39, 39"),
        ("length-list-two", "one that differs", b"0, 39"),
        ("length-list-open", "one that is not ended", b"39,"),
        ("length-quoted", "in quotes", b'"39"'),
        ("length-64", "64 bits and a bit", b"18446744073709551655"),
        ("length-32", "digits without end", b"0" * 100 + b"39"),
        ("length-16", "beyond what a float holds", b"9007199254740993"),
        ("length-superscript", "a digit of Latin-1", b"\xb3"),
        ("length-x85", "a byte that some strip", b"39\x85"),
        ("length-vt", "VT, which some strip", b"\x0b39"),
        ("length-nul", "cut off at NUL", b"39\x000"),
    ):
        yield refused(name, tries, post(b"Content-Length: " + value, body=EVIL))
    for name, tries, lines in (
        ("lengths-same", "twice the same", (b"Content-Length: 39", b"Content-Length: 39")),
        ("lengths-first", "the first counts", (b"Content-Length: 0", b"Content-Length: 39")),
        ("lengths-last", "the last counts", (b"Content-Length: 39", b"Content-Length: 0")),
        ("lengths-empty", "an empty one first", (b"Content-Length:", b"Content-Length: 39")),
        ("length-disguised", "an underscore", (b"Content_Length: 39",)),
        ("length-half", "one of two disguised", (b"Content-Length: 0", b"Content_Length: 39")),
    ):
        yield refused(name, tries, post(*lines, body=EVIL))
    length = b"Content-Length: %d" % len(EVIL)
    hidden = post(length, body=EVIL)
    yield passes("length-hidden", "a request as a body", hidden, _posted(EVIL))
    tabs = post(b"Content-Length:\t5\t", body=b"12345")
    yield passes("length-tabs", "white space around", tabs, _posted(b"12345"))
    zero = post(b"Content-Length: 0")
    yield passes("length-zero", "a body of nothing", zero, _posted())
    for method in ("GET", "HEAD", "DELETE", "OPTIONS"):
        line = f"{method} /~ HTTP/1.1".encode()
        wire = post(length, body=EVIL, line=line)
        meant = Meant(method=method, body=EVIL)
        yield passes(f"body-{method.lower()}", f"{method} with a body", wire, meant)
    named = post(b"Connection: Content-Length, Host", b"Content-Length: 3", body=b"abc")
    yield passes("length-by-hop", "Connection takes it away", named, _posted(b"abc"))


_BAD_CODINGS = (
    ("coding-comma", "an empty member", b",chunked", 501),
    ("coding-comma-end", "one at the end", b"chunked,", 400),
    ("coding-twice", "twice in one line", b"chunked, chunked", 501),
    ("coding-gzip", "another one before it", b"gzip, chunked", 501),
    ("coding-identity-before", "none before it", b"identity, chunked", 501),
    ("coding-after", "another one behind it", b"chunked, gzip", 400),
    ("coding-identity", "none", b"identity", 400),
    ("coding-unknown", "any other taken for it", b"blegh", 400),
    ("coding-prefix", "a name that ends with it", b"xchunked", 400),
    ("coding-short", "a name that begins like it", b"chunk", 400),
    ("coding-parameter", "a parameter", b"chunked;a=b", 400),
    ("coding-quoted", "in quotes", b'"chunked"', 400),
    ("coding-quote", "in single quotes", b"'chunked'", 400),
    ("coding-words", "among others", b"cow chunked bar", 400),
    ("coding-empty", "no value", b"", 400),
    ("coding-vt", "VT before it", b"\x0bchunked", 400),
    ("coding-nul", "NUL behind it", b"chunked\0", 400),
    ("coding-high", "bytes that some strip", b"\xffchunked\xff", 400),
    ("coding-xa0", "what Latin-1 calls a space", b"\xa0chunked\xa0", 400),
    ("coding-folded", "folded", b"\r\n chunked", 400),
)


def _codings() -> Iterator[Payload]:
    body = b"0\r\n\r\n" + EVIL
    for name, tries, value, status in _BAD_CODINGS:
        line = b"Transfer-Encoding: " + value
        yield refused(name, tries, post(line, body=body), status)
        both = post(line, b"Content-Length: 5", body=body)
        # A value that no field may have is refused as such.
        yield refused(f"{name}-length", f"{tries}, and a length", both)
    for name, tries, lines, status in (
        ("both", "a length and chunks", (b"Content-Length: 5", _TRANSFER), 400),
        ("both-turned", "chunks and a length", (_TRANSFER, b"Content-Length: 5"), 400),
        ("both-zero", "a length of nothing", (_TRANSFER, b"Content-Length: 0"), 400),
        ("codings-same", "twice", (_TRANSFER, _TRANSFER), 501),
        ("codings-cow", "another one first", (b"Transfer-Encoding: cow", _TRANSFER), 501),
        ("codings-last", "another one last", (_TRANSFER, b"Transfer-Encoding: cow"), 400),
        ("coding-name-space", "a space for the hyphen", (b"Transfer Encoding: chunked",), 400),
        ("coding-disguised", "an underscore", (b"Transfer_Encoding: chunked",), 400),
        ("coding-colon", "a space before the colon", (b"Transfer-Encoding : chunked",), 400),
        ("coding-lines", "a name on two lines", (b"Transfer-", b"Encoding: chunked"), 400),
    ):
        yield refused(name, tries, post(*lines, body=body), status)
    for name, tries, wire in (
        # Clear to the framer; aiohttp's parser, which comes after it, strips no tab here.
        ("coding-tabs", "tabs around", post(b"Transfer-Encoding:\tchunked\t", body=body)),
        ("coding-1-0", "HTTP/1.0", post(_TRANSFER, body=body, line=b"POST /~ HTTP/1.0")),
        (
            "coding-1-0-kept",
            "HTTP/1.0 that is kept alive",
            post(_TRANSFER, b"Connection: keep-alive", body=body, line=b"POST /~ HTTP/1.0"),
        ),
    ):
        yield refused(name, tries, wire)
    for name, tries, line in (
        ("coding-case", "capitals", b"TRANSFER-ENCODING: CHUNKED"),
        ("coding-tight", "no space", b"Transfer-Encoding:chunked"),
        ("coding-by-hop", "Connection names it", b"Connection: Transfer-Encoding\r\n" + _TRANSFER),
    ):  # fmt: skip
        wire = post(line, body=b"3\r\nabc\r\n0\r\n\r\n")
        yield passes(name, tries, wire, _posted(b"abc"))
    yield passes("te", "TE, which is about answers", get(b"TE: chunked", b"Connection: TE"))
    content = post(b"Content-Encoding: chunked", b"Content-Length: 3", body=b"abc")
    meant = Meant(method="POST", body=b"abc", fields=(("content-encoding", "chunked"),))
    yield passes("coding-content", "a content coding of that name", content, meant)


_BAD_CHUNKS = (
    ("chunk-hex", "0x", b"0x3\r\nabc\r\n0\r\n\r\n"),
    ("chunk-hex-last", "0x0 as the last", b"-0x0\r\n\r\n" + EVIL),
    ("chunk-plus", "a sign", b"+3\r\nabc\r\n0\r\n\r\n"),
    ("chunk-minus", "a negative one", b"-3\r\nabc\r\n0\r\n\r\n"),
    ("chunk-underscore", "as Python writes numbers", b"0_27\r\n\r\n" + EVIL + b"0\r\n\r\n"),
    ("chunk-space", "a space before it", b" 3\r\nabc\r\n0\r\n\r\n"),
    ("chunk-space-after", "a space behind it", b"3 \r\nabc\r\n0\r\n\r\n"),
    ("chunk-tab", "a tab behind it", b"3\t\r\nabc\r\n0\r\n\r\n"),
    ("chunk-empty", "none, which some take for 0", b"\r\n\r\n" + EVIL),
    ("chunk-line", "an empty line before it", b"\r\n3\r\nabc\r\n0\r\n\r\n"),
    ("chunk-line-last", "one before the last", b"3\r\nabc\r\n\r\n0\r\n\r\n" + EVIL),
    ("chunk-text", "no number", b"INVALID!!!\r\n" + EVIL),
    ("chunk-suffix", "read up to its longest prefix", b"1these-bytes\r\nZ\r\n0\r\n\r\n"),
    ("chunk-h", "a letter too far", b"g\r\n\r\n" + EVIL),
    ("chunk-zeros", "zeros without end", b"0" * 40 + b"3\r\nabc\r\n0\r\n\r\n"),
    ("chunk-64", "64 bits and a bit", b"10000000000000003\r\nabc\r\n0\r\n\r\n"),
    ("chunk-32", "32 bits and a bit", b"100000003\r\nabc\r\n0\r\n\r\n"),
    ("chunk-comma", "a list", b"3,3\r\nabc\r\n0\r\n\r\n"),
    ("chunk-nul", "cut off at NUL", b"3\x000\r\nabc\r\n0\r\n\r\n"),
    ("chunk-wide", "a digit of another script", b"\xef\xbc\x93\r\nabc\r\n0\r\n\r\n"),
    ("chunk-lf", "LF behind the size", b"3\nabc\r\n0\r\n\r\n"),
    ("chunk-cr", "CR behind the size", b"3\rabc\r\n0\r\n\r\n"),
    ("chunk-cr-cr", "one CR too many", b"3\r\r\nabc\r\n0\r\n\r\n"),
    ("chunk-cr-any", "CR and any byte", b"5\r\r;ABCD\r\n27\r\n" + EVIL + b"\r\n0\r\n\r\n"),
    ("chunk-data-lf", "LF behind the data", b"3\r\nabc\n0\r\n\r\n"),
    ("chunk-data-cr", "CR and any byte behind it", b"3\r\nabc\rX0\r\n\r\n"),
    ("chunk-data-any", "any two bytes", b"3\r\nabcXX0\r\n\r\n"),
    ("chunk-data-none", "nothing", b"3\r\nabc0\r\n\r\n"),
    ("chunk-data-more", "more than the size says", b"3\r\nabcd\r\n0\r\n\r\n"),
    ("chunk-data-less", "less than it says", b"3\r\nab\r\n0\r\n\r\n"),
    ("extension-lf", "LF in an extension", b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
    ("extension-cr", "CR in it", b"41;a=b\r\rXX\r\n0\r\n\r\n" + EVIL),
    ("extension-cr-before", "CR before it", b"2\r\r;a\r\n02\r\n27\r\n0\r\n\r\n" + EVIL),
    ("extension-lf-quoted", "LF in quotes", b'3;a="\n"\r\nabc\r\n0\r\n\r\n'),
    ("extension-nul", "NUL in it", b"3;a=\0\r\nabc\r\n0\r\n\r\n"),
    ("extension-open", "quotes that do not end", b'3;a="\r\nabc\r\n0\r\n\r\n'),
    ("extension-escape", "an escaped quote", b'3;a="\\""\r\nabc\r\n0\r\n\r\n'),
    ("extension-empty", "none behind the semicolon", b"3;\r\nabc\r\n0\r\n\r\n"),
    ("extension-space", "white space around", b"3 ; a = b\r\nabc\r\n0\r\n\r\n"),
    ("extension-long", "one without end", b"3;" + b"a" * 9000 + b"\r\nabc\r\n0\r\n\r\n"),
)
_BAD_TRAILERS = (
    ("trailer-length", "a length in the trailers", b"0\r\nContent-Length: 39\r\n\r\n" + EVIL),
    ("trailer-coding", "a coding there", b"0\r\n" + _TRANSFER + b"\r\n\r\n" + EVIL),
    ("trailer-host", "a host there", b"0\r\nHost: evil.test\r\n\r\n"),
    ("trailer-request", "a request there", b"0\r\n" + EVIL),
    ("trailer-fold", "a folded line", b"0\r\nX: y\r\n Z: y\r\n\r\n"),
    ("trailer-fold-first", "an indented one", b"0\r\n X: y\r\n\r\n"),
    ("trailer-lf", "LF behind it", b"0\r\nX: y\n\r\n" + EVIL),
    ("trailer-cr", "CR in it", b"0\r\nX: y\rZ: y\r\n\r\n"),
    ("trailer-nul", "NUL in it", b"0\r\nX: y\0\r\n\r\n"),
    ("trailer-lf-last", "LF for the empty line", b"0\r\n\n" + EVIL),
    ("trailer-cr-last", "CR and any byte for it", b"0\r\n\rX" + EVIL),
    ("trailer-any-last", "any two bytes for it", b"0\r\nXX" + EVIL),
    ("trailer-disguised", "an underscore", b"0\r\nContent_Length: 39\r\n\r\n" + EVIL),
    ("trailer-long", "one without end", b"0\r\nX: " + b"y" * 20_000 + b"\r\n\r\n"),
    ("trailer-many", "more than anybody counts", b"0\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
)


def _chunks() -> Iterator[Payload]:
    for name, tries, body in (*_BAD_CHUNKS, *_BAD_TRAILERS):
        yield refused(name, tries, chunked(body), breaks=True)
    hidden = b"0\r\n\r\n" + EVIL
    for name, tries, body, arrives in (
        ("chunk-zero-led", "leading zeros", b"0003\r\nabc\r\n000\r\n\r\n", b"abc"),
        ("chunk-capitals", "capitals", b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
        ("chunk-hidden", "a request in a chunk", b"2c\r\n" + hidden + b"\r\n0\r\n\r\n", hidden),
        ("chunk-many", "a chunk a byte", b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n", b"ab"),
        ("extension", "extensions", b'3;a;b=c;d="e f"\r\nabc\r\n0;g\r\n\r\n', b"abc"),
        ("trailer", "a trailer, which goes no further", b"0\r\nX: y\r\n\r\n", b""),
        ("trailer-line", "one like a request", b"0\r\nX:POST /evil HTTP/1.1\r\n\r\n", b""),
    ):
        yield passes(name, tries, chunked(body), _posted(arrives))


def _tails() -> Iterator[Payload]:
    first = post(b"Content-Length: 3", body=b"abc")
    whole = chunked(b"3\r\nabc\r\n0\r\n\r\n")
    for name, tries, wire, before in (
        ("tail-garbage", "no request behind a body", first + b"xyz\0" + EVIL, _posted(b"abc")),
        ("tail-nul", "one byte behind chunks", whole + b"\0" + EVIL, _posted(b"abc")),
        ("tail-space", "a space behind a request", get() + b" " + EVIL, Meant()),
        ("tail-lf", "LF behind a body", first + b"\n" + EVIL, _posted(b"abc")),
        ("tail-lines", "two empty lines", first + b"\r\n\r\n" + EVIL, _posted(b"abc")),
        ("tail-http-0-9", "HTTP/0.9 behind a request", get() + b"GET /evil\r\n\r\n", Meant()),
        ("tail-chunk", "a chunk too many", whole + b"0\r\n\r\n" + EVIL, _posted(b"abc")),
    ):
        yield refused(name, tries, wire, 400, before)
    evil = Meant(target="/evil")
    yield passes("tail-line", "an empty line behind a body", first + b"\r\n", _posted(b"abc"))
    yield passes("tail-plain", "two requests, both meant", get() + EVIL, Meant(), evil)
    yield passes("tail-upload", "one behind a body", first + EVIL, _posted(b"abc"), evil)
    yield passes("tail-chunks", "one behind chunks", whole + EVIL, _posted(b"abc"), evil)
    two = post(b"Content-Length: 0") + post(b"Content-Length: %d" % len(EVIL), body=EVIL)
    yield passes("tail-zero", "a body that is the second's", two, _posted(), _posted(EVIL))
    ended = get(b"Connection: close")
    yield passes("tail-closed", "one behind the last", ended + EVIL, Meant(), closes=True)
    old = get(line=b"GET /~ HTTP/1.0")
    yield passes("old", "HTTP/1.0 ends after one", old + EVIL, Meant(), closes=True)
    kept = get(b"Connection: keep-alive", line=b"GET /~ HTTP/1.0")
    yield passes("old-kept", "HTTP/1.0 that goes on", kept + EVIL, Meant(), evil)
    old_body = post(b"Content-Length: 3", body=b"abc", line=b"POST /~ HTTP/1.0")
    yield passes("old-body", "a body of HTTP/1.0", old_body + EVIL, _posted(b"abc"), closes=True)


def _interim() -> Iterator[Payload]:
    upgrade = (b"Connection: upgrade", b"Upgrade: websocket")
    for name, tries, wire, status in (
        ("expect-other", "an unknown expectation", get(b"Expect: 200-ok") + EVIL, 417),
        ("expect-list", "two", get(b"Expect: 100-continue, x") + EVIL, 417),
        ("upgrade-post", "with a body", post(*upgrade, b"Content-Length: 39", body=EVIL), 400),
        ("upgrade-get", "GET with a body too", get(*upgrade, b"Content-Length: 39") + EVIL, 400),
        ("upgrade-chunks", "chunks", get(*upgrade, _TRANSFER) + b"0\r\n\r\n" + EVIL, 400),
        ("upgrade-old", "HTTP/1.0", get(*upgrade, line=b"GET /~ HTTP/1.0") + EVIL, 400),
    ):  # fmt: skip
        yield refused(name, tries, wire, status)
    body = post(b"Expect: 100-continue", b"Content-Length: 3", body=b"abc")
    yield passes("expect", "a body that is not held back", body, _posted(b"abc"))
    h2c = get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")
    yield passes("upgrade-h2c", "another protocol, which nobody takes up", h2c)


def _mutations() -> Iterator[Payload]:
    """The groups of defparam's smuggler: one odd byte around a coding, and a length beside it."""
    name, value = b"Transfer-Encoding", b"chunked"
    for number in (0x01, 0x04, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1F, 0x20, 0x7F, 0xA0, 0xFF):
        byte = bytes([number])
        clean = number in (0x09, 0x20, 0xA0, 0xFF)
        for place, line in (
            ("midspace", name + b":" + byte + value),
            ("postspace", name + byte + b": " + value),
            ("prespace", byte + name + b": " + value),
            ("endspace", name + b": " + value + byte),
            ("xprespace", b"X: X" + byte + name + b": " + value),
            ("endspacex", name + b": " + value + byte + b"X: X"),
            ("rxprespace", b"X: X\r" + byte + name + b": " + value),
            ("xnprespace", b"X: X" + byte + b"\n" + name + b": " + value),
            ("endspacerx", name + b": " + value + b"\r" + byte + b"X: X"),
            ("endspacexn", name + b": " + value + byte + b"\nX: X"),
        ):
            wire = post(line, b"Content-Length: 5", body=b"0\r\n\r\n")
            title, tries = f"{place}-{number:02x}", f"byte {number:02x} at {place}"
            if place == "xprespace" and clean:  # no more than a value
                field = ("x", (b"X" + byte + name + b": " + value).decode("latin-1"))
                meant = Meant(method="POST", body=b"0\r\n\r\n", fields=(field,))
                yield passes(title, tries, wire, meant)
            else:
                yield refused(title, tries, wire)


def _all() -> Iterator[Payload]:
    for group in (
        _request_lines, _targets, _hosts, _lines, _lengths, _codings, _chunks, _tails, _interim,
        _mutations,
    ):  # fmt: skip
        yield from (payload.named() for payload in group())


PAYLOADS = tuple(_all())


def as_get(payload: Payload) -> Payload | None:
    """A POST's row with GET in its place, which caches may answer; None for a row without POST.

    The same bytes behind another method: what they mean does not change (RFC 9112 6).
    """
    if not payload.wire.startswith(b"POST "):
        return None
    return replace(
        payload,
        wire=payload.wire.replace(b"POST ", b"GET ", 1),
        arrives=tuple(
            replace(one, method="GET") if one.method == "POST" else one for one in payload.arrives
        ),
    )


GETS = tuple(found for payload in PAYLOADS if (found := as_get(payload)) is not None)
"""Rows whose method is as good as any for what they try, asked for as what is stored."""
