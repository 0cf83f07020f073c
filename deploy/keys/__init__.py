"""The keys of a network: its CA, a bundle for every node, and the directory of public keys.

`ensure` and `rotate` work on the machine that holds the CA; `bundle` and `install_bundle` carry a
node's keys to another machine; `check_node` and `read_directory` are for those who use them. Node
processes get paths (`NodeFiles`) and never open the CA's folder. Any of these functions raises
`KeysError` with one line for the operator. `now` is aware wall-clock time.
"""

from deploy.keys.archive import bundle, install_bundle
from deploy.keys.directory import (
    Directory,
    Entry,
    PublicKeys,
    Retired,
    parse_directory,
    read_directory,
    tunnel_pin,
)
from deploy.keys.errors import KeysBusyError, KeysError
from deploy.keys.examine import Expiry, Identity, check_node, expiries
from deploy.keys.keyring import OVERLAP, ensure, rotate
from deploy.keys.plan import KeyPlan, NodeKeys, SiteKeys
from deploy.keys.report import Action, Change, Report
from deploy.layout import KeyRoom, NodeFiles

__all__ = [
    "OVERLAP",
    "Action",
    "Change",
    "Directory",
    "Entry",
    "Expiry",
    "Identity",
    "KeyPlan",
    "KeyRoom",
    "KeysBusyError",
    "KeysError",
    "NodeFiles",
    "NodeKeys",
    "PublicKeys",
    "Report",
    "Retired",
    "SiteKeys",
    "bundle",
    "check_node",
    "ensure",
    "expiries",
    "install_bundle",
    "parse_directory",
    "read_directory",
    "rotate",
    "tunnel_pin",
]
