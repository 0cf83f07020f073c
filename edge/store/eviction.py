"""Which keys are worth room in a store, and which go when there is none (pure).

A small queue for what is new, a main queue for what has been asked for again, and a memory of what
was let go (ghosts), as in S3-FIFO (Yang et al., SOSP 2023): a scan or an object that nobody asks
for twice passes through a tenth of the room. Three things are ours:

- **Size.** Room costs bytes for a time. A key of ten times the mean size stays in the main queue
  only for ten times the uses, and comes into it only if it is asked for as much more often. Really
  large ones must be asked for twice before they are taken in at all.
- **Rehearsal.** Some workloads are served better by plain recency. Once there is something to
  choose, both rules run beside each other on a sample of the keys and a likewise smaller budget,
  without content (miniature simulation: Waldspurger et al., USENIX ATC 2017); what goes is chosen
  by the rule with more hits of late.
- All is counted in requests, never in time, and each operation takes constant time, amortised.

`bench/results/hitratio.txt` has what comes of it, beside other policies on public traces.
"""

from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice
from zlib import crc32

from edge.cache.key import Key

SMALL_SHARE = 1 / 8
"""Of the budget: the small queue's part, when the main queue wants the rest."""
PROMOTED_USES = 2
"""In the small queue, to be moved to the main one."""
MOST_CREDIT = 8
"""Uses that count in the main queue, in those that one more stay costs."""
GHOSTS_PER_KEY = 2
"""Keys remembered, by a hash of four bytes, for each that is there: mistakes are rare, harmless."""
_GHOSTS_SLACK = 1 / 8
LARGE_SHARE = 1 / 16
"""Of the small queue: one more of this size pushes out much that is new."""
LARGE_MEANS = 16
"""A key is large when it has so many times the mean size, and also the share above."""
_STAY_WEIGHT = 0.01
"""Of the newest stay in the average of stays."""
REHEARSED_KEYS = 1_024
"""About so many keys are in a rehearsal, which bounds its cost and memory."""
MEMORY_STAYS = 10
"""Requests that a comparison remembers, for each key in the rehearsal."""


@dataclass(slots=True)
class _Place:
    """A key that is there."""

    size: int
    mark: int
    """Its hash."""
    since: int
    """When it entered its queue; as all times in requests."""
    asked: int
    """When it was asked for last."""
    credit: float = 0.0
    """Uses that have not been spent on staying."""
    main: bool = False
    """Whether it is in the main queue."""


