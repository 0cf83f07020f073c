"""Keys and certificates to and from PEM, with clear words for what cannot be read."""

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from deploy.keys.errors import KeysError

PrivateKey = ec.EllipticCurvePrivateKey | Ed25519PrivateKey | X25519PrivateKey


def dump_key(key: PrivateKey) -> bytes:
    """A private key as PKCS #8."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def dump_certificates(certificates: Sequence[x509.Certificate]) -> bytes:
    """Certificates one after the other."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def raw_public(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    """The 32 bytes of a public key."""
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def load_certificates(content: bytes, where: object) -> tuple[x509.Certificate, ...]:
    """At least one certificate, all of them with keys of the kind this network uses."""
    try:
        certificates = tuple(x509.load_pem_x509_certificates(content))
        keys = [one.public_key() for one in certificates]
    except (ValueError, UnsupportedAlgorithm):
        raise _unreadable(where, "certificates in PEM") from None
    if not all(isinstance(key, ec.EllipticCurvePublicKey) for key in keys):
        raise _unreadable(where, "ECDSA certificates")
    return certificates


def load_ec_key(content: bytes, where: object) -> ec.EllipticCurvePrivateKey:
    """A key of TLS or of a CA."""
    key = _load_key(content, where)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key
    raise _unreadable(where, "an ECDSA private key")


def load_ed25519_key(content: bytes, where: object) -> Ed25519PrivateKey:
    """A key that signs reports."""
    key = _load_key(content, where)
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise _unreadable(where, "an Ed25519 private key")


def load_x25519_key(content: bytes, where: object) -> X25519PrivateKey:
    """A key of overlay handshakes."""
    key = _load_key(content, where)
    if isinstance(key, X25519PrivateKey):
        return key
    raise _unreadable(where, "an X25519 private key")


def _load_key(content: bytes, where: object) -> object:
    try:
        return serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unreadable(where, "a private key in PEM") from None


def _unreadable(where: object, expected: str) -> KeysError:
    return KeysError(f"{where} does not hold {expected}: restore it from a backup, or move it away")
