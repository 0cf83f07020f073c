from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.clients import NOWHERE, ClientMap
from mapping.config import Region
from mapping.errors import SettingsError
from tests.mapping.network import EAST, SOUTH, WEST


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        pytest.param("192.0.2.9", "east west south", id="one prefix matches"),
        pytest.param("198.51.100.1", "west south east", id="longest of two matches first"),
        pytest.param("198.51.7.1", "south east west", id="only the shorter one matches"),
        pytest.param("203.0.113.1", "east west south", id="nobody's client: file order"),
        pytest.param("2001:db8:77::1", "west east south", id="v6"),
        pytest.param("2001:db8:78::1", "east west south", id="v6 outside"),
        pytest.param("::ffff:198.51.100.1", "west south east", id="v4 inside a mapped v6"),
        pytest.param("fe80::1%eth0", "east west south", id="v6 with a zone id"),
    ],
)
def test_ranking(client: str, expected: str) -> None:
    """Regions with a matching prefix come first, longest first, then the rest in file order."""
    ranked = ClientMap((EAST, WEST, SOUTH)).ranked(client)
    assert " ".join(region.name for region in ranked) == expected


def test_default_route_matches_everyone() -> None:
    """A prefix of length zero is nearest for all who have nothing longer."""
    ranked = ClientMap((EAST, replace(SOUTH, clients=("0.0.0.0/0",)))).ranked("203.0.113.1")
    assert [region.name for region in ranked] == ["south", "east"]


def test_two_regions_may_share_a_prefix() -> None:
    """With equal prefixes the order of the file decides."""
    twin = replace(SOUTH, clients=EAST.clients)
    ranked = ClientMap((WEST, EAST, twin)).ranked("192.0.2.1")
    assert [region.name for region in ranked] == ["east", "south", "west"]


@pytest.mark.parametrize(
    ("block", "regions", "scope"),
    [
        pytest.param("192.0.2.0/24", "east", 24, id="just a prefix"),
        pytest.param("192.0.2.128/25", "east", 24, id="more bits than needed"),
        pytest.param("198.51.100.7/32", "west south", 24, id="longest of two first"),
        pytest.param("198.51.7.0/24", "south", 18, id="beside an exception: up to its half"),
        pytest.param("198.51.101.0/24", "south", 24, id="the exception's twin"),
        pytest.param("203.0.113.0/24", "", 5, id="nobody's, and so is all that shares five bits"),
        pytest.param("10.0.0.0/8", "", 1, id="nobody's, and so is half of all"),
        pytest.param("198.51.0.0/16", "south", 18, id="too few bits: part of it is west's"),
        pytest.param("192.0.0.0/16", "", 23, id="too few bits for any"),
        pytest.param("2001:db8:77:1::/64", "west", 48, id="v6"),
        pytest.param("2001:db8:78::/48", "", 45, id="v6 outside"),
    ],
)
def test_nearest(block: str, regions: str, scope: int) -> None:
    """Regions that hold the whole block, and the fewest bits that no prefix divides."""
    found = ClientMap((EAST, WEST, SOUTH)).nearest(ip_network(block))
    assert (" ".join(region.name for region in found.regions), found.scope) == (regions, scope)


def test_a_map_without_prefixes_depends_on_nothing() -> None:
    """Then one answer is for all; so it is where one prefix holds all."""
    bare = replace(EAST, clients=())
    assert ClientMap((bare,)).nearest(ip_network("192.0.2.0/24")) == NOWHERE
    everywhere = replace(EAST, clients=("0.0.0.0/0",))
    found = ClientMap((everywhere,)).nearest(ip_network("192.0.2.0/24"))
    assert (found.regions, found.scope) == ((everywhere,), 0)


@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 8)), max_size=6),
    st.integers(0, 255),
    st.integers(1, 8),
)
def test_who_shares_an_answer_would_have_got_the_same(
    prefixes: list[tuple[int, int]], address: int, source: int
) -> None:
    """Whatever the prefixes: all clients in the scope are told what each would be told alone."""
    regions = tuple(
        Region(name=f"r{n}", clients=(f"{first >> 8 - bits << 8 - bits}.0.0.0/{bits}",),
               servers=(), edges=())
        for n, (first, bits) in enumerate(prefixes)
    )  # fmt: skip
    mapped = ClientMap(regions)
    found = mapped.nearest(ip_network((address >> 8 - source << 24 + 8 - source, source)))
    first = address >> 8 - source << 8 - source
    if found.scope <= source:
        size = 1 << 8 - found.scope
        start = first // size * size
    else:  # resolvers then keep it for this block only, and may ask again with more bits
        return
    for octet in range(start, start + size):
        assert mapped.nearest(ip_network(f"{octet}.0.0.0/8")).regions == found.regions


def test_bad_prefix_is_named() -> None:
    """A prefix with host bits set is refused, with the region it stands in."""
    with pytest.raises(SettingsError, match=r"region east: clients: 192\.0\.2\.1/24"):
        ClientMap((replace(EAST, clients=("192.0.2.1/24",)),))
