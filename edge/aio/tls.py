"""TLS contexts: for users by site (SNI), and for the tunnel with both ends' certificates."""

import logging
import ssl
from collections.abc import Iterable, Mapping
from typing import Any

from edge.config import CertificateFiles, Identity, SiteRules
from edge.sites import Sites

log = logging.getLogger("midmile.edge.tls")


def tunnel_client(identity: Identity) -> ssl.SSLContext:
    """For connections to nodes of the network, which must have the name we expect."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(identity.authorities)
    context.load_cert_chain(identity.certificate, identity.key)
    return context


def tunnel_server(identity: Identity) -> ssl.SSLContext:
    """For connections from nodes of the network; whoever has no certificate is not let in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(identity.authorities)
    context.load_cert_chain(identity.certificate, identity.key)
    context.num_tickets = 0  # a resumed session would skip the certificate
    return context


def peer_names(connection: ssl.SSLObject | None) -> frozenset[str]:
    """The DNS names in a verified peer's certificate."""
    certificate = connection.getpeercert() if connection is not None else None
    names: Any = (certificate or {}).get("subjectAltName", ())
    return frozenset(value for kind, value in names if kind == "DNS")


class Renewable:
    """What a listener holds: each handshake takes the newest context."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.listening = context
        self._current = context
        context.sni_callback = self._choose

    def renew(self, context: ssl.SSLContext) -> None:
        """Use `context` for handshakes from now on."""
        self._current = context

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        connection.context = self._current


class SiteContexts:
    """For users: the certificate of the site they name, of the first site if they name none.

    A site whose files cannot be used is not served over TLS, and the log says so: the other sites
    are, and a file that is being replaced leaves the former one in use.
    """

    def __init__(
        self, rules: Iterable[SiteRules], certificates: Mapping[str, CertificateFiles]
    ) -> None:
        self._sites = Sites(rules)
        self._contexts: dict[str, ssl.SSLContext] = {}
        self.renew(certificates)
        self.listening = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.listening.minimum_version = ssl.TLSVersion.TLSv1_2
        self.listening.set_alpn_protocols(["http/1.1"])
        self.listening.sni_callback = self._choose

    def renew(self, certificates: Mapping[str, CertificateFiles]) -> None:
        """Read the files again, for handshakes from now on."""
        for site, files in certificates.items():
            try:
                self._contexts[site] = _for_users(files)
            except OSError as error:  # SSLError is one
                log.warning(
                    "site %s: cannot use %s: %s",
                    site,
                    files.certificate,
                    error.strerror or error,
                    extra={"event": "certificate-unusable", "site": site},
                )

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        context = next(iter(self._contexts.values()), None)
        if name is not None:
            site = self._sites.find(name)
            context = self._contexts.get(site.name) if site is not None else None
        if context is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = context
        return None


def _for_users(files: CertificateFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(files.certificate, files.key)
    context.set_alpn_protocols(["http/1.1"])
    return context
