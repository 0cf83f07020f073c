"""docs/your-own-site.md: its network file is one, and what is said of its DNS and ports holds."""

import re

from deploy.network import Network, load
from deploy.settings import mapping_settings
from mapping.zone import name_of, server_name
from tests.house.tree import ROOT

_TEXT = (ROOT / "docs" / "your-own-site.md").read_text()


def _network() -> Network:
    [text] = re.findall(r"^```toml\n(.*?)^```$", _TEXT, re.MULTILINE | re.DOTALL)
    return load(text, "network.toml")


def test_every_part_of_the_example_may_fail_once() -> None:
    """Two nodes of each role, in two regions."""
    network = _network()
    for nodes in (network.edges, network.parents, network.tops, network.lows, network.regions):
        assert len(nodes) == 2


def test_the_delegation_is_that_of_the_example() -> None:
    """An NS record and glue for each top-level server, under the name that it answers with."""
    network = _network()
    settings = mapping_settings(network, network.tops[0])
    zone = name_of(settings.zone)
    for server in settings.top:
        name = re.escape(server_name(zone, server).to_text())
        [address] = server.addresses
        assert re.search(rf"^{re.escape(zone.to_text())} +IN NS +{name}$", _TEXT, re.MULTILINE)
        assert re.search(rf"^{name} +IN A +{re.escape(address)}$", _TEXT, re.MULTILINE)


def test_the_firewall_opens_what_the_example_listens_on() -> None:
    """The ports of its table are those of its network file."""
    network = _network()
    ports = {
        address.port
        for node in network.nodes
        for addresses in (*node.sockets().values(), (network.admin_address(node),))
        for address in addresses
    }
    rows = re.findall(r"^\|.+\|$", _TEXT.partition("### 6. Firewall")[2], re.MULTILINE)
    opened = {int(number) for row in rows for number in re.findall(r"\b\d{2,5}\b", row)}
    assert opened == ports
