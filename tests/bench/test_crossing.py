"""What crossed: which lines of a log count, and how what they say is divided."""

import json
from pathlib import Path

import pytest

from bench.crossing import Crossed, Tally, read

NGINX = (
    '{"time":"2026-11-22T16:37:23+00:00","client":"127.0.0.1","method":"GET","scheme":"https",'
    '"host":"shop.bench.test","target":"/p/7.webp","http_version":"HTTP/1.1","status":200,'
    '"cache":"MISS","upstream":"127.0.0.1:32953","upstream_status":"200","request_bytes":99,'
    '"response_bytes":10434,"body_bytes":10253,"type":"image/webp","seconds":0.000,'
    '"request_id":"fc16f358e3bfebd981b8d032d7c3064a","agent":"Mozilla/5.0 (X11; Linux)"}'
)
PARENT = (
    '{"time":"2026-11-22T16:37:16.252Z","level":"info","logger":"midmile.access",'
    '"node":"parent","process":"worker-0","request_id":"66c1ae4d7aa8c166","client":"127.0.0.1",'
    '"method":"GET","scheme":"http","host":"shop.bench.test","target":"/about","site":"shop",'
    '"http_version":"1.1","status":200,"type":"text/html","verdict":"miss",'
    '"reason":"nothing-stored","not_stored":"no-store","upstream":"http://127.0.0.1:36111",'
    '"upstream_status":200,"attempts":1,"request_bytes":356,"response_bytes":385,'
    '"body_bytes":54,"seconds":0.004131,"asked_s":0.00072,"answered_s":0.002496}'
)
NODE = (
    '{"time":"2026-11-22T16:37:12.101Z","level":"info","logger":"midmile.node","node":"parent",'
    '"process":"keeper","event":"ready","message":"ready"}'
)


def line(kind: str | None, *, request: int = 100, response: int = 1_200, body: int = 1_000) -> str:
    """A line that says only what counts."""
    record = {"request_bytes": request, "response_bytes": response, "body_bytes": body}
    return json.dumps(record if kind is None else {**record, "type": kind})


def test_real_logs_are_understood() -> None:
    """Those of nginx and of a parent: an image's heads are text, its body with framing is not."""
    assert read([NGINX]) == Crossed(text_bytes=99 + 10434 - 10253, image_bytes=10253)
    assert read([NODE, PARENT]) == Crossed(text_bytes=356 + 385, image_bytes=0)


@pytest.mark.parametrize(
    ("kind", "image"),
    [
        ("image/png", True),
        ("Image/WebP; q=1", True),
        ("video/webm", True),
        ("image/svg+xml", False),
        ("image/svg+xml;charset=utf-8", False),
        ("text/html; charset=utf-8", False),
        ("font/woff2", False),
        ("imagery", False),
        ("-", False),
        ("", False),
        (None, False),
    ],
)
def test_images_are_known_by_their_type(kind: str | None, image: bool) -> None:
    """Parameters and case do not matter; SVG is text, and so is what has no type."""
    text, drawn = (300, 1_000) if image else (1_300, 0)
    assert read([line(kind)]) == Crossed(text_bytes=text, image_bytes=drawn)


def test_uploads_are_text() -> None:
    """Whatever comes back for them."""
    crossed = read([line("image/png", request=5_000)])
    assert crossed == Crossed(text_bytes=5_200, image_bytes=1_000)


@pytest.mark.parametrize(
    "other",
    ["", "Traceback (most recent call last):", "[1, 2]", "7", NODE, NGINX[:200], NGINX[200:]],
)
def test_what_is_no_access_line_does_not_count(other: str) -> None:
    """A node's log tells more than requests, and standard error goes there too."""
    assert read([other, line("text/css"), other]) == read([line("text/css")])


def test_a_line_without_its_sizes_is_no_zero() -> None:
    """A log format that lacks a field must not pass for an empty body."""
    with pytest.raises(KeyError):
        read(['{"request_bytes": 1, "response_bytes": 2}'])


def test_a_tally_counts_from_a_moment_on(tmp_path: Path) -> None:
    """What was there before does not count, and asking again takes nothing away."""
    log = tmp_path / "access.log"
    log.write_text(line("text/css") + "\n")
    tally = Tally(log)
    assert tally.so_far() == Crossed(text_bytes=1_300, image_bytes=0)
    assert tally.requests() == 1
    tally.reset()
    assert tally.requests() == 0
    assert tally.so_far() == Crossed(text_bytes=0, image_bytes=0)
    for pictures in (1, 2):
        with log.open("a") as more:
            more.write(line("image/png") + "\n")
        assert tally.so_far() == Crossed(text_bytes=300 * pictures, image_bytes=1_000 * pictures)
        assert tally.requests() == pictures


def test_a_half_written_line_counts_when_it_is_whole(tmp_path: Path) -> None:
    """Once, and for the time in which it began."""
    log, whole = tmp_path / "access.log", line("image/png") + "\n"
    one = Crossed(text_bytes=300, image_bytes=1_000)
    log.write_text(whole + whole[:-1])
    tally = Tally(log)
    assert tally.so_far() == one
    tally.reset()
    with log.open("a") as more:
        more.write(whole[-1:] + whole[:40])
    assert tally.so_far() == Crossed(text_bytes=0, image_bytes=0)
    with log.open("a") as more:
        more.write(whole[40:])
    assert tally.so_far() == one


def test_a_log_that_is_not_there_is_no_zero(tmp_path: Path) -> None:
    """A wrong path must not look as if nothing had crossed."""
    with pytest.raises(FileNotFoundError):
        Tally(tmp_path / "none.log").so_far()


def test_only_whole_requests_are_counted(tmp_path: Path) -> None:
    """Whoever waits for an answer's line waits for all of it, and for no other line."""
    log, whole = tmp_path / "access.log", line("text/css") + "\n"
    log.write_text(NODE + "\n" + whole + whole[:-1])
    tally = Tally(log)
    assert tally.requests() == 1
    with log.open("a") as more:
        more.write("\n")
    assert tally.requests() == 2
