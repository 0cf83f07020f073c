"""`midmile purge`: has stored responses dropped by every parent and edge of a network.

Parents first: an edge that has dropped something asks its parent for it.
"""

import http.client
import json
from collections.abc import Mapping
from pathlib import Path

from deploy.exits import ExitCode, Refusal
from deploy.layout import admin_token, node_home
from deploy.names import reached_here
from deploy.network import Network, Node

PATIENCE_S = 10.0
"""Longer than a keeper waits for its workers."""
_ANSWER_BYTES = 64 * 1024


def purge(network: Network, state: Path, wanted: Mapping[str, object]) -> None:
    """Print which node has done it; `Refusal` where one has not, or nothing is wanted."""
    nodes: list[Node] = [*network.parents, *network.edges]
    missing = []
    for node in nodes:
        why = _purged_at(network, node, state, wanted)
        print(f"{node.name}: {why or 'done'}")
        if why is not None:
            missing.append(node.name)
    if missing:
        raise Refusal(f"not done by {', '.join(missing)}")


def _purged_at(
    network: Network, node: Node, state: Path, wanted: Mapping[str, object]
) -> str | None:
    """None, or why the node has not done it. `Refusal` for what no node could do."""
    try:
        token = admin_token(node_home(state, node.name)).read_text().strip()
    except FileNotFoundError:
        return f"does not run with the state in {state}"
    except OSError as error:
        return f"its token cannot be read: {error.strerror}"
    connection = http.client.HTTPConnection(
        *reached_here(network.admin_address(node)), timeout=PATIENCE_S
    )
    fields = {"Host": node.name, "Authorization": f"Bearer {token}"}
    try:
        connection.request("POST", "/purge", json.dumps(wanted), fields)
        with connection.getresponse() as response:
            status, said = response.status, response.read(_ANSWER_BYTES)
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer: {error}"
    finally:
        connection.close()
    return _why(status, said)


def _why(status: int, said: bytes) -> str | None:
    try:
        answer = json.loads(said)
    except ValueError:
        answer = {}
    match status:
        case 200:
            return None
        case 400:
            raise Refusal(str(answer.get("error")), ExitCode.USAGE)
        case 503:
            silent = ", ".join(str(index) for index in answer.get("silent", ()))
            return f"worker {silent} did not answer" if silent else "no worker is ready"
    return str(answer.get("error") or f"it answers {status}")
