"""When a peer may be asked: the window of a job, in points of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo

from runner.model import Window
from runner.schedule.wall_clock import first_instant

_DAY = timedelta(days=1)


class OpeningHours:
    """The times at which a window opens and closes.

    Both are times of the clock on the wall. One that the change to summer time skips is taken to be right
    after it; of one that comes twice the first counts.

    Args:
        window: of the peer.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._zone: tzinfo | None = None
        if window.zone:
            from zoneinfo import ZoneInfo

            self._zone = ZoneInfo(window.zone)

    def closes(self, now: datetime) -> datetime | None:
        """Return when the window closes that is open now; None where none is open.

        Args:
            now: with its offset from UTC.
        """
        closing: datetime | None = None
        for opens, closes in self._windows(now):
            # one that opens when another closes, or before, prolongs it
            if opens > (closing or now):
                break
            if closes > now:
                closing = max(closing or closes, closes)
        return closing

    def opens(self, now: datetime) -> datetime:
        """Return when the next window opens; `now` where one is open."""
        if self.closes(now) is not None:
            return now
        return next(opens for opens, _ in self._windows(now) if opens > now)

    def _windows(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield windows from the day before yesterday to one that opens in more than a week.

        In more than two, since a change of the clock may skip the one that would open in a week.
        """
        window = self._window
        today = now.astimezone(self._zone).date()
        for number in range(-2, 17):
            day = today + number * _DAY
            if day.weekday() in window.days:
                overnight = window.closes <= window.opens
                opens = self._at(day, window.opens)
                closes = self._at(day + _DAY if overnight else day, window.closes)
                if opens < closes:  # it is empty where a change of the clock skips all of it
                    yield opens, closes

    def _at(self, day: date, minutes: int) -> datetime:
        """Return the instant at which the clock on the wall shows so many minutes of a day."""
        return first_instant(datetime(day.year, day.month, day.day) + timedelta(minutes=minutes), self._zone)

    def shown(self, instant: datetime) -> str:
        """Return a point of time for reading, in the window's time zone."""
        local = instant.astimezone(self._zone)
        return f"{_NAMES[local.weekday()]} {local:%Y-%m-%d %H:%M} {local.tzname()}"


_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
