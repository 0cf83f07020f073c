"""A node's bundle as one file, `tar.gz`, and back on the machine where the node runs.

The archive holds what is in `STATE/keys/nodes/NODE` and nothing else; the CA's key is elsewhere
and cannot get in. Installing trusts no path in an archive: its files are read into memory, within
bounds, matched against the names that a bundle has, examined, and written by our own hand.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from deploy.keys import files, pem
from deploy.keys.directory import recall
from deploy.keys.errors import KeysError
from deploy.keys.examine import (
    PRIVATE_FILES,
    PUBLIC_FILES,
    SITE_FILE,
    Identity,
    examine,
    is_private,
    read_contents,
    wanted_contents,
)
from deploy.keys.keyring import opened
from deploy.keys.plan import KeyPlan
from deploy.layout import NodeFiles
from deploy.names import LABEL

_UNPACKED_MAX = 16 * 1024 * 1024
"""Thousands of sites; a bomb stops here."""


def bundle(
    state: Path,
    plan: KeyPlan,
    name: str,
    destination: Path,
    now: datetime,
    *,
    overwrite: bool = False,
) -> None:
    """Write the bundle of one node, to be taken to its machine over a safe way."""
    node = plan.node(name)
    with opened(state) as room:
        paths = room.node(node.name)
        contents = wanted_contents(read_contents(paths), node)
        if not contents:
            raise KeysError(f"there are no keys for {name} in {paths.root} yet: make them first")
        examine(contents, paths.root, now)
    packed = _pack(name, contents)
    with files.told("write", destination):
        if overwrite:
            files.write(destination, packed, files.PRIVATE)
            return
        try:
            files.write_new(destination, packed, files.PRIVATE)
        except FileExistsError:
            raise KeysError(f"{destination} exists already and is not overwritten") from None


def install_bundle(archive: Path, state: Path, now: datetime, *, replace: bool = False) -> Identity:
    """Put a bundle where its node looks for it; `replace` allows a newer one of the same node."""
    folder, contents = _unpack(archive)
    identity = examine(contents, archive, now)
    if folder != identity.node:
        raise KeysError(f"{archive} says {folder}, and holds the keys of another node")
    for line in identity.expired(now):
        raise KeysError(f"{archive}: {line}")
    with opened(state) as room:
        if room.authority.exists():
            raise KeysError(
                f"{room.root} has the network's CA: its nodes get their keys without bundles"
            )
        paths = room.node(identity.node)
        _check_replaced(paths, identity, archive, replace=replace)
        _write(paths, contents)
        files.write(room.ca_crt, pem.dump_certificates(identity.authorities), files.PUBLIC)
    return identity


def _pack(node: str, contents: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        folders = [node] + ([f"{node}/sites"] if any("/" in name for name in contents) else [])
        for folder in folders:
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, files.FOLDER
            tar.addfile(member)
        for name, content in sorted(contents.items()):
            member = tarfile.TarInfo(f"{node}/{name}")
            member.size = len(content)
            member.mode = files.PRIVATE if is_private(name) else files.PUBLIC
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _unpack(archive: Path) -> tuple[str, dict[str, bytes]]:
    """The node's name, and the files in an archive by their names in a bundle."""
    with files.told("read", archive):
        try:
            # Unpacked as a whole first: tarfile reads headers of any length into memory.
            with gzip.open(archive) as stream:
                unpacked = stream.read(_UNPACKED_MAX + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise KeysError(f"{archive} is not a bundle: it is no whole tar.gz file") from None
    if len(unpacked) > _UNPACKED_MAX:
        raise KeysError(f"{archive} is not a bundle: it is too large")
    try:
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as tar:
            return _members(tar, archive)
    except (tarfile.TarError, ValueError, EOFError, OverflowError, RecursionError):
        raise KeysError(f"{archive} is not a bundle: it is damaged") from None


def _members(tar: tarfile.TarFile, archive: Path) -> tuple[str, dict[str, bytes]]:
    contents: dict[str, bytes] = {}
    nodes = set()
    for member in tar:
        node, _, name = member.name.partition("/")
        nodes.add(node)
        if member.isdir() and name in {"", "sites"}:
            continue
        known = name in {*PRIVATE_FILES, *PUBLIC_FILES} or SITE_FILE.fullmatch(name)
        plain = member.isreg() and not member.issparse()  # a sparse file unpacks to any size
        if not (plain and known and LABEL.fullmatch(node)) or name in contents:
            raise KeysError(f"{archive} is not a bundle: {member.name[:80]!r} has no place in one")
        file = tar.extractfile(member)
        contents[name] = file.read() if file else b""
    if len(nodes) != 1:
        raise KeysError(f"{archive} is not the bundle of one node")
    return nodes.pop(), contents


def _check_replaced(paths: NodeFiles, identity: Identity, archive: Path, *, replace: bool) -> None:
    """Refuse to overwrite keys for which nobody has asked, or with older ones."""
    present = read_contents(paths)
    if not present:
        return
    if not replace:
        raise KeysError(f"{paths.root} has keys already and they are not replaced")
    try:
        before = recall(present.get("directory.json", b""), paths.directory).directory
    except KeysError:
        return  # damaged, which is a good reason to replace it
    if before.network != identity.network:
        raise KeysError(
            f"{archive} is of network {identity.network}, {paths.root} of {before.network}"
        )
    if identity.directory.serial < before.serial:
        raise KeysError(f"{archive} is older than what {paths.root} has")


def _write(paths: NodeFiles, contents: Mapping[str, bytes]) -> None:
    """CAs first, then keys, then certificates, the directory last, much as a rotation does."""
    sites = sorted(name for name in contents if SITE_FILE.fullmatch(name))
    files.make_folder(paths.root)
    if sites:
        files.make_folder(paths.sites)
    keys = [*PRIVATE_FILES, *filter(is_private, sites)]
    chains = ["tls.crt", *(name for name in sites if not is_private(name))]
    for name in ("authorities.crt", *keys, *chains, "directory.json"):
        mode = files.PRIVATE if is_private(name) else files.PUBLIC
        files.write(paths.root / name, contents[name], mode)
    for name in read_contents(paths).keys() - contents.keys():
        with files.told("delete", paths.root / name):
            (paths.root / name).unlink()  # of a site that the new bundle has not
