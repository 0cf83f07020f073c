"""Pydantic's errors as faults: unknown, missing and wrong keys, each with what was expected.

Where one slip makes two errors (`lisen` is unknown, so `listen` is missing) only the first is told.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from deploy.network.models import Network, Role, Table
from deploy.network.problems import Fault, Location, shown
from deploy.network.shape import (
    NODE_TABLES,
    annotations,
    expected,
    find,
    item_of,
    kind_of,
    listed,
    table_of,
)


def faults(error: ValidationError) -> list[Fault]:
    """What is wrong with the structure of a file, in the models' order."""
    details = error.errors(include_url=False)
    renamed = {at for detail in details if (at := _meant_place(detail)) is not None}
    return [_fault(detail) for detail in details if not _follows(detail, renamed)]


def _follows(detail: ErrorDetails, renamed: Container[Location]) -> bool:
    """Whether an error is only the consequence of another one that is told."""
    match detail["type"]:
        case "missing":
            # An advertised address lacks only where `listen`, its default, was refused.
            return detail["loc"] in renamed or "advertise" in detail["loc"][:-1]
        case "too_short":
            # Pydantic counts the items it accepted.
            return bool(detail["input"])
        case _:
            return False


def _fault(detail: ErrorDetails) -> Fault:
    match detail["type"]:
        case "refused":
            return _refused(detail)
        case "extra_forbidden":
            return _unknown_key(detail)
        case "missing":
            return _missing(detail)
        case "union_tag_invalid" | "union_tag_not_found":
            return _no_role(detail)
        case "too_short" | "too_long":
            return _wrong_length(detail)
        case _:
            return _wrong_type(detail)


def _refused(detail: ErrorDetails) -> Fault:
    context = detail["ctx"]
    return Fault(
        at=_place(detail["loc"]),
        found=shown(detail["input"]),
        expected=context["expected"],
        hint=context["hint"],
    )


def _unknown_key(detail: ErrorDetails) -> Fault:
    *above, key = detail["loc"]
    known = _known_keys(tuple(above))
    elsewhere, meant = _elsewhere(str(key), tuple(above)), _meant_key(detail)
    return Fault(
        at=_place(detail["loc"]),
        found="an unknown key",
        expected=f"one of {listed(known)}",
        hint=f"did you mean {meant}?" if meant else elsewhere,
    )


def _missing(detail: ErrorDetails) -> Fault:
    at, here = detail["loc"], find(detail["loc"])
    many = len(at) == 1 and item_of(here) is not None
    return Fault(
        at=_place(at),
        found="nothing" if len(at) == 1 else "no such key",
        expected=f"at least one [[{at[0]}]]" if many else expected(here),
    )


def _no_role(detail: ErrorDetails) -> Fault:
    given: object = detail["input"]
    role = given.get("role") if isinstance(given, Mapping) else None
    meant = _nearest(role, list(Role)) if isinstance(role, str) else None
    hint = f'did you mean "{meant}"?' if meant else ""
    if role == "relay":
        hint = "relays are not accepted yet"
    return Fault(
        at=(*detail["loc"], "role"),
        found="no such key" if role is None else shown(role),
        expected=f"one of {listed(shown(str(known)) for known in Role)}",
        hint=hint,
    )


def _wrong_length(detail: ErrorDetails) -> Fault:
    kind = kind_of(item_of(find(detail["loc"])))
    most = detail["ctx"].get("max_length")
    return Fault(
        at=_place(detail["loc"]),
        found=shown(detail["input"]),
        expected=f"{f'at most {most}' if most else 'at least one'} "
        + (f"of these: {kind.expected}" if kind else f"[[{detail['loc'][-1]}]]"),
    )


def _wrong_type(detail: ErrorDetails) -> Fault:
    here, value = find(detail["loc"]), detail["input"]
    return Fault(
        at=_place(detail["loc"]),
        found=shown(value),
        expected=expected(here) if here is not None else detail["msg"],
        hint=_brackets(here, value, detail["loc"]),
    )


def _brackets(here: Any, value: object, at: Location) -> str:
    """The usual slips: `[node]` for `[[node]]`, and a list's only item without brackets."""
    if item_of(here) is not None and isinstance(value, Mapping) and len(at) == 1:
        return f"write [[{at[0]}]], with two brackets, above each"
    if table_of(here) is not None and isinstance(value, Sequence) and len(at) == 1:
        return f"write [{at[0]}], with one bracket, once"
    if item_of(here) is not None and isinstance(value, str):
        return f"write [{shown(value)}]"
    return ""


def _place(at: Location) -> Location:
    """The location in the file: without the role that pydantic puts behind a node's index."""
    match at:
        case ("node", int() as index, str(), *rest):
            return ("node", index, *rest)
        case _:
            return at


def _meant_place(detail: ErrorDetails) -> Location | None:
    """Where an unknown key would stand if it were spelt right."""
    meant = _meant_key(detail) if detail["type"] == "extra_forbidden" else None
    return (*detail["loc"][:-1], meant) if meant else None


def _meant_key(detail: ErrorDetails) -> str | None:
    """The known key that an unknown one is nearly; none if it is right in another table."""
    *above, key = detail["loc"]
    if _elsewhere(str(key), tuple(above)):
        return None
    return _nearest(str(key), _known_keys(tuple(above)))


def _known_keys(at: Location) -> list[str]:
    table = table_of(find(at))
    return list(annotations(table)) if table is not None else []


def _nearest(key: str, known: Sequence[str]) -> str | None:
    folded = key.lower().replace("-", "_")
    return next(iter(get_close_matches(folded, known, n=1)), None)


def _elsewhere(key: str, above: Location) -> str:
    """Says which other tables have the key: in TOML a key belongs to the heading before it."""
    here = table_of(find(above))
    owners = [
        name for name, table in _headings() if table is not here and key in annotations(table)
    ]
    return f"{key} is a key of {' and '.join(owners)}" if owners else ""


@cache
def _headings() -> tuple[tuple[str, type[Table]], ...]:
    """The tables that have headings, by these; nodes by role."""
    roles = ((f'[[node]] of role "{role}"', table) for role, table in NODE_TABLES.items())
    return (*_headings_in(Network, ""), *roles)


def _headings_in(table: type[Table], path: str) -> Iterator[tuple[str, type[Table]]]:
    for key, here in annotations(table).items():
        item, inner = table_of(item_of(here)), table_of(here)
        if item is not None:
            yield f"[[{key}]]", item
            yield from _headings_in(item, f"{key}.")
        elif inner is not None:
            yield f"[{path}{key}]", inner
