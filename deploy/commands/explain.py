"""`midmile explain`: asks a node's admin port what it would do with a request."""

import json
from collections.abc import Sequence
from urllib.parse import urlencode

from deploy.commands.admin_port import ask_node
from deploy.commands.story import print_story
from deploy.exits import ExitCode, Refusal
from deploy.names import Address
from deploy.network import EdgeNode, Network, Node
from edge.explain.question import QuestionError, Url, parse_url

_USAGE = frozenset({400, 404})


def explain(
    network: Network,
    url: str,
    *,
    node: str | None,
    method: str,
    headers: Sequence[str],
    as_json: bool,
) -> None:
    """Print what a node says; `Refusal` where nobody can be asked."""
    try:
        place = parse_url(url)
    except QuestionError as error:
        raise Refusal(str(error), ExitCode.USAGE) from None
    asked = _named(network, node) if node is not None else edge_for(network, place)
    pairs = [("url", url), ("method", method), *(("header", each) for each in headers)]
    query = urlencode(pairs, errors="replace")
    status, answer = ask_node(network, asked, "GET", f"/explain?{query}")
    if "error" in answer:
        code = ExitCode.USAGE if status in _USAGE else ExitCode.FAILED
        raise Refusal(str(answer["error"]), code)
    if as_json:
        print(json.dumps(answer, indent=2))
    else:
        print_story(answer)


def edge_for(network: Network, url: Url) -> Node:
    """The edge that listens where the URL leads, else the file's first one."""
    if not network.edges:
        raise Refusal("no edge in the network file: name a parent with --node", ExitCode.USAGE)
    host = url.host.strip("[]").lower().removesuffix(".")
    local = host == "localhost" or host.endswith(".localhost")
    wanted = Address("127.0.0.1" if local else host, url.port)
    found = (edge for edge in network.edges if _listens(edge, url.scheme, wanted))
    return next(found, network.edges[0])


def _listens(edge: EdgeNode, scheme: str, wanted: Address) -> bool:
    addresses = edge.listen.https if scheme == "https" else edge.listen.http
    told = edge.advertise.https if scheme == "https" else edge.advertise.http
    return wanted == told or any(
        each.port == wanted.port and (each.is_wildcard or each.host == wanted.host)
        for each in addresses
    )


def _named(network: Network, name: str) -> Node:
    found = next((node for node in network.nodes if node.name == name), None)
    if found is None:
        names = ", ".join(node.name for node in network.nodes)
        raise Refusal(f"no node {name!r} in the network file (it has {names})", ExitCode.USAGE)
    return found
