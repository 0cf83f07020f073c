"""The hit path: a head whose answer is ready is answered at once, without parser or task.

What is answered was decided on the pipeline's way, for the first head of its kind (`edge.ready`);
here it is sent, counted and logged. Counting and logging wait for the end of the event loop's turn,
so that what came together is written down together.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from edge.aio.copies import Copies
from edge.aio.reply import request_ids, told
from edge.aio.wire import response_head
from edge.cache.answer import Answer
from edge.cache.entry import Entry
from edge.cache.key import Key
from edge.cache.refresh import farthest_lead_s, refresh_due
from edge.cache.status import cache_status
from edge.cache.verdict import Kind, Verdict, VerdictReason, select
from edge.config import Limits
from edge.currency import Currency
from edge.fields import media_type
from edge.forwarding import Hop
from edge.message import Headers, Request, Response
from edge.metrics import Direction, EdgeMetrics
from edge.moment import Moment
from edge.ready import (
    MOST_REPEATED_BYTES,
    MOST_WANTED_BYTES,
    SELECTING_FIELDS,
    Copy,
    HeadReader,
    Ready,
    ReadyTable,
    size_of,
)
from edge.store.memory import MemoryStore
from edge.trail import VARYING, AccessLog, Row, Trail

_OPEN = "\0"
"""Stands in a head where each answer has a value of its own; no field value can contain it."""
_HIT = Verdict(Kind.HIT, VerdictReason.FRESH)
_HEAD_END = b"\r\n\r\n"
_MOST_SECURE_BYTES = 256 * 1024
"""Of a body over TLS, all of which is encrypted at once: nobody sees how much waits to be sent."""
_DOUBT_S = 1.0
"""So often at most one of the requests for a response is sent the pipeline's way to refresh it."""


class Connection(Protocol):
    """A client's, between two requests."""

    client: bytes
    """The client's address, as logs have it."""
    asked: bytes
    """The last head that was answered here, unless it was long: many ask the same again."""

    @property
    def writing_paused(self) -> bool:
        """Whether the client has yet to take what was written."""

    def send(
        self, start: bytes, request_id: bytes, body: bytes | memoryview, copy: Copy | None
    ) -> int:
        """Hand a whole response to the transport, whose head ends with the id; gives its size.

        `copy` is one of the body, if there is any.
        """


_Sent = tuple[Ready, float, tuple[bytes, bytes, int, int, int, float]]
"""An answer, when it was sent (monotonic), and the values that its log line leaves open."""


