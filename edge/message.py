"""The words edge and origin share: header fields, requests, responses.

Names of header fields are lower-case `str`; values are `str` in which each character is one byte
(latin-1), so any bytes that came in can go out unchanged. The conversion from and to wire bytes
happens once, in `aio/`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace


class Headers:
    """An immutable, ordered list of header fields (RFC 9110 5).

    Made from pairs of (lower-case name, value). Field lines with one name stay apart and in order.
    """

    __slots__ = ("pairs",)

    pairs: tuple[tuple[str, str], ...]

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __contains__(self, name: object) -> bool:
        for key, _ in self.pairs:  # noqa: SIM110 (half the time of any(), and asked very often)
            if key == name:
                return True
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.pairs == other.pairs

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __repr__(self) -> str:
        return f"Headers({list(self.pairs)!r})"

    def lines(self, name: str) -> tuple[str, ...]:
        """The value of each field line called `name`, in order."""
        return tuple([value for key, value in self.pairs if key == name])

    def first(self, name: str) -> str | None:
        """The value of the first field line called `name`."""
        for key, value in self.pairs:
            if key == name:
                return value
        return None

    def combined(self, name: str) -> str | None:
        """All field lines called `name` as one value (RFC 9110 5.3), None without any."""
        values = self.lines(name)
        return ", ".join(values) if values else None

    def without(self, names: Iterable[str]) -> "Headers":
        """A copy that lacks every field named in `names`."""
        dropped = frozenset(names)
        return Headers([pair for pair in self.pairs if pair[0] not in dropped])

    def put(self, name: str, value: str) -> "Headers":
        """A copy in which one field line `name: value` stands for all earlier ones."""
        return Headers([*[pair for pair in self.pairs if pair[0] != name], (name, value)])

    def add(self, name: str, value: str) -> "Headers":
        """A copy with one more field line at its end."""
        return Headers((*self.pairs, (name, value)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request head, as the pipeline sees it.

    `authority` is the host the user asked for, lower-case, without port and trailing dot;
    `host_port` the same with the port as it was sent. `target` is the origin-form
    (RFC 9112 3.2.1): path and query exactly as they came.
    """

    method: str
    scheme: str
    authority: str
    host_port: str
    target: str
    headers: Headers
    client: str = ""
    version: str = "1.1"

    @property
    def path(self) -> str:
        """The target's path, raw."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str | None:
        """The target's query without the question mark, None where there is none."""
        _, mark, query = self.target.partition("?")
        return query if mark else None

    def with_headers(self, headers: Headers) -> "Request":
        """The same request with other header fields."""
        return replace(self, headers=headers)


NO_HEADERS = Headers()


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response head."""

    status: int
    reason: str = ""
    headers: Headers = NO_HEADERS

    def with_headers(self, headers: Headers) -> "Response":
        """The same response with other header fields."""
        return replace(self, headers=headers)
