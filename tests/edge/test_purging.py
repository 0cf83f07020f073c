"""What an operator may want purged, and how it is said."""

from dataclasses import replace

import pytest

from edge.purging import PurgeError, wanted_purge
from edge.sites import Sites
from edge.store.purges import Purge, Scope
from tests.edge.cache.stories import RULES

SHOP = replace(RULES, query_parameters=frozenset({"q"}))
BLOG = replace(RULES, name="blog", hostnames=frozenset({"blog.test"}))
BOTH = Sites([SHOP, BLOG])


@pytest.mark.parametrize(
    ("asked", "scope", "value"),
    [
        ({"url": "https://shop.test/a?q=1&x=2"}, Scope.URL, "shop.test/a?q=1"),
        ({"url": "http://SHOP.test:80"}, Scope.URL, "shop.test/"),
        ({"url": "http://shop.test:8080/a#top"}, Scope.URL, "shop.test/a"),
        ({"url": "shop.test/a b"}, Scope.URL, "shop.test/a%20b"),
        ({"prefix": "https://shop.test:443/img/"}, Scope.PREFIX, "shop.test/img/"),
        ({"prefix": "http://shop.test/a?q", "site": "shop"}, Scope.PREFIX, "shop.test/a?q"),
        ({"tag": "Prices", "site": "shop"}, Scope.TAG, "Prices"),
        ({"site": "shop", "url": None, "soft": False}, Scope.SITE, ""),
    ],
)
def test_what_may_be_said(asked: dict[str, object], scope: Scope, value: str) -> None:
    """URLs as keys have them; what is null is not there."""
    assert wanted_purge(asked, BOTH) == Purge(site="shop", scope=scope, value=value)


def test_softly() -> None:
    """Of whatever scope."""
    assert wanted_purge({"site": "blog", "soft": True}, BOTH).soft


def test_one_site_need_not_be_named() -> None:
    """But all of it goes only where it is."""
    alone = Sites([SHOP])
    assert wanted_purge({"tag": "a"}, alone).site == "shop"
    with pytest.raises(PurgeError, match="name one of"):
        wanted_purge({}, alone)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({}, "name one of"),
        ({"url": "http://shop.test/", "tag": "a"}, "name one of"),
        ({"everything": True}, "name one of"),
        ({"url": 1}, "name one of"),
        ({"tag": "", "site": "shop"}, "name one of"),
        ({"tag": "a"}, "name the site"),
        ({"tag": "a", "site": "bank"}, "no site 'bank'"),
        ({"site": 3}, "site a name"),
        ({"site": "shop", "soft": "yes"}, "soft is true or false"),
        ({"url": "http://other.test/"}, "other.test is no host of any site"),
        ({"url": "http://blog.test/", "site": "shop"}, "blog.test is no host of shop"),
        ({"url": "ftp://shop.test/"}, "ftp URLs"),
        ({"prefix": "http:///x"}, "no host"),
    ],
)
def test_what_may_not(asked: dict[str, object], text: str) -> None:
    """One line tells what is wrong."""
    with pytest.raises(PurgeError, match=text) as caught:
        wanted_purge(asked, BOTH)
    assert "\n" not in str(caught.value)
