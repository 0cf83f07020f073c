"""Which site a request is for."""

from collections.abc import Iterable

from edge.authority import parse_authority
from edge.config import SiteRules


class Sites:
    """Sites by hostname. The port of the authority takes no part."""

    __slots__ = ("_by_host", "_by_name")

    def __init__(self, rules: Iterable[SiteRules]) -> None:
        self._by_host: dict[str, SiteRules] = {}
        self._by_name: dict[str, SiteRules] = {}
        for site in rules:
            self._by_name[site.name] = site
            for hostname in sorted(site.hostnames):
                parsed = parse_authority(_bracketed(hostname))
                assert parsed is not None, f"site {site.name}: {hostname!r} is no hostname"
                taken = self._by_host.setdefault(parsed.host, site)
                assert taken is site, f"{hostname!r} belongs to both {taken.name} and {site.name}"

    def __len__(self) -> int:
        return len(self._by_name)

    def find(self, authority: str) -> SiteRules | None:
        """The site of `host[:port]`, None if nobody has it or it is malformed."""
        # Most often it is plain lower case already.
        site = self._by_host.get(authority)
        if site is None and (parsed := parse_authority(authority)) is not None:
            site = self._by_host.get(parsed.host)
        return site

    @property
    def only(self) -> SiteRules | None:
        """The one site there is; None where there are several."""
        return next(iter(self._by_name.values())) if len(self._by_name) == 1 else None

    def named(self, name: str) -> SiteRules | None:
        """The site with this name in the network file."""
        return self._by_name.get(name)


def _bracketed(hostname: str) -> str:
    return f"[{hostname}]" if ":" in hostname and not hostname.startswith("[") else hostname
