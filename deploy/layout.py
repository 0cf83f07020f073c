"""Where files lie: the demo network, and what is kept under a state directory.

```
STATE/                      0700
  keys/authority/           the CA; no node process opens it
  keys/ca.crt               its certificate, for users
  keys/nodes/NODE/          a node's bundle
  nodes/NODE/               what a node keeps while it runs
  supervisor.pid .sock      who runs here, and its command socket
```
"""

import shlex
from dataclasses import dataclass
from pathlib import Path

DEMO = Path(__file__).parent / "networks" / "demo.toml"
"""The network file that commands take by default."""
STATE = Path("var")
"""The state directory that commands take by default."""


@dataclass(frozen=True, slots=True)
class KeyRoom:
    """`STATE/keys`: the authority (on one machine only) and the nodes' bundles."""

    state: Path

    @property
    def root(self) -> Path:
        """All keys of this machine."""
        return self.state / "keys"

    @property
    def authority(self) -> Path:
        """The CA, its key, and the master copy of the directory. No node process opens it."""
        return self.root / "authority"

    @property
    def master_directory(self) -> Path:
        """The directory that the nodes' copies are made from."""
        return self.authority / "directory.json"

    @property
    def nodes(self) -> Path:
        """One folder a node."""
        return self.root / "nodes"

    @property
    def ca_crt(self) -> Path:
        """The CA certificates for users (`curl --cacert`), newest first."""
        return self.root / "ca.crt"

    @property
    def lock(self) -> Path:
        """Held by whoever makes keys."""
        return self.root / ".lock"

    def node(self, name: str) -> "NodeFiles":
        """The bundle of one node."""
        return NodeFiles(self.state, name)


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """The files of one node's bundle, `STATE/keys/nodes/NODE`."""

    state: Path
    node: str

    @property
    def root(self) -> Path:
        """The node's folder."""
        return self.state / "keys" / "nodes" / self.node

    @property
    def tls_crt(self) -> Path:
        """The tunnel certificate, then during a rotation the new CA certified by the old."""
        return self.root / "tls.crt"

    @property
    def tls_key(self) -> Path:
        """The tunnel certificate's key (ECDSA P-256)."""
        return self.root / "tls.key"

    @property
    def authorities(self) -> Path:
        """CA certificates to trust, newest first."""
        return self.root / "authorities.crt"

    @property
    def report_key(self) -> Path:
        """Signs the node's reports (Ed25519)."""
        return self.root / "report.key"

    @property
    def overlay_key(self) -> Path:
        """The node's part in overlay handshakes (X25519)."""
        return self.root / "overlay.key"

    @property
    def directory(self) -> Path:
        """The signed public keys of all nodes. Written last whenever a bundle's keys change."""
        return self.root / "directory.json"

    @property
    def sites(self) -> Path:
        """Certificates and keys of the sites; only an edge has it."""
        return self.root / "sites"

    def site_crt(self, site: str) -> Path:
        """Certificate chain that browsers get for a site."""
        return self.sites / f"{site}.crt"

    def site_key(self, site: str) -> Path:
        """The site certificate's key (ECDSA P-256)."""
        return self.sites / f"{site}.key"


def node_home(state: Path, node: str) -> Path:
    """What a node keeps while it runs."""
    return state / "nodes" / node


def admin_token(home: Path) -> Path:
    """What a node's admin port wants of who changes something; of this run only."""
    return home / "admin.token"


def run_file(home: Path) -> Path:
    """Who runs as this node; the lock beside it is held meanwhile."""
    return home / "node.pid"


def shown(path: Path) -> str:
    """A path as a user here would type it: relative where it lies below this folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def state_option(state: Path) -> str:
    """What a command shown to the user must add to mean this state directory."""
    return "" if state == STATE.absolute() else f" --state {shlex.quote(shown(state))}"
