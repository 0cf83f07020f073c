"""What a node's folder holds, and why something in it must be made or renewed.

Reading comes before all writing: what cannot be read stops a run before it has changed anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from deploy.keys import certificates, files, pem
from deploy.keys.authority import Authority
from deploy.keys.certificates import Leaf
from deploy.keys.errors import KeysError
from deploy.keys.plan import NodeKeys
from deploy.layout import NodeFiles


class Reason(StrEnum):
    """Why a file of keys was written."""

    MISSING = "it was missing"
    """It, or the key it belongs to, was not there."""
    AUTHORITY = "the network has a new CA"
    """It is signed by an earlier CA; its key goes with it."""
    KEY = "it was for another key"
    """Certificate and key do not belong together: a run was killed between the two."""
    NAMES = "it had other names"
    """The host names of a site, or a node's role, have changed."""
    EXPIRING = "it had expired or would soon"
    """Less than a third of its life was left."""
    CHAIN = "the CAs in overlap have changed"
    """The certificate stays; what stands behind it in the file does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate with its chain, and its key, as far as they are there."""

    certificate_path: Path
    key_path: Path
    key: ec.EllipticCurvePrivateKey | None
    chain: tuple[x509.Certificate, ...]
    """Leaf first; empty if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is there of a node's bundle."""

    node: NodeKeys
    paths: NodeFiles
    tunnel: Pair
    report: Ed25519PrivateKey | None
    overlay: X25519PrivateKey | None
    sites: Mapping[str, Pair]

    @property
    def certified(self) -> bool:
        """Whether any certificate is there."""
        return any(pair.chain for pair in (self.tunnel, *self.sites.values()))


def read_held(paths: NodeFiles, node: NodeKeys) -> Held:
    """Read all that is there; refuse what is damaged or can be read by others."""
    report = files.read_private(paths.report_key)
    overlay = files.read_private(paths.overlay_key)
    return Held(
        node=node,
        paths=paths,
        tunnel=_read_pair(paths.tls_crt, paths.tls_key),
        report=None if report is None else pem.load_ed25519_key(report, paths.report_key),
        overlay=None if overlay is None else pem.load_x25519_key(overlay, paths.overlay_key),
        sites={
            site.name: _read_pair(paths.site_crt(site.name), paths.site_key(site.name))
            for site in node.certified_sites
        },
    )


def verdict(pair: Pair, leaf: Leaf, authority: Authority, now: datetime) -> Reason | None:
    """Why a certificate cannot stay as it is; None if it can.

    A certificate of no CA of this network is refused: it is somebody else's, or the CA has been
    replaced behind our back, and neither is mended by overwriting it.
    """
    if not pair.chain:
        return Reason.MISSING
    certificate = pair.chain[0]
    if certificates.issued_by(certificate, authority.certificate):
        return _fit(certificate, pair, leaf, authority, now)
    if any(certificates.issued_by(certificate, past) for past in authority.past):
        return Reason.AUTHORITY
    raise KeysError(
        f"{pair.certificate_path} is not signed by this network's CA: "
        "restore the CA that has signed it, or move it away"
    )


def _fit(
    certificate: x509.Certificate, pair: Pair, leaf: Leaf, authority: Authority, now: datetime
) -> Reason | None:
    """The verdict on a certificate of the present CA."""
    if pair.key is None:
        return Reason.MISSING
    if not certificates.certifies(certificate, pair.key):
        return Reason.KEY
    if not certificates.says(certificate, leaf):
        return Reason.NAMES
    if certificates.due(certificate, now):
        return Reason.EXPIRING
    return None if pair.chain[1:] == authority.chain else Reason.CHAIN


def _read_pair(certificate: Path, key: Path) -> Pair:
    key_content, chain = files.read_private(key), files.read(certificate)
    return Pair(
        certificate_path=certificate,
        key_path=key,
        key=None if key_content is None else pem.load_ec_key(key_content, key),
        chain=() if chain is None else pem.load_certificates(chain, certificate),
    )
