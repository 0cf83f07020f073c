"""Whether a process of a node may use what it has stored, as far as purges go.

It may while it knows of all purges that anybody told it of (`require`), and while a parent was
heard of not too long ago (its lease): otherwise something may have been purged meanwhile, and what
is stored has to be asked about before it is used.
"""

import math
from collections.abc import Callable, Collection

from edge.purge_log import LEASE_S, Position, PurgeLogError

AGAIN_S = 1.0
"""For so long whoever was told that we are behind has time to change it, before it is told again:
it may not have been ready to listen, or have met with a fault."""

_NOT_YET = -math.inf


class Currency:
    """What one process knows of the purges of its network.

    Where nobody numbers purges nothing can be missed: then it stays as it is made.
    """

    __slots__ = (
        "_behind",
        "_lapsed",
        "_lease_s",
        "_parents",
        "_position",
        "_required",
        "_tell_again_s",
        "lasts_until_s",
        "released",
        "text",
    )

    def __init__(
        self,
        *,
        lease_s: float = math.inf,
        behind: Callable[[str], None] = lambda _: None,
        parents: Collection[str] | None = None,
    ) -> None:
        """`lease_s`: when the lease ends that it begins with, in monotonic seconds.

        `behind`: told the position of somebody who knows more than we do, at once, and again and
        again while somebody wants to use what is stored.

        `parents`: whose purges count, with those that are known already; None: anybody's.
        """
        self._behind = behind
        self._parents = parents
        self._lease_s = lease_s
        self._lapsed = False
        self._position = Position()
        self._required = Position()
        self._tell_again_s = _NOT_YET
        self.text = ""
        """All that it has done or must do, as it stands in the tunnel's field; empty: nothing yet.

        Whoever is asked by somebody who doubts shall not answer from what it has stored either.
        """
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
        self._weigh()

    def lapse(self) -> None:
        """Its process ends: it may be the keeper that is gone, and nobody tells us any more."""
        self._lapsed = True
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
        if self._parents is not None:
            position = position.only({*self._parents, *self._position.places})
        if self._position.covers(position) or self._required.covers(position):
            return False
        required = self._required.joined(position)
        if self._position.joined(required).is_too_long:  # nobody can have told us all of that
            return False
        self._required = required
        self._weigh()
        self._tell_again_s = _NOT_YET
        self._behind(str(position))
        return True

    @property
    def _is_behind(self) -> bool:
        return not self._position.covers(self._required)

    def _weigh(self) -> None:
        self.text = str(self._position.joined(self._required))
        distrusted = self._lapsed or self._is_behind
        self.lasts_until_s = _NOT_YET if distrusted else self._lease_s

    def is_doubtful(self, mono_s: float) -> bool:
        """Whether what is stored has to be asked about before it is used."""
        if mono_s < self.lasts_until_s:
            return False
        if self._is_behind:
            self._remind(mono_s)
        return True

    def _remind(self, mono_s: float) -> None:
        """Tell again that we are behind, unless that was lately."""
        if self._tell_again_s == _NOT_YET:
            self._tell_again_s = mono_s + AGAIN_S
        elif mono_s >= self._tell_again_s:
            self._tell_again_s = mono_s + AGAIN_S
            self._behind(str(self._required))