class Hits:
    """The ready responses of one scheme in one worker, and the requests that they answer."""

    def __init__(
        self,
        *,
        scheme: str,
        hop: Hop,
        limits: Limits,
        store: MemoryStore,
        copies: Copies,
        currency: Currency,
        metrics: EdgeMetrics,
        access_log: AccessLog,
    ) -> None:
        self._secure = scheme == "https"
        self._currency = currency
        self._hop = hop
        self._store = store
        self._copies = copies
        self._reader = HeadReader(limits)
        self._table = ReadyTable()
        store.watch(self._table)
        self._metrics = metrics
        self._access_log = access_log
        self._sent: list[_Sent] = []
        self._ids = request_ids()

    def serve(self, connection: Connection, data: bytes, now_s: float) -> bytes:
        """Answer the heads at the beginning of `data` whose answers are ready; gives the rest.

        `now_s`: when it came, in monotonic seconds.
        """
        # Most often it is one whole head; what is more cannot be answered as one.
        if data.endswith(_HEAD_END) and self._answer(connection, data, now_s):
            return b""
        at, end = 0, data.find(_HEAD_END) + 4
        if end == len(data):
            return data
        while end >= 4 and not connection.writing_paused:
            if not self._answer(connection, data[at:end], now_s):
                break
            at, end = end, data.find(_HEAD_END, end) + 4
        return data[at:]

    def _answer(self, connection: Connection, head: bytes, now_s: float) -> bool:
        before = connection.asked
        ready = self._table.repeated.get(before) if head == before else None
        if ready is None:
            wanted = self._reader.read(head, self._table.request_lines)
            ready = self._table.find(wanted) if wanted is not None else None
            if ready is None:
                return False
            if head == before:
                self._table.repeat(head, ready)
            else:
                connection.asked = head if len(head) <= MOST_REPEATED_BYTES else b""
        if now_s >= self._currency.lasts_until_s:
            return False
        start = ready.start if now_s < ready.start_until_s else ready.begin(now_s)
        if start is None:
            return False
        body, request_id = ready.body, next(self._ids)
        size = connection.send(start, request_id, body, ready.copy)
        ended_s = time.monotonic()
        took_s = ended_s - now_s
        values = request_id, connection.client, len(head), size, len(body), took_s
        if not self._sent:
            asyncio.get_running_loop().call_soon(self._write_down)
        self._sent.append((ready, ended_s, values))
        return True

    def _write_down(self) -> None:
        """Count and log what was sent since the last time."""
        sent, self._sent = self._sent, []
        mono_s = time.monotonic()
        wall_s = time.time() - mono_s
        rows: list[Row] = []
        received_bytes = sent_bytes = 0
        each_s: defaultdict[Ready, list[float]] = defaultdict(list)
        for ready, ended_s, values in sent:
            rows.append((ready.stencil, wall_s + ended_s, values))
            _, _, asked_bytes, answer_bytes, _, took_s = values
            each_s[ready].append(took_s)
            received_bytes += asked_bytes
            sent_bytes += answer_bytes
        self._access_log.fill(rows)
        uses: defaultdict[Key, int] = defaultdict(int)
        seconds: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
        for ready, took in each_s.items():
            uses[ready.key] += len(took)
            seconds[ready.site, ready.status] += took
        for key, times in uses.items():
            self._store.use(key, times)
        for (site, status), each in seconds.items():
            self._metrics.hits(site, status, each)
        self._metrics.moved(Direction.CLIENT_IN, received_bytes)
        self._metrics.moved(Direction.CLIENT_OUT, sent_bytes)

    def prepare(
        self, head: bytes, request: Request, entry: Entry, found: Answer, trail: Trail
    ) -> None:
        """Keep the answer to a request, which was a hit, ready for all like it.

        `head` is the request's as it came, `entry` what it was answered from, with `found`, and
        `trail` its trail.
        """
        if found.body and found.body.obj is not entry.body:
            return  # several ranges, put together for this answer: the store has no such body
        if self._secure and len(found.body) > _MOST_SECURE_BYTES:
            return
        stored = self._store.held(entry.key)
        vary = {name for each in stored for name, _ in each.selecting}
        if request.version != "1.1" or not vary <= SELECTING_FIELDS:
            return  # an answer to HTTP/1.0 says whether the connection stays
        wanted = self._reader.read(head)
        if wanted is None or size_of(wanted) > MOST_WANTED_BYTES or self._table.find(wanted):
            return
        if select(stored, request) is not entry:
            return  # another one has come while it was sent
        ready = self._ready(entry, found, trail)
        if ready is not None:
            names = frozenset(name.encode() for name in vary)
            self._table.add(wanted, names, ready)

    def _ready(self, entry: Entry, found: Answer, trail: Trail) -> Ready | None:
        """The answer, with the places left open that `Ready` fills; None where that cannot be."""
        member = cache_status(self._hop.node, _HIT, detail=_HIT.reason, ttl_s=0)
        member = member.replace("; ttl=0;", f"; ttl={_OPEN};")
        opened = found.response.with_headers(_opened(found.response.headers))
        response = told(opened, member, _OPEN, self._hop)
        stencil = self._access_log.stencil(_common(trail, response), VARYING)
        parts = response_head(response).split(_OPEN.encode())
        if stencil is None or len(parts) != 4 or parts[3] != _HEAD_END:
            return None
        body = found.whole or found.body
        return Ready(
            key=entry.key,
            head=(parts[0], parts[1], parts[2]),
            body=body,
            copy=None if self._secure else self._copies.of(body),
            born_s=entry.received.mono_s - entry.initial_age_s,
            lifetime_s=entry.lifetime_s,
            least_left_s=farthest_lead_s(entry),
            must_decide=_Doubt(entry, self._hop.node),
            site=trail.site,
            status=response.status,
            stencil=stencil,
        )


@dataclass(slots=True)
class _Doubt:
    """Whether the pipeline must see a request for a response: it is stale, or due to be refreshed.

    For that one request is enough; the others are answered meanwhile.
    """

    entry: Entry
    node: str
    asked_s: float = 0.0

    def __call__(self, mono_s: float) -> bool:
        """Ask at this time, in monotonic seconds."""
        moment = Moment(wall_s=0.0, mono_s=mono_s)  # freshness does not look at the wall clock
        if not self.entry.is_fresh(moment):
            return True
        if mono_s < self.asked_s + _DOUBT_S or not refresh_due(self.entry, self.node, moment):
            return False
        self.asked_s = mono_s
        return True


def _opened(headers: Iterable[tuple[str, str]]) -> Headers:
    return Headers((name, _OPEN if name == "age" else value) for name, value in headers)


def _common(trail: Trail, response: Response) -> dict[str, object]:
    """What the log has of every such request."""
    alike = Trail(
        request_id="",
        started_s=0.0,
        method=trail.method,
        scheme=trail.scheme,
        host=trail.host,
        target=trail.target,
        http_version=trail.http_version,
        site=trail.site,
        verdict=trail.verdict,
        reason=trail.reason,
        status=response.status,
        media_type=media_type(response.headers.first("content-type") or ""),
    )
    return {name: fact for name, fact in alike.record(0.0).items() if name not in VARYING}
