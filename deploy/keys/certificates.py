"""The certificates of a network: what stands in them and how they are judged.

No file and no clock here: `now` is aware wall-clock time. All of them satisfy OpenSSL's
X509_V_FLAG_X509_STRICT and browsers: version 3, key identifiers, critical basic constraints and
key usage, random serial numbers, ECDSA on P-256 with SHA-256.

The CA is not name-constrained (RFC 5280 4.2.1.10). It certifies sites, whose host names are
arbitrary and change, so a list of permitted names cannot be written when the CA is made; and
excluding `.midmile` would exclude the nodes. What keeps the two kinds of leaf apart instead: only
tunnel certificates carry `.midmile` names, and only they may be used as a client's. A path length
bounds the CA, and its key stays on one machine.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3650)
TUNNEL_LIFE = timedelta(days=825)
SITE_LIFE = timedelta(days=397)  # browsers refuse 398 days and more from public CAs
CLOCK_SKEW = timedelta(hours=1)  # a machine whose clock is behind by less accepts new certificates
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A CA that can sign."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """What an end certificate is to say."""

    subject: x509.Name
    names: frozenset[x509.GeneralName]
    usages: tuple[x509.ObjectIdentifier, ...]
    life: timedelta


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key for TLS or for a CA."""
    return ec.generate_private_key(ec.SECP256R1())


def authority_name(network: str) -> str:
    """Common name of a network's CA."""
    return f"midmile {network} CA"


def tunnel_leaf(network: str, role: str, node: str, name: str) -> Leaf:
    """Proves to both kinds of peer that its holder is a node of the network."""
    return Leaf(
        subject=_subject(network, role, node),
        names=frozenset({x509.DNSName(name)}),
        usages=(ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
        life=TUNNEL_LIFE,
    )


def site_leaf(network: str, site: str, hostnames: tuple[str, ...]) -> Leaf:
    """Proves a site to browsers, and its holder to no node."""
    return Leaf(
        # No common name: where the alternative names are all addresses, OpenSSL takes the common
        # name for a host name, and the site's name is not checked as one.
        subject=_subject(network, f"site {site}", None),
        names=frozenset(_general_name(hostname) for hostname in hostnames),
        usages=(ExtendedKeyUsageOID.SERVER_AUTH,),
        life=SITE_LIFE,
    )


def self_signed(network: str, now: datetime) -> Signer:
    """A new CA."""
    key = new_key()
    # All CAs of a network have the same name, so that a CA certified by its predecessor is
    # self-issued (RFC 5280 3.2) and paths over it are built by key identifier.
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "midmile"),
            x509.NameAttribute(NameOID.COMMON_NAME, authority_name(network)),
        ]
    )
    begin = _whole(now) - CLOCK_SKEW
    builder = _builder(name, name, key.public_key(), begin, begin + AUTHORITY_LIFE - _SECOND)
    # 1, not 0, makes room for a successor certified by this CA. RFC 5280 does not count a
    # self-issued certificate, but Go and Firefox do.
    builder = _as_authority(builder, path_length=1)
    return Signer(certificate=builder.sign(key, hashes.SHA256()), key=key)


def cross_sign(successor: Signer, old: Signer, until: datetime) -> x509.Certificate:
    """The successor certified by the old CA, for peers that do not know the successor yet."""
    end = min(_whole(until), old.certificate.not_valid_after_utc)
    new = successor.certificate
    begin = min(new.not_valid_before_utc, end)
    builder = _builder(new.subject, old.certificate.subject, successor.key.public_key(), begin, end)
    builder = _as_authority(builder, path_length=0).add_extension(
        _issuer_identifier(old.certificate), critical=False
    )
    return builder.sign(old.key, hashes.SHA256())


def issue(
    leaf: Leaf, key: ec.EllipticCurvePublicKey, by: Signer, now: datetime
) -> x509.Certificate:
    """An end certificate for `key`."""
    begin = _whole(now) - CLOCK_SKEW
    # RFC 5280 4.1.2.5: the last second counts.
    end = min(begin + leaf.life - _SECOND, by.certificate.not_valid_after_utc)
    builder = (
        _builder(leaf.subject, by.certificate.subject, key, begin, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(leaf.usages), critical=False)
        .add_extension(_issuer_identifier(by.certificate), critical=False)
        .add_extension(
            x509.SubjectAlternativeName(sorted(leaf.names, key=_in_order)), critical=False
        )
    )
    return builder.sign(by.key, hashes.SHA256())


def says(certificate: x509.Certificate, leaf: Leaf) -> bool:
    """Whether a certificate carries exactly the names and usages that it should."""
    return alternative_names(certificate) == leaf.names and usages(certificate) == set(leaf.usages)


def alternative_names(certificate: x509.Certificate) -> frozenset[x509.GeneralName]:
    """All subject alternative names."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return frozenset()
    return frozenset(found.value)


def usages(certificate: x509.Certificate) -> frozenset[x509.ObjectIdentifier]:
    """All extended key usages."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, ValueError):
        return frozenset()
    return frozenset(found.value)


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether a certificate may sign others."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return found.value.ca


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer`, a CA, has signed the certificate."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return is_authority(issuer)


def valid_at(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether `now` lies in its time."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def due(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether it should be replaced: less than a third of its life is left, or it is not valid."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now < begin or end - now < (end - begin) / 3


def certifies(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bool:
    """Whether a certificate is for this key."""
    return public_info(certificate.public_key()) == public_info(key.public_key())


def public_info(key: CertificatePublicKeyTypes) -> bytes:
    """A public key as SubjectPublicKeyInfo (RFC 5280 4.1.2.7), DER."""
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def identifier(certificate: x509.Certificate) -> str:
    """A CA's name among its kind: its subject key identifier in hexadecimal."""
    return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest.hex()


def _subject(network: str, unit: str, common: str | None) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"midmile {network}"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit[:64]),
    ]
    if common is not None:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common))
    return x509.Name(attributes)


def _general_name(hostname: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(hostname))
    except ValueError:
        return x509.DNSName(hostname)


def _in_order(name: x509.GeneralName) -> tuple[bool, str]:
    return isinstance(name, x509.IPAddress), str(name.value)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begin: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _as_authority(builder: x509.CertificateBuilder, path_length: int) -> x509.CertificateBuilder:
    return builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=path_length), critical=True
    ).add_extension(_key_usage(authority=True), critical=True)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,  # a CA also signs the directory
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _issuer_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    found = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value)


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
