"""What an operator wants purged, in the words of the store.

    {"url": "https://shop.test/a?b"}      all variants of a URL, over either scheme and on any port
    {"prefix": "https://shop.test/img/"}  all that begins so, likewise
    {"tag": "prices", "site": "shop"}     all that the site's origin has filed under it
    {"site": "shop"}                      all of a site

`"soft": true` lets it be used for a while as stale. A site need not be named where there is one.
"""

from collections.abc import Mapping

from edge.cache.key import keyed_target, place
from edge.config import SiteRules
from edge.explain.question import QuestionError, parse_url
from edge.sites import Sites
from edge.store.purges import Purge, Scope


class PurgeError(ValueError):
    """Nothing that can be purged; `str()` is one line for who asked."""


def wanted_purge(asked: Mapping[str, object], sites: Sites) -> Purge:
    """The purge that `asked` describes. Raises PurgeError."""
    given = {name: value for name, value in asked.items() if value is not None}
    soft = given.pop("soft", False)
    named = given.pop("site", None)
    if not isinstance(soft, bool) or not isinstance(named, str | None):
        raise PurgeError("soft is true or false, site a name")
    match given:
        case {"url": str(url), **others} if not others:
            return _place(Scope.URL, url, named, sites, soft=soft)
        case {"prefix": str(prefix), **others} if not others:
            return _place(Scope.PREFIX, prefix, named, sites, soft=soft)
        case {"tag": str(tag), **others} if not others and tag:
            return Purge(site=_site(named, sites).name, scope=Scope.TAG, value=tag, soft=soft)
        case {} if not given and named is not None:
            return Purge(site=_site(named, sites).name, scope=Scope.SITE, soft=soft)
    raise PurgeError("name one of url, prefix, tag (of a site), or a site alone")


def _site(named: str | None, sites: Sites) -> SiteRules:
    if named is None:
        only = sites.only
        if only is None:
            raise PurgeError("name the site: there are several")
        return only
    site = sites.named(named)
    if site is None:
        raise PurgeError(f"there is no site {named!r}")
    return site


def _place(scope: Scope, url: str, named: str | None, sites: Sites, *, soft: bool) -> Purge:
    try:
        asked = parse_url(url)
    except QuestionError as error:
        raise PurgeError(str(error)) from None
    site = sites.find(asked.host_port)
    if site is None or (named is not None and site.name != named):
        raise PurgeError(f"{asked.host} is no host of {named or 'any site'}")
    target = keyed_target(asked.target, site) if scope is Scope.URL else asked.target
    value = place(asked.host_port, target)
    return Purge(site=site.name, scope=scope, value=value, soft=soft)
