"""Who follows a parent's log of purges: how far each node is, and when it was last heard of.

Times are monotonic.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from edge.purge_log import Numbered, Position

LIVE_S = 5.0
"""A node that has been heard of so lately is waited for: each asks every two seconds."""


@dataclass(frozen=True, slots=True)
class _Heard:
    position: Position
    at_s: float


class Followers:
    """The nodes of a network that follow one parent, by their names."""

    def __init__(self, nodes: Collection[str], began_s: float) -> None:
        """`began_s`: since when they may have been heard of."""
        self._began_s = began_s
        self._heard: dict[str, _Heard | None] = dict.fromkeys(nodes)

    def heard(self, node: str, position: Position, now_s: float) -> None:
        """A node has told how far it is."""
        assert node in self._heard, node
        self._heard[node] = _Heard(position, now_s)

    def lacking(self, record: Numbered, now_s: float) -> Mapping[str, str]:
        """Who has not done a purge, or has not said so; and why, as far as can be told."""
        return {
            node: self._why(heard, now_s)
            for node, heard in self._heard.items()
            if heard is None or not heard.position.has(record.parent, record.place)
        }

    def awaited(self, record: Numbered, now_s: float) -> frozenset[str]:
        """Those of `lacking` that are there, as it seems, and will have done it soon."""
        return frozenset(node for node in self.lacking(record, now_s) if self._is_live(node, now_s))

    def _is_live(self, node: str, now_s: float) -> bool:
        heard = self._heard[node]
        # Who follows a parent that has just begun has had no time to ask it.
        return now_s - (self._began_s if heard is None else heard.at_s) < LIVE_S

    def _why(self, heard: _Heard | None, now_s: float) -> str:
        if heard is None:
            return f"not heard of since this parent began {now_s - self._began_s:.0f} s ago"
        silent_s = now_s - heard.at_s
        if silent_s < LIVE_S:
            return "has not done it in time"
        return f"not heard of for {silent_s:.0f} s"
