"""An instant on both clocks. Cores are given one; they read no clock."""

from typing import NamedTuple


class Moment(NamedTuple):
    """One instant.

    `wall_s` is seconds since 1970 (`time.time()`), for dates that others wrote or will read;
    `mono_s` is `time.monotonic()`, for how long something took or has been here.
    """

    wall_s: float
    mono_s: float
