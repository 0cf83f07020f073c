"""Durations and sizes: values that carry their unit, `"20s"` and `"256MiB"`."""

import re
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from deploy.network.kind import Kind, write

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1, "ms": 0.001}
_BYTES = {
    "GiB": 2**30,
    "MiB": 2**20,
    "KiB": 2**10,
    "GB": 10**9,
    "MB": 10**6,
    "KB": 10**3,
    "B": 1,
}
_UNIT_WORDS = {
    "d": ("d", "day", "days"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "ms": ("ms", "msec", "millisecond", "milliseconds"),
    "GiB": ("gib", "g", "gi"),
    "MiB": ("mib", "m", "mi"),
    "KiB": ("kib", "k", "ki"),
    "GB": ("gb",),
    "MB": ("mb",),
    "KB": ("kb",),
    "B": ("b", "byte", "bytes"),
}


@dataclass(frozen=True, slots=True)
class DurationKind(Kind):
    """A span of time, read as seconds."""

    label = "duration"
    example = "20s"

    least: str = "0s"
    most: str = "3650d"
    whole: bool = False
    """Whether it must be whole seconds, as a TTL of the DNS is."""

    @property
    @override
    def expected(self) -> str:
        units = "d, h, m, s" if self.whole else "d, h, m, s, ms"
        return f'a duration in one unit ({units}) from "{self.least}" to "{self.most}"'

    @override
    def read(self, value: object) -> float:
        seconds = _within(self, value, _SECONDS, assumed="s")
        if self.whole and seconds % 1:
            raise self.refusal("whole seconds only")
        return float(seconds)

    @override
    def shown(self, value: Any) -> str:
        return _shown(round(value, 3), _SECONDS) if value else '"0s"'


@dataclass(frozen=True, slots=True)
class SizeKind(Kind):
    """An amount of memory, read as bytes."""

    label = "size"
    example = "256MiB"

    least: str = "1MiB"
    most: str = "1024GiB"

    @property
    @override
    def expected(self) -> str:
        units = ", ".join(_BYTES)
        return f'a size in one unit ({units}) from "{self.least}" to "{self.most}"'

    @override
    def read(self, value: object) -> int:
        return round(_within(self, value, _BYTES, assumed="MiB"))

    @override
    def shown(self, value: Any) -> str:
        return _shown(value, _BYTES) if value else '"0MiB"'


def _within(
    kind: "DurationKind | SizeKind", value: object, units: dict[str, Any], *, assumed: str
) -> float:
    """What `value` measures, if it is a measure and within the kind's bounds."""
    measured = _measured(value, units)
    if measured is None:
        raise kind.refusal(_meant(value, units, assumed=assumed))
    if not _bound(kind.least, units) <= measured <= _bound(kind.most, units):
        raise kind.refusal()
    return measured


def _measured(value: object, units: dict[str, Any]) -> float | None:
    """What `20s` measures in the base unit; None unless it is a whole number and a unit."""
    found = re.fullmatch(r"([0-9]{1,12})([A-Za-z]+)", value) if isinstance(value, str) else None
    return int(found[1]) * units[found[2]] if found and found[2] in units else None


def _bound(text: str, units: dict[str, Any]) -> float:
    measured = _measured(text, units)
    if measured is None:
        raise ValueError(text)
    return measured


def _meant(value: object, units: dict[str, Any], *, assumed: str) -> str:
    """A hint for what is nearly a measure: `20`, `"20 sec"`, `"256mb"`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return f'give a unit and quote it: "{value}{assumed}"'
    found = re.fullmatch(r"\s*([0-9]+)\s*([A-Za-z]*)\s*", value) if isinstance(value, str) else None
    if found is None:
        return ""
    word = found[2].lower() or assumed.lower()
    unit = next((unit for unit in units if word in _UNIT_WORDS[unit]), None)
    return write(f"{found[1]}{unit}") if unit else ""


def _shown(value: float, units: dict[str, Any]) -> str:
    """The value in the largest unit that divides it."""
    unit = next((unit for unit in units if value >= units[unit] and value % units[unit] == 0), "ms")
    return f'"{round(value / units[unit])}{unit}"'
