"""The network file: the one TOML file that describes a network, read, checked and explained.

Nothing else in midmile reads TOML. `settings.py` turns a Network into the rooms' settings.
"""

from deploy.names import Address
from deploy.network.hosts import Origin
from deploy.network.models import (
    EdgeNode,
    LowNode,
    Network,
    Node,
    OriginNode,
    ParentNode,
    Region,
    Role,
    Site,
    Sockets,
    TopNode,
)
from deploy.network.problems import NetworkFileError, Problem
from deploy.network.reader import load, read, read_text

__all__ = [
    "Address",
    "EdgeNode",
    "LowNode",
    "Network",
    "NetworkFileError",
    "Node",
    "Origin",
    "OriginNode",
    "ParentNode",
    "Problem",
    "Region",
    "Role",
    "Site",
    "Sockets",
    "TopNode",
    "load",
    "read",
    "read_text",
]
