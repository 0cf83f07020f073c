"""What a process of a network is told by whoever starts it: which file, which state, which node."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from deploy.exits import ExitCode, Refusal
from deploy.plan import Builders, NetworkPlan, Place
from deploy.processes.slot import Tuning
from deploy.roles import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Which network is to be run, and from which files; the same for all its processes."""

    text: str
    """The network file, read once so that all processes work by the same one."""
    source: Path
    state: Path
    """Absolute."""
    builders: str
    """Import path of the `Builders` module."""
    tuning: Tuning = field(default_factory=Tuning)

    def load_builders(self) -> Builders:
        """The module that knows the network's roles."""
        return cast("Builders", importlib.import_module(self.builders))

    def plan(self) -> NetworkPlan:
        """All nodes of the network; `Refusal` where its file is wrong."""
        return self.load_builders().read_plan(self.text, self.source, self.state)

    def place(self, name: str) -> Place:
        """Where a process of the node called `name` stands; `Refusal` where there is none."""
        network = self.plan()
        node = network.node(name)
        if node is None:
            names = ", ".join(each.name for each in network.nodes)
            raise Refusal(f"no node {name!r} in {self.source} (it has {names})", ExitCode.USAGE)
        return Place(network=network, node=node, source=self.source, state=self.state)

    def setup(self, node: str, **more: object) -> Message:
        """The first message to a process of `node`; `more` is what it alone must know."""
        return {
            "kind": "setup",
            "text": self.text,
            "source": str(self.source),
            "state": str(self.state),
            "builders": self.builders,
            "tuning": self.tuning.to_json(),
            "node": node,
            **more,
        }

    @classmethod
    def of(cls, setup: Message) -> "Errand":
        """What `setup` was made from."""
        values = cast("Mapping[str, Any]", setup)
        return cls(
            text=values["text"],
            source=Path(values["source"]),
            state=Path(values["state"]),
            builders=values["builders"],
            tuning=Tuning.from_json(values["tuning"]),
        )
