import fcntl
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from deploy.keys import (
    Action,
    KeyPlan,
    KeysBusyError,
    KeysError,
    NodeFiles,
    NodeKeys,
    SiteKeys,
    certificates,
    check_node,
    ensure,
    expiries,
    keyring,
    pem,
    rotate,
)
from tests.kit.keys import NOON, PLAN, SHOP, contents, refusal, with_site

DAY = timedelta(days=1)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory with all keys made at NOON."""
    ensure(tmp_path / "var", PLAN, NOON)
    return tmp_path / "var"


def leaf(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


def names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in found.value]


def usages(certificate: x509.Certificate) -> set[x509.ObjectIdentifier]:
    return set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_everything_is_made_at_first(tmp_path: Path) -> None:
    """The first run makes the CA, every bundle and the directory, and keeps nothing."""
    report = ensure(tmp_path, PLAN, NOON)

    assert report.changed
    assert not report.of(Action.KEPT)
    assert "network CA" in report.of(Action.MADE)
    assert "east: certificate of site shop" in report.of(Action.MADE)
    assert all(check_node(tmp_path, PLAN, node.name, NOON) == () for node in PLAN.nodes)


def test_a_second_run_changes_nothing(state: Path) -> None:
    """All files stay byte for byte the same when nothing is due."""
    before = contents(state)

    report = ensure(state, PLAN, NOON + DAY)

    assert not report.changed
    assert contents(state) == before


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    """Keys are 0600 and folders 0700 under the widest umask, public files readable under any."""
    for umask in (0o000, 0o077):
        state = tmp_path / f"{umask:o}" / "var"
        before = os.umask(umask)
        try:
            ensure(state, PLAN, NOON)
        finally:
            os.umask(before)
        for path in [state, *state.rglob("*")]:
            private = path.suffix == ".key" or path.name == ".lock"
            expected = 0o700 if path.is_dir() else 0o600 if private else 0o644
            assert path.stat().st_mode & 0o777 == expected, path


def test_a_tunnel_certificate_names_node_role_and_network(state: Path) -> None:
    """It carries one DNS name, serves both ends of a tunnel, and lives 825 days."""
    certificate = leaf(NodeFiles(state, "parent-a").tls_crt)

    assert names(certificate) == ["parent-a.parent.demo.midmile"]
    assert usages(certificate) == {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    assert certificate.not_valid_before_utc == NOON - timedelta(hours=1)
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life == 825 * DAY - timedelta(seconds=1)


def test_the_ca_is_bounded(state: Path) -> None:
    """It signs leaves and its own successor, and no CA below that."""
    rotate(state, PLAN, NOON)
    authority = leaf(state / "keys" / "ca.crt")
    cross = leaf(state / "keys" / "authority" / "2" / "cross.crt")

    lengths = []
    for certificate in (authority, cross):
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert found.critical
        assert certificate.subject.rfc4514_string() == "CN=midmile demo CA,O=midmile"
        lengths.append(found.value.path_length)
    assert lengths == [1, 0]
    assert authority.not_valid_after_utc - NOON > 3649 * DAY
    assert cross.not_valid_after_utc == NOON + 30 * DAY


def test_a_leaf_signs_nothing(state: Path) -> None:
    """What the holder of a tunnel key has signed counts as signed by nobody."""
    east = NodeFiles(state, "east")
    key = pem.load_ec_key(east.tls_key.read_bytes(), "east")
    holder = certificates.Signer(certificate=leaf(east.tls_crt), key=key)
    wanted = certificates.site_leaf("demo", "shop", ("bank.test",))

    forged = certificates.issue(wanted, key.public_key(), holder, NOON)

    assert not certificates.issued_by(forged, holder.certificate)


def test_a_site_certificate_has_the_host_names_and_serves_only(state: Path) -> None:
    """DNS names and addresses stand in it, no common name, 397 days, servers only."""
    certificate = leaf(NodeFiles(state, "east").site_crt("shop"))

    assert names(certificate) == ["localhost", "shop.cdn.test", "127.0.0.1", "::1"]
    assert usages(certificate) == {ExtendedKeyUsageOID.SERVER_AUTH}
    assert not certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life == 397 * DAY - timedelta(seconds=1)


def test_a_configured_certificate_is_not_made(tmp_path: Path) -> None:
    """A site whose certificate the operator brings gets none from the CA."""
    plan = with_site(replace(SHOP, certificate_configured=True))

    ensure(tmp_path, plan, NOON)

    assert not NodeFiles(tmp_path, "east").sites.exists()
    assert check_node(tmp_path, plan, "east", NOON) == ()


@pytest.mark.parametrize(
    ("after", "renewed"),
    [
        (264 * DAY, ()),
        (265 * DAY, ("east: certificate of site shop",)),
        (400 * DAY, ("east: certificate of site shop",)),
        (
            551 * DAY,
            (
                "east: tunnel certificate",
                "east: certificate of site shop",
                "parent-a: tunnel certificate",
                "top-a: tunnel certificate",
            ),
        ),
    ],
)
def test_certificates_are_renewed_in_their_last_third(
    state: Path, after: timedelta, renewed: tuple[str, ...]
) -> None:
    """Each is renewed for the key it has, as soon as a third of its life is left, or none."""
    keys = {name: key for name, key in contents(state).items() if name.endswith(".key")}

    report = ensure(state, PLAN, NOON + after)

    assert report.of(Action.RENEWED) == renewed
    assert {name: contents(state)[name] for name in keys} == keys
    assert check_node(state, PLAN, "east", NOON + after) == ()


def test_an_ageing_ca_gets_a_successor(state: Path) -> None:
    """In the CA's last third a new one follows, and the old stays trusted to its end."""
    end = leaf(state / "keys" / "ca.crt").not_valid_after_utc

    report = ensure(state, PLAN, NOON + 2434 * DAY)

    assert "network CA" in report.of(Action.RENEWED)
    both = x509.load_pem_x509_certificates((state / "keys" / "ca.crt").read_bytes())
    assert [one.not_valid_after_utc == end for one in both] == [False, True]
    ensure(state, PLAN, end - DAY)
    assert len(x509.load_pem_x509_certificates((state / "keys" / "ca.crt").read_bytes())) == 2


