"""Numbers as people read them: short, with the unit they need, in figures of one width."""

from collections.abc import Sequence
from math import log10

NONE = "–"  # noqa: RUF001  an en dash stands for no number
"""Where there is no number to show."""
_THOUSANDS = ("", "k", "M", "G", "T", "P")


def count(number: float) -> str:
    """A number with at most four figures: 950, 12.3k, 4.1M."""
    power = 0
    while abs(number) >= (10_000 if power == 0 else 999.95) and power < len(_THOUSANDS) - 1:
        number, power = number / 1000, power + 1
    return f"{number:.0f}" if power == 0 else f"{number:.1f}{_THOUSANDS[power]}"


def rate(per_s: float) -> str:
    """A rate without its unit: 0, 0.4, 12.3, 950, 12.3k."""
    if per_s <= 0:
        return "0"
    return f"{per_s:.1f}" if per_s < 99.95 else count(per_s)


def size(number: float) -> str:
    """Bytes: 512 B, 3.4 MB (decimal units)."""
    if number < 1000:
        return f"{number:.0f} B"
    power = min(int(log10(number) / 3), len(_THOUSANDS) - 1)
    value = number / 1000**power
    return (
        f"{value:.1f} {_THOUSANDS[power]}B"
        if value < 99.95
        else f"{value:.0f} {'kMGTP'[power - 1]}B"
    )


def ratio(part: float | None) -> str:
    """A part of one: 93.4 %, 100 %; a dash for none."""
    if part is None:
        return NONE
    percent = part * 100
    return f"{percent:.0f} %" if percent >= 99.95 or percent <= 0 else f"{percent:.1f} %"


def share(part: float) -> str:
    """A share of a CPU core: 3 %, 140 %."""
    return f"{part * 100:.0f} %"


def duration(seconds: float) -> str:
    """A time span, in its two largest units."""
    whole = int(seconds)
    days, hours, minutes = whole // 86_400, whole // 3_600 % 24, whole // 60 % 60
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m {whole % 60}s" if minutes else f"{whole}s"


def shortened(text: str, characters: int) -> str:
    """A text that takes no more than so many characters."""
    return text if len(text) <= characters else text[: characters - 1] + "…"


def answers(named_by: Sequence[str], left_out_by: Sequence[str]) -> str:
    """Whether low-level DNS names an edge; nothing for a node that it never names."""
    if not left_out_by:
        return "in DNS" if named_by else ""
    judges = len(named_by) + len(left_out_by)
    return f"in DNS {len(named_by)}/{judges}" if named_by else "out of DNS"
