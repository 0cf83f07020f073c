"""Where clients are: a longest-prefix map from a client's address to regions, nearest first.

Knows nothing of DNS packets. "Nearest" is what the operator wrote into the network file; measured
distance comes into the map later, behind the same `ranked`.
"""

import ipaddress
from collections.abc import Sequence

from mapping.config import Region
from mapping.errors import SettingsError


class ClientMap:
    """Ranks the regions of a network for a client address."""

    def __init__(self, regions: Sequence[Region]) -> None:
        """Read every region's prefixes; a prefix that is none is a `SettingsError`."""
        self._regions = tuple(regions)
        self._prefixes: dict[tuple[int, int], dict[int, list[int]]] = {}
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

    def ranked(self, client: str) -> tuple[Region, ...]:
        """All regions: those with a matching prefix, longest first, then the rest in file order.

        `client` is an IP address; the v4 address inside an IPv4-mapped one counts.
        """
        matching = self._matching(client)
        rest = (p for p in range(len(self._regions)) if p not in matching)
        return tuple(self._regions[p] for p in (*matching, *rest))

    def _matching(self, client: str) -> list[int]:
        address = ipaddress.ip_address(client)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        bits, value = address.max_prefixlen, int(address)
        found: list[int] = []
        for length in self._lengths[address.version]:
            network = value >> (bits - length) << (bits - length)
            for position in self._prefixes[address.version, length].get(network, ()):
                if position not in found:
                    found.append(position)
        return found
