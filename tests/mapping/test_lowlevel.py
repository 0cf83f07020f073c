import random
from dataclasses import replace

import dns.edns
import dns.flags
import dns.rcode
import pytest

from mapping.config import MappingSettings
from mapping.errors import SettingsError
from mapping.lowlevel import LowLevel
from tests.mapping.network import (
    EAST,
    EAST_CLIENT,
    LOW_EAST,
    LOW_WEST,
    STRANGER,
    WEST,
    WEST_CLIENT,
    ask,
    low_level,
    shown,
    top_level,
)

ALL = ("e1", "e2", "w1", "s1", "s2")


def soa(name: str, ttl: int) -> str:
    data = "low-east.ns.cdn.test. host\\.master.cdn.test. 1 7200 1800 1209600 20"
    return f"{name} {ttl} SOA {data}"


NEGATIVE = "ns " + soa("shop.cdn.test", 20)


@pytest.mark.parametrize(
    ("subnet", "bits", "down", "expected", "scope"),
    [
        pytest.param("192.0.2.0", 24, (), {"10.1.0.1", "10.1.0.2"}, 24, id="our own"),
        pytest.param("198.51.7.0", 24, (), {"10.3.0.1", "10.3.0.2"}, 18, id="another region's"),
        pytest.param("198.51.100.0", 24, (), {"10.2.0.1"}, 24, id="its one edge, and then"),
        pytest.param("198.51.100.0", 24, ("w1",), {"10.3.0.1", "10.3.0.2"}, 24, id="the next"),
        pytest.param(
            "198.51.100.0", 24, ("w1", "s1", "s2"), {"10.1.0.1", "10.1.0.2"}, 24, id="then we"
        ),
        pytest.param("203.0.113.0", 24, (), {"10.1.0.1", "10.1.0.2"}, 5, id="nobody's: we"),
        pytest.param("198.0.0.0", 8, (), {"10.1.0.1", "10.1.0.2"}, 11, id="too few bits: we"),
        pytest.param("0.0.0.0", 0, (), {"10.1.0.1", "10.1.0.2"}, 0, id="a user who is not told of"),
        pytest.param("2001:db8:77::", 48, (), {"10.2.0.1"}, 48, id="v6"),
    ],
)
def test_client_subnet_decides_the_region(
    subnet: str, bits: int, down: tuple[str, ...], expected: set[str], scope: int
) -> None:
    """The users' region goes first, wherever their resolver asks, and the scope says for whom."""
    option = dns.edns.ECSOption(subnet, bits)
    response = ask(
        low_level(LOW_EAST, down=down), "shop.cdn.test", use_edns=0, options=[option],
        client=WEST_CLIENT,
    )  # fmt: skip
    addresses = [records[0].to_text() for records in response.answer]
    assert set(addresses[: len(expected)]) == expected
    [echoed] = response.options
    assert echoed == dns.edns.ECSOption(subnet, bits, scope)


@pytest.mark.parametrize(
    ("settings", "client", "down", "rdtype", "expected"),
    [
        pytest.param(LOW_EAST, EAST_CLIENT, (), "A", {"10.1.0.1", "10.1.0.2"}, id="own region"),
        pytest.param(
            LOW_EAST, WEST_CLIENT, (), "A", {"10.1.0.1", "10.1.0.2"}, id="own, not the client's"
        ),
        pytest.param(
            LOW_EAST, STRANGER, ("e1",), "A", {"10.1.0.2", "10.2.0.1"}, id="one down: next region"
        ),
        pytest.param(
            LOW_EAST, WEST_CLIENT, ("e1", "w1", "s2"), "A", {"10.1.0.2", "10.3.0.1"},
            id="next is ranked by client",
        ),
        pytest.param(
            LOW_EAST, STRANGER, ("e1", "e2", "w1"), "A", {"10.3.0.1", "10.3.0.2"},
            id="own region dead",
        ),
        pytest.param(LOW_EAST, STRANGER, ALL[1:], "A", {"10.1.0.1"}, id="only one left"),
        pytest.param(
            LOW_EAST, STRANGER, ALL, "A", {"10.1.0.1", "10.1.0.2"}, id="none left: fail open"
        ),
        pytest.param(LOW_EAST, STRANGER, (), "AAAA", {"2001:db8:1::2"}, id="v6 where there is"),
        pytest.param(LOW_EAST, STRANGER, ALL, "AAAA", {"2001:db8:1::2"}, id="v6 fails open too"),
        pytest.param(LOW_EAST, STRANGER, ("gone",), "A", {"10.1.0.1", "10.1.0.2"}, id="unknown"),
    ],
)  # fmt: skip
def test_which_edges(
    settings: MappingSettings, client: str, down: tuple[str, ...], rdtype: str, expected: set[str]
) -> None:
    """Two live edges, own region first, for twenty seconds."""
    response = ask(low_level(settings, down=down), "shop.cdn.test", rdtype, client)
    assert response.flags & dns.flags.AA
    assert {r[0].to_text() for r in response.answer} == expected
    assert {r.ttl for r in response.answer} == {20}
    assert not response.authority
    assert not response.additional


