"""Log lines as a human reads them on a terminal, and as the supervisor passes them on.

Values come from clients: nothing in them may steer the terminal, so every character that is not
printable is shown by its number.
"""

import json
from collections.abc import Mapping

_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}
_PLACED = frozenset({"time", "level", "node", "process", "message", "logger", "event", "error"})
_LONGEST = 400
"""Characters of one value on a terminal; the JSON stream has the rest."""


def harmless(text: str) -> str:
    """The text with each control, format, surrogate or separator character as its escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def render(record: Mapping[str, object], *, colour: bool) -> str:
    """One line: time, node and process, level, message or event, other fields."""
    level = said(record.get("level", "info"))
    parts = [
        painted(_clock(said(record.get("time", ""))), "2", colour=colour),
        painted(f"{_where(record):<14}", "36", colour=colour),
        painted(f"{harmless(level):<7}", _COLOURS.get(level, "0"), colour=colour),
    ]
    if record.get("logger") == "midmile.access":
        return " ".join([*parts, _exchange(record)])
    fields = " ".join(
        f"{harmless(key)}={_value(value)}" for key, value in record.items() if key not in _PLACED
    )
    parts += [
        _text(record.get("message") or record.get("event") or ""),
        painted(fields, "2", colour=colour) if fields else "",
    ]
    return " ".join(part for part in parts if part) + _indented(record.get("error"))


def _exchange(record: Mapping[str, object]) -> str:
    """A line of the access log, short enough to be read as it passes; the JSON has the rest."""

    def word(name: str) -> str:
        return _text(record.get(name, ""))

    words = [
        word("method"),
        f"{word('scheme')}://{word('host')}{word('target')}" if word("host") else word("target"),
        *(word(name) for name in ("status", "verdict", "reason", "error")),
        f"{word('response_bytes')} B" if "response_bytes" in record else "",
        _duration(record.get("seconds")),
        f"id={word('request_id')}" if "request_id" in record else "",
    ]
    return " ".join(filter(None, words))


def _where(record: Mapping[str, object]) -> str:
    node, process = said(record.get("node", "")), said(record.get("process", ""))
    number = process.removeprefix("worker-")
    return harmless(f"{node}/{number}" if number != process else node)


def _duration(seconds: object) -> str:
    if not isinstance(seconds, int | float):
        return ""
    try:
        return f"{seconds * 1000:.1f} ms"
    except OverflowError:  # a whole number that is no float's
        return ""


def _clock(time: str) -> str:
    """The time of day of an RFC 3339 time."""
    return harmless(time[11:23])


def _text(value: object) -> str:
    text = harmless(said(value))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _value(value: object) -> str:
    text = _text(value)
    return f'"{text}"' if " " in text or not text else text


def _indented(error: object) -> str:
    """A traceback on lines of its own."""
    if not error:
        return ""
    return "".join(f"\n    {harmless(line)}" for line in said(error).splitlines())


def said(value: object) -> str:
    """Any value of a log line as text."""
    try:
        return str(value)
    except (RecursionError, ValueError):  # lists in lists, a number of thousands of digits
        return f"({type(value).__name__})"


def painted(text: str, code: str, *, colour: bool) -> str:
    """The text in a colour or weight (an SGR code, ECMA-48 8.3.117), where there are colours."""
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text


def parse(line: bytes, node: str, now: str) -> dict[str, object]:
    """A line that a node wrote; one that is no log line (a traceback) is wrapped as one."""
    if line.startswith(b"{"):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict) and "time" in record:
            record["node"] = node  # whatever it says: the pipe knows better
            return record
    text = line.decode("utf-8", "backslashreplace").rstrip("\r")
    return {
        "time": now,
        "level": "error",
        "logger": "stderr",
        "node": node,
        "event": "output",
        "message": text,
    }
