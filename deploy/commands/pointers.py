"""What a running network shows its user: where to point a browser, curl, dig and Prometheus."""

import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploy.layout import DEMO, KeyRoom, shown, state_option
from deploy.names import Address, url_here
from deploy.network import EdgeNode, Network, Site

_LOCAL = (".localhost", "localhost")
"""Names that every browser takes to this machine without a hosts file."""


def pointers(network: Network, source: Path, state: Path) -> tuple[tuple[str, str], ...]:
    """Rows of (for what, address or command); `source` is the network's file."""
    return tuple(_rows(network, source, state))


def _rows(network: Network, source: Path, state: Path) -> Iterator[tuple[str, str]]:
    if network.edges:
        edge, site = network.edges[0], network.sites[0]
        yield from _http(edge, site, state)
    name = next((each for each in _names(network) if each.endswith(f".{network.zone}")), "")
    if network.tops and name:
        host, port = network.tops[0].advertise.dns
        at = f"-p {port} " if port != 53 else ""
        yield "dig", f"dig @{host} {at}{name}"
        file = "" if source == DEMO else f" --network {shlex.quote(shown(source))}"
        yield "both DNS tiers", f"{program()} resolve {name}{file}"
    yield "status page", url_here(network.about.status)
    first = network.admin_addresses[0]
    yield "Prometheus", f"http://{first}/metrics   ({network.nodes[0].name}; others: see status)"
    yield "status, stop", f"{program()} status{state_option(state)}, Ctrl-C"


def _http(edge: EdgeNode, site: Site, state: Path) -> Iterator[tuple[str, str]]:
    """URLs of the first site at the first edge."""
    authority = shlex.quote(shown(KeyRoom(state).ca_crt))
    local = next((each for each in site.hostnames if each.endswith(_LOCAL)), None)
    http, https = _here(edge.listen.http), _here(edge.listen.https)
    if local is not None and http is not None:
        url = f"http://{local}:{http}/"
        yield "browser", url
        yield "curl", f"curl {url}"
        if https is not None:
            yield "", f"curl --cacert {authority} https://{local}:{https}/"
        return
    name, told = site.hostnames[0], edge.advertise
    yield "curl", f"curl --connect-to ::{told.http} http://{name}/"
    if told.https is not None:
        yield "", f"curl --cacert {authority} --connect-to ::{told.https} https://{name}/"


def _here(addresses: Sequence[Address]) -> int | None:
    """The port at which names that mean this machine lead to one of the addresses."""
    ports = (each.port for each in addresses if each.host == "127.0.0.1" or each.is_wildcard)
    return next(ports, None)


def program() -> str:
    """How the user calls midmile: by its name where the shell finds this one by it."""
    own, found = Path(sys.argv[0]).absolute(), shutil.which("midmile")
    if own.name != "midmile" or (found is not None and own.samefile(found)):
        return "midmile"
    return shlex.quote(shown(own))


def _names(network: Network) -> Iterator[str]:
    for site in network.sites:
        yield from site.hostnames