def test_own_region_stands_first() -> None:
    """The own region's only edge precedes what was topped up, whatever the draw."""
    for seed in range(10):
        response = ask(low_level(LOW_WEST, seed=seed), "shop.cdn.test", client=EAST_CLIENT)
        assert response.answer[0][0].to_text() == "10.2.0.1"


def test_equals_change_places() -> None:
    """Both orders of a region's two edges occur."""
    responder = low_level()
    orders = {
        tuple(r[0].to_text() for r in ask(responder, "shop.cdn.test").answer) for _ in range(40)
    }
    assert orders == {("10.1.0.1", "10.1.0.2"), ("10.1.0.2", "10.1.0.1")}


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode", "expected"),
    [
        pytest.param(
            "shop.cdn.test", "SOA", "NOERROR", ["an " + soa("shop.cdn.test", 1800)], id="SOA"
        ),
        pytest.param(
            "shop.cdn.test", "NS", "NOERROR",
            [
                "an shop.cdn.test 1800 NS low-east.ns.cdn.test.",
                "an shop.cdn.test 1800 NS low-west.ns.cdn.test.",
            ],
            id="NS",
        ),
        pytest.param(
            "shop.cdn.test", "ANY", "NOERROR", ['an shop.cdn.test 20 HINFO "RFC8482" ""'], id="ANY"
        ),
        pytest.param("shop.cdn.test", "MX", "NOERROR", [NEGATIVE], id="NODATA"),
        pytest.param("no.shop.cdn.test", "A", "NXDOMAIN", [NEGATIVE], id="NXDOMAIN"),
        pytest.param(
            "no.img.shop.cdn.test", "A", "NXDOMAIN", ["ns " + soa("img.shop.cdn.test", 20)],
            id="the innermost zone speaks",
        ),
        pytest.param("cdn.test", "SOA", "REFUSED", [], id="the parent zone is not ours"),
        pytest.param("low-east.ns.cdn.test", "A", "REFUSED", [], id="nor is our own name"),
        pytest.param("deep.cdn.test", "A", "REFUSED", [], id="nor what lies between"),
        pytest.param(".", "NS", "REFUSED", [], id="nor the root"),
        pytest.param("example.org", "A", "REFUSED", [], id="nor the world"),
    ],
)  # fmt: skip
def test_stories(name: str, rdtype: str, rcode: str, expected: list[str]) -> None:
    """What a low-level server says about everything but addresses."""
    response = ask(low_level(), name, rdtype)
    assert dns.rcode.to_text(response.rcode()) == rcode
    assert shown(response) == expected
    assert bool(response.flags & dns.flags.AA) == (rcode != "REFUSED")


def test_between_nested_zones_there_is_a_name() -> None:
    """`b.shop` exists when `a.b.shop` does: NODATA, so that nothing below it is denied."""
    settings = replace(LOW_EAST, delegations=("shop.cdn.test", "a.b.shop.cdn.test"))
    response = ask(low_level(settings), "b.shop.cdn.test")
    assert response.rcode() == dns.rcode.NOERROR
    assert shown(response) == [NEGATIVE]


def test_no_address_of_a_family_is_nodata() -> None:
    """A network without IPv6 says so, and lets it be remembered as long as an address."""
    settings = replace(LOW_EAST, regions=(replace(EAST, edges=EAST.edges[:1]), WEST))
    assert shown(ask(low_level(settings), "shop.cdn.test", "AAAA")) == [NEGATIVE]


@pytest.mark.parametrize("client", [EAST_CLIENT, WEST_CLIENT, STRANGER])
def test_both_sides_of_the_cut_agree(client: str) -> None:
    """A low-level server names just the servers that the referral named to that client."""
    parent = ask(top_level(), "shop.cdn.test", client=client).authority
    child = ask(low_level(LOW_WEST), "shop.cdn.test", "NS", client=client).answer
    assert parent == child


def test_every_server_says_the_same_soa() -> None:
    """Two regions' servers do not contradict each other."""
    assert shown(ask(low_level(LOW_EAST), "shop.cdn.test", "SOA")) == shown(
        ask(low_level(LOW_WEST), "shop.cdn.test", "SOA")
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"region": "north"}, "node low-east: no region called 'north'"),
        ({"region": None}, "node low-east: no region called None"),
        ({"regions": (replace(EAST, servers=()), WEST)}, "region east: no low-level server"),
    ],
)
def test_settings_that_dns_cannot_serve(changes: dict[str, object], message: str) -> None:
    """A low-level server needs its region, with servers in it."""
    with pytest.raises(SettingsError, match=message):
        LowLevel(replace(LOW_EAST, **changes), random.Random(1))  # type: ignore[arg-type]
