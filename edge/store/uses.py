"""Which of the responses on a disk have earned to stay when there is no room (pure).

They stand in one queue, in the order in which they came; only what was asked for twice comes into
it. When one reaches the end it goes, unless it was used meanwhile: often enough for its size, as in
the main queue of `eviction`, it begins again at the queue's other end. So nothing is moved when
something is used, and nothing but lately used keys is held in memory.
"""

from collections import OrderedDict

MOST_KEYS = 200_000
"""Whose uses are remembered: some 30 MB. Those that were not used for longest are forgotten."""
MOST_USES = 64
"""That count for one stay."""


class Uses:
    """Uses of keys since they were last asked to stay."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._uses: OrderedDict[bytes, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._uses)

    def add(self, key: bytes, times: int = 1) -> None:
        """Count uses."""
        self._uses[key] = min(MOST_USES, self._uses.pop(key, 0) + times)
        if len(self._uses) > self._most:
            self._uses.popitem(last=False)

    def stays(self, key: bytes, size: int, mean: float) -> bool:
        """Whether a key whose turn it is stays for its uses, which are spent then.

        `size` is what it takes, `mean` what one takes on average.
        """
        cost = min(float(MOST_USES), max(1.0, size / mean)) if mean else 1.0
        return self._uses.pop(key, 0) >= cost
