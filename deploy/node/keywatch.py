"""Notices when a node's key bundle has been renewed."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger("midmile.deploy")

POLL_S = 2.0

Stamp = tuple[tuple[str, int, int, int], ...]


class KeyWatch:
    """Calls `changed` once a bundle's files have changed and then kept still for one look."""

    def __init__(self, bundle: Path, changed: Callable[[], None]) -> None:
        self._bundle = bundle
        self._changed = changed
        self._task: asyncio.Task[None] | None = None

    def start(self, expiry: Callable[[float], None]) -> None:
        """Begin to watch; `expiry` gets the tunnel certificate's end (Unix time) now and anew."""
        self._task = asyncio.create_task(self._watch(expiry))

    def stop(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()

    async def _watch(self, expiry: Callable[[float], None]) -> None:
        known = last = stamp(self._bundle)
        self._report(expiry)
        while True:
            await asyncio.sleep(POLL_S)
            now = stamp(self._bundle)
            if now == last != known:
                known = now
                self._report(expiry)
                self._changed()
            last = now

    def _report(self, expiry: Callable[[float], None]) -> None:
        certificate = self._bundle / "tls.crt"
        try:
            expiry(expires_at(certificate.read_bytes()))
        except FileNotFoundError:
            pass  # a network without keys, as tests have it
        except (OSError, ValueError) as error:
            log.warning("cannot read %s: %s", certificate, error, extra={"event": "keys-unread"})


def stamp(bundle: Path) -> Stamp:
    """What tells one state of a bundle from another: names, times, sizes, inodes."""
    found = []
    for path in sorted(bundle.rglob("*")):
        try:
            about = path.stat()
        except FileNotFoundError:  # just replaced: the next look sees the new one
            continue
        found.append((str(path), about.st_mtime_ns, about.st_size, about.st_ino))
    return tuple(found)


def expires_at(pem: bytes) -> float:
    """When the first certificate in a PEM file ends, Unix time."""
    # Imported when the node serves already: cryptography takes a while.
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(pem).not_valid_after_utc.timestamp()