class Queues:
    """The order in which keys go, by one of two rules that share what is known of the keys."""

    def __init__(self, budget_bytes: int, *, by_recency: bool = False) -> None:
        self.budget_bytes = budget_bytes
        self.by_recency = by_recency
        """The least recently used key goes first; all that is new is welcome."""
        self.size_bytes = 0
        self._main_bytes = 0
        self._clock = 0
        self._stay = 0.0  # average time from one end of the main queue to the other; 0: not known
        self._places: OrderedDict[Key, _Place] = OrderedDict()  # least recently used first
        self._small: OrderedDict[Key, _Place] = OrderedDict()
        self._main: OrderedDict[Key, _Place] = OrderedDict()
        self._ghosts: dict[int, int] = {}  # hashes, and when each was asked for; oldest first

    def __len__(self) -> int:
        return len(self._places)

    def place(self, key: Key) -> _Place | None:
        """Where the key is."""
        return self._places.get(key)

    def use(self, key: Key, times: int = 1) -> None:
        """Count requests for a key that is there."""
        place = self._places[key]
        self._clock += times
        place.credit += times
        place.asked = self._clock
        self._places.move_to_end(key)
        if not place.main:
            self._small.move_to_end(key)

    def admits(self, mark: int, size: int) -> bool:
        """Whether a key that is not there is worth room; it is remembered if it is not.

        `mark` is the key's hash. This counts as a request for it.
        """
        self._clock += 1
        asked = self._ghosts.get(mark)
        if self.by_recency:
            return True
        if asked is None:
            welcome = self.size_bytes + size <= self.budget_bytes or not self._is_large(size)
        else:
            welcome = self._is_worth(self._cost(size), self._clock - asked)
        if not welcome:
            self._remember(mark, self._clock)
        return welcome

    def add(self, key: Key, mark: int, size: int) -> None:
        """A key is there now."""
        known = self._ghosts.pop(mark, None) is not None
        place = _Place(size, mark, self._clock, self._clock, main=known)
        self._places[key] = place
        self.size_bytes += size
        if known:
            self._main[key] = place
            self._main_bytes += size
        else:
            self._small[key] = place

    def resize(self, key: Key, size: int) -> None:
        """A key that is there has another size now."""
        place = self._places[key]
        self.size_bytes += size - place.size
        if place.main:
            self._main_bytes += size - place.size
        place.size = size

    def remove(self, key: Key) -> None:
        """A key that was there is gone."""
        place = self._places.pop(key)
        self.size_bytes -= place.size
        if place.main:
            self._main_bytes -= place.size
            del self._main[key]
        else:
            del self._small[key]

    def evict(self) -> Key:
        """Let go of a key, and say which."""
        if self.by_recency:
            key = next(iter(self._places))
            self._let_go(key)
            return key
        while True:
            main_room = self.budget_bytes * (1 - SMALL_SHARE)
            if self._main_bytes > main_room or not self._small:
                key, stays = self._end_of_main()
            else:
                key, stays = self._end_of_small()
            if not stays:
                return key

    def _end_of_small(self) -> tuple[Key, bool]:
        """The key whose turn it is, and whether it has been moved to the main queue."""
        key, place = next(iter(self._small.items()))
        uses = place.credit
        interval = (self._clock - place.since) / max(1.0, uses)
        if uses >= PROMOTED_USES and self._is_worth(self._cost_there(place.size), interval):
            del self._small[key]
            self._main[key] = place
            self._main_bytes += place.size
            place.main, place.credit, place.since = True, 0.0, self._clock
            return key, True
        self._let_go(key)
        return key, False

    def _end_of_main(self) -> tuple[Key, bool]:
        """The key whose turn it is, and whether it stays for its uses."""
        key, place = next(iter(self._main.items()))
        stay = self._clock - place.since
        self._stay += (stay - self._stay) * (_STAY_WEIGHT if self._stay else 1.0)
        cost = self._cost_there(place.size)
        place.credit = min(place.credit, MOST_CREDIT * cost) - cost
        if place.credit >= 0:
            self._main.move_to_end(key)
            place.since = self._clock
            return key, True
        self.remove(key)  # it had its chance: it is not remembered
        return key, False

    def _let_go(self, key: Key) -> None:
        place = self._places[key]
        self.remove(key)
        self._remember(place.mark, place.asked)

    def _remember(self, mark: int, asked: int) -> None:
        self._ghosts.pop(mark, None)
        self._ghosts[mark] = asked
        most = GHOSTS_PER_KEY * len(self._places) + 1
        excess = len(self._ghosts) - most
        if (
            excess > most * _GHOSTS_SLACK
        ):  # seldom: it copies them, but a plain dict is half as large
            self._ghosts = dict(islice(self._ghosts.items(), excess, None))

    def _cost(self, size: int) -> float:
        """Of a stay in the main queue, in uses."""
        return max(1.0, size * len(self._places) / self.size_bytes) if self.size_bytes else 1.0

    def _cost_there(self, size: int) -> float:
        """The same for a key that is there: others give the measure."""
        others = self.size_bytes - size
        return max(1.0, size * (len(self._places) - 1) / others) if others > 0 else 1.0

    def _is_large(self, size: int) -> bool:
        too_much = size > self.budget_bytes * SMALL_SHARE * LARGE_SHARE
        return too_much and self._cost(size) > LARGE_MEANS

    def _is_worth(self, cost: float, interval: float) -> bool:
        """Whether a key that is asked for at this interval is worth a stay in the main queue."""
        return not self._stay or cost <= 1.0 or cost * interval <= self._stay


