"""The small grammar that header field values share (RFC 9110 5.6): lists, tokens, quoted strings.

Fields with a meaning of their own have modules of their own.
"""

import re
from collections.abc import Iterator

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""RFC 9110 5.6.2; use `fullmatch`."""

_MEDIA_TYPE_LENGTH = 255
"""Two names of 127 characters and the slash (RFC 6838 4.2)."""

_DIGITS = re.compile(r"[0-9]+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# A run outside quotes, or a quoted string; one that never closes reaches to the end of the value.
_MEMBER_PIECE = re.compile(r'[^",]+|"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
_ETAG_PIECE = re.compile(r'[^",]+|"[^"]*(?:"|\Z)', re.DOTALL)


def split_list(value: str, *, escapes: bool = True) -> Iterator[str]:
    """The members of a comma-separated list, trimmed; empty ones are left out (5.6.1).

    A comma inside a quoted string does not separate. `escapes=False` reads a backslash as itself,
    as entity tags do (RFC 9110 8.8.3).
    """
    if '"' not in value:
        yield from (member for part in value.split(",") if (member := part.strip(" \t")))
        return
    piece = _MEMBER_PIECE if escapes else _ETAG_PIECE
    at = 0
    while at < len(value):
        start = at
        while match := piece.match(value, at):
            at = match.end()
        if member := value[start:at].strip(" \t"):
            yield member
        at += 1  # the comma


def unquote(value: str) -> str:
    """The text of a quoted string; anything else as it is."""
    if not value.startswith('"'):
        return value
    inner = value[1:-1] if len(value) > 1 and value.endswith('"') else value[1:]
    return _ESCAPED.sub(r"\1", inner) if "\\" in inner else inner


def tokens(lines: tuple[str, ...]) -> frozenset[str]:
    """The members of all `lines` in lower case, for fields that are lists of tokens."""
    if not lines:
        return frozenset()
    return frozenset(member.lower() for line in lines for member in split_list(line))


def media_type(value: str) -> str:
    """What a Content-Type says without its parameters, in lower case (RFC 9110 8.3.1), bounded."""
    return value.partition(";")[0].strip(" \t")[:_MEDIA_TYPE_LENGTH].lower()


def decimal(value: str, *, ceiling: int) -> int | None:
    """`value` as a number if it is ASCII digits only; numbers above `ceiling` become `ceiling`."""
    if not _DIGITS.fullmatch(value):
        return None
    significant = value.lstrip("0")
    # Longer than the ceiling is larger than it; and int() refuses more than 4,300 digits.
    if len(significant) > len(str(ceiling)):
        return ceiling
    return min(int(significant or "0"), ceiling)
