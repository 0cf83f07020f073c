"""The directory: public keys of all nodes, numbered, and signed by the network's CA.

    {"directory": {"network": ..., "nodes": [...], "serial": 1767225600},
     "signature": {"authority": ..., "chain": [PEM, ...], "value": BASE64}}

The signature is ECDSA with SHA-256 over `midmile directory 1`, a line feed, and the directory as
canonical JSON: keys in order, no white space, ASCII. The prefix keeps the CA's signatures of
directories and of certificates apart. `chain` is the newest CA certified by older ones, so that
whoever knows only the old CA can read the directory of the new one.

Nodes take a directory anew when a greater serial number appears, and never go back.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from deploy.keys import certificates, files, pem
from deploy.keys.authority import Authority
from deploy.keys.errors import KeysError

_PREFIX = b"midmile directory 1\n"
_CHAIN_MAX = 8  # CAs that overlap; more than two needs rotations within one month
_KEY_BYTES = 32
_MISFORMED = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, OSError)
"""What reading JSON of any shape as a directory can raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKeys:
    """What proves a node, 32 bytes each."""

    report: bytes
    """Ed25519."""
    overlay: bytes
    """X25519."""
    tunnel: bytes
    """SHA-256 of the tunnel certificate's SubjectPublicKeyInfo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """Keys from before a rotation, accepted while not every machine has its new bundle."""

    keys: PublicKeys
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A node in the directory."""

    name: str
    role: str
    keys: PublicKeys
    retired: tuple[Retired, ...] = ()

    def accepted(self, now: datetime) -> tuple[PublicKeys, ...]:
        """All keys that prove the node now, the present ones first."""
        return (self.keys, *(one.keys for one in self.retired if now <= one.until))


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """All nodes of a network, by name."""

    network: str
    serial: int
    nodes: Mapping[str, Entry]


def read_directory(path: Path, authorities: Path, *, now: datetime, at_least: int = 0) -> Directory:
    """The directory in a bundle, checked against the bundle's CA certificates.

    `at_least` is the serial number of the directory in use; a lower one is refused.
    """
    content = files.read(path)
    trusted = files.read(authorities)
    for missing, where in ((content is None, path), (trusted is None, authorities)):
        if missing:
            raise KeysError(f"{where} is missing")
    known = pem.load_certificates(trusted or b"", authorities)
    return parse_directory(content or b"", known, where=path, now=now, at_least=at_least)


def parse_directory(
    content: bytes,
    authorities: Sequence[x509.Certificate],
    *,
    where: object,
    now: datetime,
    at_least: int = 0,
) -> Directory:
    """The same from bytes of any origin; `where` names them in errors."""
    body, signature = _envelope(content, where)
    try:
        chain = [x509.load_pem_x509_certificate(str(one).encode()) for one in signature["chain"]]
        value = base64.b64decode(signature["value"], validate=True)
        signers = _signers(authorities, chain[:_CHAIN_MAX], now)
        genuine = any(_signed_by(signer, value, body) for signer in signers)
        directory = _directory(body, where)
    except _MISFORMED:
        raise _malformed(where) from None
    if not genuine:
        raise KeysError(f"{where} is not signed by the network's CA")
    if directory.serial < at_least:
        raise KeysError(f"{where} is older ({directory.serial}) than the one in use ({at_least})")
    return directory


def make_directory(
    network: str,
    entries: Sequence[Entry],
    authority: Authority,
    previous: bytes | None,
    *,
    where: object,
    now: datetime,
) -> bytes:
    """The directory of these nodes; `previous` itself, if it says the same.

    The serial number also follows the clock, so that it grows even if the last one is lost.
    """
    body = {
        "network": network,
        "nodes": [_entry_json(entry) for entry in sorted(entries, key=lambda one: one.name)],
    }
    issuer = {
        "authority": certificates.identifier(authority.certificate),
        "chain": [pem.dump_certificates([one]).decode("ascii") for one in authority.chain],
    }
    serial = 0
    if previous is not None:
        before, signature = _envelope(previous, where)
        serial = _serial(before, where)
        if before == {**body, "serial": serial} and {**signature, "value": ""} == {
            **issuer,
            "value": "",
        }:
            return previous
    signed = {**body, "serial": max(serial + 1, int(now.timestamp()))}
    value = authority.signer.key.sign(_canonical(signed), ec.ECDSA(hashes.SHA256()))
    envelope = {
        "directory": signed,
        "signature": {**issuer, "value": base64.b64encode(value).decode("ascii")},
    }
    return json.dumps(envelope, indent=1, sort_keys=True).encode("ascii") + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """A directory that this machine has made itself."""

    directory: Directory
    authority: str
    """Identifier of the CA that signed it."""


