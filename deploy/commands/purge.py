"""`midmile purge`: has stored responses dropped by every parent and edge of a network.

Any parent will do: it numbers the purge and tells it to the others.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.commands.admin_port import ask_node
from deploy.exits import ExitCode, Refusal
from deploy.layout import admin_token, node_home
from deploy.network import Network, Node


def purge(network: Network, state: Path, wanted: Mapping[str, object]) -> None:
    """Print which node has done it; `Refusal` where one has not, or nothing is wanted."""
    if not network.parents:
        raise Refusal("the network has no parent, which purges are asked of", ExitCode.USAGE)
    for parent in network.parents:
        try:
            answer = _purged_at(network, parent, state, wanted)
        except _NotHereError as error:
            print(error)
        else:
            _tell(answer)
            return
    raise Refusal("no parent could be asked")


class _NotHereError(Exception):
    """A parent could not do it; another may."""


def _purged_at(
    network: Network, parent: Node, state: Path, wanted: Mapping[str, object]
) -> Mapping[str, Any]:
    """What a parent says has become of it. `Refusal` for what no parent could do."""
    try:
        token = admin_token(node_home(state, parent.name)).read_text().strip()
    except FileNotFoundError:
        raise _NotHereError(f"{parent.name} does not run with the state in {state}") from None
    except OSError as error:
        why = f"{parent.name}: its token cannot be read: {error.strerror}"
        raise _NotHereError(why) from None
    fields = {"Authorization": f"Bearer {token}"}
    try:
        status, answer = ask_node(
            network, parent, "POST", "/purge", body=json.dumps(wanted), fields=fields
        )
    except Refusal as error:
        raise _NotHereError(str(error)) from None
    if status == 400:
        raise Refusal(str(answer.get("error")), ExitCode.USAGE)
    if status not in (200, 202):
        raise _NotHereError(f"{parent.name}: {answer.get('error') or f'it answers {status}'}")
    return answer


def _tell(answer: Mapping[str, Any]) -> None:
    """Print what each node has done; `Refusal` where one has not."""
    for name in answer["done"]:
        print(f"{name}: done")
    missing = answer["missing"]
    for name, why in missing.items():
        print(f"{name}: {why}")
    if missing:
        names = ", ".join(missing)
        raise Refusal(f"not done yet by {names}: they do it as soon as they hear of it")
