"""dnsperf: DNS queries over UDP, as many as are answered."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import dns.edns
import dns.message

from bench.errors import LoadError
from bench.place import HOST, Address
from bench.programs import libraries, need

_GRACE_S = 30
_DONE = re.compile(r"Queries completed:\s+(\d+)")
_CODES = re.compile(r"Response codes:\s+(.*)")
_MOST_LOST = 0.01
"""UDP may lose datagrams when a buffer is full; more than one in a hundred is a wrong setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of it."""

    queries: int


def plain(file: Path) -> Path:
    """Write queries as resolvers send them that pass no client subnet on."""
    return _write(file, [dns.message.make_query(HOST, "A", use_edns=0, payload=1232)])


def with_subnets(file: Path, number: int) -> Path:
    """Write as many queries, each with another client subnet (RFC 7871) of 10.0.0.0/8."""
    # Steps of a prime: the /24s are spread over both regions, and none comes twice.
    networks = [place * 4099 % 65_536 for place in range(number)]
    return _write(file, (_from(network) for network in networks))


def _from(network: int) -> dns.message.Message:
    option = dns.edns.ECSOption(f"10.{network >> 8}.{network & 255}.0", 24)
    return dns.message.make_query(HOST, "A", use_edns=0, payload=1232, options=[option])


def _write(file: Path, queries: Iterable[dns.message.Message]) -> Path:
    """In the form that TCP uses: each message behind its length."""
    wires = (query.to_wire() for query in queries)
    file.write_bytes(b"".join(len(wire).to_bytes(2, "big") + wire for wire in wires))
    return file


def run(where: Address, queries: Path, *, seconds: float) -> Answered:
    """Ask with 200 queries in flight from 4 sockets.

    Raises:
        LoadError: answers were missing or no addresses.
    """
    command: list[str | Path] = [
        need("dnsperf"), "-B", "-d", queries, "-s", where[0], "-p", str(where[1]),
        "-l", f"{max(1, round(seconds))}", "-t", "1", "-c", "4", "-T", "1", "-q", "200",
    ]  # fmt: skip
    told = subprocess.run(
        command,
        env=libraries(),
        capture_output=True,
        text=True,
        timeout=seconds + _GRACE_S,
        check=False,
    )
    return read(told.stdout, told.stderr)


def read(stdout: str, stderr: str = "") -> Answered:
    """The outcome that dnsperf prints."""
    done, codes = _DONE.search(stdout), _CODES.search(stdout)
    sent = re.search(r"Queries sent:\s+(\d+)", stdout)
    if not (done and codes and sent):
        raise LoadError(f"dnsperf failed: {stdout[-500:]}{stderr[-500:]}")
    queries = int(done[1])
    if "NOERROR" not in codes[1] or "," in codes[1]:
        raise LoadError(f"dnsperf was answered {codes[1]}")
    if int(sent[1]) - queries > max(1, _MOST_LOST * int(sent[1])):
        raise LoadError(f"dnsperf got {queries} answers to {sent[1]} queries")
    return Answered(queries=queries)
