"""What each room is told of a network file."""

from pathlib import Path

from deploy.network import LowNode, OriginNode
from deploy.settings import edge_settings, mapping_settings, parent_settings, site_settings
from edge.config import CertificateFiles, Identity, OriginServer, ParentAddress, SiteRules
from mapping.config import EdgeServer, NameServer, Region
from origin.config import SiteSettings
from tests.deploy.networks import demo

_STATE = Path("var")


def test_an_edge_knows_its_sites_and_how_to_prove_itself_to_parents() -> None:
    """Parents in the file's order, with the name that each one's certificate must carry."""
    network = demo()
    settings = edge_settings(network, network.edges[0], _STATE)
    assert (settings.node, settings.cdn_id) == ("east", "midmile-demo")
    assert settings.cache_bytes == 256 * 2**20
    assert settings.parents == (
        ParentAddress(
            name="parent-a",
            host="127.0.9.1",
            port=7443,
            identity="parent-a.parent.demo.midmile",
        ),
        ParentAddress(
            name="parent-b",
            host="127.0.9.3",
            port=7443,
            identity="parent-b.parent.demo.midmile",
        ),
    )
    assert settings.identity == Identity(
        certificate="var/keys/nodes/east/tls.crt",
        key="var/keys/nodes/east/tls.key",
        authorities="var/keys/nodes/east/authorities.crt",
    )


def test_a_site_s_rules_are_those_of_the_file() -> None:
    """Every key arrives."""
    network = demo(
        ('"0s"', '"60s"'),
        ('"365d"', '"1d"'),
        ('"all"', '["q"]\nhost = "origin.example:8080"'),
        ("store_set_cookie = false", 'store_set_cookie = true\nharmless_fields = ["X-App-*"]'),
    )
    assert edge_settings(network, network.edges[0], _STATE).sites == (
        SiteRules(
            name="shop",
            hostnames=frozenset({"shop.cdn.test", "shop.localhost", "localhost", "127.0.0.1"}),
            origins=(OriginServer(scheme="http", host="127.0.9.2", port=8088),),
            origin_host="origin.example:8080",
            default_ttl_s=60.0,
            max_ttl_s=86_400.0,
            query_parameters=frozenset({"q"}),
            never_cache=(
                *("/account/*", "/account", "/cart*", "/login", "/logout", "/thanks"),
                *("/api/cart", "/api/me", "/admin/*"),
            ),
            store_set_cookie=True,
            harmless_fields=("x-app-*",),
        ),
    )


def test_no_query_parameter_counts_where_the_file_says_none() -> None:
    """Which is an empty set, as None stands for all."""
    network = demo(('"all"', '"none"'))
    assert edge_settings(network, network.edges[0], _STATE).sites[0].query_parameters == frozenset()


def test_a_site_s_certificate_is_the_operator_s_or_from_the_bundle() -> None:
    """The operator's is sought beside the network file."""
    own = edge_settings(demo(), demo().edges[1], _STATE).site_certificates
    assert own == {
        "shop": CertificateFiles(
            certificate="var/keys/nodes/west/sites/shop.crt",
            key="var/keys/nodes/west/sites/shop.key",
        )
    }
    network = demo(('"all"', '"all"\ncertificate = "shop.crt"\nkey = "/etc/shop.key"'))
    given = edge_settings(network, network.edges[1], _STATE).site_certificates
    assert given == {"shop": CertificateFiles(certificate="net/shop.crt", key="/etc/shop.key")}


def test_a_parent_knows_the_edges_that_may_ask_it() -> None:
    """By the names in their certificates."""
    network = demo()
    settings = parent_settings(network, network.parents[0], _STATE)
    assert settings.edges == {"east.edge.demo.midmile", "west.edge.demo.midmile"}
    assert settings.identity.key == "var/keys/nodes/parent-a/tls.key"
    assert settings.sites == edge_settings(network, network.edges[0], _STATE).sites


def test_a_parent_knows_whose_purges_it_follows_and_who_follows_its_own() -> None:
    """The other parents, where edges find them; every node by its certificate; a place to keep."""
    network = demo()
    first, second = network.parents
    settings = parent_settings(network, first, _STATE)
    assert settings.home == "var/nodes/parent-a"
    assert settings.parents == edge_settings(network, network.edges[0], _STATE).parents[1:]
    assert settings.nodes == {
        "parent-a.parent.demo.midmile": "parent-a",
        "parent-b.parent.demo.midmile": "parent-b",
        "east.edge.demo.midmile": "east",
        "west.edge.demo.midmile": "west",
    }
    others = parent_settings(network, second, _STATE).parents
    assert [each.name for each in others] == ["parent-a"]


def test_the_demo_shop_knows_what_to_do_and_where() -> None:
    """It compresses and does not fail, unless the file says otherwise."""
    home = Path("var/nodes/shop-origin")
    for changes, expected in (
        ((), SiteSettings(node="shop-origin", home=str(home))),
        (
            (('role = "origin"', 'role = "origin"\ngzip = false\nfaults = true'),),
            SiteSettings(node="shop-origin", home=str(home), gzip=False, faults=True),
        ),
    ):
        node = demo(*changes).node("shop-origin")
        assert isinstance(node, OriginNode)
        assert site_settings(node, home) == expected


def test_a_dns_server_knows_both_tiers_and_what_it_may_answer() -> None:
    """Advertised addresses without ports, and host names inside the zone only."""
    network = demo()
    settings = mapping_settings(network, network.tops[0])
    assert (settings.node, settings.tier, settings.region) == ("top-a", "top", None)
    assert (settings.zone, settings.contact) == ("cdn.test", "hostmaster@cdn.test")
    assert (settings.referral_ttl_s, settings.answer_ttl_s) == (1800, 20)
    assert settings.delegations == ("shop.cdn.test",)
    assert settings.top == (
        NameServer(name="top-a", addresses=("127.0.10.1",)),
        NameServer(name="top-b", addresses=("127.0.10.2",)),
    )
    east, west = settings.regions
    assert east == Region(
        name="east",
        clients=("127.0.1.0/24",),
        servers=(NameServer(name="low-east", addresses=("127.0.1.53",)),),
        edges=(
            EdgeServer(
                name="east", addresses=("127.0.1.1",), probe_host="127.0.1.1", probe_port=8080
            ),
        ),
    )
    assert west.name == "west"


def test_a_low_level_server_knows_its_region() -> None:
    """Whose edges it prefers."""
    network = demo()
    node = network.node("low-west")
    assert isinstance(node, LowNode)
    settings = mapping_settings(network, node)
    assert (settings.tier, settings.region) == ("low", "west")
