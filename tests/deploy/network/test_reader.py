"""A network file that is right: what is read, and what is filled in."""

import os
import pickle
from pathlib import Path

import pytest

from deploy.network import Address, EdgeNode, Role, load, read
from tests.deploy.networks import DEMO, NETWORKS, demo


@pytest.mark.parametrize("path", sorted(NETWORKS.glob("*.toml")), ids=lambda path: path.name)
def test_every_sample_loads(path: Path) -> None:
    """The network files that come with midmile are right."""
    assert read(path).nodes


def test_nodes_are_found_by_name_and_by_role() -> None:
    """In the file's order; a name that nobody has is a KeyError."""
    network = demo()
    assert network.node("west").role is Role.EDGE
    assert [node.name for node in network.nodes_of("parent")] == ["parent-a", "parent-b"]
    assert network.nodes_of("edge") == network.edges
    assert network.nodes_of("top") == network.tops
    assert network.nodes_of("low") == network.lows
    assert network.nodes_of("parent") == network.parents
    with pytest.raises(KeyError):
        network.node("north")


def test_the_tunnel_certificate_names_node_role_and_network() -> None:
    """So that a stock host name check proves all three."""
    network = demo()
    assert network.identity_name(network.node("parent-a")) == "parent-a.parent.demo.midmile"


@pytest.mark.parametrize(
    ("name", "sockets"),
    [
        (
            "east",
            {
                "http": (("127.0.1.1", 8080), ("127.0.0.1", 8080)),
                "https": (("127.0.1.1", 8443), ("127.0.0.1", 8443)),
            },
        ),
        ("parent-b", {"tunnel": (("127.0.9.3", 7443),)}),
        ("shop-origin", {"http": (("127.0.9.2", 8088),)}),
        (
            "low-west",
            {"dns-udp": (("127.0.2.53", 5300),), "dns-tcp": (("127.0.2.53", 5300),)},
        ),
    ],
)
def test_a_node_says_what_to_bind(name: str, sockets: object) -> None:
    """By listener name; a DNS server binds each address twice."""
    assert demo().node(name).sockets() == sockets


def test_admin_ports_follow_each_other_in_the_file_s_order() -> None:
    """A node with an address of its own takes none of them."""
    network = demo(('name = "west"\nrole', 'name = "west"\nadmin = "127.0.0.1:9999"\nrole'))
    ports = [address.port for address in network.admin_addresses]
    assert ports == [8900, 9999, 8901, 8902, 8903, 8904, 8905, 8906, 8907]
    assert network.admin_address(network.node("parent-a")) == ("127.0.0.1", 8901)


def test_what_is_advertised_is_the_first_address_bound() -> None:
    """For each listener that nothing else is said of."""
    given = 'advertise = { http = "192.0.2.1:80", https = "192.0.2.1:443" }\n'
    network = demo(('name = "west"\nrole', f'name = "west"\n{given}role'))
    east, west = network.edges
    assert east.advertise.http == ("127.0.1.1", 8080)
    assert east.advertise.https == ("127.0.1.1", 8443)
    assert west.advertise.https == ("192.0.2.1", 443)
    assert network.tops[0].advertise.dns == ("127.0.10.1", 5300)


def test_an_edge_without_https_advertises_none() -> None:
    """There is nothing to tell."""
    network = demo((', https = ["127.0.2.1:8443"]', ""))
    assert network.edges[1].advertise.https is None
    assert network.edges[1].sockets()["https"] == ()


def test_a_parent_may_be_advertised_by_name() -> None:
    """Edges resolve it; an edge's or a DNS server's address goes into answers and may not."""
    told = 'role = "parent"\nadvertise = { tunnel = "Parent-A.internal:7443" }'
    network = demo(('role = "parent"', told))
    assert network.parents[0].advertise.tunnel == ("parent-a.internal", 7443)


def test_an_edge_has_a_worker_per_cpu_unless_told_otherwise() -> None:
    """Other roles have one."""
    network = demo(("workers = 2\n", ""))
    cpus = len(os.sched_getaffinity(0))
    assert [edge.workers for edge in network.edges] == [min(cpus, 128), 1]
    assert {node.workers for node in network.nodes if not isinstance(node, EdgeNode)} == {1}


def test_what_is_left_out_has_its_default() -> None:
    """TTLs, query, pages, cache, and our name in CDN-Loop."""
    left_out = ["cdn_id", "default_ttl", "max_ttl", "query", "never_cache", "referral_ttl"]
    text = "".join(
        line for line in DEMO.splitlines(keepends=True) if line.split(" ")[0] not in left_out
    )
    network = load(text, "demo.toml")
    site = network.sites[0]
    assert network.cdn_id == "midmile-demo"
    assert network.about.referral_ttl == 1800
    assert (site.default_ttl, site.max_ttl) == (0, 365 * 86_400)
    assert (site.query, site.never_cache, site.host) == (None, (), None)


def test_values_are_read_into_base_units() -> None:
    """Seconds and bytes, prefixes and addresses in canonical form."""
    network = demo(
        ('"0s"', '"500ms"'),
        ('"256MiB"', '"2GB"'),
        ("127.0.2.0/24", "2001:DB8:0::/32"),
        ('"127.0.9.1:7443"', '"[2001:db8:0:0::1]:7443"'),
        ("http://127.0.9.2:8088", "https://Origin.Example/"),
        ('"shop.localhost"', '"Shop.Example.", "2001:DB8::0:1"'),
    )
    site = network.sites[0]
    assert site.default_ttl == 0.5
    assert network.edges[0].cache == 2 * 10**9
    assert network.regions[1].clients == ("2001:db8::/32",)
    assert str(network.parents[0].listen.tunnel[0]) == "[2001:db8::1]:7443"
    assert str(site.origins[0]) == "https://origin.example:443"
    assert site.hostnames[1:3] == ("shop.example", "2001:db8::1")


def test_wildcards_of_different_nodes_may_be_equal() -> None:
    """Such nodes run on different machines, as in containers."""
    network = demo(
        ('"127.0.9.1:7443"', '"0.0.0.0:7443"'),
        ('"127.0.9.3:7443"', '"0.0.0.0:7443"'),
        ('name = "parent-a"', 'name = "parent-a"\nadvertise = { tunnel = "a:7443" }'),
        ('name = "parent-b"', 'name = "parent-b"\nadvertise = { tunnel = "b:7443" }'),
    )
    assert {node.listen.tunnel[0] for node in network.parents} == {Address("0.0.0.0", 7443)}


def test_files_are_sought_beside_the_network_file() -> None:
    """Wherever the program was started; an absolute path stays."""
    network = demo()
    assert network.file("shop.crt") == Path("net/shop.crt")
    assert network.file("/etc/shop.crt") == Path("/etc/shop.crt")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    """Editors on other systems write one."""
    path = tmp_path / "demo.toml"
    path.write_text(DEMO, encoding="utf-8-sig")
    assert read(path).name == "demo"


def test_a_network_can_be_handed_to_another_process() -> None:
    """With the folder of its file."""
    network = pickle.loads(pickle.dumps(demo()))  # noqa: S301 - our own bytes
    assert network == demo()
    assert network.file("a") == Path("net/a")
