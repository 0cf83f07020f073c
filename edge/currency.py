"""Whether a process of a node may use what it has stored, as far as purges go.

It may while it knows of all purges that anybody told it of (`require`), and while a parent was
heard of not too long ago (its lease): otherwise something may have been purged meanwhile, and what
is stored has to be asked about before it is used.
"""

import math
from collections.abc import Callable

from edge.purge_log import LEASE_S, Position, PurgeLogError

_NOT_YET = -math.inf


class Currency:
    """What one process knows of the purges of its network.

    Where nobody numbers purges nothing can be missed: then it stays as it is made.
    """

    __slots__ = (
        "_behind",
        "_lease_s",
        "_position",
        "_required",
        "lasts_until_s",
        "released",
        "text",
    )

    def __init__(
        self, *, lease_s: float = math.inf, behind: Callable[[str], None] = lambda _: None
    ) -> None:
        """`lease_s`: when the lease ends that it begins with, in monotonic seconds.

        `behind`: told the position of somebody who knows more than we do.
        """
        self._behind = behind
        self._lease_s = lease_s
        self._position = Position()
        self._required = Position()
        self.text = ""
        """Its position, as it stands in the tunnel's field; empty: none yet."""
        self.released = ""
        """The position that a parent tells edges: what they may know by now."""
        self.lasts_until_s = lease_s
        """Until then what is stored may be used; monotonic seconds."""

    @property
    def position(self) -> Position:
        """How far purges have been carried out here."""
        return self._position

    def is_at(self, position: Position) -> None:
        """All purges up to there have been carried out."""
        self._position = position
        self.text = str(position)
        self._weigh()

    def heard(self, heard_s: float) -> None:
        """A parent has been heard of, at that monotonic time."""
        self._lease_s = max(self._lease_s, heard_s + LEASE_S)
        self._weigh()

    def require(self, text: str) -> bool:
        """Somebody is at this position, so that we must get there too; whether that is news.

        What is no position says nothing: only nodes of our own network are heard.
        """
        if not text or text == self.text:
            return False
        try:
            position = Position.of(text)
        except PurgeLogError:
            return False
        if self._position.covers(position) or self._required.covers(position):
            return False
        self._required = self._required.joined(position)
        self._weigh()
        self._behind(text)
        return True

    def _weigh(self) -> None:
        behind = not self._position.covers(self._required)
        self.lasts_until_s = _NOT_YET if behind else self._lease_s

    def is_doubtful(self, mono_s: float) -> bool:
        """Whether what is stored has to be asked about before it is used."""
        return mono_s >= self.lasts_until_s
