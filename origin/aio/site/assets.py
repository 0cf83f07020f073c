"""Static files: read once, served from memory under names that carry a hash of their content.

`/assets/site.1f2e3d4c.css` may be kept for ever, since other content would have another name. Only
`/favicon.ico` and `/robots.txt`, whose names others fix, are served under plain names.
"""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from origin.aio.site.representation import Representation, represent

FOLDER = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_DAY = "public, max-age=86400"
PLAIN_NAMES = ("favicon.ico", "robots.txt")

_TYPES = mimetypes.MimeTypes()
"""Python's own table only: what a machine's /etc/mime.types says must not change a response."""
_TEXT = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """All static files, by the path of their URL."""

    by_path: Mapping[str, Representation]
    paths: Mapping[str, str]
    """From a file's own name (`site.css`) to its URL's path."""

    def url(self, name: str) -> str:
        """Where a page finds the file called `name`."""
        return self.paths[name]


def load_assets(folder: Path = FOLDER) -> Assets:
    """Read every file of `folder`."""
    by_path: dict[str, Representation] = {}
    paths: dict[str, str] = {}
    for file in sorted(folder.iterdir()):
        body = file.read_bytes()
        plain = file.name in PLAIN_NAMES
        path = f"/{file.name}" if plain else f"/assets/{_hashed_name(file, body)}"
        paths[file.name] = path
        by_path[path] = represent(
            body,
            content_type=_content_type(file),
            cache_control=FOR_A_DAY if plain else FOR_EVER,
            last_modified=datetime.fromtimestamp(int(file.stat().st_mtime), UTC),
            ranges=True,
        )
    return Assets(by_path=by_path, paths=paths)


def _hashed_name(file: Path, body: bytes) -> str:
    return f"{file.stem}.{hashlib.sha256(body).hexdigest()[:8]}{file.suffix}"


def _content_type(file: Path) -> str:
    known = _TEXT.get(file.suffix) or _TYPES.guess_type(file.name)[0]
    assert known is not None, f"no content type for {file.suffix}"
    return known
