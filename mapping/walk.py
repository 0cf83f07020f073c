"""A walk through both tiers as data: what a response means, and a step as text for a terminal.

The questions are asked in `aio/resolve.py`.
"""

from dataclasses import dataclass
from enum import StrEnum

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset


class StepKind(StrEnum):
    """How one step of a walk ended."""

    ANSWER = "answer"
    """Records of the name; the walk is over."""
    NODATA = "nodata"
    """The name has no such records; the walk is over."""
    NXDOMAIN = "nxdomain"
    """There is no such name; the walk is over."""
    REFERRAL = "referral"
    """Go on with the servers named."""
    LAME = "lame"
    """A server that should know the zone does not; ask the next one."""
    FAILED = "failed"
    """A server answered with an error; ask the next one."""
    TIMEOUT = "timeout"
    """Nothing came back; ask the next one."""
    UNREACHABLE = "unreachable"
    """The operating system could not reach the server; ask the next one."""
    MALFORMED = "malformed"
    """What came back is no DNS answer to our question; ask the next one."""


FINAL = frozenset({StepKind.ANSWER, StepKind.NODATA, StepKind.NXDOMAIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record, in presentation format (control characters escaped)."""

    owner: str
    ttl_s: int
    rdtype: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One question to one server."""

    server: str
    """Its name where a referral gave one, else its address."""
    address: str
    port: int
    transport: str
    """`udp`, or `tcp` where the answer did not fit."""
    question: str
    kind: StepKind
    took_ms: float
    zone: str = ""
    """Whose servers were asked; empty for the first ones."""
    rcode: str = ""
    """Empty where nothing came back."""
    records: tuple[Record, ...] = ()
    """The answer, or the NS records of a referral, or the SOA of a negative answer."""
    glue: tuple[Record, ...] = ()
    holds_for: str = ""
    """The clients that an answer is for, where one was asked about: `127.0.2.0/24`."""
    reason: str = ""
    """Why nothing came of it, for people."""


def classify(response: dns.message.Message, name: dns.name.Name, zone: dns.name.Name) -> StepKind:
    """What a response from a server of `zone` to a question for `name` means."""
    authoritative = bool(response.flags & dns.flags.AA)
    if response.rcode() == dns.rcode.NXDOMAIN and authoritative:
        return StepKind.NXDOMAIN
    if response.rcode() != dns.rcode.NOERROR:
        return StepKind.FAILED
    if authoritative:
        return StepKind.ANSWER if response.answer else StepKind.NODATA
    return StepKind.LAME if delegation(response, name, zone) is None else StepKind.REFERRAL


def delegation(
    response: dns.message.Message, name: dns.name.Name, zone: dns.name.Name
) -> dns.rrset.RRset | None:
    """The NS records that lead from `zone` nearer to `name`; anything else goes in circles."""
    for records in response.authority:
        downwards = records.name != zone and records.name.is_subdomain(zone)
        if records.rdtype == dns.rdatatype.NS and downwards and name.is_subdomain(records.name):
            return records
    return None


def glue_of(response: dns.message.Message, records: dns.rrset.RRset) -> tuple[tuple[str, str], ...]:
    """(server name, address) for each server of a referral, in its order."""
    pairs: list[tuple[str, str]] = []
    for data in records:
        for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
            found = response.get_rrset(response.additional, data.target, dns.rdataclass.IN, rdtype)
            pairs += ((data.target.to_text(), a.address) for a in found or ())
    return tuple(pairs)


def records_of(rrset: dns.rrset.RRset) -> tuple[Record, ...]:
    """An RRset, record by record."""
    return tuple(
        Record(
            owner=rrset.name.to_text(),
            ttl_s=rrset.ttl,
            rdtype=dns.rdatatype.to_text(rrset.rdtype),
            value=data.to_text(),
        )
        for data in rrset
    )


def format_step(number: int, step: Step) -> list[str]:
    """A step as lines of plain text."""
    where = f"[{step.address}]" if ":" in step.address else step.address
    lines = [f"{number}. {step.question} -> {step.server} ({where}:{step.port}, {step.transport})"]
    ending = " ".join(filter(None, (step.rcode, step.kind, f"in {step.took_ms:.1f} ms")))
    if step.holds_for:
        ending += f", for clients in {step.holds_for}"
    lines.append(f"   {ending}: {step.reason}" if step.reason else f"   {ending}")
    width = max((len(r.owner) for r in (*step.records, *step.glue)), default=0)
    lines += (
        f"   {r.owner:<{width}} {r.ttl_s:>6} {r.rdtype:<5} {r.value}"
        for r in (*step.records, *step.glue)
    )
    return lines
