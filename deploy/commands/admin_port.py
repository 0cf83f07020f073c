"""Asking the admin ports of the nodes of a network, and finding out which network that is."""

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.command_socket import ask
from deploy.exits import ExitCode, Refusal
from deploy.layout import DEMO
from deploy.names import reached_here
from deploy.network import Network, Node, read

PATIENCE_S = 10.0
"""Longer than a keeper waits for its workers."""
ANSWER_BYTES = 16 * 1024 * 1024


def running_network(file: Path | None, state: Path) -> Network:
    """A network file that has an edge or a parent to ask: `file`, or that which runs here."""
    path = file.absolute() if file else running_file(state)
    network = read(path)
    if not network.edges and not network.parents:
        raise Refusal(f"{path} has neither an edge nor a parent to ask", ExitCode.USAGE)
    return network


def running_file(state: Path) -> Path:
    """The file of the network that `midmile up` runs with this state, else the demo's."""
    try:
        source = ask(state, {"kind": "status"}).get("source")
    except Refusal:
        return DEMO
    return Path(source) if isinstance(source, str) else DEMO


def ask_node(
    network: Network,
    node: Node,
    method: str,
    path: str,
    *,
    body: str | None = None,
    fields: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    """Status and JSON of a node's answer; `Refusal` where it gives none."""
    admin = network.admin_address(node)
    connection = http.client.HTTPConnection(*reached_here(admin), timeout=PATIENCE_S)
    try:
        # By its name, so that another node that listens there turns the question away.
        connection.request(method, path, body, {"Host": node.name, **(fields or {})})
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
    if status == http.HTTPStatus.MISDIRECTED_REQUEST:
        raise Refusal(f"what runs at {admin} is not {node.name}")
    try:
        answer = json.loads(said)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Refusal(f"{node.name} answers {status}, which says nothing: another version?")
    return status, answer
