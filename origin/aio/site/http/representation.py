"""What the shop serves, and the conditional and range requests it answers for it.

RFC 9110: validators (8.8), preconditions in their order of precedence (13.2.2), single ranges (14).
A range with several parts is answered with the whole, as 14.2 allows. How responses are made of
this is in `answers.py`.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)
_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


class Validated(Protocol):
    """What preconditions and ranges are judged by."""

    @property
    def etag(self) -> str:
        """Strong, with its quotes."""

    @property
    def last_modified(self) -> datetime | None:
        """UTC, whole seconds; None for what has no meaningful date."""

    @property
    def ranges(self) -> bool:
        """Whether parts of it are given."""

    @property
    def size(self) -> int:
        """In bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """A body with its metadata, ready to be sent."""

    body: bytes
    content_type: str
    cache_control: str
    etag: str
    """Strong, with its quotes."""
    last_modified: datetime | None = None
    """UTC, whole seconds; None for what has no meaningful date."""
    ranges: bool = False
    headers: Mapping[str, str]
    """Further fields of the 200 response."""

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """The same of a file that is too large to be held in memory."""

    path: Path
    size: int
    content_type: str
    cache_control: str
    etag: str
    last_modified: datetime | None = None
    ranges: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The outcome of a request's preconditions and range: `body[start:stop]` with `status`."""

    status: HTTPStatus
    start: int = 0
    stop: int = 0


def represent(
    body: bytes,
    *,
    content_type: str,
    cache_control: str,
    last_modified: datetime | None = None,
    ranges: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Representation:
    """A representation whose strong entity tag is made from its bytes."""
    return Representation(
        body=body,
        content_type=content_type,
        cache_control=cache_control,
        etag=f'"{digest(body)}"',
        last_modified=last_modified,
        ranges=ranges,
        headers=headers or {},
    )


def digest(body: bytes) -> str:
    """A short name for exactly these bytes, the same in every process and on every machine."""
    return hashlib.sha256(body).hexdigest()[:16]


def wants_part(method: str, fields: Mapping[str, str], item: Validated) -> bool:
    """Whether a request is to be judged by its Range (14.2: GET alone; 13.1.5: If-Range)."""
    return method == "GET" and item.ranges and "Range" in fields and _if_range(fields, item)


def select(method: str, fields: Mapping[str, str], item: Validated) -> Selection:
    """What of `item` a GET or HEAD with these header fields is to be given."""
    if not _may_proceed(fields, item):
        return Selection(status=HTTPStatus.PRECONDITION_FAILED)
    if _is_current(fields, item):
        return Selection(status=HTTPStatus.NOT_MODIFIED)
    if not wants_part(method, fields, item):
        return Selection(status=HTTPStatus.OK, stop=item.size)
    return _cut(fields["Range"], item.size)


def _may_proceed(fields: Mapping[str, str], item: Validated) -> bool:
    """If-Match and If-Unmodified-Since (13.1.1, 13.1.4)."""
    listed = fields.get("If-Match")
    if listed is not None:
        return listed.strip() == "*" or item.etag in _ENTITY_TAG.findall(listed)
    since = _date(fields.get("If-Unmodified-Since"))
    return since is None or item.last_modified is None or item.last_modified <= since


def _is_current(fields: Mapping[str, str], item: Validated) -> bool:
    """If-None-Match (weak comparison), and If-Modified-Since only without it (13.1.2, 13.1.3)."""
    listed = fields.get("If-None-Match")
    if listed is not None:
        tags = (tag.removeprefix("W/") for tag in _ENTITY_TAG.findall(listed))
        return listed.strip() == "*" or item.etag in tags
    since = _date(fields.get("If-Modified-Since"))
    return since is not None and item.last_modified is not None and item.last_modified <= since


def _if_range(fields: Mapping[str, str], item: Validated) -> bool:
    """Whether the range may be served: strong comparison, or the very date (13.1.5)."""
    validator = fields.get("If-Range")
    if validator is None or validator.strip() == item.etag:
        return True
    date = _date(validator)
    return date is not None and date == item.last_modified


def _cut(wanted: str, size: int) -> Selection:
    """The part that one byte range names (14.1.2); what is no valid single range is ignored."""
    whole = Selection(status=HTTPStatus.OK, stop=size)
    found = _RANGE.fullmatch(wanted.strip())
    if found is None or found.groups() == ("", ""):
        return whole
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return whole
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if start >= size:
        return Selection(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
    return Selection(status=HTTPStatus.PARTIAL_CONTENT, start=start, stop=stop)


def _date(value: str | None) -> datetime | None:
    """An HTTP date; None where there is none or it is not one (13.1.3: then it is ignored)."""
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
