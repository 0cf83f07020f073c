"""Numbers as people read them, and small curves."""

import pytest

from deploy.overview import words
from deploy.overview.graph import bars, graph


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (9_999, "9999"), (10_000, "10.0k"), (123_456, "123.5k"), (5_000_000, "5.0M")],
)
def test_counts(number: float, text: str) -> None:
    """Whole while they are short."""
    assert words.count(number) == text


@pytest.mark.parametrize(
    ("per_s", "text"), [(0, "0"), (0.24, "0.2"), (99.9, "99.9"), (99.96, "100"), (12_345, "12.3k")]
)
def test_rates(per_s: float, text: str) -> None:
    """With a decimal while that says something."""
    assert words.rate(per_s) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (123_456_789, "123 MB"), (2e9, "2.0 GB")],
)
def test_sizes(number: float, text: str) -> None:
    """In decimal units."""
    assert words.size(number) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(None, words.NONE), (0.0, "0 %"), (0.9341, "93.4 %"), (0.9997, "100 %"), (-0.5, "-50 %")],
)
def test_ratios(part: float | None, text: str) -> None:
    """A dash where there is none."""
    assert words.ratio(part) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(5.9, "5s"), (65, "1m 5s"), (3_600, "1h 0m"), (90_000, "1d 1h")]
)
def test_durations(seconds: float, text: str) -> None:
    """A time span is told in its two largest units."""
    assert words.duration(seconds) == text


def test_a_long_name_is_shortened() -> None:
    """And a short one left alone."""
    assert words.shortened("http://origin.example.com:8080", 10) == "http://or…"
    assert words.shortened("east", 10) == "east"


def test_a_curve_ends_at_the_right() -> None:
    """The newest value stands there, however few there are; None leaves a gap."""
    drawn = graph([1.0, None, 2.0, 4.0], 90.0, 40.0, top=4.0, steps=10)
    assert drawn.line == "M60.0 30.0L60.0 30.0M80.0 20.0L90.0 0.0"
    assert drawn.area.endswith("L90.0 40.0Z")
    assert graph([None], 90.0, 40.0, top=1.0, steps=10).line == ""
    assert "nan" not in graph([0.0, 0.0], 90.0, 40.0, top=0.0, steps=0).line


def test_a_curve_in_a_terminal() -> None:
    """A block a value, the newest at the right, as many as there is room for."""
    assert bars([0.0, None, 1.0, 2.0], 6, top=2.0) == "  ▁ ▅█"
    assert bars([9.0] * 10, 3, top=0.0) == "███"
