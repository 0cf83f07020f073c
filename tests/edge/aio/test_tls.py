"""Certificates: by site for users, both ways on the tunnel. Handshakes happen in memory."""

import shutil
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.keys import NodeFiles, rotate
from edge.aio.tls import Renewable, SiteContexts, peer_names, tunnel_client, tunnel_server
from edge.config import CertificateFiles
from tests.kit.delivery import PLAN, SITES, identity, make_keys, site_rules
from tests.kit.keys import meet, names_of


def site_files(state: Path) -> dict[str, CertificateFiles]:
    """The certificates of the edge's sites."""
    files = NodeFiles(state, "east")
    return {
        site.name: CertificateFiles(
            certificate=str(files.site_crt(site.name)), key=str(files.site_key(site.name))
        )
        for site in SITES
    }


def user(state: Path, *, check: bool = True) -> ssl.SSLContext:
    """A browser that trusts the network's CA."""
    context = ssl.create_default_context(cafile=str(state / "keys" / "ca.crt"))
    context.check_hostname = check
    return context


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("shop.test", "shop.test"), ("BLOG.test", "blog.test"), ("localhost", "shop.test")],
)
def test_users_see_the_certificate_of_their_site(keys: Path, asked: str, shown: str) -> None:
    """SNI chooses it, in any case of letters."""
    contexts = SiteContexts(site_rules(), site_files(keys))
    near, _ = meet(user(keys), contexts.listening, asked)
    assert shown in names_of(near)


def test_who_names_no_site_sees_the_first(keys: Path) -> None:
    """Clients that use an address send no SNI."""
    contexts = SiteContexts(site_rules(), site_files(keys))
    near, _ = meet(user(keys, check=False), contexts.listening, None)
    assert "shop.test" in names_of(near)


def test_an_unknown_name_is_refused(keys: Path) -> None:
    """RFC 6066 3: unrecognized_name, and no other site's certificate."""
    listening = SiteContexts(site_rules(), site_files(keys)).listening
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = user(keys).wrap_bio(down, up, server_hostname="other.test")
    far = listening.wrap_bio(up, down, server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        near.do_handshake()
    with pytest.raises(ssl.SSLError):
        far.do_handshake()
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        near.do_handshake()


def test_a_site_without_a_certificate_costs_the_others_nothing(keys: Path) -> None:
    """A missing or damaged file is that site's loss; one being replaced is nobody's."""
    files = site_files(keys)
    missing = CertificateFiles(certificate="/nowhere.crt", key="/nowhere.key")
    contexts = SiteContexts(site_rules(), {**files, "blog": missing})
    near, _ = meet(user(keys), contexts.listening, "shop.test")
    assert "shop.test" in names_of(near)
    contexts.renew(files)
    contexts.renew({**files, "blog": missing})
    near, _ = meet(user(keys), contexts.listening, "blog.test")
    assert "blog.test" in names_of(near)


def test_users_may_come_with_tls_1_2(keys: Path) -> None:
    """Older than that is refused, and ALPN says HTTP/1.1."""
    contexts = SiteContexts(site_rules(), site_files(keys))
    old = user(keys)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.set_alpn_protocols(["h2", "http/1.1"])
    near, _ = meet(old, contexts.listening, "shop.test")
    assert (near.version(), near.selected_alpn_protocol()) == ("TLSv1.2", "http/1.1")


def test_the_tunnel_proves_both_ends(keys: Path) -> None:
    """Each side learns the other's name; another name than expected is refused."""
    server = tunnel_server(identity(keys, "parent-a"))
    client = tunnel_client(identity(keys, "east"))
    near, far = meet(client, server, "parent-a.parent.demo.midmile")
    assert peer_names(far) == {"east.edge.demo.midmile"}
    assert peer_names(near) == {"parent-a.parent.demo.midmile"}
    assert near.version() == "TLSv1.3"
    assert peer_names(None) == frozenset()
    with pytest.raises(ssl.SSLCertVerificationError):
        meet(client, server, "parent-b.parent.demo.midmile")


def test_the_tunnel_resumes_no_session(keys: Path) -> None:
    """A ticket would stand for a certificate that may have been taken back."""
    server = tunnel_server(identity(keys, "parent-a"))
    near, _ = meet(tunnel_client(identity(keys, "east")), server, "parent-a.parent.demo.midmile")
    assert near.session is not None
    assert not near.session.has_ticket


def test_another_networks_certificate_is_worth_nothing(keys: Path, tmp_path: Path) -> None:
    """Not at the server, not at the client, though the names are right."""
    strangers = make_keys(tmp_path)
    name = "parent-a.parent.demo.midmile"
    with pytest.raises(ssl.SSLError):
        meet(
            tunnel_client(identity(strangers, "east")),
            tunnel_server(identity(keys, "parent-a")),
            name,
        )
    with pytest.raises(ssl.SSLError):
        meet(
            tunnel_client(identity(keys, "east")),
            tunnel_server(identity(strangers, "parent-a")),
            name,
        )


def test_a_renewed_listener_shows_and_trusts_the_new_keys(keys: Path, tmp_path: Path) -> None:
    """Handshakes after `renew` use the new certificate and the new authorities."""
    state = tmp_path / "state"
    shutil.copytree(keys, state)
    listener = Renewable(tunnel_server(identity(state, "parent-a")))
    sites = SiteContexts(site_rules(), site_files(state))
    name = "parent-a.parent.demo.midmile"
    old, _ = meet(tunnel_client(identity(state, "east")), listener.listening, name)
    strangers = make_keys(tmp_path / "strangers")
    listener.renew(tunnel_server(identity(strangers, "parent-a")))
    sites.renew(site_files(strangers))
    new, _ = meet(tunnel_client(identity(strangers, "east")), listener.listening, name)
    assert old.getpeercert(binary_form=True) != new.getpeercert(binary_form=True)
    meet(user(strangers), sites.listening, "shop.test")
    with pytest.raises(ssl.SSLError):
        meet(tunnel_client(identity(state, "east")), listener.listening, name)


def test_old_and_new_trust_each_other_while_keys_are_rotated(keys: Path, tmp_path: Path) -> None:
    """A node that has not yet read its new files still speaks with one that has."""
    state = tmp_path / "state"
    shutil.copytree(keys, state)
    old_client = tunnel_client(identity(state, "east"))
    old_server = tunnel_server(identity(state, "parent-a"))
    rotate(state, PLAN, datetime.now(UTC) + timedelta(seconds=1))
    name = "parent-a.parent.demo.midmile"
    near, far = meet(old_client, tunnel_server(identity(state, "parent-a")), name)
    assert (names_of(near), names_of(far)) == ({name}, {"east.edge.demo.midmile"})
    near, far = meet(tunnel_client(identity(state, "east")), old_server, name)
    assert (names_of(near), names_of(far)) == ({name}, {"east.edge.demo.midmile"})
