"""The health probe as bytes: the request an edge gets, and what its answer says.

Sockets and deadlines are `aio/probe.py`'s; when to probe, and what follows, is `fleet.py`'s.
"""

import re
from enum import StrEnum

HEALTH_PATH = "/.well-known/midmile/health"
MAX_HEAD_BYTES = 4_096
"""Our own edges answer with a few hundred bytes; more is not one of them."""

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?\r\n")


class ProbeOutcome(StrEnum):
    """How a probe ended; also the `outcome` label of the metrics and the reason in logs."""

    OK = "ok"
    """A 2xx status."""
    STATUS = "status"
    """A whole HTTP answer with another status."""
    UNREACHABLE = "unreachable"
    """No connection: refused, no route, or an unknown host."""
    BROKEN = "broken"
    """A connection that ended early or did not speak HTTP."""
    TIMEOUT = "timeout"
    """Nothing of the above in time."""


def health_request(edge: str) -> bytes:
    """The probe of the edge with this node name."""
    head = f"GET {HEALTH_PATH} HTTP/1.1\r\nHost: {edge}\r\nConnection: close\r\n\r\n"
    return head.encode("ascii")


def judge(head: bytes) -> ProbeOutcome:
    """What a response head, complete up to its empty line, says about the edge."""
    status_line = _STATUS_LINE.match(head)
    if status_line is None:
        return ProbeOutcome.BROKEN
    return ProbeOutcome.OK if status_line[1].startswith(b"2") else ProbeOutcome.STATUS
