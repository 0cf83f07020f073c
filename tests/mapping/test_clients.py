from dataclasses import replace

import pytest

from mapping.clients import ClientMap
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


def test_bad_prefix_is_named() -> None:
    """A prefix with host bits set is refused, with the region it stands in."""
    with pytest.raises(SettingsError, match=r"region east: clients: 192\.0\.2\.1/24"):
        ClientMap((replace(EAST, clients=("192.0.2.1/24",)),))
