"""What a store in memory asks of a larger one below it, which a node's processes share."""

from collections.abc import Iterable
from typing import Protocol

from edge.cache.entry import Entry
from edge.cache.key import Key
from edge.store.purges import Purge


class Below(Protocol):
    """The store below. Nothing here waits, and nothing fails: what cannot be had is not there."""

    def load(self, key: Key) -> tuple[Entry, ...]:
        """All variants under `key` that no purge concerns."""

    def heads(self, key: Key) -> tuple[Entry, ...]:
        """The same without bodies, where these would have to be fetched."""

    def has(self, key: Key) -> bool:
        """Whether anything may be stored under `key`."""

    def keep(self, entry: Entry) -> None:
        """Store a variant, in place of one for the same request fields; not at once."""

    def drop(self, entry: Entry) -> None:
        """Let the variant for these request fields be used no more, from now on."""

    def used(self, key: Key) -> None:
        """`key` was asked for."""

    def invalidate(self, key: Key) -> None:
        """Let no process of the node use what is stored under `key`, or is being fetched."""

    def purge(self, purges: Iterable[Purge]) -> None:
        """Have all processes of the node purge what one of them has purged by itself."""


class NothingBelow:
    """There is no such store."""

    def load(self, key: Key) -> tuple[Entry, ...]:  # noqa: ARG002
        """Nothing."""
        return ()

    def heads(self, key: Key) -> tuple[Entry, ...]:  # noqa: ARG002
        """Nothing."""
        return ()

    def has(self, key: Key) -> bool:  # noqa: ARG002
        """It does not."""
        return False

    def keep(self, entry: Entry) -> None:
        """Forget it."""

    def drop(self, entry: Entry) -> None:
        """It is not there."""

    def used(self, key: Key) -> None:
        """Nobody counts."""

    def invalidate(self, key: Key) -> None:
        """It is not there."""

    def purge(self, purges: Iterable[Purge]) -> None:
        """Nobody else has anything."""
