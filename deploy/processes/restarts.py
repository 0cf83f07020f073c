"""When a dead process is started again.

At once after the first death, then after growing pauses; one that dies too often is put to a long
sleep, from which an operator (or an hour) wakes it. A calm run forgives. The machine is pure: the
caller says what happened and when (monotonic seconds), and does what `drain` orders.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from math import inf


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartRules:
    """How patient the policy is."""

    pauses_s: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
    """Before the first restart, the second, ...; the last one stands for all later ones."""
    deaths: int = 8
    """This many within `window_s` are a crash loop: the pauses before add up to 46 seconds."""
    window_s: float = 120.0
    calm_s: float = 60.0
    """A run this long forgets all deaths before it."""
    sleep_s: float = 3600.0
    """A long sleep ends by itself, since what made it die may have been mended elsewhere."""


class Event(StrEnum):
    """What has happened to the process."""

    STARTED = "started"
    """It was spawned."""
    DIED = "died"
    """It has ended without having been asked to."""
    WOKEN = "woken"
    """An operator wants it to be tried now."""


class Order(StrEnum):
    """What the caller must do."""

    START = "start"
    """Spawn the process."""
    ANNOUNCE_SLEEP = "announce-sleep"
    """Say clearly that the process is not tried any more."""


class State(StrEnum):
    """Where the process stands in its policy."""

    RUNNING = "running"
    """It has been spawned, or is about to be."""
    PAUSED = "paused"
    """It died and is started when the pause is over."""
    ASLEEP = "asleep"
    """It died too often: long sleep."""


class Restarts:
    """The restart policy of one process; begins by ordering a start."""

    def __init__(self, rules: RestartRules) -> None:
        self.rules = rules
        self.state = State.RUNNING
        self.total = 0
        """Deaths ever."""
        self._deaths: deque[float] = deque(maxlen=rules.deaths)
        self._pause = 0
        self._started_at = -inf
        self._due = inf
        self._orders = [Order.START]

    def receive(self, event: Event, now: float) -> None:
        """Take an event."""
        match event:
            case Event.STARTED:
                self._started_at = now
            case Event.DIED:
                self._died(now)
            case Event.WOKEN if self.state is not State.RUNNING:
                self._restart()
            case Event.WOKEN:
                pass

    def next_due(self) -> float:
        """When `on_due` wants to be called; infinity for never."""
        return self._due

    def on_due(self, now: float) -> None:
        """A pause or a long sleep may be over."""
        if now < self._due:
            return
        if self.state is State.ASLEEP:
            self._forgive()
        self.state = State.RUNNING
        self._due = inf
        self._orders.append(Order.START)

    def drain(self) -> list[Order]:
        """What to do now; each order is given once."""
        orders, self._orders = self._orders, []
        return orders

    def _died(self, now: float) -> None:
        self.total += 1
        if now - self._started_at >= self.rules.calm_s:
            self._forgive()
        self._deaths.append(now)
        while self._deaths[0] <= now - self.rules.window_s:
            self._deaths.popleft()
        if len(self._deaths) >= self.rules.deaths:
            self.state = State.ASLEEP
            self._due = now + self.rules.sleep_s
            self._orders.append(Order.ANNOUNCE_SLEEP)
            return
        pause_s = self.rules.pauses_s[min(self._pause, len(self.rules.pauses_s) - 1)]
        self._pause += 1
        self.state = State.PAUSED
        self._due = now + pause_s
        self.on_due(now)

    def _restart(self) -> None:
        self._forgive()
        self.state = State.RUNNING
        self._due = inf
        self._orders.append(Order.START)

    def _forgive(self) -> None:
        self._deaths.clear()
        self._pause = 0
