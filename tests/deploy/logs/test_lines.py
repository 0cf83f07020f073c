"""Log lines: their form, their length, and what happens when nobody reads them."""

import json
import logging
import operator
import os
import threading
from collections.abc import Mapping

import pytest
from aiohttp.http_exceptions import LineTooLong
from hypothesis import given
from hypothesis import strategies as st

from deploy.logs.lines import (
    LINE_BYTES,
    QUEUE_LINES,
    JsonFormatter,
    LineWriter,
    LogStream,
    Sink,
    encode,
    our_fault,
)
from deploy.logs.screen import harmless, parse, render


def test_a_record_is_one_json_line() -> None:
    """A record's extra fields, node and process stand in one JSON object."""
    record = logging.makeLogRecord(
        {"name": "midmile.edge", "levelname": "INFO", "msg": "x\ny", "event": "e", "status": 200}
    )
    line = JsonFormatter("east", "worker-0").format(record)
    fields = json.loads(line)
    assert "\n" not in line
    assert (fields["node"], fields["process"], fields["event"], fields["status"]) == (
        "east",
        "worker-0",
        "e",
        200,
    )
    assert (fields["message"], fields["level"]) == ("x\ny", "info")


@given(
    st.dictionaries(
        st.sampled_from(["url", "referer", "user_agent", "request_id", "list", "message"]),
        st.builds(operator.mul, st.text(min_size=1, max_size=9), st.integers(1, 1500))
        | st.lists(st.builds(operator.mul, st.text(max_size=3), st.integers(1, 99)), max_size=40)
        | st.integers(),
    )
)
def test_no_line_is_longer_than_a_pipe_writes_at_once(fields: dict[str, object]) -> None:
    """However long its values, a line stays whole JSON in ASCII that a pipe takes atomically."""
    line = encode({"time": "t", "level": "info", **fields})
    assert len(line) < LINE_BYTES
    assert line.isascii()
    assert json.loads(line)["time"] == "t"


def test_long_values_are_clipped_and_marked() -> None:
    """A line too long keeps its short fields and says that it was clipped."""
    fields = json.loads(encode({"url": "x" * 9000, "status": 200, "request_id": "abc"}))
    assert fields["url"] == "x" * len(fields["url"].rstrip("…")) + "…"
    assert (fields["status"], fields["request_id"], fields["clipped"]) == (200, "abc", True)


def test_a_reader_that_stands_still_costs_lines_only() -> None:
    """Writing never waits: lines beyond the queue are dropped, counted, and told of later."""
    reading, writing = os.pipe()
    writer = LineWriter(writing, lambda dropped: f"dropped {dropped}\n".encode())
    total = QUEUE_LINES + 2_000
    for number in range(total):
        writer.write(f"{number:0200}\n".encode())
    received: list[bytes] = []

    def read() -> None:
        while piece := os.read(reading, 65_536):
            received.append(piece)

    reader = threading.Thread(target=read)
    reader.start()
    writer.close(10.0)
    os.close(writing)
    reader.join()
    os.close(reading)
    lines = b"".join(received).splitlines()
    told = [int(line.removeprefix(b"dropped ")) for line in lines if line.startswith(b"dropped")]
    assert 0 < sum(told) <= 2_000
    assert len(lines) - len(told) + sum(told) == total


def test_a_reader_that_has_gone_is_no_error() -> None:
    """A closed pipe ends neither the writer nor the process."""
    reading, writing = os.pipe()
    os.close(reading)
    before = threading.enumerate()
    sink = Sink(writing, human=False)
    sink.record({"message": "unheard"})
    sink.close()
    assert threading.enumerate() == before
    os.close(writing)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text ü", "plain text ü"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\x9bb", "a\\x9bb"),
        ("a\u202eb", "a\\u202eb"),
        ("\r\n\x7f", "\\x0d\\x0a\\x7f"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_characters_are_shown_by_number(text: str, shown: str) -> None:
    """Nothing that a client sends can steer a terminal."""
    assert harmless(text) == shown


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=5))
def test_rendered_lines_hold_nothing_unprintable(fields: dict[str, str]) -> None:
    """Whatever the keys and values, a line for humans is printable text on its lines."""
    assert all(line.isprintable() for line in render(fields, colour=False).split("\n"))


_JSON: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.integers(1, 4200).map(lambda digits: 10**digits)
    | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = st.sampled_from(
    ("level", "node", "process", "message", "logger", "event", "error", "seconds", "status", "host")
)


@given(
    fields=st.dictionaries(_FIELDS | st.text(max_size=5), _JSON, max_size=8),
    access=st.booleans(),
    time=_JSON,
)
def test_any_json_line_can_be_read(
    fields: dict[str, object], time: object, *, access: bool
) -> None:
    """Whatever a node writes, the supervisor shows a printable line of it and goes on."""
    line = fields | {"time": time} | ({"logger": "midmile.access"} if access else {})
    record = parse(json.dumps(line).encode(), "east", "now")
    for colour in (True, False):
        shown = render(record, colour=colour)
    assert all(part.isprintable() for part in shown.split("\n"))


