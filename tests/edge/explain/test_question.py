"""How URLs and fields become the bytes of a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config import DEFAULT_LIMITS
from edge.errors import FramingReason
from edge.explain.question import QuestionError, parse_url, question
from edge.framing import Refused, RequestFramer
from edge.head import Head


@pytest.mark.parametrize(
    ("url", "scheme", "host_port", "port", "target"),
    [
        ("shop.test", "http", "shop.test", 80, "/"),
        ("shop.test/a?b=http://c", "http", "shop.test", 80, "/a?b=http://c"),
        ("localhost:8080/a", "http", "localhost:8080", 8080, "/a"),
        (" HTTPS://Shop.Test/A ", "https", "Shop.Test", 443, "/A"),
        ("http://shop.test:80/", "http", "shop.test", 80, "/"),
        ("https://shop.test:80/", "https", "shop.test:80", 80, "/"),
        ("http://shop.test:/", "http", "shop.test", 80, "/"),
        ("http://shop.test?q", "http", "shop.test", 80, "/?q"),
        ("http://shop.test/a#b?c", "http", "shop.test", 80, "/a"),
        ("http://shop.test#b", "http", "shop.test", 80, "/"),
        ("http://[::1]:8080/", "http", "[::1]:8080", 8080, "/"),
        ("http://bücher.example/ü ü?ü", "http", "xn--bcher-kva.example", 80,
         "/%C3%BC%20%C3%BC?%C3%BC"),
        ("http://shop.test/%2e%2E/./a//b;c=%C3", "http", "shop.test", 80, "/%2e%2E/./a//b;c=%C3"),
        ("http://shop.test/a\r\nb", "http", "shop.test", 80, "/a%0D%0Ab"),
        ("http://me:word@shop.test/", "http", "shop.test", 80, "/"),
    ],
)  # fmt: skip
def test_urls(url: str, scheme: str, host_port: str, port: int, target: str) -> None:
    """As curl cuts them: defaults, fragments, ports, names in A-form, nothing decoded."""
    found = parse_url(url)
    assert (found.scheme, found.host_port, found.port, found.target) == (
        scheme, host_port, port, target,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://shop.test/", "ftp"),
        ("", "no host"),
        ("http:///a", "no host"),
        ("http://shop.test:0/", "no port"),
        ("http://shop.test:99999/", "no port"),
        ("http://ü..ü/", "no host name"),
        (f"http://{'ü' * 90_000}/", "no host name"),
    ],
)
def test_what_is_no_url(url: str, text: str) -> None:
    """One line says what is wrong."""
    with pytest.raises(QuestionError, match=text) as caught:
        parse_url(url)
    assert "\n" not in str(caught.value)


def heard(*fields: str, url: str = "shop.test/a", method: str = "GET") -> Head:
    """The head that the framer cuts out of a question."""
    [piece, *_] = RequestFramer(DEFAULT_LIMITS).feed(question(url, method, fields).raw)
    assert isinstance(piece, Head), piece
    return piece


@pytest.mark.parametrize(
    ("fields", "pairs"),
    [
        ([], [("host", "shop.test"), ("accept", "*/*")]),
        (["Cookie: a=1"], [("host", "shop.test"), ("accept", "*/*"), ("cookie", "a=1")]),
        (["HOST:other.test"], [("accept", "*/*"), ("host", "other.test")]),
        (["Accept:"], [("host", "shop.test")]),
        (["Accept;"], [("host", "shop.test"), ("accept", "")]),
        (["X-A: b: c;"], [("host", "shop.test"), ("accept", "*/*"), ("x-a", "b: c;")]),
        (["X: 1", "X: 2"], [("host", "shop.test"), ("accept", "*/*"), ("x", "1"), ("x", "2")]),
    ],
)
def test_fields(fields: list[str], pairs: list[tuple[str, str]]) -> None:
    """In curl's forms: added, replaced, left out, empty, repeated."""
    assert list(heard(*fields).headers) == pairs


def test_long_white_space_takes_no_long_time() -> None:
    """What a question costs grows with its length and no faster."""
    value = f"a{' ' * 100_000}b"
    assert question("shop.test", "GET", [f"X: {value} "]).raw.endswith(
        f": {value}\r\n\r\n".encode()
    )


def test_a_password_in_a_url_authorizes() -> None:
    """RFC 7617, as curl sends it."""
    assert heard(url="http://me:a%20b@shop.test").headers.first("authorization") == "Basic bWU6YSBi"


@pytest.mark.parametrize(
    ("method", "field"),
    [("GET", "no colon"), ("GET", "X: a\r\nY: b"), ("GET", ": x"), ("GET\n", "X: 1"), ("", "\r;")],
)
def test_nothing_is_smuggled_into_a_question(method: str, field: str) -> None:
    """A question is about one request."""
    with pytest.raises(QuestionError):
        question("shop.test", method, [field])


@given(
    st.text(max_size=40), st.text(max_size=8), st.lists(st.text(max_size=20), max_size=3),
)  # fmt: skip
def test_any_text_is_one_request_or_none(url: str, method: str, fields: list[str]) -> None:
    """Whatever is asked: a QuestionError, or one head, or one refusal of the framer."""
    try:
        asked = question(url, method, fields)
    except QuestionError:
        return
    pieces = RequestFramer(DEFAULT_LIMITS).feed(asked.raw)
    assert sum(isinstance(piece, Head | Refused) for piece in pieces) == 1


def test_what_a_framer_refuses_is_asked_as_it_is() -> None:
    """Its limits and rules are the node's to know."""
    long = question(f"shop.test/{'a' * 40_000}", "GET", [])
    [refused] = RequestFramer(DEFAULT_LIMITS).feed(long.raw)
    assert isinstance(refused, Refused)
    assert refused.error.reason is FramingReason.TARGET_LENGTH
