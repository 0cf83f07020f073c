import base64
import hashlib
import json
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from deploy.keys import (
    KeysError,
    NodeFiles,
    ensure,
    parse_directory,
    read_directory,
    rotate,
    tunnel_pin,
)
from tests.kit.keys import NOON, PLAN, refusal


@pytest.fixture
def east(tmp_path: Path) -> NodeFiles:
    """The bundle of an edge."""
    ensure(tmp_path, PLAN, NOON)
    return NodeFiles(tmp_path, "east")


def authorities(node: NodeFiles) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(node.authorities.read_bytes())


def tunnel(node: NodeFiles) -> x509.Certificate:
    return x509.load_pem_x509_certificate(node.tls_crt.read_bytes())


def test_it_lists_the_public_keys_of_all_nodes(east: NodeFiles) -> None:
    """Name, role, and what belongs to each private key in the node's bundle."""
    directory = read_directory(east.directory, east.authorities, now=NOON)

    assert directory.network == "demo"
    assert {(one.name, one.role) for one in directory.nodes.values()} == {
        ("east", "edge"),
        ("parent-a", "parent"),
        ("top-a", "top"),
    }
    keys = directory.nodes["east"].keys
    report = serialization.load_pem_private_key(east.report_key.read_bytes(), None)
    overlay = serialization.load_pem_private_key(east.overlay_key.read_bytes(), None)
    assert isinstance(report, Ed25519PrivateKey)
    assert isinstance(overlay, X25519PrivateKey)
    assert keys.report == report.public_key().public_bytes_raw()
    assert keys.overlay == overlay.public_key().public_bytes_raw()
    info = (
        tunnel(east)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    assert keys.tunnel == hashlib.sha256(info).digest() == tunnel_pin(tunnel(east))


def test_all_nodes_have_the_same(east: NodeFiles) -> None:
    """The copies in the bundles do not differ."""
    copies = {NodeFiles(east.state, node.name).directory.read_bytes() for node in PLAN.nodes}

    assert len(copies) == 1


def test_its_number_grows_with_every_change(east: NodeFiles) -> None:
    """A second within the same second is one more; without change it stays."""
    first = read_directory(east.directory, east.authorities, now=NOON).serial
    ensure(east.state, PLAN, NOON)
    assert read_directory(east.directory, east.authorities, now=NOON).serial == first

    NodeFiles(east.state, "top-a").report_key.unlink()
    ensure(east.state, PLAN, NOON)

    assert read_directory(east.directory, east.authorities, now=NOON).serial == first + 1


def test_its_number_grows_even_if_the_last_is_lost(east: NodeFiles) -> None:
    """Nodes would refuse a directory that began again at one."""
    first = read_directory(east.directory, east.authorities, now=NOON).serial
    (east.state / "keys" / "authority" / "directory.json").unlink()

    later = NOON + timedelta(minutes=1)
    ensure(east.state, PLAN, later)

    assert read_directory(east.directory, east.authorities, now=later).serial == first + 60


def test_an_older_one_is_refused(east: NodeFiles) -> None:
    """A replayed directory cannot bring back keys that were withdrawn."""
    serial = read_directory(east.directory, east.authorities, now=NOON).serial

    read_directory(east.directory, east.authorities, now=NOON, at_least=serial)
    text = refusal(
        lambda: read_directory(east.directory, east.authorities, now=NOON, at_least=serial + 1)
    )

    assert "is older" in text


def test_one_signed_by_another_ca_is_refused(east: NodeFiles, tmp_path: Path) -> None:
    """The same content from another CA is worth nothing."""
    ensure(tmp_path / "other", PLAN, NOON)
    other = NodeFiles(tmp_path / "other", "east")

    text = refusal(lambda: read_directory(other.directory, east.authorities, now=NOON))

    assert "not signed by the network's CA" in text


def test_a_certified_ca_is_trusted_only_in_its_time(east: NodeFiles) -> None:
    """Who has only the old CA reads the new directory until the overlap ends."""
    old = authorities(east)
    rotate(east.state, PLAN, NOON)
    content = east.directory.read_bytes()

    parse_directory(content, old, where="it", now=NOON + timedelta(days=29))
    with pytest.raises(KeysError, match="not signed"):
        parse_directory(content, old, where="it", now=NOON + timedelta(days=31))


def test_a_node_certifies_no_directory(east: NodeFiles) -> None:
    """A tunnel certificate in the chain does not make its holder a CA."""
    body = json.loads(east.directory.read_bytes())["directory"]
    signer = serialization.load_pem_private_key(east.tls_key.read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    value = signer.sign(b"midmile directory 1\n" + canonical, ec.ECDSA(hashes.SHA256()))
    signature = {
        "authority": "east",
        "chain": [east.tls_crt.read_text()],
        "value": base64.b64encode(value).decode(),
    }
    content = json.dumps({"directory": body, "signature": signature}).encode()

    parse_directory(content, [tunnel(east)], where="it", now=NOON)
    with pytest.raises(KeysError, match="not signed"):
        parse_directory(content, authorities(east), where="it", now=NOON)


def _swap(body: dict[str, Any]) -> None:
    body["nodes"][0]["role"], body["nodes"][1]["role"] = "parent", "edge"


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.update(serial=body["serial"] + 1),
        lambda body: body.update(network="other"),
        lambda body: body["nodes"].pop(),
        lambda body: body.update(more=1),
        _swap,
    ],
)
def test_any_change_breaks_the_signature(
    east: NodeFiles, change: Callable[[dict[str, Any]], None]
) -> None:
    """Every word of the directory is signed; its layout is not."""
    envelope = json.loads(east.directory.read_bytes())
    compact = json.dumps(envelope, separators=(",", ":")).encode()
    parse_directory(compact, authorities(east), where="it", now=NOON)
    change(envelope["directory"])

    with pytest.raises(KeysError, match="not signed"):
        parse_directory(json.dumps(envelope).encode(), authorities(east), where="it", now=NOON)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"directory": [], "signature": {}}',
        b'{"directory": {}, "signature": {}}',
        b'{"directory": {}, "signature": {"chain": 1, "value": ""}}',
        b'{"directory": {}, "signature": {"chain": [1], "value": ""}}',
        b'{"directory": {}, "signature": {"chain": [], "value": "?"}}',
        b'{"directory": {"nodes": 1}, "signature": {"chain": [], "value": ""}}',
        b'{"directory": {"nodes": [[]]}, "signature": {"chain": [], "value": ""}}',
        b'{"directory": {"nodes": [], "network": "n"}, "signature": {"chain": [], "value": ""}}',
        b'{"directory": {"nodes": [], "x": NaN}, "signature": {"chain": [], "value": ""}}',
    ],
)
def test_rubbish_is_no_directory(east: NodeFiles, content: bytes) -> None:
    """JSON of any shape ends in one line."""
    text = refusal(lambda: parse_directory(content, authorities(east), where="it", now=NOON))

    assert text.startswith("it is not ")


def test_flipped_bytes_are_refused_or_harmless(east: NodeFiles) -> None:
    """Whatever byte is damaged, the reader gets an error or exactly what was signed."""
    good = east.directory.read_bytes()
    known = authorities(east)
    directory = parse_directory(good, known, where="it", now=NOON)
    rng = random.Random(7)
    for _ in range(500):
        bad = bytearray(good)
        bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        try:
            assert parse_directory(bytes(bad), known, where="it", now=NOON) == directory
        except KeysError:
            continue


def test_a_missing_file_is_named(east: NodeFiles) -> None:
    """The path stands in the line."""
    nowhere = east.root / "nowhere"

    assert str(nowhere) in refusal(lambda: read_directory(nowhere, east.authorities, now=NOON))
    assert str(nowhere) in refusal(lambda: read_directory(east.directory, nowhere, now=NOON))
