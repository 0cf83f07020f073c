"""How many connections this process may have: what its open files allow."""

import logging
import resource
from dataclasses import replace

from edge.config import CONNECTIONS_PER_COPY, Limits

log = logging.getLogger("midmile.edge.descriptors")

SPARE_DESCRIPTORS = 128
"""For listeners, logs, metrics files and the like."""


def fitted(limits: Limits) -> Limits:
    """`limits` with no more connections than this process has descriptors for."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return limits
    wanted = 2 + 1 / CONNECTIONS_PER_COPY  # a client's, one to the next hop, a part of a copy's
    each = max(1, int((most - SPARE_DESCRIPTORS) / wanted))
    if each < limits.connections:
        log.warning(
            "room for %d clients only: the limit of open files is %d",
            each,
            most,
            extra={"event": "few-descriptors", "open_files": most, "connections": each},
        )
    connections = min(limits.connections, each)
    share = limits.connections_per_client * connections // limits.connections
    return replace(
        limits,
        connections=connections,
        connections_per_client=max(1, share),
        upstream_connections=min(limits.upstream_connections, each),
    )
