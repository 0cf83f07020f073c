"""One direction of one link: when a packet that enters it comes out, or why it never does.

Pure: monotonic seconds are passed in, and chance comes from a seed. What a packet meets, in this
order, follows tc-netem(8): the cut, the loss, the queue before the rate, and the delay.

- **Loss** is drawn for every packet that enters, from a stream of chance of its own: the n-th
  packet of a link has the same fate whatever the queue and the other links do. A lost packet takes
  no capacity. Bursts are Gilbert-Elliott's: `burst_loss` of all packets are lost in runs of
  `burst_packets` on average (geometric); `loss` strikes single ones of the others.
- **The queue** counts bytes and drops at its tail, as Mahimahi's does. A packet that finds it empty
  is always taken. The packet on the wire counts until its last byte has left.
- **Jitter** is added to the delay, uniformly between nothing and `jitter_ms`. Nothing is overtaken
  unless `reorder` says so: a late packet holds back those behind it.
- **Changes** are for packets that enter later: what is in the queue or on its way arrives as it
  would have.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from random import Random

_MOST = 1_000_000_000
"""Of milliseconds, megabits, bytes: more than any link has, and no float's end."""


class Drop(StrEnum):
    """Why a packet did not come out."""

    CUT = "cut"
    """The link was cut."""
    LOSS = "loss"
    """Chance, alone or in a burst."""
    QUEUE = "queue"
    """No room before the bottleneck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What one direction of a link is like. The default is no distance at all."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    reorder: bool = False
    """Whether jitter lets packets overtake each other."""
    loss: float = 0.0
    """Share of the packets outside bursts that are lost one by one."""
    burst_loss: float = 0.0
    """Share of all packets that are lost in bursts."""
    burst_packets: float = 1.0
    """Mean number of packets that a burst takes, at least one."""
    mbit: float = 0.0
    """Capacity in 10^6 bit/s of IP packets, without any framing below; 0: no bound."""
    queue_bytes: int = 0
    """Room before the bottleneck; only with `mbit`."""
    cut: bool = False

    def __post_init__(self) -> None:
        """Refuse what no link can be.

        Raises:
            ValueError: says which field, and what it may be.
        """
        for name in ("delay_ms", "jitter_ms", "mbit", "queue_bytes"):
            if not 0 <= getattr(self, name) <= _MOST:  # what is no number is not between either
                raise ValueError(f"{name} is not from 0 to {_MOST}")
        for name in ("loss", "burst_loss"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share, from 0 to 1")
        if not 1 <= self.burst_packets <= _MOST:
            raise ValueError("burst_packets is a mean length, at least 1")
        if self.burst_loss >= self.burst_packets / (self.burst_packets + 1):
            raise ValueError("burst_loss cannot be reached by bursts so short")

    @property
    def total_loss(self) -> float:
        """Share of all packets that are lost, by either kind."""
        return self.burst_loss + (1 - self.burst_loss) * self.loss


CONDITIONS = tuple(field.name for field in fields(Conditions))
"""What can be said of a link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatistics:
    """What one direction of a link did since it was made, or since its counts were taken."""

    packets: int
    """That it let through."""
    bytes: int
    """In those packets, with their IP heads."""
    drops: dict[Drop, int]
    queue_mean_ms: float
    """How long those packets waited before the bottleneck."""
    queue_max_ms: float


