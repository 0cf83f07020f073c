"""What the models say a network file looks like: its tables, keys and kinds of value.

Both messages and `docs/network-file.md` are made from this, so neither can drift from the models.
"""

from collections.abc import Iterable
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from deploy.network.kind import Kind
from deploy.network.models import Network, Node, NodeTable, Table
from deploy.network.problems import Location

NODE_TABLES: dict[str, type[NodeTable]] = {
    get_args(table.model_fields["role"].annotation)[0].value: table for table in get_args(Node)
}
"""The table of each role."""


def fields(table: type[Table]) -> dict[str, FieldInfo]:
    """A table's fields by the key that the file uses."""
    return {info.alias or name: info for name, info in table.model_fields.items()}


@cache
def annotations(table: type[Table]) -> dict[str, Any]:
    """The annotations of a table's keys, kinds included."""
    hints = get_type_hints(table, include_extras=True)
    return {info.alias or name: hints[name] for name, info in table.model_fields.items()}


def find(at: Location) -> Any:
    """The annotation of what stands at a location; None where the models know nothing of it.

    A node's role may stand after its index, as pydantic says it: `("node", 2, "edge", "listen")`.
    """
    here: Any = Network
    for step in at:
        table = table_of(here)
        if isinstance(step, int):
            here = item_of(here)
        elif table is not None and step in annotations(table):
            here = annotations(table)[step]
        elif here is not None and table is None and step in NODE_TABLES:
            here = NODE_TABLES[step]
        else:
            return None
    return here


def kind_of(here: Any) -> Kind | None:
    """The kind that reads an annotation's value."""
    extras = get_args(_bare(here))[1:] if get_origin(_bare(here)) is Annotated else ()
    return next((extra for extra in extras if isinstance(extra, Kind)), None)


def table_of(here: Any) -> type[Table] | None:
    """The table that an annotation stands for."""
    here = _bare(here)
    return here if isinstance(here, type) and issubclass(here, Table) else None


def item_of(here: Any) -> Any:
    """The annotation of a list's items; None if it is no list."""
    here = _bare(here)
    return get_args(here)[0] if get_origin(here) is tuple else None


def expected(here: Any) -> str:
    """What a value of an annotation must be, in words."""
    kind, table, item = kind_of(here), table_of(here), item_of(here)
    if kind is not None:
        return kind.expected
    if table is not None:
        return f"a table with {listed(fields(table))}"
    if item is not None:
        kind = kind_of(item)
        return f"a list; each item {kind.expected}" if kind else "a list of tables"
    if get_origin(here) is Literal:
        return f'"{get_args(here)[0]}"'
    return "a table"


def listed(keys: Iterable[str]) -> str:
    """Keys as a message names them."""
    return ", ".join(keys)


def _bare(here: Any) -> Any:
    """An annotation without None, and without metadata unless that is a kind."""
    if get_origin(here) in (Union, UnionType):
        options = [option for option in get_args(here) if option is not NoneType]
        return _bare(options[0]) if len(options) == 1 else here
    if get_origin(here) is Annotated and not any(isinstance(a, Kind) for a in get_args(here)):
        return _bare(get_args(here)[0])
    return here
