"""A small network to make keys for, and TLS handshakes in memory between its nodes."""

import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.keys import KeyPlan, KeysError, NodeFiles, NodeKeys, SiteKeys

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = SiteKeys(name="shop", hostnames=("shop.cdn.test", "localhost", "127.0.0.1", "::1"))
PLAN = KeyPlan(
    network="demo",
    nodes=(
        NodeKeys(name="east", role="edge", sites=(SHOP,)),
        NodeKeys(name="parent-a", role="parent"),
        NodeKeys(name="top-a", role="top"),
    ),
)


def with_site(site: SiteKeys) -> KeyPlan:
    """The network with another site at its edge."""
    east, *others = PLAN.nodes
    return replace(PLAN, nodes=(replace(east, sites=(site,)), *others))


def contents(folder: Path) -> dict[str, bytes]:
    """All files under a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def refusal(call: Callable[[], object]) -> str:
    """What an operator is told: one line."""
    with pytest.raises(KeysError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def server(node: NodeFiles, site: str | None = None) -> ssl.SSLContext:
    """A node that listens: at a tunnel asking for a certificate, or for browsers of a site."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if site is not None:
        context.load_cert_chain(node.site_crt(site), node.site_key(site))
        return context
    context.load_cert_chain(node.tls_crt, node.tls_key)
    context.load_verify_locations(node.authorities)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def client(authorities: Path, crt: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """Who connects, strict in all that OpenSSL can be strict in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(authorities)
    if crt is not None:
        context.load_cert_chain(crt, key)
    return context


def node_client(node: NodeFiles) -> ssl.SSLContext:
    """A node that connects to another."""
    return client(node.authorities, node.tls_crt, node.tls_key)


def meet(
    connecting: ssl.SSLContext, listening: ssl.SSLContext, name: str | None
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends, the client's first, after a handshake; raises what either of them raises."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = connecting.wrap_bio(down, up, server_hostname=name)
    far = listening.wrap_bio(up, down, server_side=True)
    unfinished = [near, far]
    # A TLS handshake takes two rounds; in the third the client reads what the server made of it.
    for _ in range(3):
        unfinished = [end for end in unfinished if not _step(end)]
    assert not unfinished
    far.write(b"welcome")
    assert near.read() == b"welcome"
    return near, far


def names_of(end: ssl.SSLObject) -> set[str]:
    """The names in the certificate of the other end."""
    certificate = end.getpeercert() or {}
    return {str(one[1]) for one in certificate.get("subjectAltName", ())}


def handshake(connecting: ssl.SSLContext, listening: ssl.SSLContext, name: str) -> str:
    """Let two ends meet; the DNS name in the client's certificate, as the server sees it."""
    _, far = meet(connecting, listening, name)
    return ",".join(sorted(names_of(far)))


def _step(end: ssl.SSLObject) -> bool:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
