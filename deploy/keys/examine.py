"""Looks at a node's bundle as its node sees it: without the CA's folder, changing nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

from deploy.keys import certificates, files, pem
from deploy.keys.directory import Directory, parse_directory, public_keys
from deploy.keys.errors import KeysError
from deploy.keys.plan import KeyPlan, NodeKeys
from deploy.layout import KeyRoom, NodeFiles
from deploy.names import LABEL, NODE_DOMAIN

PRIVATE_FILES = ("tls.key", "report.key", "overlay.key")
PUBLIC_FILES = ("authorities.crt", "tls.crt", "directory.json")
SITE_FILE = re.compile(rf"sites/({LABEL.pattern})\.(crt|key)")
_DAY = "%Y-%m-%d"


class Expiry(NamedTuple):
    """The end of a certificate."""

    what: str
    """Such as `east: tunnel certificate`."""
    not_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose bundle it is, and what is in it."""

    node: str
    role: str
    network: str
    authorities: tuple[x509.Certificate, ...]
    tunnel: x509.Certificate
    sites: Mapping[str, x509.Certificate]
    directory: Directory

    def expired(self, now: datetime) -> tuple[str, ...]:
        """One line for each certificate that is not valid now."""
        named = {"tunnel certificate": self.tunnel} | {
            f"certificate of site {site}": certificate for site, certificate in self.sites.items()
        }
        return tuple(
            f"{self.node}: the {what} is valid from {one.not_valid_before_utc:{_DAY}} "
            f"to {one.not_valid_after_utc:{_DAY}}, and today is {now:{_DAY}}"
            for what, one in named.items()
            if not certificates.valid_at(one, now)
        )


def is_private(name: str) -> bool:
    """Whether a bundle's file holds a private key."""
    return name.endswith(".key")


def read_contents(paths: NodeFiles) -> dict[str, bytes]:
    """All files of a bundle that lies on this machine, by their names in it."""
    found = {}
    for name in (*PUBLIC_FILES, *PRIVATE_FILES, *_site_files(paths)):
        path = paths.root / name
        content = files.read_private(path) if is_private(name) else files.read(path)
        if content is not None:
            found[name] = content
    return found


def wanted_contents(contents: Mapping[str, bytes], node: NodeKeys) -> dict[str, bytes]:
    """Without what a bundle holds of sites that the node no longer has."""
    sites = {site.name for site in node.certified_sites}
    matches = {name: SITE_FILE.fullmatch(name) for name in contents}
    return {
        name: contents[name]
        for name, match in matches.items()
        if match is None or match.group(1) in sites
    }


def examine(contents: Mapping[str, bytes], where: object, now: datetime) -> Identity:
    """Whose bundle these files are; refuse them if they are incomplete or do not fit together."""
    for name in (*PUBLIC_FILES, *PRIVATE_FILES):
        if name not in contents:
            raise KeysError(f"{where} is not a whole bundle: {name} is missing")
    known = pem.load_certificates(contents["authorities.crt"], f"{where}: authorities.crt")
    tunnel = _leaf(contents, "tls", known, where)
    node, role, network = _proven(tunnel, where)
    directory = parse_directory(
        contents["directory.json"], known, where=f"{where}: directory.json", now=now
    )
    identity = Identity(
        node=node,
        role=role,
        network=network,
        authorities=known,
        tunnel=tunnel,
        sites=_sites(contents, known, where),
        directory=directory,
    )
    _check_listed(identity, contents, where)
    return identity


def check_node(state: Path, plan: KeyPlan, name: str, now: datetime) -> tuple[str, ...]:
    """Whether a node can start with the keys that are here; for a node alone on its machine.

    Raises for a bundle that is missing, damaged, or another node's. Returns warnings about what
    still lets it serve somehow: expired certificates, sites without one.
    """
    node, paths = plan.node(name), NodeFiles(state, name)
    contents = wanted_contents(read_contents(paths), node)
    if not contents:
        raise KeysError(
            f"there are no keys for {name} in {paths.root}: make its bundle where the network's "
            "CA is, and install it here"
        )
    identity = examine(contents, paths.root, now)
    found = (identity.node, identity.role, identity.network)
    if found != (name, node.role, plan.network):
        raise KeysError(
            f"{paths.root} holds the keys of {identity.role} {identity.node} of network "
            f"{identity.network}, not of {node.role} {name} of network {plan.network}"
        )
    warnings = list(identity.expired(now))
    for site in node.certified_sites:
        wanted = certificates.site_leaf(plan.network, site.name, site.hostnames)
        certificate = identity.sites.get(site.name)
        if certificate is None:
            warnings.append(f"{name}: site {site.name} has no certificate")
        elif not certificates.says(certificate, wanted):
            warnings.append(f"{name}: the certificate of site {site.name} has other host names")
    return tuple(warnings)


