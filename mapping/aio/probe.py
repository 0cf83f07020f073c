"""One health probe of one edge, over a fresh connection."""

import asyncio

from mapping.health import MAX_HEAD_BYTES, ProbeOutcome, health_request, judge


async def probe(host: str, port: int, edge: str, timeout_s: float) -> ProbeOutcome:
    """Ask the edge for its health; always ends within `timeout_s`, and says how."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _exchange(host, port, edge)
    except TimeoutError:
        return ProbeOutcome.TIMEOUT


async def _exchange(host: str, port: int, edge: str) -> ProbeOutcome:
    try:
        reader, writer = await asyncio.open_connection(host, port, limit=MAX_HEAD_BYTES)
    except (OSError, UnicodeError):  # the latter of a host that cannot be a name
        return ProbeOutcome.UNREACHABLE
    try:
        writer.write(health_request(edge))
        return judge(await reader.readuntil(b"\r\n\r\n"))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        return ProbeOutcome.BROKEN
    finally:
        # Nothing is owed to the other end, and a half-closed probe must not outlive its deadline.
        writer.transport.abort()