def test_a_dead_ca_is_replaced(state: Path) -> None:
    """After years without a run everything is made anew and nothing old is trusted."""
    later = NOON + 4000 * DAY

    ensure(state, PLAN, later)

    assert len(x509.load_pem_x509_certificates((state / "keys" / "ca.crt").read_bytes())) == 1
    assert check_node(state, PLAN, "parent-a", later) == ()


def test_a_new_host_name_renews_the_certificate(state: Path) -> None:
    """A certificate whose names are not those of the plan is renewed, and nothing else."""
    plan = with_site(replace(SHOP, hostnames=("shop.cdn.test", "www.cdn.test")))

    report = ensure(state, plan, NOON)

    assert report.of(Action.RENEWED) == ("east: certificate of site shop",)
    certificate = leaf(NodeFiles(state, "east").site_crt("shop"))
    assert names(certificate) == ["shop.cdn.test", "www.cdn.test"]


def test_a_new_role_renews_certificate_and_directory(state: Path) -> None:
    """A node's role is in its certificate and in the directory."""
    plan = replace(PLAN, nodes=(*PLAN.nodes[:2], NodeKeys(name="top-a", role="low")))

    report = ensure(state, plan, NOON)

    assert "top-a: tunnel certificate" in report.of(Action.RENEWED)
    assert check_node(state, plan, "top-a", NOON) == ()


def test_a_node_that_is_gone_leaves_its_bundle(state: Path) -> None:
    """Nothing is deleted for a node that the plan has no more; the report names it."""
    plan = replace(PLAN, nodes=PLAN.nodes[:2])

    report = ensure(state, plan, NOON)

    assert report.of(Action.UNUSED) == ("top-a: bundle",)
    assert NodeFiles(state, "top-a").tls_key.exists()


@pytest.mark.parametrize("name", ["tls.key", "report.key", "overlay.key", "sites/shop.key"])
def test_a_lost_key_is_made_again(state: Path, name: str) -> None:
    """A key that somebody has deleted is made with all that depends on it, and not before."""
    (NodeFiles(state, "east").root / name).unlink()

    report = ensure(state, PLAN, NOON)

    assert report.changed
    assert check_node(state, PLAN, "east", NOON) == ()
    assert check_node(state, PLAN, "parent-a", NOON) == ()


def test_a_run_killed_between_key_and_certificate_is_mended(state: Path) -> None:
    """The key is kept and gets a certificate of its own."""
    east, parent = NodeFiles(state, "east"), NodeFiles(state, "parent-a")
    key = parent.tls_key.read_bytes()
    east.tls_key.write_bytes(key)

    ensure(state, PLAN, NOON)

    assert east.tls_key.read_bytes() == key
    assert check_node(state, PLAN, "east", NOON) == ()


