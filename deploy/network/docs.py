"""Writes `docs/network-file.md` from the models themselves: `python -m deploy.network.docs`.

What a key is for stands in its field's description, what it takes in its kind; here is only the
page around them. A test keeps the committed page current.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from deploy.network import Address, NetworkFileError, load
from deploy.network.models import About, NodeTable, Pages, Region, Site, Table
from deploy.network.shape import NODE_TABLES, annotations, expected, fields, kind_of, table_of

_EXAMPLE = Path(__file__).parents[1] / "networks" / "python-docs.toml"
_SECTIONS: tuple[tuple[str, type[Table]], ...] = (
    ("[network]", About),
    ("[[site]]", Site),
    ("[site.pages]", Pages),
    ("[[region]]", Region),
)
_OPENING = """\
<!-- Written by `python -m deploy.network.docs` from the models in deploy/network/models.py. -->

# The network file

One TOML file describes a network: what it is called, the sites that it delivers, its regions, and
its nodes. Every node reads the same file. Secrets are not in it: keys are files of their own.

```sh
midmile check my-network.toml
```

says what a file describes, or everything that is wrong with it at once. Keys that are not listed
here are refused. (`midmile` stands in `.venv/bin` after `make up`: `. .venv/bin/activate` lets a
shell find it.)

## An example

midmile before a web server of your own, on one machine. This is `deploy/networks/python-docs.toml`;
the demo network beside it, `demo.toml`, has two of nearly everything.
"""
_NODES = """\
A process group with one role on one machine. `listen` says where it binds, `advertise` what other
nodes and the DNS are told; they differ behind a NAT, in a container, or where a node binds every
address (`0.0.0.0`), which cannot be advertised. No two listeners of a network have the same
address; only wildcards of different nodes may be equal.

Every node has these keys, and those of its role below.
"""
_WRONG = """\
Each problem is a line: the key's path (counted from 0, with the name of its site, region or node),
what was found, what was expected, and where it can be told what was meant. This file:
"""
_MISTAKEN = """\
[network]
name = "my-network"
zone = "cdn.example.com"
contact = "hostmaster@example.com"
answer_ttl = "20 sec"

[[site]]
name = "shop"
hostnames = ["https://shop.example.com"]
orgins = ["http://192.0.2.10:8080"]

[[region]]
name = "east"

[[node]]
name = "east-1"
role = "edge"
region = "east"
cache = 256
listen = { http = ["192.0.2.1"] }
"""


def page() -> str:
    """The whole page."""
    parts = [_OPENING, _fenced("toml", _EXAMPLE.read_text(encoding="utf-8"))]
    parts += (
        _section(f"## `{heading}`", _sentence(table), _rows(table)) for heading, table in _SECTIONS
    )
    parts.append(_section("## `[[node]]`", _NODES, _common_rows()))
    parts += (
        _section(f"### Role `{role}`", _sentence(table), _role_rows(table))
        for role, table in NODE_TABLES.items()
    )
    parts += ["## When something is wrong\n", _WRONG, _fenced("toml", _MISTAKEN)]
    parts += ["is answered with\n", _fenced("text", _answer(_MISTAKEN))]
    return "\n".join(parts)


def _section(heading: str, text: str, rows: Iterator[str]) -> str:
    return "\n".join(
        [
            f"{heading}\n",
            text,
            "| Key | Default | Meaning | Value |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _common_rows() -> Iterator[str]:
    roles = " or ".join(f'"{role}"' for role in NODE_TABLES)
    for key, info in fields(NodeTable).items():
        if key == "role":
            yield _row(key, info, roles)
        elif key != "listen":
            yield from _key_rows(NodeTable, key, info)


def _role_rows(table: type[Table]) -> Iterator[str]:
    common = {key: _default(NodeTable, key, info) for key, info in fields(NodeTable).items()}
    for key, info in fields(table).items():
        if key == "listen" or (key != "role" and common.get(key) != _default(table, key, info)):
            yield from _key_rows(table, key, info)


def _rows(table: type[Table], prefix: str = "") -> Iterator[str]:
    for key, info in fields(table).items():
        yield from _key_rows(table, key, info, prefix)


def _key_rows(table: type[Table], key: str, info: FieldInfo, prefix: str = "") -> Iterator[str]:
    """A key's row; for `listen` and `advertise`, which are written inline, those of their keys."""
    here = annotations(table)[key]
    inner = table_of(here)
    if inner is not None and inner is not Pages:
        yield from _rows(inner, f"{key}.")
    else:
        value = "a table" if inner else expected(here)
        yield _row(f"{prefix}{key}", info, value, _default(table, key, info))


def _row(key: str, info: FieldInfo, value: str, default: str = "required") -> str:
    escaped = re.sub(r"([|*_`<\\])", r"\\\1", value)
    return f"| `{key}` | {default} | {info.description} | {escaped} |"


def _default(table: type[Table], key: str, info: FieldInfo) -> str:
    extra = info.json_schema_extra
    if isinstance(extra, Mapping):
        return str(extra["default"])
    return "required" if info.is_required() else _shown(annotations(table)[key], info.default)


def _shown(here: Any, default: object) -> str:
    kind = kind_of(here)
    if isinstance(default, Table):
        return "all off"
    if default == () and not isinstance(default, Address):
        return "`[]`"
    return "none" if kind is None or default is None else f"`{kind.shown(default)}`"


def _sentence(table: type[Table]) -> str:
    return f"{table.__doc__}\n"


def _answer(text: str) -> str:
    try:
        load(text, "my-network.toml")
    except NetworkFileError as error:
        return "".join(f"midmile: {line}\n" for line in str(error).splitlines())
    raise ValueError("the example of a mistaken file is right")


def _fenced(kind: str, text: str) -> str:
    return f"```{kind}\n{text}```\n"


if __name__ == "__main__":
    sys.stdout.write(page())
