from dataclasses import replace

import dns.flags
import pytest

from mapping.errors import SettingsError
from mapping.reply import Transport
from mapping.toplevel import TopLevel
from tests.mapping.network import (
    EAST,
    EAST_CLIENT,
    STRANGER,
    TOP,
    WEST_CLIENT,
    ask,
    flags,
    server,
    shown,
    top_level,
)

SOA = "SOA top-a.ns.cdn.test. host\\.master.cdn.test. 1 7200 1800 1209600 300"
NEGATIVE = f"ns cdn.test 300 {SOA}"


def referral(cut: str, *names: str) -> list[str]:
    addresses = {
        "low-east": ["A 10.1.0.53"],
        "low-west": ["A 10.2.0.53", "AAAA 2001:db8:2::53"],
        "low-south": ["A 10.3.0.53"],
    }
    return [
        *(f"ns {cut} 1800 NS {name}.ns.cdn.test." for name in names),
        *(f"ad {name}.ns.cdn.test 1800 {a}" for name in names for a in addresses[name]),
    ]


@pytest.mark.parametrize(
    ("name", "rdtype", "client", "rcode", "aa", "expected"),
    [
        pytest.param(
            "shop.cdn.test", "A", EAST_CLIENT, "NOERROR", False,
            referral("shop.cdn.test", "low-east", "low-west"),
            id="a site: referral, own region first",
        ),
        pytest.param(
            "shop.cdn.test", "AAAA", WEST_CLIENT, "NOERROR", False,
            referral("shop.cdn.test", "low-west", "low-south"),
            id="nearest by longest prefix, then the shorter one",
        ),
        pytest.param(
            "www.shop.cdn.test", "TXT", STRANGER, "NOERROR", False,
            referral("shop.cdn.test", "low-east", "low-west"),
            id="below a site: the same referral",
        ),
        pytest.param(
            "img.shop.cdn.test", "A", STRANGER, "NOERROR", False,
            referral("shop.cdn.test", "low-east", "low-west"),
            id="a site inside a site: the outermost cut",
        ),
        pytest.param(
            "shop.cdn.test", "ANY", STRANGER, "NOERROR", False,
            referral("shop.cdn.test", "low-east", "low-west"),
            id="ANY at a cut",
        ),
        pytest.param(
            "shop.cdn.test", "DS", STRANGER, "NOERROR", True, [NEGATIVE],
            id="DS is the parent's own",
        ),
        pytest.param(
            "www.shop.cdn.test", "DS", STRANGER, "NOERROR", False,
            referral("shop.cdn.test", "low-east", "low-west"),
            id="DS below the cut is not",
        ),
        pytest.param(
            "cdn.test", "SOA", STRANGER, "NOERROR", True, [f"an cdn.test 1800 {SOA}"],
            id="SOA",
        ),
        pytest.param(
            "cdn.test", "NS", STRANGER, "NOERROR", True,
            [
                "an cdn.test 1800 NS top-a.ns.cdn.test.",
                "an cdn.test 1800 NS top-b.ns.cdn.test.",
                "ad top-a.ns.cdn.test 1800 A 10.0.0.1",
                "ad top-b.ns.cdn.test 1800 A 10.0.0.2",
                "ad top-b.ns.cdn.test 1800 AAAA 2001:db8::2",
            ],
            id="NS with addresses",
        ),
        pytest.param(
            "cdn.test", "ANY", STRANGER, "NOERROR", True,
            ['an cdn.test 1800 HINFO "RFC8482" ""'],
            id="ANY is minimal",
        ),
        pytest.param("cdn.test", "A", STRANGER, "NOERROR", True, [NEGATIVE], id="apex NODATA"),
        pytest.param(
            "low-west.ns.cdn.test", "AAAA", STRANGER, "NOERROR", True,
            ["an low-west.ns.cdn.test 1800 AAAA 2001:db8:2::53"],
            id="a low-level server's own address",
        ),
        pytest.param(
            "top-a.ns.cdn.test", "A", STRANGER, "NOERROR", True,
            ["an top-a.ns.cdn.test 1800 A 10.0.0.1"],
            id="a top-level server's",
        ),
        pytest.param(
            "top-a.ns.cdn.test", "AAAA", STRANGER, "NOERROR", True, [NEGATIVE],
            id="a server without that family",
        ),
        pytest.param(
            "top-a.ns.cdn.test", "ANY", STRANGER, "NOERROR", True,
            ['an top-a.ns.cdn.test 1800 HINFO "RFC8482" ""'],
            id="ANY at a server",
        ),
        pytest.param("ns.cdn.test", "A", STRANGER, "NOERROR", True, [NEGATIVE], id="between"),
        pytest.param("deep.cdn.test", "A", STRANGER, "NOERROR", True, [NEGATIVE], id="ENT"),
        pytest.param("no.cdn.test", "A", STRANGER, "NXDOMAIN", True, [NEGATIVE], id="no name"),
        pytest.param(
            "x.no.ns.cdn.test", "A", STRANGER, "NXDOMAIN", True, [NEGATIVE], id="no server"
        ),
        pytest.param("example.org", "A", STRANGER, "REFUSED", False, [], id="not ours"),
        pytest.param("test", "SOA", STRANGER, "REFUSED", False, [], id="above ours"),
        pytest.param(".", "NS", STRANGER, "REFUSED", False, [], id="the root"),
        pytest.param("xcdn.test", "A", STRANGER, "REFUSED", False, [], id="only looks like ours"),
    ],
)  # fmt: skip
def test_stories(
    name: str, rdtype: str, client: str, rcode: str, aa: bool, expected: list[str]
) -> None:
    """What a top-level server says, record by record."""
    response = ask(top_level(), name, rdtype, client)
    assert dns.rcode.to_text(response.rcode()) == rcode
    assert bool(response.flags & dns.flags.AA) == aa
    assert shown(response) == expected


