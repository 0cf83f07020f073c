import shutil
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from deploy.keys import Action, NodeFiles, check_node, ensure, files, read_directory, rotate
from tests.kit.keys import (
    NOON,
    PLAN,
    client,
    contents,
    handshake,
    meet,
    names_of,
    node_client,
    refusal,
    server,
)

DAY = timedelta(days=1)
EAST, PARENT = "east.edge.demo.midmile", "parent-a.parent.demo.midmile"


def now() -> datetime:
    """OpenSSL looks at the clock itself, so what it judges is made now."""
    return datetime.now(UTC)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A network's keys as a distant machine has them."""
    ensure(tmp_path / "old", PLAN, now())
    return tmp_path / "old"


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    """The same network after a rotation."""
    shutil.copytree(old, tmp_path / "new")
    rotate(tmp_path / "new", PLAN, now())
    return tmp_path / "new"


def trusted(state: Path) -> tuple[x509.Certificate, ...]:
    return tuple(x509.load_pem_x509_certificates((state / "keys" / "ca.crt").read_bytes()))


def test_nodes_of_one_network_trust_each_other(old: Path) -> None:
    """A strict mutual handshake proves the name and role of both ends."""
    east, parent = NodeFiles(old, "east"), NodeFiles(old, "parent-a")

    assert handshake(node_client(east), server(parent), PARENT) == EAST


def test_a_node_in_another_role_is_refused(old: Path) -> None:
    """The stock host name check tells a parent from a mapper of the same network."""
    east, top = NodeFiles(old, "east"), NodeFiles(old, "top-a")

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(node_client(east), server(top), PARENT)


def test_a_node_of_another_network_is_refused(old: Path, tmp_path: Path) -> None:
    """The same names from another CA are worth nothing, at either end."""
    ensure(tmp_path / "other", PLAN, now())
    east, parent = NodeFiles(tmp_path / "other", "east"), NodeFiles(old, "parent-a")
    blind = node_client(east)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE

    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(node_client(east), server(parent), PARENT)
    with pytest.raises(ssl.SSLError):
        handshake(blind, server(parent), PARENT)


def test_a_site_certificate_is_no_node(old: Path) -> None:
    """Whoever has a site's key cannot connect to a parent with it."""
    east, parent = NodeFiles(old, "east"), NodeFiles(old, "parent-a")
    impostor = client(east.authorities, east.site_crt("shop"), east.site_key("shop"))

    with pytest.raises(ssl.SSLError, match=r"(?i)purpose|certificate"):
        handshake(impostor, server(parent), PARENT)


@pytest.mark.parametrize("name", ["shop.cdn.test", "localhost", "127.0.0.1", "::1"])
def test_a_site_is_proven_to_its_users(old: Path, name: str) -> None:
    """Somebody who trusts `ca.crt` reaches the site by each of its names."""
    users = client(old / "keys" / "ca.crt")

    assert handshake(users, server(NodeFiles(old, "east"), "shop"), name) == ""


def test_old_and_new_bundles_trust_each_other_both_ways(old: Path, new: Path) -> None:
    """During the overlap each end may or may not have its new bundle."""
    for here, there in ((old, new), (new, old), (new, new)):
        east, parent = NodeFiles(here, "east"), NodeFiles(there, "parent-a")
        assert handshake(node_client(east), server(parent), PARENT) == EAST
        assert handshake(node_client(parent), server(east), EAST) == PARENT


def test_users_of_the_old_ca_reach_the_site_during_the_overlap(old: Path, new: Path) -> None:
    """A browser that has imported only the old CA accepts the new certificate, and vice versa."""
    for users, edge in ((old, new), (new, old), (new, new)):
        context = client(users / "keys" / "ca.crt")
        near, _ = meet(context, server(NodeFiles(edge, "east"), "shop"), "shop.cdn.test")
        assert "shop.cdn.test" in names_of(near)


def test_two_rotations_may_overlap(old: Path, new: Path) -> None:
    """A machine that has missed both is still accepted and still accepts."""
    rotate(new, PLAN, now())

    east, parent = NodeFiles(old, "east"), NodeFiles(new, "parent-a")
    assert len(trusted(new)) == 3
    assert handshake(node_client(east), server(parent), PARENT) == EAST
    assert handshake(node_client(parent), server(east), EAST) == PARENT


def test_without_overlap_old_bundles_are_cut_off(old: Path) -> None:
    """This is what one does when keys have been stolen."""
    stolen = shutil.copytree(old, old.parent / "stolen")
    rotate(old, PLAN, now(), overlap=timedelta())
    thief, parent = NodeFiles(stolen, "east"), NodeFiles(old, "parent-a")
    blind = node_client(thief)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE

    with pytest.raises(ssl.SSLError):
        handshake(blind, server(parent), PARENT)
    assert not read_directory(parent.directory, parent.authorities, now=now()).nodes["east"].retired


