import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.keys import (
    NodeFiles,
    bundle,
    check_node,
    ensure,
    expiries,
    install_bundle,
    rotate,
)
from tests.kit.keys import NOON, PLAN, SHOP, contents, refusal, with_site

DAY = timedelta(days=1)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The machine with the CA."""
    ensure(tmp_path / "var", PLAN, NOON)
    return tmp_path / "var"


@pytest.fixture
def archive(state: Path, tmp_path: Path) -> Path:
    """The bundle of the edge `east`."""
    bundle(state, PLAN, "east", tmp_path / "east.tar.gz", NOON)
    return tmp_path / "east.tar.gz"


def members(archive: Path) -> dict[str, bytes]:
    """What is in an archive, as tar sees it."""
    with tarfile.open(archive) as tar:
        files = {one.name: tar.extractfile(one) for one in tar if one.isreg()}
        return {name: file.read() for name, file in files.items() if file}


def packed(archive: Path, files: Mapping[str, bytes]) -> Path:
    """An archive of these files."""
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive


def test_a_bundle_is_one_nodes_keys_and_nothing_else(state: Path, archive: Path) -> None:
    """It has all files of the node, none of another, and neither the CA's key nor its folder."""
    found = members(archive)

    assert found == {
        f"east/{name}": content for name, content in contents(NodeFiles(state, "east").root).items()
    }
    authority = contents(state / "keys" / "authority")
    secrets = [one for name, one in authority.items() if name.endswith(".key")]
    others = contents(NodeFiles(state, "parent-a").root)
    secrets += [one for name, one in others.items() if name.endswith(".key")]
    assert len(secrets) == 4
    assert not set(secrets) & set(found.values())


def test_a_bundle_is_private(archive: Path) -> None:
    """The file is 0600, and so are the keys in it for whoever unpacks it by hand."""
    assert archive.stat().st_mode & 0o777 == 0o600
    with tarfile.open(archive) as tar:
        for member in tar:
            private = member.name.endswith(".key")
            assert member.mode == (0o700 if member.isdir() else 0o600 if private else 0o644)


def test_a_bundle_is_overwritten_only_if_told(state: Path, archive: Path) -> None:
    """An existing file stays as it is, whatever it is."""
    archive.write_bytes(b"precious")

    text = refusal(lambda: bundle(state, PLAN, "east", archive, NOON))
    assert "exists already" in text
    assert archive.read_bytes() == b"precious"

    bundle(state, PLAN, "east", archive, NOON, overwrite=True)
    assert "east/tls.key" in members(archive)


def test_a_bundle_needs_a_node_with_keys(state: Path, tmp_path: Path) -> None:
    """A mistyped name, keys never made, and a folder that is not there are told in one line."""
    other = tmp_path / "other"
    destination = tmp_path / "new.tar.gz"
    nowhere = tmp_path / "nowhere" / "new.tar.gz"

    assert "has no node 'esat'" in refusal(lambda: bundle(state, PLAN, "esat", destination, NOON))
    assert "make them first" in refusal(lambda: bundle(other, PLAN, "east", destination, NOON))
    assert str(nowhere) in refusal(lambda: bundle(state, PLAN, "east", nowhere, NOON))
    assert not destination.exists()


def test_a_bundle_leaves_out_sites_that_the_node_no_longer_has(state: Path, tmp_path: Path) -> None:
    """Their keys stay on the machine with the CA."""
    plan = with_site(replace(SHOP, certificate_configured=True))
    ensure(state, plan, NOON)

    bundle(state, plan, "east", tmp_path / "new.tar.gz", NOON)

    assert not [name for name in members(tmp_path / "new.tar.gz") if "sites" in name]


