"""The small network that the mapping tests ask: three regions, one of them on IPv6 too."""

import random
from dataclasses import replace

import dns.flags
import dns.message
import dns.rdatatype

from mapping.config import EdgeServer, MappingSettings, NameServer, Region
from mapping.lowlevel import LowLevel
from mapping.reply import Transport
from mapping.responder import Responder
from mapping.toplevel import TopLevel

EAST_CLIENT = "192.0.2.7"
WEST_CLIENT = "198.51.100.7"
STRANGER = "203.0.113.7"


def edge(name: str, *addresses: str) -> EdgeServer:
    return EdgeServer(name=name, addresses=addresses, probe_host=addresses[0], probe_port=8080)


def server(name: str, *addresses: str) -> NameServer:
    return NameServer(name=name, addresses=addresses)


EAST = Region(
    name="east",
    clients=("192.0.2.0/24",),
    servers=(server("low-east", "10.1.0.53"),),
    edges=(edge("e1", "10.1.0.1"), edge("e2", "10.1.0.2", "2001:db8:1::2")),
)
WEST = Region(
    name="west",
    clients=("198.51.100.0/24", "2001:db8:77::/48"),
    servers=(server("low-west", "10.2.0.53", "2001:db8:2::53"),),
    edges=(edge("w1", "10.2.0.1"),),
)
SOUTH = Region(
    name="south",
    clients=("198.51.0.0/16",),
    servers=(server("low-south", "10.3.0.53"),),
    edges=(edge("s1", "10.3.0.1"), edge("s2", "10.3.0.2")),
)

TOP = MappingSettings(
    node="top-a",
    tier="top",
    region=None,
    zone="cdn.test",
    contact="host.master@cdn.test",
    top=(server("top-a", "10.0.0.1"), server("top-b", "10.0.0.2", "2001:db8::2")),
    regions=(EAST, WEST, SOUTH),
    delegations=("shop.cdn.test", "img.shop.cdn.test", "a.deep.cdn.test"),
)
LOW_EAST = replace(TOP, node="low-east", tier="low", region="east")
LOW_WEST = replace(TOP, node="low-west", tier="low", region="west")


def top_level(settings: MappingSettings = TOP) -> Responder:
    return Responder(TopLevel(settings))


def low_level(
    settings: MappingSettings = LOW_EAST, *, down: tuple[str, ...] = (), seed: int = 1
) -> Responder:
    tier = LowLevel(settings, random.Random(seed))
    tier.mark_down(down)
    return Responder(tier)


def ask(
    responder: Responder,
    name: str,
    rdtype: str = "A",
    client: str = STRANGER,
    transport: Transport = Transport.UDP,
    **query: object,
) -> dns.message.Message:
    """Ask a well-formed question and read the reply with dnspython's own parser."""
    question = dns.message.make_query(name, rdtype, **query)  # type: ignore[arg-type]
    reply = responder.respond(question.to_wire(), client, transport)
    assert reply.wire is not None
    response = dns.message.from_wire(reply.wire, one_rr_per_rrset=True)
    assert question.is_response(response)
    return response


def shown(response: dns.message.Message) -> list[str]:
    """The records of all sections but OPT, in order, as `section owner ttl type data`."""
    sections = (
        ("an", response.answer),
        ("ns", response.authority),
        ("ad", response.additional),
    )
    return [
        f"{label} {r.name.to_text(omit_final_dot=True)} {r.ttl} "
        f"{dns.rdatatype.to_text(r.rdtype)} {r[0].to_text()}"
        for label, rrsets in sections
        for r in rrsets
    ]


def flags(response: dns.message.Message) -> str:
    return dns.flags.to_text(response.flags)
