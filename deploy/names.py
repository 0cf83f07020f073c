"""What things may be called, and where they are: labels, host names, addresses, node identities.

The network file, certificates and listeners share these rules.
"""

import ipaddress
import re
from typing import NamedTuple

LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A label of a host name (RFC 1123 2.1), lower-case; names of sites, regions and nodes are such."""
NETWORK_NAME_MAX = 52
"""With our words around it a common name, which has 64 characters at most (RFC 5280 A.1)."""
NODE_DOMAIN = "midmile"
"""Top-level domain of node identities. No site certificate ever carries a name under it."""
HOST_MAX = 253  # RFC 1035 2.3.4: 255 on the wire

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Address(NamedTuple):
    """A host (an IP address, or a name) and a port, in the order the socket functions take them."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_wildcard(self) -> bool:
        """Whether it stands for every address of its machine (`0.0.0.0`, `::`)."""
        address = ip_or_none(self.host)
        return address is not None and address.is_unspecified


def reached_here(address: Address) -> Address:
    """Where one reaches what listens at `address` from the same machine."""
    if not address.is_wildcard:
        return address
    return Address("::1" if ":" in address.host else "127.0.0.1", address.port)


def url_here(address: Address) -> str:
    """The URL of what listens there, as one opens it on the same machine."""
    return f"http://{reached_here(address)}/"


def ip_or_none(text: str) -> IpAddress | None:
    """The IP address that a text is; one with a zone (`fe80::1%eth0`) is none."""
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None


def is_hostname(text: str) -> bool:
    """Whether a text is a lower-case host name (RFC 1123 2.1), not an IP address."""
    labels = text.split(".")
    return (
        len(text) <= HOST_MAX
        and all(LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )


def is_host(text: str) -> bool:
    """Whether a text is a lower-case host name or an IP address."""
    return is_hostname(text) or ip_or_none(text) is not None


def identity_name(network: str, role: str, node: str) -> str:
    """The one DNS name in a node's tunnel certificate; it proves the node's name and role."""
    return f"{node}.{role}.{network}.{NODE_DOMAIN}"