def test_all_keys_are_new_and_the_old_ca_cannot_sign(tmp_path: Path) -> None:
    """No private key survives a rotation, and each change is reported."""
    ensure(tmp_path, PLAN, NOON)
    before = {name: one for name, one in contents(tmp_path).items() if name.endswith(".key")}

    report = rotate(tmp_path, PLAN, NOON + DAY)

    after = {name: one for name, one in contents(tmp_path).items() if name.endswith(".key")}
    assert not set(before.values()) & set(after.values())
    assert "keys/authority/1/ca.key" not in after
    assert "keys/authority/2/ca.key" in after
    assert report.of(Action.KEPT) == report.of(Action.MADE) == ()
    assert "until 2026-04-01" in str(report.entries[0])
    assert not ensure(tmp_path, PLAN, NOON + DAY).changed


def test_the_old_ca_goes_when_its_overlap_is_over(tmp_path: Path) -> None:
    """A later run drops it from lists and chains; certificates and keys stay."""
    ensure(tmp_path, PLAN, NOON)
    rotate(tmp_path, PLAN, NOON)
    east = NodeFiles(tmp_path, "east")
    key, chain = (
        east.tls_key.read_bytes(),
        x509.load_pem_x509_certificates(east.tls_crt.read_bytes()),
    )
    assert len(trusted(tmp_path)) == len(chain) == 2
    assert not ensure(tmp_path, PLAN, NOON + 29 * DAY).changed

    report = ensure(tmp_path, PLAN, NOON + 31 * DAY)

    assert report.changed
    assert len(trusted(tmp_path)) == 1
    assert x509.load_pem_x509_certificates(east.tls_crt.read_bytes()) == chain[:1]
    assert east.tls_key.read_bytes() == key
    assert check_node(tmp_path, PLAN, "east", NOON + 31 * DAY) == ()


def test_the_directory_names_old_keys_during_the_overlap(tmp_path: Path) -> None:
    """Reports signed with a key from before the rotation are accepted as long as the old CA."""
    ensure(tmp_path, PLAN, NOON)
    east = NodeFiles(tmp_path, "east")
    before = read_directory(east.directory, east.authorities, now=NOON)

    rotate(tmp_path, PLAN, NOON)

    after = read_directory(east.directory, east.authorities, now=NOON, at_least=before.serial + 1)
    entry = after.nodes["east"]
    assert entry.keys != before.nodes["east"].keys
    assert entry.accepted(NOON + 29 * DAY) == (entry.keys, before.nodes["east"].keys)
    assert entry.accepted(NOON + 31 * DAY) == (entry.keys,)
    ensure(tmp_path, PLAN, NOON + 31 * DAY)
    last = read_directory(east.directory, east.authorities, now=NOON + 31 * DAY)
    assert last.nodes["east"].retired == ()
    assert last.serial > after.serial


def test_a_key_that_was_taken_away_is_not_trusted_on(tmp_path: Path) -> None:
    """Keys that change without a rotation leave no trace in the directory."""
    ensure(tmp_path, PLAN, NOON)
    rotate(tmp_path, PLAN, NOON)
    east = NodeFiles(tmp_path, "east")
    east.report_key.unlink()

    ensure(tmp_path, PLAN, NOON)

    nodes = read_directory(east.directory, east.authorities, now=NOON).nodes
    assert nodes["east"].retired == ()
    assert len(nodes["parent-a"].retired) == 1


def test_the_new_directory_is_read_with_the_old_ca(old: Path, new: Path) -> None:
    """A machine without its new bundle takes the new directory through the certified new CA."""
    directory = read_directory(
        NodeFiles(new, "east").directory, NodeFiles(old, "east").authorities, now=now()
    )

    assert directory.nodes["east"].retired


def test_there_must_be_keys_to_rotate(tmp_path: Path) -> None:
    """A rotation in an empty state is a mistyped path."""
    assert "make them first" in refusal(lambda: rotate(tmp_path, PLAN, NOON))


def test_a_rotation_killed_anywhere_is_finished_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After every single write, those who trusted each other still do, and `ensure` ends it."""
    ensure(tmp_path / "made", PLAN, now())
    for allowed in range(100):
        state = shutil.copytree(tmp_path / "made", tmp_path / f"killed-{allowed}")
        with monkeypatch.context() as patch:
            patch.setattr(files, "write", _dying(files.write, allowed))
            try:
                rotate(state, PLAN, now())
            except KeyboardInterrupt:
                pass
            else:
                break
        assert len(trusted(state)) <= 2
        ensure(state, PLAN, now())
        assert not ensure(state, PLAN, now()).changed
        assert len(trusted(state)) == 2
        assert all(check_node(state, PLAN, node.name, now()) == () for node in PLAN.nodes)
        old, new = NodeFiles(tmp_path / "made", "east"), NodeFiles(state, "parent-a")
        assert handshake(node_client(old), server(new), PARENT) == EAST
        shutil.rmtree(state)
    assert allowed > 10


def _dying(
    write: Callable[[Path, bytes, int], None], allowed: int
) -> Callable[[Path, bytes, int], None]:
    """Writes so many files and then is killed."""
    left = iter(range(allowed))

    def write_or_die(path: Path, content: bytes, mode: int) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        write(path, content, mode)

    return write_or_die