def expiries(state: Path, plan: KeyPlan) -> list[Expiry]:
    """When the certificates on this machine end; what is not here is left out."""
    room = KeyRoom(state)
    found = []
    for number, certificate in enumerate(_present(room.ca_crt)):
        what = "former network CA" if number else "network CA"
        found.append(Expiry(what, certificate.not_valid_after_utc))
    for node in plan.nodes:
        paths = room.node(node.name)
        named = {f"{node.name}: tunnel certificate": paths.tls_crt} | {
            f"{node.name}: certificate of site {site.name}": paths.site_crt(site.name)
            for site in node.certified_sites
        }
        for what, path in named.items():
            found += [Expiry(what, one.not_valid_after_utc) for one in _present(path)[:1]]
    return found


def _present(path: Path) -> tuple[x509.Certificate, ...]:
    content = files.read(path)
    return () if content is None else pem.load_certificates(content, path)


def _site_files(paths: NodeFiles) -> list[str]:
    with files.told("read", paths.sites):
        if not paths.sites.is_dir():
            return []
        names = sorted(f"sites/{path.name}" for path in paths.sites.iterdir())
    return [name for name in names if SITE_FILE.fullmatch(name)]


def _leaf(
    contents: Mapping[str, bytes], stem: str, known: tuple[x509.Certificate, ...], where: object
) -> x509.Certificate:
    """The end certificate of a pair, checked against its key and the CAs."""
    crt, key = f"{stem}.crt", f"{stem}.key"
    if crt not in contents or key not in contents:
        raise KeysError(f"{where}: {crt} and {key} must both be there")
    certificate = pem.load_certificates(contents[crt], f"{where}: {crt}")[0]
    private = pem.load_ec_key(contents[key], f"{where}: {key}")
    if not certificates.certifies(certificate, private):
        raise KeysError(f"{where}: {key} is not the key of {crt}")
    if not any(certificates.issued_by(certificate, one) for one in known):
        raise KeysError(f"{where}: {crt} is not signed by a CA in authorities.crt")
    return certificate


def _sites(
    contents: Mapping[str, bytes], known: tuple[x509.Certificate, ...], where: object
) -> dict[str, x509.Certificate]:
    matches = [SITE_FILE.fullmatch(name) for name in sorted(contents)]
    names = {match.group(1) for match in matches if match}
    return {name: _leaf(contents, f"sites/{name}", known, where) for name in sorted(names)}


def _proven(tunnel: x509.Certificate, where: object) -> tuple[str, str, str]:
    """Node, role and network in a tunnel certificate."""
    names = [one.value for one in certificates.alternative_names(tunnel)]
    labels = str(names[0]).split(".") if len(names) == 1 else []
    match labels:
        case [node, role, network, domain] if domain == NODE_DOMAIN:
            if all(LABEL.fullmatch(label) for label in (node, role, network)):
                return node, role, network
    raise KeysError(f"{where}: tls.crt does not name a node of a network")


def _check_listed(identity: Identity, contents: Mapping[str, bytes], where: object) -> None:
    """Refuse keys that the directory tells the other nodes otherwise."""
    entry = identity.directory.nodes.get(identity.node)
    keys = public_keys(
        pem.load_ed25519_key(contents["report.key"], f"{where}: report.key"),
        pem.load_x25519_key(contents["overlay.key"], f"{where}: overlay.key"),
        identity.tunnel,
    )
    listed = (
        entry is not None
        and identity.directory.network == identity.network
        and entry.role == identity.role
        and entry.keys == keys
    )
    if not listed:
        raise KeysError(f"{where}: the directory does not list these keys for {identity.node}")