@pytest.mark.parametrize(
    "name",
    [
        "authority/1/ca.key",
        "authority/1/ca.crt",
        "authority/directory.json",
        "nodes/east/tls.key",
        "nodes/east/tls.crt",
        "nodes/east/report.key",
        "nodes/east/overlay.key",
        "nodes/east/sites/shop.key",
        "nodes/east/sites/shop.crt",
    ],
)
@pytest.mark.parametrize("rubbish", [b"", b"\xff\x00", b"{}", b"-----BEGIN CERTIFICATE-----\n"])
def test_a_damaged_file_stops_the_run(state: Path, name: str, rubbish: bytes) -> None:
    """The file is named in one line, and nothing at all is written."""
    NodeFiles(state, "parent-a").tls_crt.unlink()  # there would be something to do
    (state / "keys" / name).write_bytes(rubbish)
    before = contents(state)

    assert name in refusal(lambda: ensure(state, PLAN, NOON))
    assert name in refusal(lambda: rotate(state, PLAN, NOON))
    assert contents(state) == before


def test_a_key_of_another_kind_stops_the_run(state: Path) -> None:
    """An Ed25519 key where an X25519 key belongs is refused by name."""
    east = NodeFiles(state, "east")
    east.overlay_key.write_bytes(east.report_key.read_bytes())

    assert "X25519" in refusal(lambda: ensure(state, PLAN, NOON))


@pytest.mark.parametrize("name", ["authority/1/ca.key", "nodes/east/tls.key"])
def test_a_key_that_others_can_read_stops_the_run(state: Path, name: str) -> None:
    """The line says which file, its mode, and the command that mends it."""
    path = state / "keys" / name
    path.chmod(0o640)

    text = refusal(lambda: ensure(state, PLAN, NOON))

    assert f"chmod 600 {path}" in text
    assert "0640" in text


@pytest.mark.parametrize("name", ["", "keys", "keys/nodes/east"])
def test_a_folder_that_others_can_write_to_stops_the_run(state: Path, name: str) -> None:
    """Who can rename files in it could put other keys in their place."""
    (state / name).chmod(0o777)

    assert f"chmod 700 {state / name}" in refusal(lambda: ensure(state, PLAN, NOON))


def test_a_bundle_that_others_can_write_to_is_not_used(state: Path) -> None:
    """A node does not start with keys that somebody may have put there."""
    folder = NodeFiles(state, "east").root
    folder.chmod(0o770)

    assert f"chmod 700 {folder}" in refusal(lambda: check_node(state, PLAN, "east", NOON))


def test_a_folder_of_another_user_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below a shared folder like /tmp somebody may have made `keys` before us."""
    (tmp_path / "keys").mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(tmp_path / "keys", 4711, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4711)

    assert "belongs to another user" in refusal(lambda: ensure(tmp_path, PLAN, NOON))


@pytest.mark.parametrize("name", ["authorities.crt", "directory.json"])
def test_lists_are_written_again_from_their_sources(state: Path, name: str) -> None:
    """A node's copies hold nothing of their own, so damage to them is simply mended."""
    path = NodeFiles(state, "east").root / name
    good = path.read_bytes()
    path.write_bytes(b"rubbish")

    ensure(state, PLAN, NOON)

    assert path.read_bytes() == good


def test_a_lost_ca_is_not_replaced_behind_ones_back(state: Path) -> None:
    """With certificates but no CA, or a CA without its key, a run refuses and changes nothing."""
    key = state / "keys" / "authority" / "1" / "ca.key"
    key.unlink()
    before = contents(state)
    assert "restore it from a backup" in refusal(lambda: ensure(state, PLAN, NOON))
    (state / "keys" / "authority").rename(state / "elsewhere")
    assert "not the CA that has signed them" in refusal(lambda: ensure(state, PLAN, NOON))
    (state / "elsewhere").rename(state / "keys" / "authority")
    assert contents(state) == before


def test_a_foreign_certificate_is_not_overwritten(state: Path, tmp_path: Path) -> None:
    """What another CA has signed stays where it is, and the run stops."""
    other = tmp_path / "other"
    ensure(other, PLAN, NOON)
    foreign = NodeFiles(other, "east").tls_crt.read_bytes()
    NodeFiles(state, "parent-a").tls_crt.write_bytes(foreign)
    NodeFiles(state, "east").report_key.unlink()  # there would be something to do
    before = contents(state)

    assert "not signed by this network's CA" in refusal(lambda: ensure(state, PLAN, NOON))
    assert "not signed by this network's CA" in refusal(lambda: rotate(state, PLAN, NOON))
    assert contents(state) == before


