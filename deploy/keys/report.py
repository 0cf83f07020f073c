"""What a run has done, for the operator to read."""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What was done with a key, a certificate or a list."""

    MADE = "made"
    """It was not there before."""
    RENEWED = "renewed"
    """It has replaced an older one."""
    KEPT = "kept"
    """It is good."""
    UNUSED = "unused"
    """The network file does not ask for it any more; it was left where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a run looked at."""

    action: Action
    what: str
    """Such as `east: tunnel certificate`."""
    why: str = ""

    def __str__(self) -> str:
        return f"{self.action} {self.what}" + (f" ({self.why})" if self.why else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a run looked at, in order."""

    entries: tuple[Change, ...]

    def of(self, action: Action) -> tuple[str, ...]:
        """What the run has done this with."""
        return tuple(entry.what for entry in self.entries if entry.action is action)

    @property
    def changed(self) -> bool:
        """Whether the run has written anything."""
        return any(entry.action in {Action.MADE, Action.RENEWED} for entry in self.entries)
