"""`midmile purge`: has stored responses dropped by every parent and edge of a network.

Parents first: an edge that has dropped something asks its parent for it.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from deploy.commands.admin_port import ask_node
from deploy.exits import ExitCode, Refusal
from deploy.layout import admin_token, node_home
from deploy.network import Network, Node


def purge(network: Network, state: Path, wanted: Mapping[str, object]) -> None:
    """Print which node has done it; `Refusal` where one has not, or nothing is wanted."""
    nodes: list[Node] = [*network.parents, *network.edges]
    missing = []
    for node in nodes:
        why = _purged_at(network, node, state, wanted)
        print(why or f"{node.name}: done")
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
        return f"{node.name} does not run with the state in {state}"
    except OSError as error:
        return f"{node.name}: its token cannot be read: {error.strerror}"
    fields = {"Authorization": f"Bearer {token}"}
    try:
        status, answer = ask_node(
            network, node, "POST", "/purge", body=json.dumps(wanted), fields=fields
        )
    except Refusal as error:
        return str(error)
    match status:
        case 200:
            return None
        case 400:
            raise Refusal(str(answer.get("error")), ExitCode.USAGE)
        case 503:
            silent = ", ".join(str(index) for index in answer.get("silent", ()))
            why = f"worker {silent} did not answer" if silent else "no worker is ready"
            return f"{node.name}: {why}"
    return f"{node.name}: {answer.get('error') or f'it answers {status}'}"
