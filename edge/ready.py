"""Responses that are ready to be sent, and which request heads ask for them.

The first request for a stored response goes the pipeline's way, where all rules are. Its answer is
kept here, under the lines of its head that counted: the next head with the same lines gets the same
answer without being parsed. Lines that no rule reads are looked at only to see that they are clean.
So there is one set of rules, and nothing here decides anything.

    head  ->  HeadReader.read  ->  Wanted  ->  ReadyTable.find  ->  Ready
"""

import math
from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from edge.cache.key import Key, parts
from edge.cache.validate import CONDITIONS
from edge.config import Limits
from edge.errors import FramingError
from edge.head import GIVEN_ONCE, clean, parse_fields
from edge.trail import Stencil

MOST_LINES = 4_096
"""Field lines remembered. Browsers send about ten, of which a site sees some hundred forms."""
MOST_LINE_BYTES = 512
"""Of a line that is remembered: the table stays under some megabytes, whatever is sent."""
MOST_NAMES = 1_024
"""Spellings of field names remembered."""
MOST_NAME_BYTES = 64
"""Of a field name that is remembered."""
MOST_FIELDS = 8_192
"""Heads without request line and cookie that are remembered: a browser sends the same with most of
its requests, and some thousand kinds of browsers and languages are most of them."""
MOST_FIELDS_BYTES = 768
"""Of one that is remembered: with what it wants, all stay under some megabytes."""
MOST_READY = 16_384
"""Ready responses. Their bodies are the store's; head, log line and place are some kilobytes."""
MOST_REPEATED = 1_024
"""Whole heads that are remembered, once a connection has sent one twice in a row."""
MOST_REPEATED_BYTES = 1_024
"""Of such a head."""
MOST_WANTED_BYTES = 2_048
"""Of the lines that count for a ready response."""
MOST_PER_TARGET = 64
"""Ready responses of one target: conditions, ranges and languages may differ without end."""

_END = b"\r\n\r\n"
"""Of a head."""

_PLAIN = 0
"""A field line that cannot change the answer."""
_SELECTING = 1
"""One that counts if Vary names it."""
_CONDITION = 2
"""One that always counts."""
_HOST = 3
_ELSE = 4
"""One that the pipeline must read."""
_ONCE = {name: 8 << place for place, name in enumerate(sorted(GIVEN_ONCE))}
"""Ones that cannot change the answer, but may come only once: a bit for each name."""

_CONDITIONAL = frozenset({*CONDITIONS, "range", "if-range"})
SELECTING_FIELDS = frozenset({"accept", "accept-encoding", "accept-language", "origin"})
"""Fields that Vary may name, with few values among many users."""
_DECIDING = frozenset(
    {"cache-control", "pragma", "content-length", "transfer-encoding", "upgrade", "expect"}
    | {"trailer", "te", "cdn-loop", "max-forwards", "proxy-connection", "http2-settings"}
)
"""Fields that make a request another than a plain one; the pipeline reads them."""
_REPEATED = frozenset(
    {"accept", "accept-encoding", "accept-language", "connection", "dnt", "host", "origin"}
    | {"priority", "save-data", "upgrade-insecure-requests", "user-agent"}
    | {"if-modified-since", "if-none-match"}
)
"""Fields whose lines come again and again, so that remembering them pays; with all `sec-`."""


_Known = TypeVar("_Known")

Place = tuple[bytes, bytes]
"""Host line and request line of a head, as they came."""

Lines = tuple[bytes, ...]
"""Field lines of a head, as they came."""

Wanted = tuple[Place, Lines, Lines]
"""What a head asks for, as far as it may count: the place, conditions (ranges too), and fields that
select among responses where Vary names them. A plain tuple, since each hit makes one."""

_Told = tuple[bytes, Lines, Lines]
"""What a head's fields tell of that: the host line, conditions, and fields that select."""


class Copy(Protocol):
    """A file that has a body's bytes too."""

    file: int
    """Its descriptor; less than 0: there is none any more."""


