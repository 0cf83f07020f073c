"""`midmile keys`: makes, renews, carries and takes in keys, and says what was done."""

from datetime import UTC, datetime
from pathlib import Path

from deploy import keys
from deploy.layout import KeyRoom, shown
from deploy.network import read
from deploy.wiring import key_plan


def make_keys(path: Path, state: Path, *, rotate: bool) -> None:
    """Make or renew a network's keys."""
    make = keys.rotate if rotate else keys.ensure
    report = make(state, key_plan(read(path)), datetime.now(UTC))
    for entry in report.entries:
        print(entry)
    print(f"certificate of the network's CA, for users: {shown(KeyRoom(state).ca_crt)}")


def bundle_keys(path: Path, state: Path, node: str, output: Path, *, overwrite: bool) -> None:
    """Write the bundle of a node for another machine; makes the network's keys where missing."""
    plan = key_plan(read(path))
    now = datetime.now(UTC)
    keys.ensure(state, plan, now)
    keys.bundle(state, plan, node, output, now, overwrite=overwrite)
    print(f"{output}: keys of node {node}; take it to its machine over a safe way, then")
    print(f"  midmile keys --install {output.name}")


def install_keys(archive: Path, state: Path, *, replace: bool) -> None:
    """Take in a bundle on the machine it is for."""
    identity = keys.install_bundle(archive, state, datetime.now(UTC), replace=replace)
    print(f"installed the keys of {identity.role} {identity.node} of network {identity.network}")
