"""Walks both DNS tiers as a resolver would, one step at a time: what `midmile resolve` shows."""

import ipaddress
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import dns.asyncquery
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from mapping.errors import WalkError
from mapping.reply import UDP_PAYLOAD
from mapping.walk import (
    FINAL,
    Record,
    Step,
    StepKind,
    classify,
    delegation,
    glue_of,
    records_of,
)

MAX_REFERRALS = 8
"""Our tiers need one; a walk that needs more than this goes in circles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is asked at every step."""

    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType
    subnet: dns.edns.ECSOption | None
    timeout_s: float

    def __str__(self) -> str:
        return f"{self.name} {dns.rdatatype.to_text(self.rdtype)}"

    def message(self) -> dns.message.QueryMessage:
        """A query without RD: we do the recursion."""
        options: list[dns.edns.Option] = [] if self.subnet is None else [self.subnet]
        return dns.message.make_query(
            self.name, self.rdtype, flags=0, use_edns=0, payload=UDP_PAYLOAD, options=options
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """Whom to ask."""

    name: str
    address: str
    port: int


async def walk(
    name: str,
    *,
    tops: Sequence[tuple[str, int]],
    ports: Mapping[str, int],
    rdtype: str = "A",
    client: str | None = None,
    timeout_s: float = 2.0,
) -> AsyncIterator[Step]:
    """Ask from the top-level servers `tops` (address, port) downwards; yield each step.

    `ports` gives the port of each server address that is not at 53; `client` a prefix to send as
    EDNS client subnet. The last step is the answer, also a negative one. A `WalkError` ends a
    walk whose servers all failed, and tells of bad arguments.
    """
    question = _question(name, rdtype, client, timeout_s)
    zone = dns.name.root
    servers = _first_servers(tops)
    for _ in range(MAX_REFERRALS):
        referral: dns.message.Message | None = None
        problems: list[str] = []
        for server in servers:
            step, response = await _ask(question, server, zone)
            yield step
            if step.kind in FINAL:
                return
            if step.kind is StepKind.REFERRAL:
                referral = response
                break
            problems.append(f"{server.address}:{server.port} {step.reason}")
        if referral is None:
            raise WalkError(_nobody(zone, problems))
        zone, servers = _follow(referral, question, zone, ports)
    raise WalkError(f"{name}: more than {MAX_REFERRALS} referrals")


def _first_servers(tops: Sequence[tuple[str, int]]) -> tuple[_Server, ...]:
    for address, _ in tops:
        try:
            ipaddress.ip_address(address)
        except ValueError as error:
            raise WalkError(f"top-level server: {error}") from None
    return tuple(_Server(name=address, address=address, port=port) for address, port in tops)


def _nobody(zone: dns.name.Name, problems: Sequence[str]) -> str:
    whose = "the zone" if zone == dns.name.root else str(zone)
    return f"no server of {whose} answered: {'; '.join(problems) or 'none is known'}"


def _question(name: str, rdtype: str, client: str | None, timeout_s: float) -> _Question:
    try:
        subnet = None if client is None else _subnet(client)
        return _Question(
            name=dns.name.from_text(name),
            rdtype=dns.rdatatype.from_text(rdtype),
            subnet=subnet,
            timeout_s=timeout_s,
        )
    except (dns.exception.DNSException, ValueError) as error:
        raise WalkError(f"cannot ask for {name!r} {rdtype}: {error}") from None


def _subnet(client: str) -> dns.edns.ECSOption:
    network = ipaddress.ip_network(client, strict=False)
    return dns.edns.ECSOption(str(network.network_address), network.prefixlen)


def _follow(
    referral: dns.message.Message,
    question: _Question,
    zone: dns.name.Name,
    ports: Mapping[str, int],
) -> tuple[dns.name.Name, tuple[_Server, ...]]:
    records = delegation(referral, question.name, zone)
    assert records is not None
    pairs = glue_of(referral, records)
    if not pairs:
        raise WalkError(f"the referral to {records.name} tells no server's address")
    servers = tuple(_Server(name=n, address=a, port=ports.get(a, 53)) for n, a in pairs)
    return records.name, servers


async def _ask(
    question: _Question, server: _Server, zone: dns.name.Name
) -> tuple[Step, dns.message.Message | None]:
    """One question to one server; every way in which it can fail is a kind of step."""
    began = time.monotonic()
    response: dns.message.Message | None = None
    over_tcp = False
    try:
        response, over_tcp = await dns.asyncquery.udp_with_fallback(
            question.message(),
            server.address,
            timeout=question.timeout_s,
            port=server.port,
            ignore_unexpected=True,
        )
        kind = classify(response, question.name, zone)
        reason = _reason(kind, response)
    except dns.exception.Timeout:
        kind, reason = StepKind.TIMEOUT, f"did not answer within {question.timeout_s:g} s"
    except OSError as error:
        kind, reason = StepKind.UNREACHABLE, f"cannot be reached: {error.strerror or error}"
    except (dns.exception.DNSException, EOFError) as error:
        kind, reason = StepKind.MALFORMED, f"sent no DNS answer: {type(error).__name__}"
    records, glue = _shown(kind, response, question, zone)
    step = Step(
        server=server.name,
        address=server.address,
        port=server.port,
        transport="tcp" if over_tcp else "udp",
        question=str(question),
        kind=kind,
        took_ms=(time.monotonic() - began) * 1000,
        zone="" if zone == dns.name.root else zone.to_text(),
        rcode="" if response is None else dns.rcode.to_text(response.rcode()),
        records=records,
        glue=glue,
        holds_for=_holds_for(response) if kind is StepKind.ANSWER else "",
        reason=reason,
    )
    return step, response


def _holds_for(response: dns.message.Message | None) -> str:
    """The prefix of a client subnet that the server says its answer depends on (RFC 7871 7.2.1)."""
    options = () if response is None else response.options
    for option in options:
        if isinstance(option, dns.edns.ECSOption):
            bits = min(option.scopelen, option.srclen)  # of more the server has not been told
            return str(ipaddress.ip_network(f"{option.address}/{bits}", strict=False))
    return ""


def _reason(kind: StepKind, response: dns.message.Message) -> str:
    if kind is StepKind.FAILED:
        return f"answered {dns.rcode.to_text(response.rcode())}"
    if kind is StepKind.LAME:
        return "is not authoritative and refers nowhere nearer (lame delegation)"
    return ""


def _shown(
    kind: StepKind,
    response: dns.message.Message | None,
    question: _Question,
    zone: dns.name.Name,
) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """The records worth showing, and the glue."""
    if response is None:
        return (), ()
    if kind is StepKind.REFERRAL:
        records = delegation(response, question.name, zone)
        assert records is not None
        return records_of(records), tuple(r for g in response.additional for r in records_of(g))
    shown = response.answer if kind is StepKind.ANSWER else response.authority
    return tuple(r for rrset in shown for r in records_of(rrset)), ()