@dataclass(slots=True, kw_only=True, eq=False)
class Ready:
    """An answer, but for its Age, what is left of its freshness, and the request's id.

    `head` has three parts, between which these stand. The body may be empty. Only `start` changes
    with time.
    """

    key: Key
    head: tuple[bytes, bytes, bytes]
    body: bytes | memoryview
    born_s: float
    """When its age was 0; monotonic seconds."""
    lifetime_s: float
    least_left_s: float
    """With less than this left of its freshness, `must_decide` is asked."""
    must_decide: Callable[[float], bool]
    """Whether the pipeline has to see such a request at this time: to refresh it, or fetch it."""
    site: str
    status: int
    stencil: Stencil
    """Of its access log lines."""
    copy: Copy | None = None
    """Of the body, where that is large."""
    start: bytes = b""
    """The head up to the request's id, as it was last begun."""
    start_until_s: float = -math.inf
    """Before this time, monotonic, `start` is what `begin` would give."""

    def begin(self, mono_s: float) -> bytes | None:
        """The head at this time, up to the request's id, which an empty line follows.

        None where the answer is stale, or may have to be refreshed.
        """
        age_s = mono_s - self.born_s
        left_s = self.lifetime_s - age_s
        if left_s < self.least_left_s:
            if self.must_decide(mono_s):
                return None
            same_s = 0.0  # which is asked each time
        else:
            same_s = min(1 - age_s % 1, left_s % 1, left_s - self.least_left_s)
        first, second, third = self.head
        self.start = b"%b%d%b%d%b" % (first, age_s, second, left_s, third)
        self.start_until_s = mono_s + same_s
        return self.start


class HeadReader:
    """Tells what a request head wants, if that is plain to see.

    Whatever it lets through, `edge.head` lets through too: lines it does not know are parsed by the
    same functions, once, and then remembered.
    """

    def __init__(self, limits: Limits) -> None:
        self._head_bytes = limits.head_bytes
        self._line_count = limits.header_count + 3  # the request line, and two empty ends
        self._lines: dict[bytes, int] = {}
        self._names: dict[bytes, int] = {}
        self._fields: dict[bytes, _Told] = {}

    def read(self, head: bytes, known_lines: Container[bytes] | None = None) -> Wanted | None:
        """What `head`, with its empty line, wants; None for whatever needs a closer look.

        That is also what is more than one head. Nothing is looked at below a request line that is
        not among `known_lines`, if these are given. Request line and Host are not checked: what is
        ready has such as were checked before.
        """
        end = head.find(b"\r\n")
        request_line = head[:end]
        unknown = known_lines is not None and request_line not in known_lines
        if unknown or len(head) > self._head_bytes:
            return None
        # The field that differs most among visitors, and says nothing; one more is a line like any.
        cookie = head.find(b"\r\nCookie: ", end)
        if cookie < 0:
            fields = head[end:]
        else:
            after = head.find(b"\r\n", cookie + 2)
            if not clean(head[cookie + 2 : after]):
                return None
            fields = head[end:cookie] + head[after:]
        told = self._fields.get(fields) or self._tell(fields, cookie >= 0)
        if told is None:
            return None
        host, conditions, selecting = told
        return (host, request_line), conditions, selecting

    def _tell(self, fields: bytes, cut: bool) -> _Told | None:
        """What is told by a head behind its request line; of which one line may have been cut."""
        if fields.find(_END) != len(fields) - len(_END):
            return None
        lines = fields.split(b"\r\n")
        count = len(lines) + 1  # had none been cut, one might be the next time
        if count - (not cut) > self._line_count:
            return None
        told = self._told(lines[1:-2])
        if told is not None and count <= self._line_count and len(fields) <= MOST_FIELDS_BYTES:
            _remember(self._fields, fields, told, MOST_FIELDS)
        return told

    def _told(self, lines: Sequence[bytes]) -> _Told | None:
        """What these lines tell together."""
        known, host, seen = self._lines, b"", 0
        conditions: Lines = ()
        selecting: Lines = ()
        for line in lines:
            kind = known.get(line)
            if kind is None:
                kind = self._look(line)
            if kind == _PLAIN:
                continue
            if kind == _SELECTING:
                selecting += (line,)
            elif kind == _CONDITION:
                conditions += (line,)
            elif kind == _HOST and not host:
                host = line
            elif kind > _ELSE and not seen & kind:
                seen |= kind
            else:
                return None
        return host, conditions, selecting

    def _look(self, line: bytes) -> int:
        """What a line is that is not remembered itself."""
        name, colon, value = line.partition(b":")
        kind = self._names.get(name)
        if kind is None:
            return self._learn(line, name)
        return kind if colon and clean(value) else _ELSE

    def _learn(self, line: bytes, spelled: bytes) -> int:
        """What a line is of which nothing is remembered."""
        try:
            ((name, value),) = parse_fields([line], 1)
        except FramingError:
            return _ELSE
        if not clean(line):
            return _ELSE
        kind = _kind(name, value)
        if name in _REPEATED or name.startswith("sec-"):
            if len(line) <= MOST_LINE_BYTES:
                _remember(self._lines, line, kind, MOST_LINES)
        elif len(spelled) <= MOST_NAME_BYTES:
            _remember(self._names, spelled, kind, MOST_NAMES)
        return kind


