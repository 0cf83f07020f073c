"""What is wrong with a network file, and how it is said: one line a problem."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.exits import ExitCode, Refusal

_LONGEST_SHOWN = 60
_MOST_LINES = 50
"""A file in another format would else fill the terminal; the first lines tell enough."""

Location = tuple[str | int, ...]
"""Keys and indices from the file's top: `("site", 0, "hostnames", 1)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong at a place in the file."""

    at: Location
    found: str
    expected: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A fault as the operator is told it."""

    path: str
    """TOML path, `site[0].hostnames[1]`; for broken TOML `line 3, column 7`; empty: the file."""
    found: str
    expected: str
    hint: str = ""
    owner: str = ""
    """Name of the site, region or node that the path leads through."""

    def __str__(self) -> str:
        owner = f' ("{self.owner}")' if self.owner else ""
        place = f"{self.path}{owner}: " if self.path else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{place}found {self.found}, expected {self.expected}{hint}"


class NetworkFileError(Refusal):
    """A network file that cannot be used, with everything that is wrong with it."""

    def __init__(self, where: str, problems: Sequence[Problem]) -> None:
        super().__init__(where, ExitCode.USAGE)
        self.where = where
        self.problems = list(problems)

    def __str__(self) -> str:
        lines = [f"{self.where}: {problem}" for problem in self.problems[:_MOST_LINES]]
        if len(self.problems) > _MOST_LINES:
            lines.append(f"{self.where}: and {len(self.problems) - _MOST_LINES} more")
        return "\n".join(lines)


def problem(fault: Fault, document: Mapping[str, Any]) -> Problem:
    """A fault as a problem of the parsed file it was found in."""
    return Problem(
        path=toml_path(fault.at),
        found=fault.found,
        expected=fault.expected,
        hint=fault.hint,
        owner=_owner(fault.at, document),
    )


def toml_path(at: Location) -> str:
    """`site[0].hostnames[1]`; keys that TOML wants quoted are quoted."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in at)
    return "".join(steps).removeprefix(".")


def shown(value: object) -> str:
    """A value as a message quotes it: like TOML, short, without control characters."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _short(_quoted(value))
        case Mapping():
            return f"a table ({_short(', '.join(map(_key, value)))})" if value else "an empty table"
        case list():
            return f"a list of {len(value)}" if value else "an empty list"
        case tuple():
            return f'"{value}"'
        case _:
            return _short(str(value))


def _owner(at: Location, document: Mapping[str, Any]) -> str:
    match at:
        case ("site" | "region" | "node" as table, int() as index, *_):
            entry = document[table][index]
            name = entry.get("name") if isinstance(entry, Mapping) else None
            return _short(_quoted(name)[1:-1]) if isinstance(name, str) else ""
        case _:
            return ""


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", key) else _short(_quoted(key))


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in quoted)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."
