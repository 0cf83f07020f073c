"""What happened to one request, gathered on its way and written down once at its end.

Its record is one line of the access log. Times are monotonic seconds; the log's own time stamp is
the shell's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

VARYING: Mapping[str, str | int | float] = {
    "request_id": "",
    "client": "",
    "request_bytes": 0,
    "response_bytes": 0,
    "body_bytes": 0,
    "seconds": 0.0,
}
"""What differs between two hits of one stored response, with a value of its type each."""


class Stencil(Protocol):
    """The log's own: lines that differ in a few values only, made ready but for these."""


Row = tuple[Stencil, float, tuple[bytes | int | float, ...]]
"""A stencil, when it was filled (wall clock), and the values, in the order of what the stencil was
made for; texts as JSON has them between quotes."""


class AccessLog(Protocol):
    """Where requests are written down."""

    def __call__(self, record: Mapping[str, object]) -> None:
        """Write down one request: a trail's record."""

    def stencil(
        self, record: Mapping[str, object], varying: Mapping[str, str | int | float]
    ) -> Stencil | None:
        """For lines that have `record` in common; None where they may become too long."""

    def fill(self, rows: Sequence[Row]) -> None:
        """Write down many requests."""


@dataclass(slots=True, kw_only=True)
class Trail:
    """A request's trail. The pipeline owns it and fills it in; defaults mean "it did not happen".

    `verdict`, `reason`, `not_stored` and `error` are the words of the enums they come from, so
    that log, metrics and headers can be searched for the same string.
    """

    request_id: str
    started_s: float
    client: str = ""
    method: str = ""
    scheme: str = ""
    host: str = ""
    target: str = ""
    http_version: str = ""
    site: str = ""
    verdict: str = ""
    reason: str = ""
    not_stored: str = ""
    """Why the response was not stored, where it might have been."""
    collapsed: bool = False
    """Another request's fetch gave the answer."""
    upstream: str = ""
    """The server that answered, or was asked last."""
    upstream_status: int = 0
    attempts: int = 0
    """How often an upstream was asked."""
    error: str = ""
    error_side: str = ""
    status: int = 0
    media_type: str = ""
    """That of the response in lower case, without parameters."""
    request_bytes: int = 0
    """As the client sent it, head and body without chunk framing."""
    response_bytes: int = 0
    """As written to the client, heads and framing included."""
    body_bytes: int = 0
    """Those of `response_bytes` that are in no head: the body, with its chunk framing."""
    marks: dict[str, float] = field(default_factory=dict)

    def mark(self, name: str, now_s: float) -> None:
        """Note when a step was reached for the first time: `asked`, `answered`, `first_byte`."""
        self.marks.setdefault(name, now_s)

    def fail(self, error: str, side: str) -> None:
        """Note what went wrong; the first fault explains the later ones."""
        self.error = self.error or error
        self.error_side = self.error_side or side

    def seconds(self, now_s: float) -> float:
        """Since the request's first byte."""
        return max(0.0, now_s - self.started_s)

    def record(self, now_s: float) -> dict[str, object]:
        """The access log's record: JSON-able, facts that do not apply left out."""
        facts: dict[str, object] = {
            "request_id": self.request_id,
            "client": self.client,
            "method": self.method,
            "scheme": self.scheme,
            "host": self.host,
            "target": self.target,
            "http_version": self.http_version,
            "site": self.site,
            "status": self.status,
            "type": self.media_type,
            "verdict": self.verdict,
            "reason": self.reason,
            "not_stored": self.not_stored,
            "collapsed": self.collapsed,
            "upstream": self.upstream,
            "upstream_status": self.upstream_status,
            "attempts": self.attempts,
            "error": self.error,
            "error_side": self.error_side,
        }
        record = {name: fact for name, fact in facts.items() if fact}
        record["request_bytes"] = self.request_bytes
        record["response_bytes"] = self.response_bytes
        record["body_bytes"] = self.body_bytes
        record["seconds"] = _rounded(self.seconds(now_s))
        for name, at_s in self.marks.items():
            record[f"{name}_s"] = _rounded(max(0.0, at_s - self.started_s))
        return record


def _rounded(seconds: float) -> float:
    return round(seconds, 6)
