"""Authorities, and which site each belongs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.authority import parse_authority
from edge.config import SiteRules
from edge.sites import Sites

SHOP = SiteRules(name="shop", hostnames=frozenset({"shop.test", "127.0.0.1", "::1"}), origins=())
BLOG = SiteRules(name="blog", hostnames=frozenset({"blog.test"}), origins=())


@pytest.mark.parametrize(
    ("authority", "site"),
    [
        ("shop.test", SHOP),
        ("SHOP.Test:8080", SHOP),
        ("shop.test.", SHOP),
        ("shop.test.:80", SHOP),
        ("127.0.0.1:8080", SHOP),
        ("[::1]", SHOP),
        ("[0:0::1]:8443", SHOP),
        ("blog.test", BLOG),
        ("other.test", None),
        ("xshop.test", None),
        ("shop.test..", None),
        ("shop.test:x", None),
        ("u@shop.test", None),
        ("", None),
    ],
)
def test_a_site_is_found_by_host(authority: str, site: SiteRules | None) -> None:
    """Case, port and a trailing dot do not matter; nobody gets another's site."""
    assert Sites([SHOP, BLOG]).find(authority) is site


def test_a_site_is_found_by_name() -> None:
    """As the network file calls it."""
    sites = Sites([SHOP, BLOG])
    assert (sites.named("blog"), sites.named("x"), len(sites)) == (BLOG, None, 2)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("A.b", "a.b"),
        ("a_b.c:0080", "a_b.c:80"),
        ("a:", "a"),
        ("[2001:DB8:0::1]:1", "[2001:db8::1]:1"),
        ("a:0", None),
        ("a:65536", None),
        ("a:-1", None),
        ("a..b", None),
        (".a", None),
        (".", None),
        ("-a", None),
        ("a%20b", None),
        ("a,b", None),
        ("a\x00", None),
        ("[::1%eth0]", None),
        ("[1.2.3.4]", None),
        ("::1", None),
        ("é.test", None),
        ("a" * 300, None),
        ("a\n", None),
    ],
)
def test_authorities(text: str, canonical: str | None) -> None:
    """RFC 3986 3.2, narrowed to names that can be in DNS, and addresses."""
    parsed = parse_authority(text)
    assert (str(parsed) if parsed else None) == canonical


@given(st.text(max_size=40))
def test_any_text_is_an_authority_or_not(text: str) -> None:
    """No text raises, and what is valid stays itself."""
    parsed = parse_authority(text)
    if parsed is not None:
        assert parse_authority(str(parsed)) == parsed
