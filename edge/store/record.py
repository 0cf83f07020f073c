"""A stored response as bytes on a disk, so that neither a torn nor a foreign one is ever used.

    crc32 of the rest | length of the head | head (JSON) | body

A large body is a file of its own, of which the head has name, size and checksum. The head has the
whole key: what is found by a hash is used only if it is what was looked for.

Times on the monotonic clock are kept in the store's own time, which runs on over a reboot: it is
ahead of the clock by so many seconds (`shift_s`).
"""

import json
import re
from dataclasses import dataclass, replace
from hashlib import blake2b
from struct import Struct
from typing import Any, cast
from zlib import crc32

from edge.cache.entry import Entry
from edge.cache.key import Key
from edge.cache.vary import Selecting
from edge.message import Headers, Response
from edge.moment import Moment

SMALL_BYTES = 8 * 1024
"""Bodies up to this size stand in the record itself."""

WHOLE_BYTES, SLICE_BYTES, VARIANT_BYTES = 16, 4, 8

_SLICE_SPACES = 4
"""In the key of a slice: a whole's has three."""
_FILE = re.compile(r"[0-9a-f]+-[0-9a-f]+")
_PREFIX = Struct("<II")
_PLAIN = ("date_s", "initial_age_s", "lifetime_s", "always_validate", "never_stale")
_RARE = ("stale_only_if_told", "stale_while_revalidate_s", "stale_if_error_s", "fetch_s")
_RARER = ("of_bytes",)
_FIELDS = _PLAIN + _RARE + _RARER


class RecordError(ValueError):
    """No record, or a damaged one; `str()` is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyFile:
    """Where a large body is."""

    name: str
    size: int
    checksum: int

    def check(self, body: bytes) -> None:
        """Raises RecordError unless it is this body."""
        if len(body) != self.size or crc32(body) != self.checksum:
            raise RecordError("its body is damaged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What was read."""

    entry: Entry
    """In the store's time; with an empty body where that is in a file."""
    mark: int
    """The event up to which it is known not to be purged."""
    file: BodyFile | None

    def with_body(self, body: bytes) -> Entry:
        """The entry with the body that stood in the file. Raises RecordError if it is another."""
        assert self.file is not None
        self.file.check(body)
        return replace(self.entry, body=body)


def index_key(key: Key) -> bytes:
    """Under which bytes all variants of a key are filed; slices begin as their whole does."""
    *whole, number = key.split(" ") if key.count(" ") == _SLICE_SPACES else (key, "-1")
    named = blake2b(" ".join(whole).encode(), digest_size=WHOLE_BYTES).digest()
    return named + (int(number) + 1).to_bytes(SLICE_BYTES, "big")


def variant_key(key: Key, selecting: Selecting) -> bytes:
    """Under which bytes one variant is filed; begins with the key's."""
    named = json.dumps(selecting).encode()
    return index_key(key) + blake2b(named, digest_size=VARIANT_BYTES).digest()


def encode(entry: Entry, mark: int, *, shift_s: float, file: BodyFile | None = None) -> bytes:
    """`entry` as bytes; its body only where no `file` has it."""
    head: dict[str, object] = {
        "key": entry.key,
        "mark": mark,
        "status": entry.response.status,
        "reason": entry.response.reason,
        "headers": entry.response.headers.pairs,
        "selecting": entry.selecting,
        "received": (entry.received.wall_s, entry.received.mono_s + shift_s),
        "tags": sorted(entry.tags),
        "fields": [getattr(entry, name) for name in _FIELDS],
    }
    if file is not None:
        head["file"] = (file.name, file.size, file.checksum)
    told = json.dumps(head, separators=(",", ":")).encode()
    body = b"" if file is not None else entry.body
    rest = b"".join((_PREFIX.pack(0, len(told))[4:], told, body))
    return crc32(rest).to_bytes(4, "little") + rest


def decode(data: bytes | memoryview) -> Record:
    """The record that `data` is. Raises RecordError."""
    if len(data) < _PREFIX.size:
        raise RecordError("it is too short")
    view = memoryview(data)
    checksum, length = _PREFIX.unpack_from(view)
    if crc32(view[4:]) != checksum or len(view) < _PREFIX.size + length:
        raise RecordError("it is damaged")
    told = bytes(view[_PREFIX.size : _PREFIX.size + length])
    body = bytes(view[_PREFIX.size + length :])
    try:
        return _record(cast("dict[str, Any]", json.loads(told)), body)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise RecordError("it is of another version") from error


def shifted(entry: Entry, shift_s: float) -> Entry:
    """`entry` as it came from a store that is so much ahead, in the clock's time."""
    received = entry.received
    mono_s = received.mono_s - shift_s
    return replace(entry, received=Moment(wall_s=received.wall_s, mono_s=mono_s))


def _record(head: dict[str, Any], body: bytes) -> Record:
    wall_s, store_s = head["received"]
    fields = dict(zip(_FIELDS, head["fields"], strict=True))
    file = head.get("file")
    if file and not _FILE.fullmatch(file[0]):
        raise ValueError("no name of a body's file")
    entry = Entry(
        key=head["key"],
        response=Response(
            status=head["status"],
            reason=head["reason"],
            headers=Headers((name, value) for name, value in head["headers"]),
        ),
        body=body,
        selecting=tuple((name, value) for name, value in head["selecting"]),
        received=Moment(wall_s=wall_s, mono_s=store_s),
        tags=frozenset(head["tags"]),
        **fields,
    )
    found = BodyFile(name=file[0], size=file[1], checksum=file[2]) if file else None
    return Record(entry=entry, mark=head["mark"], file=found)