def size_of(wanted: Wanted) -> int:
    """Bytes of all the lines."""
    return sum(len(line) for lines in wanted for line in lines)


def _kind(name: str, value: str) -> int:
    if name == "host":
        return _HOST
    if name == "connection":  # it may name any field, which then does not count
        return _PLAIN if value.lower() == "keep-alive" else _ELSE
    if name in _DECIDING or name.startswith("midmile-"):
        return _ELSE
    if name in _CONDITIONAL:
        return _CONDITION
    if name in GIVEN_ONCE:
        return _ONCE[name]
    return _SELECTING if name in SELECTING_FIELDS else _PLAIN


def _remember(table: dict[bytes, _Known], text: bytes, known: _Known, most: int) -> None:
    """Strangers can fill a table; it then begins anew, at the cost of a look at each line."""
    if len(table) >= most:
        table.clear()
    table[text] = known


@dataclass(slots=True)
class _Target:
    """The ready responses of one request line at one host, by the lines that count."""

    key: Key
    vary: frozenset[bytes]
    """Names of the fields by which stored responses under the key are selected, in lower case."""
    ready: dict[Lines, Ready] = field(default_factory=dict)

    def counting(self, conditions: Lines, selecting: Lines) -> Lines:
        """The lines that decide which answer it is."""
        vary = self.vary
        for line in selecting:
            if line[: line.index(b":")].lower() in vary:
                conditions += (line,)
        return conditions


class ReadyTable:
    """Ready responses of one scheme, by what heads want. Whoever changes the store says so."""

    def __init__(self, most: int = MOST_READY) -> None:
        self._most = most
        self._targets: dict[Place, _Target] = {}
        self.request_lines: Counter[bytes] = Counter()
        """Those of all ready responses, and at how many hosts each is ready."""
        self.repeated: dict[bytes, Ready] = {}
        """Ready responses by the whole head."""
        self._places: dict[Key, set[Place]] = {}  # oldest first
        self.size = 0

    def find(self, wanted: Wanted) -> Ready | None:
        """The answer to a head that wants this."""
        place, conditions, selecting = wanted
        target = self._targets.get(place)
        if target is None:
            return None
        if target.vary:
            conditions = target.counting(conditions, selecting)
        return target.ready.get(conditions)

    def repeat(self, head: bytes, ready: Ready) -> None:
        """What was found for a head is `ready`, which saves looking the next time."""
        _remember(self.repeated, head, ready, MOST_REPEATED)

    def add(self, wanted: Wanted, vary: frozenset[bytes], ready: Ready) -> None:
        """From now on heads that want this get `ready`, as long as nothing changes under its key.

        `vary`: the fields, in lower case, by which any response stored under the key is selected.
        """
        place, conditions, selecting = wanted
        target = self._targets.get(place)
        if target is None:
            target = self._targets[place] = _Target(ready.key, vary)
            self.request_lines[place[1]] += 1
            self._places.setdefault(ready.key, set()).add(place)
        if len(target.ready) >= MOST_PER_TARGET:
            self.size -= len(target.ready)
            target.ready.clear()
        counting = target.counting(conditions, selecting)
        if counting in target.ready:
            self.repeated.clear()
        else:
            self.size += 1
        target.ready[counting] = ready
        while self.size > self._most:
            self.forget(next(iter(self._places)))

    def forget(self, key: Key) -> None:
        """What is stored under `key` has changed, or is gone."""
        if key not in self._places:
            return
        self.repeated.clear()
        for place in self._places.pop(key):
            self.size -= len(self._targets.pop(place).ready)
            self.request_lines[place[1]] -= 1
            if not self.request_lines[place[1]]:
                del self.request_lines[place[1]]

    def forget_site(self, site: str) -> None:
        """Anything stored of the site may have been purged."""
        for key in [key for key in self._places if parts(key)[0] == site]:
            self.forget(key)