def test_an_installed_bundle_is_what_the_node_needs(
    state: Path, archive: Path, tmp_path: Path
) -> None:
    """The same files with the same modes, `ca.crt` for users, and a node that checks out."""
    there = tmp_path / "there"

    identity = install_bundle(archive, there, NOON)

    assert (identity.node, identity.role, identity.network) == ("east", "edge", "demo")
    east = NodeFiles(there, "east")
    assert contents(east.root) == contents(NodeFiles(state, "east").root)
    assert check_node(there, PLAN, "east", NOON) == ()
    assert (there / "keys" / "ca.crt").read_bytes() == east.authorities.read_bytes()
    assert {path.stat().st_mode & 0o777 for path in there.rglob("*.key")} == {0o600}
    assert "parent-a: tunnel certificate" not in dict(expiries(there, PLAN))


def test_a_machine_with_bundles_makes_no_keys(archive: Path, tmp_path: Path) -> None:
    """`ensure` there would begin another network of trust, so it refuses."""
    install_bundle(archive, tmp_path / "there", NOON)

    text = refusal(lambda: ensure(tmp_path / "there", PLAN, NOON))

    assert "come to others as bundles" in text


def test_a_machine_with_the_ca_installs_no_bundle(state: Path, archive: Path) -> None:
    """Its bundles are made in place."""
    text = refusal(lambda: install_bundle(archive, state, NOON, replace=True))

    assert "without bundles" in text


def test_an_installed_bundle_is_replaced_only_if_told(
    state: Path, archive: Path, tmp_path: Path
) -> None:
    """Then by a newer one, and never by an older."""
    there, newer = tmp_path / "there", tmp_path / "newer.tar.gz"
    install_bundle(archive, there, NOON)
    rotate(state, PLAN, NOON)
    bundle(state, PLAN, "east", newer, NOON)
    before = contents(there)

    assert "not replaced" in refusal(lambda: install_bundle(newer, there, NOON))
    assert contents(there) == before
    install_bundle(newer, there, NOON, replace=True)
    east = NodeFiles(there, "east")
    assert contents(east.root) == contents(NodeFiles(state, "east").root)
    assert "is older" in refusal(lambda: install_bundle(archive, there, NOON, replace=True))


def test_a_replaced_bundle_loses_the_sites_it_no_longer_has(
    state: Path, archive: Path, tmp_path: Path
) -> None:
    """A key that no new bundle mentions is not left lying about."""
    there, newer = tmp_path / "there", tmp_path / "newer.tar.gz"
    install_bundle(archive, there, NOON)
    plan = with_site(replace(SHOP, certificate_configured=True))
    bundle(state, plan, "east", newer, NOON)

    install_bundle(newer, there, NOON, replace=True)

    assert not list(NodeFiles(there, "east").sites.iterdir())


def test_a_damaged_installation_can_be_replaced(archive: Path, tmp_path: Path) -> None:
    """Whoever says so gets a good bundle over a bad one."""
    there = tmp_path / "there"
    install_bundle(archive, there, NOON)
    NodeFiles(there, "east").directory.write_bytes(b"rubbish")

    install_bundle(archive, there, NOON, replace=True)

    assert check_node(there, PLAN, "east", NOON) == ()


def test_a_bundle_of_another_network_replaces_nothing(archive: Path, tmp_path: Path) -> None:
    """Two networks' edges may have the same name, and need different state directories."""
    there, other = tmp_path / "there", tmp_path / "other"
    install_bundle(archive, there, NOON)
    plan = replace(PLAN, network="other")
    ensure(other, plan, NOON)
    bundle(other, plan, "east", tmp_path / "other.tar.gz", NOON)

    text = refusal(lambda: install_bundle(tmp_path / "other.tar.gz", there, NOON, replace=True))

    assert "of network other" in text


