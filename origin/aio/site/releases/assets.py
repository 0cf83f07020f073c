"""Static files: read once, served from memory under names that carry a hash of their content.

`/assets/site.1f2e3d4c.css` may be kept for ever, since other content would have another name. Only
`/favicon.ico` and `/robots.txt`, whose names others fix, are served under plain names. The files of
earlier releases stay: a page that was made before a release goes on looking as it did.
"""

import json
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from origin.aio.site.catalogue import CATEGORIES, PRODUCTS
from origin.aio.site.http.answers import FOR_A_DAY
from origin.aio.site.http.representation import Representation, digest, represent
from origin.aio.site.releases.release import Release

FOLDER = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
PLAIN_NAMES = ("favicon.ico", "robots.txt")
UNSERVED = ("FONTS.txt",)

STYLES = ("site.css", "shop.css")
SCRIPTS = ("catalogue.js", "site.js", "search.js", "live.js")
FONTS = ("fraunces.woff2", "fraunces-italic.woff2", "figtree.woff2", "spline-sans-mono.woff2")
SHARED = (*STYLES, *SCRIPTS, *FONTS)
"""What every page loads, by name: ten files of 300 KB together. Benchmarks stand on it."""

_INDEX = "catalogue.js"
_RELEASED = {"site.css": Release.style, "site.js": Release.script}
_URL = re.compile(r'url\("([a-z0-9-]+\.[a-z0-9]+)"\)')

_TYPES = mimetypes.MimeTypes()
"""Python's own table only: what a machine's /etc/mime.types says must not change a response."""
_TEXT = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """All static files, by the path of their URL."""

    by_path: Mapping[str, Representation]
    paths: Mapping[str, str]
    """From a file's own name (`site.css`) to its URL's path in this release."""

    def url(self, name: str) -> str:
        """Where a page finds the file called `name`."""
        return self.paths[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shelf:
    """Assets as they are gathered."""

    by_path: dict[str, Representation] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, body: bytes, changed: datetime) -> None:
        """Serve `body`; its name leads to it until another body comes under the same name."""
        plain = name in PLAIN_NAMES
        path = f"/{name}" if plain else f"/assets/{_hashed_name(name, body)}"
        self.paths[name] = path
        self.by_path[path] = represent(
            body,
            content_type=_content_type(name),
            cache_control=FOR_A_DAY if plain else FOR_EVER,
            last_modified=changed,
            ranges=True,
        )

    def linked(self, style: str) -> str:
        """A style whose `url("figtree.woff2")` names the file as it is served."""
        # Relative to the style: both stand in the same folder.
        return _URL.sub(lambda found: f'url("{self.paths[found[1]].rpartition("/")[2]}")', style)


def load_assets(release: int, folder: Path = FOLDER) -> Assets:
    """Read every file of `folder`, as it was in each release up to this one."""
    shelf = _Shelf()
    files = [file for file in sorted(folder.iterdir()) if file.name not in UNSERVED]
    # Styles last: they name fonts, whose hashes must be known.
    for file in sorted(files, key=lambda file: file.suffix == ".css"):
        changed = datetime.fromtimestamp(int(file.stat().st_mtime), UTC)
        for body in _bodies(file, release):
            text = file.suffix == ".css"
            shelf.add(file.name, shelf.linked(body.decode()).encode() if text else body, changed)
    newest = max(int(file.stat().st_mtime) for file in files)
    shelf.add(_INDEX, catalogue_script().encode(), datetime.fromtimestamp(newest, UTC))
    return Assets(by_path=shelf.by_path, paths=shelf.paths)


def catalogue_script() -> str:
    """The catalogue as the search field reads it: one row a product, one line a row."""
    places = {category.slug: at for at, category in enumerate(CATEGORIES)}
    names = {shelf.slug: shelf.name for category in CATEGORIES for shelf in category.shelves}
    rows = (
        [
            each.name,
            each.slug,
            places[each.category],
            names[each.shelf],
            each.base_price_cents,
            round(each.rating, 1),
            each.line,
            each.material,
            "; ".join(value for _, value in each.details[:3]),
        ]
        for each in PRODUCTS
    )
    categories = [[each.slug, each.name, each.glyph] for each in CATEGORIES]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    heading = json.dumps(categories, ensure_ascii=False)
    return (
        "// The catalogue for the search field; made from the shop's tables, not written by hand.\n"
        "// A row: name, slug, category, shelf, price in cents, stars, line, material, figures.\n"
        f"window.midmileCategories = {heading};\nwindow.midmileCatalogue = [\n{lines}\n];\n"
    )


def _bodies(file: Path, release: int) -> Iterator[bytes]:
    """What a file held in each release, the newest last."""
    body = file.read_bytes()
    edit = _RELEASED.get(file.name)
    if edit is None:
        yield body
        return
    for number in range(release + 1):
        yield edit(Release(number=number), body.decode()).encode()


def _hashed_name(name: str, body: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{digest(body)[:8]}.{suffix}"


def _content_type(name: str) -> str:
    known = _TEXT.get(Path(name).suffix) or _TYPES.guess_type(name)[0]
    assert known is not None, f"no content type for {name}"
    return known
