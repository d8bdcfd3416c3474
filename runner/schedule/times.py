"""The instants that cron's times are, in a time zone, through its changes of clocks.

Times at given hours: one that a change skips is the instant right after the change, and one that comes twice
is its first. Where every hour is meant, the times go on with elapsed time: nothing comes in the hour that is
skipped, and both of the hours that are the same have theirs. That is how cron does it (cron(8), Debian's).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo

from runner.schedule.cron import Cron
from runner.schedule.wall_clock import change, shows, utc

_DAY = timedelta(days=1)

#: After so many days without a time there is none: 29 February on a given weekday takes up to 40 years.
_LONGEST = 41 * 366


@dataclass(frozen=True, slots=True)
class Times:
    """When a job runs.

    Attributes:
        cron: the times of day, and the days.
        zone: where on earth; None where the machine is.
    """

    cron: Cron
    zone: tzinfo | None = None

    def next(self, after: datetime) -> datetime | None:
        """Return the first time after an instant, None where there is none before the year 9999 ends."""
        return next(self.following(after), None)

    def following(self, after: datetime) -> Iterator[datetime]:
        """Yield the times after an instant, in order, with the zone's offset from UTC.

        Args:
            after: with an offset from UTC.
        """
        after = after.astimezone(timezone.utc)
        try:
            yield from (instant.astimezone(self.zone) for instant in self._instants(after))
        except (OverflowError, ValueError):  # the latter from the machine's own zone
            return

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Yield the times after an instant, until another one, which is one of them if it is a time."""
        for time in self.following(after):
            if time > until:
                return
            yield time

    def _instants(self, after: datetime) -> Iterator[datetime]:
        day = after.astimezone(self.zone).date() - _DAY
        waiting: set[datetime] = set()  # a change of clocks may move times to the next day, or before others
        fruitless = 0
        while fruitless < _LONGEST:
            if self.cron.has(day):
                fruitless = 0
                waiting.update(self._of_day(day))
            else:
                fruitless += 1
            if waiting:
                noon = utc(datetime(day.year, day.month, day.day, 12), self.zone)
                due = sorted(instant for instant in waiting if instant < noon)
                waiting.difference_update(due)
                yield from (instant for instant in due if instant > after)
            day += _DAY

    def _of_day(self, day: date) -> Iterator[datetime]:
        midnight = datetime(day.year, day.month, day.day)
        begin, end = utc(midnight, self.zone), utc((midnight + _DAY).replace(fold=1), self.zone)
        naive = (
            midnight + timedelta(hours=hour, minutes=minute)
            for hour in self.cron.hours
            for minute in self.cron.minutes
        )
        if end - begin == _DAY and utc(midnight.replace(fold=1), self.zone) == begin:
            yield from (begin + (local - midnight) for local in naive)
            return
        for local in naive:
            yield from self._occurrences(local)

    def _occurrences(self, local: datetime) -> Iterator[datetime]:
        """Yield when a time on the wall is, or what stands for it."""
        first, second = utc(local, self.zone), utc(local.replace(fold=1), self.zone)
        if shows(first, self.zone, local):
            yield first
            if self.cron.every_hour:
                yield second
        elif not self.cron.every_hour:
            yield change(second, first, self.zone)
