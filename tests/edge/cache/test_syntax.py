"""Lists, directives and dates: any text gives a value, and doubt means caching less."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.dates import format_date, parse_date
from edge.cache.directives import INFINITY_S, parse_directives
from edge.fields import decimal, media_type, split_list, tokens, unquote
from edge.message import Headers
from tests.edge.cache.stories import DATE, NOON

TEXTS = st.text(st.characters(max_codepoint=255), max_size=80)


@pytest.mark.parametrize(
    ("value", "media"),
    [
        ("", ""),
        ("; charset=utf-8", ""),
        ("text/html", "text/html"),
        (' Text/HTML ;charset="a;b"', "text/html"),
        ("x" * 9_000, "x" * 255),
    ],
)
def test_a_media_type_has_no_parameters(value: str, media: str) -> None:
    """RFC 9110 8.3.1: case does not matter; nor may a log line be as long as a sender likes."""
    assert media_type(value) == media


@pytest.mark.parametrize(
    ("value", "members"),
    [
        ("", []),
        (" , ,", []),
        ("a, b ,c", ["a", "b", "c"]),
        ('a="b,c", d', ['a="b,c"', "d"]),
        (r'"a\",b",c', [r'"a\",b"', "c"]),
        ('"open, to the end', ['"open, to the end']),
        ('a"b,c"d,e', ['a"b,c"d', "e"]),
    ],
)
def test_lists_split_outside_quotes(value: str, members: list[str]) -> None:
    """RFC 9110 5.6.1: empty members do not count, a quoted comma does not separate."""
    assert list(split_list(value)) == members


def test_entity_tags_have_no_escapes() -> None:
    """RFC 9110 8.8.3: a backslash in an entity tag is itself."""
    assert list(split_list('"a\\","b"', escapes=False)) == ['"a\\"', '"b"']


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        (["max-age=60"], 60),
        (["MAX-AGE=60"], 60),
        (['max-age="60"'], 60),
        (["max-age=060"], 60),
        (["x, max-age=60", "y"], 60),
        (["max-age=60", "max-age=30, max-age=90"], 30),
        (["max-age=99999999999"], INFINITY_S),
        (["max-age=" + "9" * 6000], INFINITY_S),
        (["max-age"], 0),
        (["max-age="], 0),
        (["max-age=-1"], 0),
        (["max-age=1.5"], 0),
        (["max-age=1e3"], 0),
        (["max-age=٣"], 0),
        (["max-age= 60"], 0),
        (["max-age =60"], 0),
        (["max-age='60'"], 0),
        (["max-age=60;x"], 0),
        (["max-age=60 x"], 0),
        (["s-max-age=60"], None),
        (['x="max-age=60"'], None),
        ([], None),
    ],
)
def test_delta_seconds(lines: list[str], seconds: int | None) -> None:
    """RFC 9111 1.2.2 and 4.2.1: the smallest counts, nonsense is nought, too large is for ever."""
    headers = Headers(("cache-control", line) for line in lines)
    assert parse_directives(headers).seconds("max-age") == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (DATE, NOON),
        ("sun, 06 nov 1994 08:49:37 gmt", NOON),
        ("Sunday, 06-Nov-94 08:49:37 GMT", NOON),
        ("Sun Nov  6 08:49:37 1994", NOON),
        ("Sun Nov 06 08:49:37 1994", NOON),
        ("Sun, 06 Nov 1994 08:49:60 GMT", NOON + 23),
        ("Sun, 06 Nov 2294 08:49:37 GMT", NOON + 9_467_107_200),
        ("Sun, 6 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 UTC", None),
        ("Sun, 06 Nov 1994 08:49:37 +0000", None),
        ("Sun, 06 Nov 1994 08:49:37", None),
        ("Sun,  06 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49 GMT", None),
        ("Sun, 06 Nov 1994 8:49:37 GMT", None),
        ("Sun, 06 Nov 94 08:49:37 GMT", None),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 24:00:00 GMT", None),
        ("Sun, 06 Nov 0000 08:49:37 GMT", None),
        ("Sun 06 Nov 1994 08:49:37 GMT", None),
        ("06 Nov 1994 08:49:37 GMT", None),
        (DATE + "\n", None),
        ("0", None),
        ("784111777", None),
        ("", None),
    ],
)
def test_dates(text: str, seconds: float | None) -> None:
    """RFC 9110 5.6.7: three formats, GMT, any case, nothing else."""
    assert parse_date(text, NOON) == seconds


def test_two_digit_years_lie_at_most_fifty_years_ahead() -> None:
    """Seen from 1994, 44 is 2044 and 45 is 1945."""
    ahead = parse_date("Sunday, 06-Nov-44 08:49:37 GMT", NOON)
    behind = parse_date("Sunday, 06-Nov-45 08:49:37 GMT", NOON)
    assert ahead is not None
    assert behind is not None
    assert behind < 0 < NOON < ahead


@given(st.integers(0, 253_402_300_799))
def test_dates_come_back(seconds: int) -> None:
    """What we write we read."""
    assert parse_date(format_date(seconds), NOON) == seconds


@given(TEXTS)
def test_any_text_is_read_without_fault(text: str) -> None:
    """No field value makes a parser raise, and lifetimes are never negative."""
    list(split_list(text))
    list(split_list(text, escapes=False))
    unquote(text)
    tokens((text,))
    parse_date(text, NOON)
    directives = parse_directives(Headers([("cache-control", text)]))
    assert all((directives.seconds(name) or 0) >= 0 for name in directives.arguments)
    number = decimal(text, ceiling=10)
    assert number is None or 0 <= number <= 10
