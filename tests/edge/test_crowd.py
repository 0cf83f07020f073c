"""How many connections one client and all of them may have."""

import pytest

from edge.config import Limits
from edge.crowd import Crowd, party_of
from edge.errors import OurReason, RequestReason

LIMITS = Limits(connections=5, connections_per_client=2)


def test_one_client_has_its_share_and_no_more() -> None:
    """Others are let in all the same, and it again when one of its own has left."""
    crowd = Crowd(LIMITS)
    assert [crowd.enter(b"a"), crowd.enter(b"a")] == [None, None]
    refusal = crowd.enter(b"a")
    assert refusal is not None
    assert (refusal.reason, refusal.status) == (RequestReason.CROWD, 429)
    assert crowd.enter(b"b") is None
    crowd.leave(b"a")
    assert crowd.enter(b"a") is None


def test_all_together() -> None:
    """One too many is our fault and not the client's; who was refused takes no place."""
    crowd = Crowd(LIMITS)
    for party in (b"a", b"a", b"a", b"b", b"b", b"b", b"c"):
        crowd.enter(party)
    refusal = crowd.enter(b"d")
    assert refusal is not None
    assert (refusal.reason, refusal.status) == (OurReason.BUSY, 503)
    crowd.leave(b"c")
    assert crowd.enter(b"d") is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"192.0.2.1", b"192.0.2.1", True),
        (b"192.0.2.1", b"192.0.2.2", False),
        (b"192.0.2.1", b"::ffff:192.0.2.1", True),
        (b"2001:db8:1:2::1", b"2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        (b"2001:db8:1:2::1", b"2001:DB8:1:2::9", True),
        (b"2001:db8:1:2::1", b"2001:db8:1:3::1", False),
        (b"fe80::1%eth0", b"fe80::2%eth1", True),
        (b"not:an:address", b"not:an:address", True),
        (b"", b"", True),
    ],
)
def test_who_counts_as_one(one: bytes, other: bytes, same: bool) -> None:
    """An address, or a /64 of IPv6; an IPv4 address however the socket tells it."""
    assert (party_of(one) == party_of(other)) is same