def recall(content: bytes, where: object) -> Recalled:
    """Read our own directory, which may be signed by a CA that nobody trusts any more."""
    body, signature = _envelope(content, where)
    try:
        return Recalled(directory=_directory(body, where), authority=str(signature["authority"]))
    except _MISFORMED:
        raise _malformed(where) from None


def public_keys(
    report: Ed25519PrivateKey, overlay: X25519PrivateKey, tunnel: x509.Certificate
) -> PublicKeys:
    """What the directory tells of a node's keys."""
    return PublicKeys(
        report=pem.raw_public(report),
        overlay=pem.raw_public(overlay),
        tunnel=tunnel_pin(tunnel),
    )


def tunnel_pin(certificate: x509.Certificate) -> bytes:
    """SHA-256 of a certificate's SubjectPublicKeyInfo."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(certificates.public_info(certificate.public_key()))
    return digest.finalize()


def _envelope(content: bytes, where: object) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        envelope = json.loads(content)
        body, signature = envelope["directory"], envelope["signature"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _malformed(where) from None
    if isinstance(body, dict) and isinstance(signature, dict):
        return body, signature
    raise _malformed(where)


def _signers(
    authorities: Sequence[x509.Certificate], chain: Sequence[x509.Certificate], now: datetime
) -> list[x509.Certificate]:
    """The CAs known, and those that they certify; `chain` goes from the newest to the oldest."""
    signers = [one for one in authorities if certificates.valid_at(one, now)]
    for link in reversed(chain):
        if (
            certificates.valid_at(link, now)
            and certificates.is_authority(link)
            and any(certificates.issued_by(link, signer) for signer in signers)
        ):
            signers.append(link)
    return signers


def _signed_by(signer: x509.Certificate, value: bytes, body: dict[str, Any]) -> bool:
    key = signer.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(value, _canonical(body), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _canonical(body: dict[str, Any]) -> bytes:
    text = json.dumps(
        body, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    return _PREFIX + text.encode("ascii")


def _entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "role": entry.role,
        "keys": _keys_json(entry.keys),
        "retired": [
            {"keys": _keys_json(one.keys), "until": int(one.until.timestamp())}
            for one in entry.retired
        ],
    }


def _keys_json(keys: PublicKeys) -> dict[str, str]:
    return {
        "report": base64.b64encode(keys.report).decode("ascii"),
        "overlay": base64.b64encode(keys.overlay).decode("ascii"),
        "tunnel": keys.tunnel.hex(),
    }


def _directory(body: dict[str, Any], where: object) -> Directory:
    entries = [_entry(one) for one in body["nodes"]]
    return Directory(
        network=str(body["network"]),
        serial=_serial(body, where),
        nodes=MappingProxyType({entry.name: entry for entry in entries}),
    )


def _entry(node: dict[str, Any]) -> Entry:
    return Entry(
        name=str(node["name"]),
        role=str(node["role"]),
        keys=_keys(node["keys"]),
        retired=tuple(
            Retired(keys=_keys(one["keys"]), until=datetime.fromtimestamp(int(one["until"]), UTC))
            for one in node["retired"]
        ),
    )


def _keys(keys: dict[str, Any]) -> PublicKeys:
    found = PublicKeys(
        report=base64.b64decode(keys["report"], validate=True),
        overlay=base64.b64decode(keys["overlay"], validate=True),
        tunnel=bytes.fromhex(keys["tunnel"]),
    )
    if {len(found.report), len(found.overlay), len(found.tunnel)} != {_KEY_BYTES}:
        raise ValueError("a key has another length")
    return found


def _serial(body: dict[str, Any], where: object) -> int:
    serial = body.get("serial")
    if isinstance(serial, int) and not isinstance(serial, bool) and serial >= 0:
        return serial
    raise _malformed(where)


def _malformed(where: object) -> KeysError:
    return KeysError(f"{where} is not a directory of keys")
