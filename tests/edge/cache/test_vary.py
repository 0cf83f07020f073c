"""Fields that Vary names, as requests have them: what is compared, and how often it is read."""

import pytest

from edge.cache import vary
from edge.cache.vary import RequestFields, selecting, selects
from edge.message import Headers


def _headers(**fields: str) -> Headers:
    return Headers((name.replace("_", "-"), value) for name, value in fields.items())


@pytest.mark.parametrize(
    ("language", "asked", "same"),
    [
        ("de", "fr;q=0.5, de;q=1.0", True),
        ("DE", "de", True),
        ("de", "de, fr", False),  # either would do
        ("de", "de;q=0.4, fr;q=0.5", False),
        ("de", "de-at, de;q=0.9", False),
        ("de, fr", "de", False),
        ("de", "*", False),
        ("de", "de;q=x", False),
        ("de", "de;q=0", False),
        ("de", "", False),
        (None, "de", False),
    ],
)
def test_who_likes_a_language_best_is_given_it(
    language: str | None, asked: str, *, same: bool
) -> None:
    """RFC 9111 4.1: it was chosen for another list, from which it would be chosen for this one."""
    stored = selecting(("accept-language",), _headers(accept_language="en, de"))
    assert RequestFields(_headers(accept_language=asked)).match(stored, language) is same


def test_a_field_is_read_once_for_all_variants(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: whoever makes variants must not make every hit dear."""
    read: list[str] = []
    whole = vary._normalised

    def counted(name: str, lines: tuple[str, ...]) -> str | None:
        read.append(name)
        return whole(name, lines)

    monkeypatch.setattr(vary, "_normalised", counted)
    fields = RequestFields(_headers(cookie="a=1", accept_encoding="gzip, br"))
    variants = [(("accept-encoding", "br,gzip"), ("cookie", f"a={n}")) for n in range(64)]
    assert [n for n, stored in enumerate(variants) if fields.match(stored)] == [1]
    assert sorted(read) == ["accept-encoding", "cookie"]


@pytest.mark.parametrize(
    ("name", "one", "other", "same"),
    [
        ("accept-language", "en, de", "DE ,en", True),
        ("accept-language", "en;q=0.5, de", "de, en;q=0.5", True),
        ("accept-language", "en;q=0.5, de", "de;q=0.5, en", False),
        ("accept", "text/html, */*;q=0.8", "text/html,*/*; q=0.8", True),
        ("foo", "1,2", " 1 , 2 ", True),
        ("foo", "1 2", "1  2", False),
        ("foo", "a, B", "a, b", False),
        ("foo", '"a, b"', '"a,b"', False),
        ("foo", '"a, b", c', '"a, b",c', True),
        ("foo", '"a, b', '"a,b', True),
    ],
)
def test_spaces_case_and_order_count_where_they_mean_something(
    name: str, one: str, other: str, *, same: bool
) -> None:
    """RFC 9111 4.1: what surely means the same is the same; within quotes nothing is."""
    stored = selecting((name,), Headers([(name, one)]))
    assert selects(stored, Headers([(name, other)])) is same
    lines = Headers([(name, part) for part in other.split(",")])
    if '"' not in other:
        assert selects(stored, lines) is same, "lines may be joined"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("gzip, br", "br,gzip", True),
        ("gzip", "GZIP", True),
        ("gzip", "br", False),
        ("gzip," + " " * 2_000, "gzip", False),
        ("x" * 2_000 + ", gzip", "gzip, " + "x" * 2_000, False),
        ("x" * 2_000, "x" * 2_000, True),
    ],
    ids=["order", "case", "different", "long", "long-order", "long-same"],
)
def test_what_means_the_same_selects_the_same(one: str, other: str, same: bool) -> None:
    """Except in a field of absurd length, which is compared as it came and never taken apart."""
    stored = selecting(("accept-encoding",), _headers(accept_encoding=one))
    assert selects(stored, _headers(accept_encoding=other)) is same