def test_another_network_needs_another_state(state: Path) -> None:
    """The CA of one network never certifies the nodes of another."""
    plan = replace(PLAN, network="other")

    assert "midmile demo CA" in refusal(lambda: ensure(state, plan, NOON))


def test_a_clock_before_the_ca_is_refused(state: Path) -> None:
    """A machine that woke up in the past must not judge certificates."""
    assert "set the clock" in refusal(lambda: ensure(state, PLAN, NOON - DAY))


def test_runs_exclude_each_other(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run waits for the first, and gives up with one line."""
    monkeypatch.setattr(keyring, "LOCK_WAIT_S", 0.0)
    with (state / "keys" / ".lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(KeysBusyError, match="another midmile"):
            ensure(state, PLAN, NOON)
    assert not ensure(state, PLAN, NOON).changed


def test_leftovers_of_a_killed_run_are_cleared(state: Path) -> None:
    """Drafts that were never renamed hinder nobody."""
    draft = NodeFiles(state, "east").root / ".tls.crt.new"
    draft.write_bytes(b"half a certificate")
    generation = state / "keys" / "authority" / ".2.new"
    generation.mkdir()
    (generation / "ca.key").write_bytes(b"half a key")
    NodeFiles(state, "east").tls_crt.unlink()

    ensure(state, PLAN, NOON)
    rotate(state, PLAN, NOON)

    assert not draft.exists()
    assert not generation.exists()
    assert check_node(state, PLAN, "east", NOON) == ()


def test_a_state_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file in the way ends in one line that names it."""
    (tmp_path / "var").write_bytes(b"")

    assert str(tmp_path / "var") in refusal(lambda: ensure(tmp_path / "var", PLAN, NOON))


def test_expiries_are_those_on_this_machine(state: Path) -> None:
    """CA, tunnel and site certificates, each with its end."""
    found = dict(expiries(state, PLAN))

    assert list(found) == [
        "network CA",
        "east: tunnel certificate",
        "east: certificate of site shop",
        "parent-a: tunnel certificate",
        "top-a: tunnel certificate",
    ]
    assert found["east: certificate of site shop"] == NOON + 397 * DAY - timedelta(seconds=3601)
    assert expiries(state / "nowhere", PLAN) == []


def test_check_warns_of_what_still_lets_a_node_serve(state: Path) -> None:
    """Expired certificates and sites with other names are warnings, one line each."""
    plan = with_site(replace(SHOP, hostnames=("www.cdn.test",)))

    warnings = check_node(state, plan, "east", NOON + 400 * DAY)

    assert len(warnings) == 2
    assert "certificate of site shop is valid from 2026-03-01 to 2027-04-02" in warnings[0]
    assert "has other host names" in warnings[1]


def test_check_refuses_keys_of_another_node(state: Path) -> None:
    """A bundle copied into another node's folder is found out."""
    NodeFiles(state, "parent-a").root.rename(state / "away")
    NodeFiles(state, "top-a").root.rename(NodeFiles(state, "parent-a").root)

    text = refusal(lambda: check_node(state, PLAN, "parent-a", NOON))

    assert "keys of top top-a" in text
    assert "no keys for top-a" in refusal(lambda: check_node(state, PLAN, "top-a", NOON))


@pytest.mark.parametrize(
    "hostname",
    ["east.edge.demo.midmile", "midmile", "UPPER.test", "*.cdn.test", "", "ü.test", "a..b", "1.2"],
)
def test_host_names_that_no_certificate_may_carry(hostname: str) -> None:
    """Names of nodes, and what is neither a host name nor an address, are refused in the plan."""
    with pytest.raises(KeysError, match="site shop: "):
        SiteKeys(name="shop", hostnames=(hostname,))


def test_names_that_do_not_fit_are_refused() -> None:
    """A plan's names become file names, labels and common names."""
    with pytest.raises(KeysError, match="node name"):
        NodeKeys(name="../east", role="edge")
    with pytest.raises(KeysError, match="52 characters"):
        KeyPlan(network="n" * 53, nodes=())
    with pytest.raises(KeysError, match="two nodes are called east"):
        KeyPlan(network="demo", nodes=(PLAN.nodes[0], PLAN.nodes[0]))
    with pytest.raises(KeysError, match="it has east, parent-a, top-a"):
        PLAN.node("west")
