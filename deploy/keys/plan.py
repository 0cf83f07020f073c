"""For whom keys are made: what `deploy/network` tells this package of a network file.

Names end up in certificates and as file names, so they are checked here whoever made the plan.
"""

from dataclasses import dataclass

from deploy.keys.errors import KeysError
from deploy.names import LABEL, NETWORK_NAME_MAX, NODE_DOMAIN, is_host


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteKeys:
    """A site that an edge serves."""

    name: str
    hostnames: tuple[str, ...]
    """DNS names in ASCII, or IP addresses."""
    certificate_configured: bool = False
    """The operator brings a certificate: none is made."""

    def __post_init__(self) -> None:
        _label(self.name, "site")
        if not self.hostnames:
            raise KeysError(f"site {self.name} has no host names to certify")
        for hostname in self.hostnames:
            _certifiable(hostname, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKeys:
    """A node of the network; `sites` only where it is an edge."""

    name: str
    role: str
    sites: tuple[SiteKeys, ...] = ()

    def __post_init__(self) -> None:
        _label(self.name, "node")
        _label(self.role, "role")

    @property
    def certified_sites(self) -> tuple[SiteKeys, ...]:
        """The sites whose certificates are made here."""
        return tuple(site for site in self.sites if not site.certificate_configured)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlan:
    """A network and all its nodes."""

    network: str
    nodes: tuple[NodeKeys, ...]

    def __post_init__(self) -> None:
        _label(self.network, "network")
        if len(self.network) > NETWORK_NAME_MAX:
            raise KeysError(
                f"network name {self.network!r} does not fit into a certificate: "
                f"use {NETWORK_NAME_MAX} characters at most"
            )
        names = [node.name for node in self.nodes]
        for name in names:
            if names.count(name) > 1:
                raise KeysError(f"two nodes are called {name}")

    def node(self, name: str) -> NodeKeys:
        """The node of that name."""
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(node.name for node in self.nodes)
        raise KeysError(f"network {self.network} has no node {name!r}; it has {known}")


def _label(text: str, what: str) -> None:
    if not LABEL.fullmatch(text):
        raise KeysError(
            f"{what} name {text!r} cannot be used: "
            "lower-case letters, digits and inner hyphens, 63 at most"
        )


def _certifiable(hostname: str, site: str) -> None:
    """Refuse what is neither a host name nor an address, and what would pass for a node."""
    if not is_host(hostname):
        raise KeysError(
            f"site {site}: {hostname!r} is neither a lower-case host name in ASCII "
            "nor an IP address, so no certificate can carry it"
        )
    if hostname.rpartition(".")[2] == NODE_DOMAIN:
        raise KeysError(
            f"site {site}: {hostname!r} is refused: names under .{NODE_DOMAIN} are those of nodes"
        )