class Eviction:
    """The rule that suits the workload, for the keys of one store.

    Tell it of each key that is asked for: of what is there with `use`, of what is not with
    `admits`, after which the store makes room with `evict` and then says `add`.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._queues = Queues(budget_bytes)
        self._rehearsal: _Rehearsal | None = None

    @property
    def by_recency(self) -> bool:
        """Whether the least recently used key goes first at present."""
        return self._queues.by_recency

    def use(self, key: Key, times: int = 1) -> None:
        """Count requests for a key; nothing happens if it is not there."""
        place = self._queues.place(key)
        if place is None:
            return
        self._queues.use(key, times)
        if self._rehearsal is not None:
            self._rehearse(self._rehearsal, key, place.mark, place.size, times)

    def admits(self, key: Key, size: int) -> bool:
        """Whether a key that is not there is worth room."""
        mark = crc32(key.encode())
        if self._rehearsal is not None:
            self._rehearse(self._rehearsal, key, mark, size, 1)
        return self._queues.admits(mark, size)

    def is_known(self, key: Key) -> bool:
        """Whether a key that is there has been asked for before it was."""
        place = self._queues.place(key)
        return place is not None and place.main

    def add(self, key: Key, size: int) -> None:
        """A key is there now."""
        self._queues.add(key, crc32(key.encode()), size)

    def resize(self, key: Key, size: int) -> None:
        """A key that is there has another size now."""
        self._queues.resize(key, size)

    def remove(self, key: Key) -> None:
        """A key that was there is gone."""
        self._queues.remove(key)

    def evict(self) -> Key:
        """Let go of a key, and say which."""
        if self._rehearsal is None:
            self._rehearsal = _Rehearsal(self._queues.budget_bytes, len(self._queues))
        return self._queues.evict()

    def _rehearse(
        self, rehearsal: "_Rehearsal", key: Key, mark: int, size: int, times: int
    ) -> None:
        if mark & rehearsal.mask:
            return
        rehearsal.request(key, mark, size, times)
        if rehearsal.lead:
            self._queues.by_recency = rehearsal.lead < 0
        if len(self._queues) > 2 * REHEARSED_KEYS * (rehearsal.mask + 1):
            lead = rehearsal.lead
            self._rehearsal = _Rehearsal(self._queues.budget_bytes, len(self._queues), lead=lead)


class _Rehearsal:
    """Both rules on a sample of the keys."""

    def __init__(self, budget_bytes: int, keys: int, *, lead: float = 0.0) -> None:
        self.mask = (1 << max(0, keys // REHEARSED_KEYS).bit_length()) - 1
        """Keys with none of these bits in their hash are in it."""
        self.lead = lead
        """Hits of the first rule above those of recency, the older the less."""
        budget_bytes = max(1, budget_bytes // (self.mask + 1))
        self._ours = Queues(budget_bytes)
        self._recency = Queues(budget_bytes, by_recency=True)

    def request(self, key: Key, mark: int, size: int, times: int) -> None:
        """Take requests for a key of the sample."""
        hits = _play(self._ours, key, mark, size, times)
        others = _play(self._recency, key, mark, size, times)
        self.lead += (hits - others) - self.lead / (MEMORY_STAYS * max(10, len(self._recency)))


def _play(queues: Queues, key: Key, mark: int, size: int, times: int) -> bool:
    """Ask for a key, and take it in if it is not there; whether it was."""
    if queues.place(key) is not None:
        queues.use(key, times)
        return True
    if size <= queues.budget_bytes and queues.admits(mark, size):
        while queues.size_bytes + size > queues.budget_bytes:
            queues.evict()
        queues.add(key, mark, size)
        if times > 1:
            queues.use(key, times - 1)
    return False
