"""The network's CA on disk, and how one CA follows another.

Every CA is a *generation* in a numbered folder, `authority/1`, `authority/2`, and the highest is
the one that signs. A folder appears by one rename, so a killed run leaves either the old CA or the
new one, whole. From the second on a generation also holds `cross.crt`: its own CA certified by the
one before, valid as long as the two overlap. That certificate is both what makes a peer that only
knows the old CA accept new certificates, and the record of how long the old one is trusted.

The key of a CA that has a successor has nothing left to sign, and is deleted.
"""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.keys import certificates, files, pem
from deploy.keys.certificates import Signer
from deploy.keys.errors import KeysError

_KEY, _CERTIFICATE, _CROSS = "ca.key", "ca.crt", "cross.crt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """A CA that no longer signs and is still trusted."""

    certificate: x509.Certificate
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """The CA that signs, and those before it."""

    signer: Signer
    generation: int
    former: tuple[Former, ...] = ()
    """Newest first."""
    chain: tuple[x509.Certificate, ...] = ()
    """What follows a leaf on the wire: each CA certified by the next older one."""
    past: tuple[x509.Certificate, ...] = ()
    """All earlier CAs, trusted or not."""

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate of the CA that signs."""
        return self.signer.certificate

    @property
    def trusted(self) -> tuple[x509.Certificate, ...]:
        """What `authorities.crt` holds: newest first."""
        return (self.certificate, *(one.certificate for one in self.former))


def load(folder: Path, network: str, now: datetime) -> Authority | None:
    """The CA in `folder`; None if there is none yet."""
    numbers = _generations(folder)
    if not numbers:
        return None
    held = {number: _certificate(folder / str(number) / _CERTIFICATE) for number in numbers}
    newest = numbers[-1]
    signer = Signer(certificate=held[newest], key=_key(folder / str(newest) / _KEY))
    _check(signer, folder / str(newest), network, now)
    former: list[Former] = []
    chain: list[x509.Certificate] = []
    for number in reversed(numbers[1:]):
        cross = _cross(folder / str(number) / _CROSS)
        if cross is None or cross.not_valid_after_utc < now or number - 1 not in held:
            break
        chain.append(cross)
        former.append(Former(certificate=held[number - 1], until=cross.not_valid_after_utc))
    return Authority(
        signer=signer,
        generation=newest,
        former=tuple(former),
        chain=tuple(chain),
        past=tuple(held[number] for number in numbers[:-1]),
    )


def create(folder: Path, network: str, now: datetime) -> Authority:
    """The first CA of a network."""
    signer = certificates.self_signed(network, now)
    _write(folder, 1, signer, None)
    return Authority(signer=signer, generation=1)


def succeed(
    folder: Path, old: Authority, network: str, overlap: timedelta, now: datetime
) -> Authority:
    """A new CA; `old` stays trusted for `overlap`, or not at all where that is nothing."""
    signer = certificates.self_signed(network, now)
    until = now + overlap
    cross = certificates.cross_sign(signer, old.signer, until) if overlap else None
    _write(folder, old.generation + 1, signer, cross)
    forget_past_keys(folder, old.generation + 1)
    new = load(folder, network, now)
    if new is None:
        raise KeysError(f"{folder} has vanished while it was written")
    return new


def forget_past_keys(folder: Path, newest: int) -> None:
    """Delete the keys of CAs that have a successor."""
    for number in _generations(folder):
        if number < newest:
            path = folder / str(number) / _KEY
            with files.told("delete", path):
                path.unlink(missing_ok=True)


def _generations(folder: Path) -> list[int]:
    with files.told("read", folder):
        if not folder.exists():
            return []
        return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal())


def _write(folder: Path, number: int, signer: Signer, cross: x509.Certificate | None) -> None:
    files.make_folder(folder)
    draft = folder / f".{number}.new"
    with files.told("write", draft):
        if draft.exists():
            shutil.rmtree(draft)  # left by a run that was killed
        files.make_folder(draft)
        files.write_new(draft / _KEY, pem.dump_key(signer.key), files.PRIVATE)
        public = {_CERTIFICATE: signer.certificate, _CROSS: cross}
        for name, certificate in public.items():
            if certificate is not None:
                content = pem.dump_certificates([certificate])
                files.write_new(draft / name, content, files.PUBLIC)
        files.sync_folder(draft)
        draft.rename(folder / str(number))
        files.sync_folder(folder)


def _check(signer: Signer, folder: Path, network: str, now: datetime) -> None:
    """Refuse a CA that is damaged, of another network, or newer than the clock."""
    if not certificates.certifies(signer.certificate, signer.key):
        raise KeysError(f"{folder / _KEY} is not the key of {folder / _CERTIFICATE}: restore it")
    name = certificates.authority_name(network)
    found = signer.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [attribute.value for attribute in found] != [name]:
        was = found[0].value if found else "nameless"
        raise KeysError(
            f"{folder.parent} holds the {was!s}, not the {name}: "
            "use another state directory for another network"
        )
    begin = signer.certificate.not_valid_before_utc
    if now < begin:
        raise KeysError(
            f"this machine's clock says {now:%Y-%m-%d %H:%M}, which is before the network's CA "
            f"was made ({begin:%Y-%m-%d %H:%M}): set the clock"
        )


def _certificate(path: Path) -> x509.Certificate:
    content = files.read(path)
    if content is None:
        raise KeysError(f"{path} is missing: restore it from a backup")
    return pem.load_certificates(content, path)[0]


def _cross(path: Path) -> x509.Certificate | None:
    content = files.read(path)
    return None if content is None else pem.load_certificates(content, path)[0]


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    content = files.read_private(path)
    if content is None:
        raise KeysError(
            f"{path}, the CA's key, is missing: restore it from a backup, "
            f"or move {path.parents[2]} away to begin with new keys everywhere"
        )
    return pem.load_ec_key(content, path)
