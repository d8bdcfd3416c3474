"""The clock of a run: one reading, which all jobs of a command line see, in the time zone of a job."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, tzinfo

_MICROSECOND = 1_000_000
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,6}))?)?"
    r"(?:(Z)|([+-])([0-9]{2}):?([0-9]{2}))",
    re.IGNORECASE,
)


#: Files beside those of the time zones: what they hold is another thing on each machine, or no zone.
_NO_NAMES = frozenset({"localtime", "posixrules", "Factory"})


class UnknownZoneError(ValueError):
    """There is no time zone of that name; its argument are the names that there are."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A reading of the clock, and where on earth it is read.

    Attributes:
        instant: microseconds since 1 January 1970 in UTC.
        zone: the time zone; None for the machine's.
    """

    instant: int
    zone: tzinfo | None = None

    @classmethod
    def read(cls) -> Clock:
        """Read the machine's clock."""
        return cls(time.time_ns() // 1000)

    @classmethod
    def at(cls, text: str) -> Clock:
        """Return a clock that stands still, at a time of ISO 8601 with an offset from UTC.

        Raises:
            ValueError: the text is no such time.
        """
        from datetime import datetime, timedelta, timezone

        match = _ISO.fullmatch(text)
        if match is None:
            raise ValueError
        *numbers, fraction, _, sign, hours, minutes = match.groups()
        naive = datetime(*(int(number or 0) for number in numbers))  # type: ignore[arg-type]
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        if int(minutes or 0) > 59 or offset >= timedelta(days=1):
            raise ValueError
        zone = timezone(-offset if sign == "-" else offset)
        since = naive.replace(tzinfo=zone) - datetime(1970, 1, 1, tzinfo=timezone.utc)
        whole = (since.days * 86400 + since.seconds) * _MICROSECOND
        return cls(whole + int((fraction or "").ljust(6, "0")))

    def going_on(self) -> Callable[[], float]:
        """Return what tells the time, in seconds since the epoch, as if the reading were made now."""
        ahead = self.instant / _MICROSECOND - time.time()
        return lambda: time.time() + ahead

    def in_zone(self, name: str) -> Clock:
        """Return the same reading in a time zone, by its IANA name; "" for the machine's.

        Raises:
            UnknownZoneError: there is no such zone.
        """
        return replace(self, zone=_zone(name) if name else None)

    def now(self) -> datetime:
        """Return the reading as the zone has it, with its offset from UTC.

        Raises:
            OverflowError: the year is not one of 1 to 9999 there.
        """
        from datetime import datetime, timedelta, timezone

        utc = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=self.instant)
        return utc.astimezone(self.zone)


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, available_timezones

    if name in _NO_NAMES:
        raise UnknownZoneError(available_timezones() - _NO_NAMES)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UnknownZoneError(available_timezones()) from None