def test_the_name_is_answered_in_the_case_it_was_asked() -> None:
    """A resolver that varies the case to defeat forgers gets its own spelling back."""
    response = ask(top_level(), "sHoP.Cdn.TEST")
    assert response.question[0].name.to_text() == "sHoP.Cdn.TEST."
    assert response.authority[0].name.to_text() == "sHoP.Cdn.TEST."


def test_recursion_is_not_offered() -> None:
    """RD comes back as asked, RA never."""
    assert flags(ask(top_level(), "cdn.test", "SOA")) == "QR AA RD"
    assert flags(ask(top_level(), "cdn.test", "SOA", flags=0)) == "QR AA"


def test_a_referral_that_does_not_fit_is_truncated_not_cut() -> None:
    """Glue is part of a referral: without room for it the asker is sent to TCP (RFC 9471)."""
    many = tuple(server(f"low-{n:02}", f"10.9.0.{n}", f"2001:db8::{n}") for n in range(1, 13))
    responder = top_level(replace(TOP, regions=(replace(EAST, servers=many),)))
    small = ask(responder, "shop.cdn.test")
    assert flags(small) == "QR TC RD"
    assert shown(small) == []
    assert len(shown(ask(responder, "shop.cdn.test", use_edns=0, payload=4096))) == 36
    assert len(shown(ask(responder, "shop.cdn.test", transport=Transport.TCP))) == 36


def test_courtesy_addresses_are_left_out_before_truncation() -> None:
    """The apex's NS answer is whole without the servers' addresses, so no TCP is needed."""
    many = tuple(server(f"top-{n:02}", f"10.9.0.{n}", f"2001:db8::{n}") for n in range(1, 13))
    response = ask(top_level(replace(TOP, top=many)), "cdn.test", "NS")
    assert flags(response) == "QR AA RD"
    assert (len(response.answer), len(response.additional)) == (12, 0)


def test_one_server_has_one_name_however_many_its_regions() -> None:
    """Glue of a referral names only the servers of that referral."""
    text = shown(ask(top_level(), "shop.cdn.test", client=WEST_CLIENT))
    assert not [line for line in text if "low-east" in line]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"delegations": ("cdn.test",)}, "cdn.test is not below the zone cdn.test"),
        ({"delegations": ("shop.example",)}, "shop.example is not below the zone cdn.test"),
        ({"delegations": ("a.ns.cdn.test",)}, "names below ns.cdn.test. are the name servers'"),
        ({"delegations": ("*.cdn.test",)}, "a wildcard cannot be delegated"),
        ({"delegations": ("a..cdn.test",)}, "'a..cdn.test' is no domain name"),
        ({"regions": (replace(EAST, servers=()),)}, "no low-level server to delegate to"),
        ({"top": ()}, "zone cdn.test: no top-level server"),
        ({"top": (server("top-a"),)}, "name server top-a: no address"),
        ({"top": (server("top-a", "nowhere"),)}, "a server's address: 'nowhere'"),
        ({"contact": "nobody"}, "contact 'nobody' is no mail address"),
        ({"contact": "a@"}, "contact 'a@' is no mail address"),
    ],
)
def test_settings_that_dns_cannot_serve(changes: dict[str, object], message: str) -> None:
    """What cannot be served is refused at the start, in one line."""
    with pytest.raises(SettingsError) as caught:
        TopLevel(replace(TOP, **changes))  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
