"""Brings one node's keys and certificates to what the plan and the CA ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from deploy.keys import certificates, files, pem
from deploy.keys.authority import Authority
from deploy.keys.certificates import Leaf
from deploy.keys.directory import PublicKeys, public_keys
from deploy.keys.held import Held, Pair, Reason, verdict
from deploy.keys.plan import NodeKeys, SiteKeys
from deploy.keys.report import Action, Change
from deploy.names import identity_name

_RawKey = TypeVar("_RawKey", Ed25519PrivateKey, X25519PrivateKey)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """A node after its renewal."""

    node: NodeKeys
    keys: PublicKeys
    changes: tuple[Change, ...]


def wanted_tunnel(network: str, node: NodeKeys) -> Leaf:
    """What a node's tunnel certificate is to say."""
    identity = identity_name(network, node.role, node.name)
    return certificates.tunnel_leaf(network, node.role, node.name, identity)


def wanted_site(network: str, site: SiteKeys) -> Leaf:
    """What a site's certificate is to say."""
    return certificates.site_leaf(network, site.name, site.hostnames)


def survey(held: Held, network: str, authority: Authority, now: datetime) -> None:
    """Refuse certificates of unknown origin, writing nothing."""
    verdict(held.tunnel, wanted_tunnel(network, held.node), authority, now)
    for site in held.node.certified_sites:
        verdict(held.sites[site.name], wanted_site(network, site), authority, now)


def renew(held: Held, network: str, authority: Authority, now: datetime) -> Renewed:
    """Write what is missing or due of one node's bundle.

    Keys are made where none is, and after a change of the CA. A certificate that is only due is
    renewed for the key it has: one file, replaced in one step.
    """
    node, paths = held.node, held.paths
    wanted = wanted_tunnel(network, node)
    anew = verdict(held.tunnel, wanted, authority, now) is Reason.AUTHORITY
    report, report_change = _raw_key(
        None if anew else held.report,
        paths.report_key,
        Ed25519PrivateKey.generate,
        f"{node.name}: report key",
    )
    overlay, overlay_change = _raw_key(
        None if anew else held.overlay,
        paths.overlay_key,
        X25519PrivateKey.generate,
        f"{node.name}: overlay key",
    )
    tunnel, change = _pair(held.tunnel, wanted, authority, now, f"{node.name}: tunnel certificate")
    changes = [report_change, overlay_change, change]
    for site in node.certified_sites:
        what = f"{node.name}: certificate of site {site.name}"
        pair = held.sites[site.name]
        changes.append(_pair(pair, wanted_site(network, site), authority, now, what)[1])
    return Renewed(node=node, keys=public_keys(report, overlay, tunnel), changes=tuple(changes))


def _raw_key(
    held: _RawKey | None, path: Path, generate: Callable[[], _RawKey], what: str
) -> tuple[_RawKey, Change]:
    """The key held, or a new one."""
    if held is not None:
        return held, Change(action=Action.KEPT, what=what)
    key = generate()
    action = Action.RENEWED if path.exists() else Action.MADE
    files.write(path, pem.dump_key(key), files.PRIVATE)
    return key, Change(action=action, what=what)


def _pair(
    held: Pair, wanted: Leaf, authority: Authority, now: datetime, what: str
) -> tuple[x509.Certificate, Change]:
    """A certificate that says what is wanted, with its key and chain on the disk."""
    reason = verdict(held, wanted, authority, now)
    if reason is None:
        return held.chain[0], Change(action=Action.KEPT, what=what)
    key = held.key
    if key is None or reason is Reason.AUTHORITY:
        key = certificates.new_key()
        files.write(held.key_path, pem.dump_key(key), files.PRIVATE)
    leaf = (
        held.chain[0]
        if reason is Reason.CHAIN
        else certificates.issue(wanted, key.public_key(), authority.signer, now)
    )
    content = pem.dump_certificates([leaf, *authority.chain])
    files.write(held.certificate_path, content, files.PUBLIC)
    action = Action.RENEWED if held.chain else Action.MADE
    return leaf, Change(action=action, what=what, why="" if action is Action.MADE else reason)
