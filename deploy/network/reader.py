"""Reads a network file: bytes to text to TOML to models, every failure a `NetworkFileError`."""

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deploy.exits import ExitCode, Refusal
from deploy.network import references, structure
from deploy.network.models import Network, network_of
from deploy.network.problems import Fault, NetworkFileError, Problem, problem, shown

MOST_BYTES = 256 * 1024
"""More than a thousand nodes; a larger file is a mistake, and so is a device that never ends."""


def read(path: Path | str) -> Network:
    """The network that a file describes; raises what `read_text` and `load` raise."""
    return load(read_text(path), str(path))


def read_text(path: Path | str) -> str:
    """A network file's text, for `load`.

    `Refusal` where there is nothing to read, NetworkFileError where it cannot be such a file.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Refusal(f"cannot read {path}: {reason.lower()}", ExitCode.USAGE) from None
    if len(content) > MOST_BYTES:
        raise _unreadable(path, f"more than {MOST_BYTES // 1024} KiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unreadable(path, f"bytes that are not UTF-8 in line {line}") from None


def load(text: str, where: str) -> Network:
    """The network that a text describes; raises NetworkFileError.

    `where` names the file in messages; files that it mentions are sought in its folder.
    """
    document = _parse(text, where)
    try:
        network = network_of(document, Path(where).parent)
    except ValidationError as error:
        raise _wrong(where, structure.faults(error), document) from None
    if faults := references.faults(network):
        raise _wrong(where, faults, document)
    return network


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NetworkFileError(where, [_syntax(str(error), text)]) from None
    except RecursionError:
        raise _unreadable(where, "values nested too deeply") from None
    except ValueError:  # more digits than int() takes
        raise _unreadable(where, "a number too long to be read") from None


def _syntax(message: str, text: str) -> Problem:
    """Where TOML breaks; tomllib says it at the end of its message."""
    what, _, place = message.removesuffix(")").rpartition(" (at ")
    what = re.sub(r"\('(.*?)',?\)", lambda keys: keys[1].replace("', '", "."), _lower(what))
    numbers = re.fullmatch(r"line (\d+), column \d+", place)
    if numbers is None:
        return Problem(path="end of the file", found=what, expected="valid TOML")
    line = text.split("\n")[int(numbers[1]) - 1].strip()
    return Problem(path=place, found=shown(line), expected=f"valid TOML ({what})", hint=_slip(line))


def _slip(line: str) -> str:
    """What was probably meant by a line that TOML does not take."""
    heading = re.fullmatch(r"\[\[?(site|region|node)\]?\]", line)
    if heading:
        return f"write [[{heading[1]}]], with two brackets, above each {heading[1]}"
    if re.search(r"=\s*[^\s\"'\[{#]", line):
        return "text, durations, sizes and addresses stand in quotes"
    return ""


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _unreadable(path: Path | str, reason: str) -> NetworkFileError:
    return NetworkFileError(
        str(path), [Problem(path="", found=reason, expected="a network file (TOML)")]
    )


def _wrong(where: str, faults: list[Fault], document: dict[str, Any]) -> NetworkFileError:
    return NetworkFileError(where, [problem(fault, document) for fault in faults])
