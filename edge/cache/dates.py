"""HTTP-date in its three formats, nothing else (RFC 9110 5.6.7). Wall-clock seconds."""

import re
from datetime import UTC, datetime
from functools import lru_cache

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBER = {name.lower(): number for number, name in enumerate(_MONTHS, 1)}

_DAY = "(?:" + "|".join(_DAYS) + ")"
_LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_MONTH = "(?P<month>" + "|".join(_MONTHS) + ")"
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
# RFC 9111 4.2: a cache matches them without regard to case, and takes no zone but GMT.
_FORMATS = tuple(
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        f"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",
        f"{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT",
        f"{_DAY} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})",
    )
)


_LONGEST = len("Wednesday, 06-Nov-1994 08:49:37 GMT")
_DAY_S = 86_400


def parse_date(text: str, now_s: float) -> float | None:
    """Seconds since 1970, None for what is no HTTP-date; `now_s` completes two-digit years."""
    return _parsed(text, now_s // _DAY_S * _DAY_S) if len(text) <= _LONGEST else None


@lru_cache(maxsize=1_024)
def _parsed(text: str, now_s: float) -> float | None:
    """Remembered, since each date of a response is looked at several times."""
    match = next((found for form in _FORMATS if (found := form.fullmatch(text))), None)
    if match is None:
        return None
    second = int(match["second"])
    leap = second == 60  # a leap second counts as the one before it, plus one
    try:
        moment = datetime(
            _year(match["year"], now_s),
            _MONTH_NUMBER[match["month"].lower()],
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            59 if leap else second,
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return moment.timestamp() + leap


def format_date(when_s: float) -> str:
    """IMF-fixdate, independent of any locale."""
    moment = datetime.fromtimestamp(int(when_s), UTC)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02} {month} {moment.year:04} {moment:%H:%M:%S} GMT"


def _year(text: str, now_s: float) -> int:
    if len(text) == 4:
        return int(text)
    # RFC 9110 5.6.7: at most 50 years ahead, otherwise the most recent such year in the past.
    latest = datetime.fromtimestamp(now_s, UTC).year + 50
    return latest - (latest - int(text)) % 100