class Link:
    """The state of one direction of a link. `seed` names its stream of chance."""

    __slots__ = (
        "_arrived_at",
        "_bursting",
        "_bytes",
        "_conditions",
        "_cuts",
        "_delay_s",
        "_faulty",
        "_free_at",
        "_jitter",
        "_jitter_s",
        "_loss",
        "_losses",
        "_overflows",
        "_packets",
        "_queue_s",
        "_reorder",
        "_s_per_byte",
        "_seed",
        "_to_burst",
        "_to_calm",
        "_wait_max_s",
        "_wait_sum_s",
    )

    def __init__(self, conditions: Conditions, *, seed: str) -> None:
        self._seed = seed
        # Two streams, so that whether there is jitter does not move the losses. They are made when
        # first wanted: a mesh of a hundred places has ten thousand links, most of them perfect.
        self._loss: Random | None = None
        self._jitter: Random | None = None
        self._bursting = False
        self._free_at = self._arrived_at = float("-inf")
        self._packets = self._bytes = 0
        self._cuts = self._losses = self._overflows = 0
        self._wait_sum_s = self._wait_max_s = 0.0
        self.change(conditions)

    @property
    def conditions(self) -> Conditions:
        """What holds now."""
        return self._conditions

    def change(self, conditions: Conditions) -> None:
        """Let other conditions hold from now on."""
        self._conditions = conditions
        self._delay_s = conditions.delay_ms / 1e3
        self._jitter_s = conditions.jitter_ms / 1e3
        self._reorder = conditions.reorder
        self._s_per_byte = 8e-6 / conditions.mbit if conditions.mbit else 0.0
        self._queue_s = conditions.queue_bytes * self._s_per_byte
        # Leaving a burst with chance 1/length makes its mean length right; entering one with this
        # chance makes the share of packets within bursts right.
        self._to_calm = 1 / conditions.burst_packets
        self._to_burst = self._to_calm * conditions.burst_loss / (1 - conditions.burst_loss)
        self._bursting = self._bursting and conditions.burst_loss > 0
        self._faulty = conditions.cut or conditions.total_loss > 0

    def carry(self, size: int, now: float) -> float | None:
        """When a packet of `size` bytes that enters now comes out; None if it never does."""
        if self._faulty and self._is_dropped():
            return None
        leaves = now
        if self._s_per_byte:
            took = size * self._s_per_byte
            wait = self._free_at - now
            if wait > 0:
                # A billionth for what floats cannot hold: a queue of two packets takes two.
                if wait + took > self._queue_s + 1e-9:
                    self._overflows += 1
                    return None
                self._wait_sum_s += wait
                self._wait_max_s = max(self._wait_max_s, wait)
                leaves += wait
            leaves += took
            self._free_at = leaves
        self._packets += 1
        self._bytes += size
        arrives = leaves + self._delay_s
        if self._jitter_s:
            arrives += self._jitter_s * self._chance_of_jitter()
        if not self._reorder and arrives < self._arrived_at:
            arrives = self._arrived_at
        self._arrived_at = arrives
        return arrives

    @property
    def is_used(self) -> bool:
        """Whether anything was counted since the beginning or the last reset."""
        return bool(self._packets or self._cuts or self._losses or self._overflows)

    def statistics(self) -> LinkStatistics:
        """What was counted since the beginning or the last reset."""
        return LinkStatistics(
            packets=self._packets,
            bytes=self._bytes,
            drops={Drop.CUT: self._cuts, Drop.LOSS: self._losses, Drop.QUEUE: self._overflows},
            queue_mean_ms=1e3 * self._wait_sum_s / self._packets if self._packets else 0.0,
            queue_max_ms=1e3 * self._wait_max_s,
        )

    def reset(self) -> None:
        """Begin to count anew."""
        self._packets = self._bytes = 0
        self._cuts = self._losses = self._overflows = 0
        self._wait_sum_s = self._wait_max_s = 0.0

    def _is_dropped(self) -> bool:
        """Whether the cut or chance takes this packet; it is counted."""
        if self._conditions.cut:
            self._cuts += 1
            return True
        if self._loss is None:
            self._loss = Random(f"{self._seed}/loss")
        # Always one draw for the chain and one for the single loss, so that streams stay in step.
        chain, single = self._loss.random(), self._loss.random()
        self._bursting = chain >= self._to_calm if self._bursting else chain < self._to_burst
        if self._bursting or single < self._conditions.loss:
            self._losses += 1
            return True
        return False

    def _chance_of_jitter(self) -> float:
        if self._jitter is None:
            self._jitter = Random(f"{self._seed}/jitter")
        return self._jitter.random()
