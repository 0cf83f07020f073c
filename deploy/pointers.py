"""What a running network shows its user: where to point a browser, curl, dig and Prometheus."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from deploy.network import EdgeNode, Network, Site

_LOCAL = (".localhost", "localhost")
"""Names that every browser takes to this machine without a hosts file."""


def pointers(network: Network, state: Path) -> tuple[tuple[str, str], ...]:
    """Rows of (for what, address or command)."""
    return tuple(_rows(network, state))


def _rows(network: Network, state: Path) -> Iterator[tuple[str, str]]:
    if network.edges:
        edge, site = network.edges[0], network.sites[0]
        yield from _http(edge, site, state)
    name = next((each for each in _names(network) if each.endswith(f".{network.zone}")), "")
    if network.tops and name:
        host, port = network.tops[0].advertise.dns
        at = f"-p {port} " if port != 53 else ""
        yield "dig", f"dig @{host} {at}{name}"
        yield "both DNS tiers", f"midmile resolve {name}"
    for index, address in enumerate(network.admin_addresses):
        label = "Prometheus" if index == 0 else ""
        yield label, f"http://{address}/metrics   ({network.nodes[index].name})"
    place = "" if _short(state) == "var" else f" --state {shlex.quote(_short(state))}"
    yield "status, stop", f"midmile status{place}, Ctrl-C"


def _http(edge: EdgeNode, site: Site, state: Path) -> Iterator[tuple[str, str]]:
    """URLs of the first site at the first edge."""
    local = next((each for each in site.hostnames if each.endswith(_LOCAL)), None)
    http, https = edge.advertise.http, edge.advertise.https
    authority = shlex.quote(_short(state / "keys" / "ca.crt"))
    if local is not None:
        url = f"http://{local}:{http.port}/"
        yield "browser", url
        yield "curl", f"curl {url}"
        if https is not None:
            yield "", f"curl --cacert {authority} https://{local}:{https.port}/"
        return
    name = site.hostnames[0]
    yield "curl", f"curl --connect-to ::{http} http://{name}/"
    if https is not None:
        yield "", f"curl --cacert {authority} --connect-to ::{https} https://{name}/"


def _names(network: Network) -> Iterator[str]:
    for site in network.sites:
        yield from site.hostnames


def _short(path: Path) -> str:
    """A path as seen from here where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
