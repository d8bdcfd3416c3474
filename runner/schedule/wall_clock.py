"""Which instants the times of a clock on the wall are, through a zone's changes of clocks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo

_SECOND = timedelta(seconds=1)


def utc(local: datetime, zone: tzinfo | None) -> datetime:
    """Return the instant at which a clock of the zone shows a time, in UTC; `fold` counts.

    Args:
        local: without a zone.
        zone: where; None where the machine is.
    """
    if zone is None:  # astimezone() itself takes another offset for times that are skipped
        return datetime.fromtimestamp(local.timestamp(), timezone.utc)
    return local.replace(tzinfo=zone).astimezone(timezone.utc)


def shows(instant: datetime, zone: tzinfo | None, local: datetime) -> bool:
    """Return whether a clock of the zone shows that time at that instant."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0) == local


def change(before: datetime, after: datetime, zone: tzinfo | None) -> datetime:
    """Return the instant of the change of clocks between two, to the second."""
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def first_instant(local: datetime, zone: tzinfo | None) -> datetime:
    """Return the first instant at which a clock of the zone shows a time, or, if it never does, a later one.

    Args:
        local: without a zone, its `fold` is 0.
        zone: where; None where the machine is.
    """
    first = utc(local, zone)
    return first if shows(first, zone, local) else change(utc(local.replace(fold=1), zone), first, zone)
