"""Where clients are: a longest-prefix map from a client's address to regions, nearest first.

Knows nothing of DNS packets. "Nearest" is what the operator wrote into the network file; measured
distance comes into the map later, behind the same `ranked` and `nearest`.
"""

import ipaddress
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from mapping.config import Region
from mapping.errors import SettingsError

Block = ipaddress.IPv4Network | ipaddress.IPv6Network
"""Clients as somebody else tells of them: all that have a prefix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """What is known of a block of clients."""

    regions: tuple[Region, ...]
    """Those with a prefix that holds the whole block, longest first; often none."""
    scope: int
    """So many leading bits of its address decide: all clients that share them are told the same.
    More than the block's own length: it lies across a border, and parts of it are elsewhere."""


NOWHERE = Nearest(regions=(), scope=0)
"""Of clients that nobody tells of."""


class ClientMap:
    """Ranks the regions of a network for a client address."""

    def __init__(self, regions: Sequence[Region]) -> None:
        """Read every region's prefixes; a prefix that is none is a `SettingsError`."""
        self._regions = tuple(regions)
        self._prefixes: dict[tuple[int, int], dict[int, list[int]]] = {}
        self._divided: dict[int, set[int]] = {4: set(), 6: set()}
        for position, region in enumerate(self._regions):
            for prefix in region.clients:
                self._add(prefix, position)
        # Longest first. A lookup costs one dictionary access for each length in use, at most 129.
        self._lengths = {
            version: sorted((n for v, n in self._prefixes if v == version), reverse=True)
            for version in (4, 6)
        }

    def _add(self, prefix: str, position: int) -> None:
        try:
            network = ipaddress.ip_network(prefix)
        except ValueError as error:
            name = self._regions[position].name
            raise SettingsError(f"region {name}: clients: {error}") from None
        table = self._prefixes.setdefault((network.version, network.prefixlen), {})
        table.setdefault(int(network.network_address), []).append(position)
        divided = self._divided[network.version]
        divided.update(_node(network, length) for length in range(network.prefixlen))

    def ranked(self, client: str) -> tuple[Region, ...]:
        """All regions: those with a matching prefix, longest first, then the rest in file order.

        `client` is an IP address; the v4 address inside an IPv4-mapped one counts.
        """
        address = ipaddress.ip_address(client)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        matching = self._matching(address.version, int(address), address.max_prefixlen)
        rest = (p for p in range(len(self._regions)) if p not in matching)
        return tuple(self._regions[p] for p in (*matching, *rest))

    def nearest(self, block: Block) -> Nearest:
        """The regions that the whole of `block` is nearest to, and how much of it says so."""
        value, length = int(block.network_address), block.prefixlen
        matching = self._matching(block.version, value, length)
        divided = self._divided[block.version]
        # What holds a divided prefix is divided too, so the first whole one is found by halves.
        scope = bisect_left(
            range(block.max_prefixlen), True, key=lambda bits: _node(block, bits) not in divided
        )
        return Nearest(regions=tuple(self._regions[p] for p in matching), scope=scope)

    def _matching(self, version: int, value: int, most: int) -> list[int]:
        """Regions with a prefix of at most `most` bits that holds the address `value`."""
        bits = 32 if version == 4 else 128
        found: list[int] = []
        for length in self._lengths[version]:
            if length > most:
                continue
            network = value >> (bits - length) << (bits - length)
            for position in self._prefixes[version, length].get(network, ()):
                if position not in found:
                    found.append(position)
        return found


def _node(block: Block, length: int) -> int:
    """The first `length` bits of its address, behind a 1 that tells lengths apart."""
    return 1 << length | int(block.network_address) >> (block.max_prefixlen - length)