@pytest.mark.parametrize("seconds", ["1" + "0" * 400, "1e999", "NaN", "-1e308", "true"])
def test_an_odd_duration_is_no_fault(seconds: str) -> None:
    """JSON's numbers have no bounds."""
    line = f'{{"time": "", "logger": "midmile.access", "method": "GET", "seconds": {seconds}}}'
    assert "GET" in render(parse(line.encode(), "east", "now"), colour=False)


@pytest.mark.parametrize("depth", [100, 900, 990, 5000])
def test_lists_in_lists_are_no_fault(depth: int) -> None:
    """However deep a line goes, it is shown as far as Python can write it."""
    line = f'{{"time": "", "message": "m", "odd": {"[" * depth}{"]" * depth}}}'.encode()
    assert "m" in render(parse(line, "east", "now"), colour=False)


def test_a_human_line_names_node_worker_and_message() -> None:
    """A line shows time of day, node and worker, level, message, then the other fields."""
    record = {
        "time": "2026-11-22T11:03:04.123Z",
        "level": "warning",
        "node": "east",
        "process": "worker-1",
        "message": "slow",
        "status": 200,
        "why": "two words",
    }
    assert render(record, colour=False).split() == [
        "11:03:04.123",
        "east/1",
        "warning",
        "slow",
        "status=200",
        'why="two',
        'words"',
    ]


def test_an_access_log_line_can_be_read_as_it_passes() -> None:
    """On a terminal it has what was asked and what became of it; nothing in it steers."""
    record = {
        "logger": "midmile.access",
        "node": "east",
        "process": "worker-0",
        "request_id": "4f",
        "client": "192.0.2.1",
        "method": "GET",
        "scheme": "https",
        "host": "shop.test",
        "target": "/\x1b[2J",
        "status": 200,
        "verdict": "hit",
        "reason": "fresh",
        "response_bytes": 1024,
        "seconds": 0.00031,
    }
    line = render(record, colour=False)
    assert line.endswith("GET https://shop.test/\\x1b[2J 200 hit fresh 1024 B 0.3 ms id=4f")
    assert "192.0.2.1" not in line


_COMMON = {"method": "GET", "target": '/100%d?"%s"\u00e9', "status": 200, "verdict": "hit"}
_OPEN: Mapping[str, str | int | float] = {
    "request_id": "",
    "client": "",
    "response_bytes": 0,
    "seconds": 0.0,
}
_VALUES = (b"4f", b"::1", 1024, 0.0000314)


@pytest.mark.parametrize("human", [False, True])
def test_a_filled_stencil_is_a_line_like_any_other(*, human: bool) -> None:
    """It says what the record of such a request would, at the time that it is given."""
    form = JsonFormatter("east", "worker-0")
    reading, writing = os.pipe()
    log = LogStream(form, Sink(writing, human=human))
    stencil = log.stencil(_COMMON, _OPEN)
    assert stencil is not None
    log.fill([(stencil, 1_000_000_000.123, _VALUES)] * 2)
    log.close()
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as lines:
        one, other = lines.read().splitlines()
    values = [each.decode() if isinstance(each, bytes) else each for each in _VALUES]
    told = form.access({**_COMMON, **dict(zip(_OPEN, values, strict=True))})
    told |= {"time": "2001-09-09T01:46:40.123Z", "seconds": 0.000031}
    assert one == other
    assert one == render(told, colour=True) if human else json.loads(one) == told


def test_a_stencil_for_lines_that_would_be_too_long() -> None:
    """There is none: such lines are made one by one, and clipped."""
    assert JsonFormatter("e", "w").stencil({"target": "/" * LINE_BYTES}, _OPEN) is None


def test_lines_of_stencils_are_dropped_like_others() -> None:
    """What the queue cannot take is counted and not made."""
    reading, writing = os.pipe()
    log = LogStream(JsonFormatter("east", "worker-0"), Sink(writing, human=False))
    stencil = log.stencil(_COMMON, _OPEN)
    assert stencil is not None
    row = (stencil, 0.0, _VALUES)
    for _ in range(4):
        log.fill([row] * QUEUE_LINES)
    lines = 0
    with os.fdopen(reading, "rb") as pipe:
        thread = threading.Thread(target=log.close)
        thread.start()
        while b"log-dropped" not in (line := pipe.readline()):
            lines += 1
        thread.join()
    os.close(writing)
    assert json.loads(line)["dropped"] == 4 * QUEUE_LINES - lines > 0


def test_what_is_not_a_log_line_is_wrapped() -> None:
    """A traceback's line becomes an error record of its node; a forged node name is corrected."""
    wrapped = parse(b"ValueError: \xff", "east", "now")
    assert (wrapped["node"], wrapped["level"], wrapped["message"]) == (
        "east",
        "error",
        "ValueError: \\xff",
    )
    assert parse(b'{"time": "t", "node": "west"}', "east", "now")["node"] == "east"
    assert parse(b"[" * 100_000, "east", "now")["event"] == "output"


@pytest.mark.parametrize(
    ("raised", "told"), [(LineTooLong(b"/aaa", 8190), False), (KeyError("path"), True)]
)
def test_a_clients_fault_is_no_error_of_a_web_server(raised: Exception, *, told: bool) -> None:
    """Else any page that an operator visits could fill the log; what a handler raises is told."""
    record = logging.makeLogRecord({"exc_info": (type(raised), raised, None)})
    assert our_fault(record) is told
