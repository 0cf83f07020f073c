"""Responses that are ready to be sent, and which request heads ask for them.

The first request for a stored response goes the pipeline's way, where all rules are. Its answer is
kept here, under the lines of its head that counted: the next head with the same lines gets the same
answer without being parsed. Lines that no rule reads are looked at only to see that they are clean.
So there is one set of rules, and nothing here decides anything.

    head  ->  HeadReader.read  ->  Wanted  ->  ReadyTable.find  ->  Ready
"""

from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass, field

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
MOST_READY = 16_384
"""Ready responses. Their bodies are the store's; head, log line and place are some kilobytes."""
MOST_WANTED_BYTES = 2_048
"""Of the lines that count for a ready response."""
MOST_PER_TARGET = 64
"""Ready responses of one target: conditions, ranges and languages may differ without end."""

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


Place = tuple[bytes, bytes]
"""Host line and request line of a head, as they came."""

Lines = tuple[bytes, ...]
"""Field lines of a head, as they came."""

Wanted = tuple[Place, Lines, Lines]
"""What a head asks for, as far as it may count: the place, conditions (ranges too), and fields that
select among responses where Vary names them. A plain tuple, since each hit makes one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """An answer, but for its Age, what is left of its freshness, and the request's id.

    `head` has three parts, between which these stand. The body may be empty.
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

    def render(self, mono_s: float, request_id: bytes) -> bytes | None:
        """The whole head at this time; None where it is stale, or may have to be refreshed."""
        age_s = mono_s - self.born_s
        left_s = self.lifetime_s - age_s
        if left_s < self.least_left_s and self.must_decide(mono_s):
            return None
        first, second, third = self.head
        return b"%b%d%b%d%b%b\r\n\r\n" % (first, age_s, second, left_s, third, request_id)


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

    def read(self, head: bytes, known_lines: Container[bytes] | None = None) -> Wanted | None:
        """What `head`, with its empty line, wants; None for whatever needs a closer look.

        Nothing is looked at below a request line that is not among `known_lines`, if these are
        given. Request line and Host are not checked: what is ready has such as were checked before.
        """
        if len(head) > self._head_bytes:
            return None
        lines = head.split(b"\r\n")
        unknown = known_lines is not None and lines[0] not in known_lines
        if unknown or len(lines) > self._line_count:
            return None
        known, host, seen = self._lines, b"", 0
        conditions: Lines = ()
        selecting: Lines = ()
        for line in lines[1:-2]:
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
        return (host, lines[0]), conditions, selecting

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


def _remember(table: dict[bytes, int], text: bytes, kind: int, most: int) -> None:
    """Strangers can fill a table; it then begins anew, at the cost of a look at each line."""
    if len(table) >= most:
        table.clear()
    table[text] = kind


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
        for line in selecting if vary else ():
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
        self._places: dict[Key, set[Place]] = {}  # oldest first
        self.size = 0

    def find(self, wanted: Wanted) -> Ready | None:
        """The answer to a head that wants this."""
        place, conditions, selecting = wanted
        target = self._targets.get(place)
        if target is None:
            return None
        return target.ready.get(target.counting(conditions, selecting))

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
        self.size += counting not in target.ready
        target.ready[counting] = ready
        while self.size > self._most:
            self.forget(next(iter(self._places)))

    def forget(self, key: Key) -> None:
        """What is stored under `key` has changed, or is gone."""
        for place in self._places.pop(key, ()):
            self.size -= len(self._targets.pop(place).ready)
            self.request_lines[place[1]] -= 1
            if not self.request_lines[place[1]]:
                del self.request_lines[place[1]]

    def forget_site(self, site: str) -> None:
        """Anything stored of the site may have been purged."""
        for key in [key for key in self._places if parts(key)[0] == site]:
            self.forget(key)