def test_an_expired_bundle_is_refused(archive: Path, tmp_path: Path) -> None:
    """A bundle found in a drawer says that it is too old."""
    text = refusal(lambda: install_bundle(archive, tmp_path / "there", NOON + 900 * DAY))

    assert "east: the tunnel certificate is valid from" in text
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../east/tls.crt",
        "/etc/passwd",
        "east/../../tls.crt",
        "east/sites/../tls.crt",
        "east/sites/shop.pem",
        "east/sites/.shop.crt",
        "east/ca.key",
        "east",
        "..",
        "./east/tls.crt",
    ],
)
def test_a_path_that_no_bundle_has_is_refused(archive: Path, tmp_path: Path, name: str) -> None:
    """No name in an archive leads anywhere but to the known files of one node."""
    evil = packed(tmp_path / "evil.tar.gz", members(archive) | {name: b"evil"})

    assert "has no place in one" in refusal(lambda: install_bundle(evil, tmp_path / "there", NOON))
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, b"S"]
)
def test_what_is_not_a_plain_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    """Links, devices and sparse files cannot get in under a known name."""
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(evil, "w:gz", format=tarfile.GNU_FORMAT) as tar:
        member = tarfile.TarInfo("east/tls.key")
        member.type, member.linkname = kind, "/etc/shadow"
        tar.addfile(member)

    text = refusal(lambda: install_bundle(evil, tmp_path / "there", NOON))

    assert "has no place in one" in text


def _without(name: str) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda files: {key: value for key, value in files.items() if key != name}


def _with(name: str, source: str) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda files: files | {name: files[source]}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_without("east/tls.key"), "tls.key is missing"),
        (_without("east/directory.json"), "directory.json is missing"),
        (_without("east/sites/shop.key"), "must both be there"),
        (_with("east/sites/shop.key", "east/tls.key"), "shop.key is not the key of"),
        (_with("east/tls.key", "east/sites/shop.key"), "tls.key is not the key of"),
        (_with("east/authorities.crt", "east/sites/shop.crt"), "not signed by a CA"),
        (_with("east/tls.crt", "east/authorities.crt"), "tls.key is not the key of"),
        (_with("east/directory.json", "east/tls.crt"), "is not a directory of keys"),
        (_with("west/tls.key", "east/tls.key"), "has no place in one"),
        (lambda files: {f"west{name[4:]}": one for name, one in files.items()}, "of another node"),
        (lambda _: {}, "not the bundle of one node"),
    ],
)
def test_a_bundle_that_does_not_fit_together_is_refused(
    archive: Path,
    tmp_path: Path,
    change: Callable[[dict[str, bytes]], dict[str, bytes]],
    expected: str,
) -> None:
    """Certificates, keys and directory must prove each other, under the node's own name."""
    evil = packed(tmp_path / "evil.tar.gz", change(members(archive)))

    assert expected in refusal(lambda: install_bundle(evil, tmp_path / "there", NOON))
    assert not (tmp_path / "there").exists()


def test_keys_that_the_directory_does_not_list_are_refused(
    state: Path, archive: Path, tmp_path: Path
) -> None:
    """Other nodes would not accept them, so the node should not start with them."""
    other = NodeFiles(state, "parent-a").report_key.read_bytes()
    evil = packed(tmp_path / "evil.tar.gz", members(archive) | {"east/report.key": other})

    text = refusal(lambda: install_bundle(evil, tmp_path / "there", NOON))

    assert "does not list these keys for east" in text


def test_rubbish_is_not_a_bundle(archive: Path, tmp_path: Path) -> None:
    """Truncated archives end in one line, and bombs before they have unpacked."""
    good, evil = archive.read_bytes(), tmp_path / "evil.tar.gz"
    bomb = gzip.compress(bytes(17 * 1024 * 1024))
    unpacked = gzip.decompress(good)
    halves = [gzip.compress(unpacked[:size]) for size in range(0, len(unpacked) // 2, 700)]
    for content in (
        b"",
        b"rubbish",
        good[:100],
        good[:-9],
        bomb,
        gzip.compress(b"x"),
        *halves,
    ):
        evil.write_bytes(content)
        assert "is not" in refusal(lambda: install_bundle(evil, tmp_path / "there", NOON))
    assert str(tmp_path / "none") in refusal(
        lambda: install_bundle(tmp_path / "none", tmp_path / "there", NOON)
    )
    assert not (tmp_path / "there").exists()
