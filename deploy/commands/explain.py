"""`midmile explain`: asks a node's admin port what it would do with a request."""

import http.client
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from deploy.command_socket import ask
from deploy.commands.story import print_story
from deploy.exits import ExitCode, Refusal
from deploy.layout import DEMO
from deploy.names import Address, reached_here
from deploy.network import EdgeNode, Network, Node, read
from edge.explain.question import QuestionError, Url, parse_url

PATIENCE_S = 10.0
"""Longer than a keeper waits for its workers."""
ANSWER_BYTES = 16 * 1024 * 1024
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
    answer = _ask(network, asked, f"/explain?{urlencode(pairs, errors='replace')}")
    if as_json:
        print(json.dumps(answer, indent=2))
    else:
        print_story(answer)


def running_file(state: Path) -> Path:
    """The file of the network that `midmile up` runs with this state, else the demo's."""
    try:
        source = ask(state, {"kind": "status"}).get("source")
    except Refusal:
        return DEMO
    return Path(source) if isinstance(source, str) else DEMO


def read_network(path: Path) -> Network:
    """A network file that has an edge or a parent to ask."""
    network = read(path)
    if not network.edges and not network.parents:
        raise Refusal(f"{path} has neither an edge nor a parent to ask", ExitCode.USAGE)
    return network


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


def _ask(network: Network, node: Node, path: str) -> dict[str, Any]:
    admin = network.admin_address(node)
    connection = http.client.HTTPConnection(*reached_here(admin), timeout=PATIENCE_S)
    try:
        # By its name, so that another node that listens there turns the question away.
        connection.request("GET", path, headers={"Host": node.name})
        with connection.getresponse() as response:
            status, said = response.status, response.read(ANSWER_BYTES)
    except TimeoutError:
        raise Refusal(f"{node.name} does not answer at {admin}") from None
    except http.client.HTTPException as error:  # some are OSErrors too
        raise Refusal(f"what answers at {admin} is no node: {error!r}") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Refusal(f"{node.name} does not run at {admin}: {why}", ExitCode.BUSY) from None
    finally:
        connection.close()
    return _understood(node.name, admin, status, said)


def _understood(node: str, admin: Address, status: int, said: bytes) -> dict[str, Any]:
    if status == http.HTTPStatus.MISDIRECTED_REQUEST:
        raise Refusal(f"what runs at {admin} is not {node}")
    try:
        answer = json.loads(said)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Refusal(f"{node} answers {status}, which explains nothing: another version?")
    if "error" in answer:
        code = ExitCode.USAGE if status in _USAGE else ExitCode.FAILED
        raise Refusal(str(answer["error"]), code)
    return answer
