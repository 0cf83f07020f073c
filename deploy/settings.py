"""From a network file to each room's frozen settings. Pure: opens nothing, makes nothing."""

from pathlib import Path
from typing import Literal, cast

from deploy.layout import NodeFiles, node_home
from deploy.network import (
    EdgeNode,
    LowNode,
    Network,
    Origin,
    OriginNode,
    ParentNode,
    Region,
    Site,
    TopNode,
)
from edge.config import (
    CertificateFiles,
    DiskSettings,
    EdgeSettings,
    Identity,
    Limits,
    OriginServer,
    ParentAddress,
    SiteRules,
)
from mapping.config import EdgeServer, MappingSettings, NameServer
from mapping.config import Region as MappedRegion
from origin.config import ParentSettings, SiteSettings


def edge_settings(network: Network, node: EdgeNode, state: Path) -> EdgeSettings:
    """What an edge's processes need to know."""
    files = NodeFiles(state, node.name)
    return EdgeSettings(
        node=node.name,
        cdn_id=network.cdn_id,
        sites=site_rules(network),
        parents=tuple(_parent_address(network, parent) for parent in network.parents),
        identity=_identity(files),
        site_certificates={
            site.name: _site_certificate(network, site, files) for site in network.sites
        },
        cache_bytes=node.cache,
        disk=_disk(node, state),
        limits=Limits(connections_per_client=node.connections_per_client),
    )


def parent_settings(network: Network, node: ParentNode, state: Path) -> ParentSettings:
    """What a parent's processes need to know."""
    return ParentSettings(
        node=node.name,
        cdn_id=network.cdn_id,
        sites=site_rules(network),
        edges=frozenset(network.identity_name(edge) for edge in network.edges),
        identity=_identity(NodeFiles(state, node.name)),
        home=str(node_home(state, node.name)),
        parents=tuple(
            _parent_address(network, parent)
            for parent in network.parents
            if parent.name != node.name
        ),
        nodes={
            **{network.identity_name(each): each.name for each in network.parents},
            **{network.identity_name(each): each.name for each in network.edges},
        },
        cache_bytes=node.cache,
        disk=_disk(node, state),
    )


def _disk(node: EdgeNode | ParentNode, state: Path) -> DiskSettings | None:
    if not node.disk:
        return None
    folder = node_home(state, node.name) / "cache"
    return DiskSettings(folder=str(folder), budget_bytes=node.disk)


def site_settings(node: OriginNode, home: Path) -> SiteSettings:
    """What the demo shop's processes need to know; `home` is the node's run-time folder."""
    return SiteSettings(node=node.name, home=str(home), gzip=node.gzip, faults=node.faults)


def mapping_settings(network: Network, node: TopNode | LowNode) -> MappingSettings:
    """What a DNS server's processes need to know."""
    tier: Literal["top", "low"] = "low" if isinstance(node, LowNode) else "top"
    return MappingSettings(
        node=node.name,
        tier=tier,
        region=node.region if isinstance(node, LowNode) else None,
        zone=network.zone,
        contact=network.about.contact,
        top=tuple(_name_server(top) for top in network.tops),
        regions=tuple(_mapped(network, region) for region in network.regions),
        delegations=_delegations(network),
        referral_ttl_s=round(network.about.referral_ttl),
        answer_ttl_s=round(network.about.answer_ttl),
    )


def site_rules(network: Network) -> tuple[SiteRules, ...]:
    """The rules of every site, in the file's order."""
    return tuple(
        SiteRules(
            name=site.name,
            hostnames=frozenset(site.hostnames),
            origins=tuple(_origin_server(origin) for origin in site.origins),
            origin_host=site.host,
            default_ttl_s=site.default_ttl,
            negative_ttl_s=site.negative_ttl,
            heuristic_ttl_s=site.heuristic_ttl,
            stale_ttl_s=site.stale_ttl,
            max_ttl_s=site.max_ttl,
            query_parameters=site.query,
            never_cache=site.never_cache,
            store_set_cookie=site.store_set_cookie,
            body_bytes=site.largest_request,
            harmless_fields=tuple(name.lower() for name in site.harmless_fields),
        )
        for site in network.sites
    )


def _origin_server(origin: Origin) -> OriginServer:
    scheme = cast("Literal['http', 'https']", origin.scheme)
    return OriginServer(scheme=scheme, host=origin.host, port=origin.port)


def _parent_address(network: Network, parent: ParentNode) -> ParentAddress:
    host, port = parent.advertise.tunnel
    return ParentAddress(
        name=parent.name, host=host, port=port, identity=network.identity_name(parent)
    )


def _identity(files: NodeFiles) -> Identity:
    return Identity(
        certificate=str(files.tls_crt), key=str(files.tls_key), authorities=str(files.authorities)
    )


def _site_certificate(network: Network, site: Site, files: NodeFiles) -> CertificateFiles:
    if site.certificate is not None and site.key is not None:
        certificate, key = network.file(site.certificate), network.file(site.key)
    else:
        certificate, key = files.site_crt(site.name), files.site_key(site.name)
    return CertificateFiles(certificate=str(certificate), key=str(key))


def _name_server(node: TopNode | LowNode) -> NameServer:
    return NameServer(name=node.name, addresses=(node.advertise.dns.host,))


def _mapped(network: Network, region: Region) -> MappedRegion:
    return MappedRegion(
        name=region.name,
        clients=region.clients,
        servers=tuple(_name_server(low) for low in network.lows if low.region == region.name),
        edges=tuple(_edge_server(edge) for edge in network.edges if edge.region == region.name),
    )


def _edge_server(edge: EdgeNode) -> EdgeServer:
    host, port = edge.advertise.http
    return EdgeServer(name=edge.name, addresses=(host,), probe_host=host, probe_port=port)


def _delegations(network: Network) -> tuple[str, ...]:
    return tuple(
        hostname
        for site in network.sites
        for hostname in site.hostnames
        if hostname.endswith(f".{network.zone}")
    )
