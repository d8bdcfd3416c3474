"""Splitting on a date, and within a day on its time.

What was seen of real peers, and what follows:

- Orthanc compares texts: `120000-` misses `12` and `1200`, and `120000.000000-` misses `120000`, while
  `-120000` has them. So parts of a day share their boundaries, of six digits, and the outermost end as the
  question does, open if it asks for the whole day: whatever order a peer has, each value lies on one side of
  a boundary, or the other, or on it. A leap second, and whatever is larger, is in the last part.
- Neither Orthanc nor dcmqrscp finds a record without StudyTime by any range; dcmqrscp none with a malformed
  one either, not even by `-`. So a day that is cut leaves a gap, unless the question itself asks for times.
- Orthanc finds an empty time, but not an absent one, by a range with an open start, and answers both as
  empty. So an answer without a time in a part proves nothing about the others.
- Dates are 8 digits without fractions, so parts of several days share none. A peer that compares texts and
  holds something else in a date may lose that between two days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from runner.dicom.date_time import bounds, range_ends, span
from runner.dicom.identifier import Element, Identifier, Path, text_at, with_value
from runner.model import DateSplit
from runner.partition.experience import Experience, inner, second_of_share, share_of_day
from runner.partition.part import Cut, DayScope, Gap, MomentScope, NoScope, Part, Scope, TimeScope

DAY = 24 * 3600
_SECOND = 1_000_000

#: Times that are known to belong to dates, which alone can be cut on them (PS3.3): tags, and the time's name.
TIME_OF_DATE = {
    0x00080012: (0x00080013, "InstanceCreationTime"),
    0x00080020: (0x00080030, "StudyTime"),
    0x00080021: (0x00080031, "SeriesTime"),
    0x00080022: (0x00080032, "AcquisitionTime"),
    0x00080023: (0x00080033, "ContentTime"),
    0x00181012: (0x00181014, "TimeOfSecondaryCapture"),
    0x00380020: (0x00380021, "AdmittingTime"),
    0x00400002: (0x00400003, "ScheduledProcedureStepStartTime"),
    0x00400004: (0x00400005, "ScheduledProcedureStepEndTime"),
    0x00400244: (0x00400245, "PerformedProcedureStepStartTime"),
    0x00400250: (0x00400251, "PerformedProcedureStepEndTime"),
    0x00402004: (0x00402005, "IssueTimeOfImagingServiceRequest"),
}

#: Where records are looked for first when an end is open; what lies outside is asked for all the same.
_USUAL = (date(1995, 1, 1).toordinal(), date(2035, 1, 1).toordinal())
_EVER = (1, date.max.toordinal())

#: So many days are not worth finding the crowded one among them.
_FEW = 3

_OTHERS_MISS = NoScope("it asks for what ranges do not find, so it cannot be cut")


def first_date_parts(split: DateSplit, identifier: Identifier) -> Iterator[Part]:
    """Yield the parts that are asked at once; see runner.partition.cutting."""
    asked = _asked(split, identifier)
    if isinstance(asked, NoScope):
        yield Part(identifier, "whole", asked)
        return
    lower, upper = asked
    if split.residue and (lower or upper):
        yield _undated_part(split, identifier)
    if split.vr == "DT":
        yield from _first_moments(split, identifier, lower, upper)
    else:
        yield from _first_days(split, identifier, lower, upper)


def _first_days(split: DateSplit, identifier: Identifier, lower: str, upper: str) -> Iterator[Part]:
    first = _ordinal(lower) if lower else None
    last = _ordinal(upper) if upper else None
    if first is None or last is None or split.every is None:
        yield _days(split, identifier, DayScope(first, last, first is None and last is None), ())
        return
    if split.every >= DAY or time_key(split) is None:
        step = max(1, split.every // DAY)
        for start in range(first, last + 1, step):
            yield _days(split, identifier, DayScope(start, min(start + step - 1, last)), ())
        return
    for day in range(first, last + 1):
        yield from _first_times(split, _days(split, identifier, DayScope(day, day), ()), day)


def _first_times(split: DateSplit, whole_day: Part, day: int) -> Iterator[Part]:
    """Yield the parts of a day, and, where that is asked for, one for the day as a whole."""
    scope = _times_of(split, whole_day.identifier, day)
    if isinstance(scope, NoScope):
        yield whole_day
        return
    assert split.every is not None
    first, last = _ends_of_day(scope)
    pivots = inner(range(first - first % split.every, last, split.every), first, last)
    parts = _between_times(split, whole_day, scope, pivots)
    leaves = parts[0].leaves
    if split.residue and leaves:
        # all its answers count, for those with a malformed time are found by it alone
        label = f"{whole_day.label}, with and without {_time(split)[1]}"
        yield Part(whole_day.identifier, label, _OTHERS_MISS, whole_day.keys, leaves, leaves)
    yield from parts


def cut_dates(split: DateSplit, part: Part, experience: Experience, values: Sequence[str] = ()) -> Cut:
    """Cut a part that hit a cap; see runner.partition.cutting."""
    scope = part.scope
    if isinstance(scope, DayScope):
        if scope.first is not None and scope.first == scope.last:
            return _cut_day(split, part, scope.first, experience)
        return _cut_days(split, part, scope, experience, values)
    if isinstance(scope, TimeScope):
        return _cut_times(split, part, scope, experience)
    assert isinstance(scope, MomentScope)
    return _cut_moments(split, part, scope, experience)


def position(scope: Scope) -> tuple[float, float] | None:
    """Return where a part lies, in days; None where it has no end or no place."""
    if isinstance(scope, DayScope) and scope.first is not None and scope.last is not None:
        return float(scope.first), float(scope.last + 1)
    if isinstance(scope, TimeScope):
        first, last = _ends_of_day(scope)
        return scope.day + share_of_day(first), scope.day + share_of_day(last)
    if isinstance(scope, MomentScope) and scope.first is not None and scope.last is not None:
        return _moment_position(scope.first), _moment_position(scope.last)
    return None


# --- what the question is -------------------------------------------------------------------------------


def time_key(split: DateSplit) -> tuple[Path, str] | None:
    """Return the path and the name of the time that belongs to the date; None where none is known to."""
    found = TIME_OF_DATE.get(split.key[-1]) if split.vr == "DA" else None
    return ((*split.key[:-1], found[0]), found[1]) if found is not None else None


def _time(split: DateSplit) -> tuple[Path, str]:
    found = time_key(split)
    assert found is not None
    return found


def _asked(split: DateSplit, identifier: Identifier) -> tuple[str, str] | NoScope:
    """Return the ends of the dates that are asked for, "" for open ones."""
    if split.first or split.last:
        lower, upper = split.first, split.last
        if split.vr == "DT":
            lower = lower and f"{lower}000000"
            upper = upper and f"{upper}235959.999999"
    else:
        text = text_at(identifier, split.key)
        if not text:
            return "", ""
        ends = (text, text) if split.vr == "DA" and span("DA", text) else range_ends(split.vr, text)
        if ends is None:
            return NoScope(f"{split.name} has a value that is no range")
        lower, upper = ends
    if split.vr == "DT" and any("+" in end or "-" in end for end in (lower, upper)):
        return NoScope(f"the ends of {split.name} state offsets from UTC")
    if lower and upper:
        found_lower, found_upper = span(split.vr, lower), span(split.vr, upper)
        if found_lower is None or found_upper is None or found_lower.first > found_upper.last:
            return NoScope(f"{split.name} ends before it begins")
    return lower, upper


def _undated_gap(split: DateSplit) -> Gap:
    return Gap(
        f"records without a legal {split.name}",
        "ranges do not find them, and the answer without a range hit a cap",
    )


def _untimed_gap(split: DateSplit, day: int) -> Gap:
    _, name = _time(split)
    return Gap(
        f"records of {_day(day)} without a legal {name}",
        "ranges do not find them, and no answer for the whole day came without a cap",
    )


def _undated_part(split: DateSplit, identifier: Identifier) -> Part:
    """Return the part for records without a date, which finds those with other dates too."""
    gap = Gap(f"records without {split.name}", "only a query without a range finds them, and it hit a cap")
    sent = with_value(identifier, split.key, split.vr, "")
    label = f"with and without {split.name}"
    return Part(sent, label, _OTHERS_MISS, {}, (gap,), (gap,), split.key)


# --- days -----------------------------------------------------------------------------------------------


def _days(split: DateSplit, identifier: Identifier, scope: DayScope, leaves: tuple[Gap, ...]) -> Part:
    if scope.with_undated:
        return Part(identifier, "whole", scope, {}, leaves)
    first = _day(scope.first) if scope.first is not None else ""
    last = _day(scope.last) if scope.last is not None else ""
    text = first if first == last else f"{first}-{last}"
    element = Element(split.key[-1], split.vr, text)
    sent = with_value(identifier, split.key, split.vr, text)
    return Part(sent, f"{split.name} {text}", scope, {split.key: element}, leaves)


def _cut_days(
    split: DateSplit, part: Part, scope: DayScope, experience: Experience, values: Sequence[str]
) -> Cut:
    first, last = _nominal(scope.first, scope.last, 1)
    shortest = max(1, -(-(split.until or 1) // DAY))
    width = last - first + 1
    if width <= shortest and scope.first is not None and scope.last is not None:
        return Cut((), _too_short(split, part, shortest * DAY))
    if width < 2:
        return Cut((), f"{split.name} has no earlier or later days")
    wanted = min(experience.pieces(first, last + 1), max(2, -(-width // shortest)))
    pivots = [first + round(width * number / wanted) for number in range(1, wanted)]
    crowded = _crowded(values) if shortest == 1 and width > _FEW else None
    if crowded is not None and first <= crowded <= last:
        pivots = [crowded, crowded + 1]
    starts = inner(pivots, first, last + 1)
    if scope.first is None and first > _EVER[0]:
        starts.insert(0, first)
    if scope.last is None and last < _EVER[1]:
        starts.append(last + 1)
    leaves = (*part.leaves, _undated_gap(split)) if scope.with_undated else part.leaves
    ends = [*(start - 1 for start in starts), scope.last]
    return Cut(
        tuple(
            _days(split, part.identifier, DayScope(start, end), leaves)
            for start, end in zip([scope.first, *starts], ends, strict=True)
        )
    )


def _crowded(values: Sequence[str]) -> int | None:
    """Return the day on which at least half of an answer's records are; None where there is none."""
    days = Counter(found.first for value in values if (found := span("DA", value)) is not None)
    day, count = max(days.items(), key=lambda item: item[1], default=(0, 0))
    return day if count > 1 and 2 * count >= len(values) else None


def _nominal(first: int | None, last: int | None, unit: int) -> tuple[int, int]:
    """Return ends for open ones: the usual ones, or, beyond those, ever wider ones.

    Args:
        first: an end, None for an open one.
        last: the other end.
        unit: how many of what is counted make a day.
    """
    begin, end = (unit * day for day in _USUAL)
    least, most = (unit * day for day in _EVER)
    length = end - begin
    if first is None:
        first = begin if last is None or last > begin else max(least, last - max(length, (begin - last) * 2))
    if last is None:
        last = end if first < end else min(most, first + max(length, (first - end) * 2))
    return first, last


def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).strftime("%Y%m%d").rjust(8, "0")


def _ordinal(text: str) -> int:
    found = span("DA", text)
    assert found is not None
    return found.first


# --- times of a day -------------------------------------------------------------------------------------


def _cut_day(split: DateSplit, part: Part, day: int, experience: Experience) -> Cut:
    if split.until is not None and split.until >= DAY:
        return Cut((), _too_short(split, part, split.until))
    scope = _times_of(split, part.identifier, day)
    if isinstance(scope, NoScope):
        return Cut((), scope.reason)
    return _cut_times(split, part, scope, experience)


def _times_of(split: DateSplit, identifier: Identifier, day: int) -> TimeScope | NoScope:
    """Return the times of a day that the question asks for."""
    found = time_key(split)
    if found is None:
        return NoScope(f"no time is known to belong to {split.name}, so a day cannot be cut")
    path, name = found
    text = text_at(identifier, path)
    if not text:
        return TimeScope(day, None, None, "", "")
    texts, ends = range_ends("TM", text), bounds("TM", text)
    if texts is None or ends is None:
        return NoScope(f"{name} has a value that is no range, so the day cannot be cut")
    first, last = (None if end is None else end // _SECOND for end in ends)
    return TimeScope(day, first, last, *texts)


def _ends_of_day(scope: TimeScope) -> tuple[int, int]:
    return (0 if scope.first is None else scope.first, DAY if scope.last is None else scope.last)


def _cut_times(split: DateSplit, part: Part, scope: TimeScope, experience: Experience) -> Cut:
    first, last = _ends_of_day(scope)
    shortest = split.until or 1
    if last - first <= shortest:
        return Cut((), _too_short(split, part, shortest))
    start, end = share_of_day(first), share_of_day(last)
    wanted = min(experience.pieces(scope.day + start, scope.day + end), -(-(last - first) // shortest))
    unit = _rounding((last - first) // wanted)
    pivots = [second_of_share(start + (end - start) * number / wanted) for number in range(1, wanted)]
    chosen = inner([round(pivot / unit) * unit for pivot in pivots], first, last)
    return Cut(_between_times(split, part, scope, chosen or [(first + last) // 2]))


def _rounding(width: int) -> int:
    """Return to what times are rounded, so that people can read them."""
    return next(unit for unit in (300, 60, 10, 1) if width >= 6 * unit or unit == 1)


def _between_times(split: DateSplit, part: Part, scope: TimeScope, pivots: list[int]) -> tuple[Part, ...]:
    path, name = _time(split)
    leaves = part.leaves
    if path not in part.keys and not text_at(part.identifier, path):
        leaves = (*leaves, _untimed_gap(split, scope.day))
    edges = [(scope.first, scope.lower), *((pivot, _clock(pivot)) for pivot in pivots)]
    parts = []
    for (first, lower), (last, upper) in zip(edges, [*edges[1:], (scope.last, scope.upper)], strict=True):
        text = f"{lower}-{upper}"
        if text == "-":  # a single part of the whole day
            return (part,)
        identifier = with_value(part.identifier, path, "TM", text)
        label = f"{split.name} {_day(scope.day)}, {name} {text}"
        keys = {**part.keys, path: Element(path[-1], "TM", text)}
        parts.append(Part(identifier, label, TimeScope(scope.day, first, last, lower, upper), keys, leaves))
    return tuple(parts)


def _clock(second: int) -> str:
    return f"{second // 3600:02}{second // 60 % 60:02}{second % 60:02}"


def _too_short(split: DateSplit, part: Part, shortest: int) -> str:
    if split.until is None:
        return f"{part.label} cannot be made shorter"
    unit = f"{shortest // DAY} d" if shortest % DAY == 0 else f"{shortest} s"
    return f"{part.label} is not cut below `until`, {unit}"


# --- moments --------------------------------------------------------------------------------------------


def _first_moments(split: DateSplit, identifier: Identifier, lower: str, upper: str) -> Iterator[Part]:
    ends = bounds("DT", f"{lower}-{upper}") if lower or upper else None
    first, last = (None if end is None else end // _SECOND for end in ends or (None, None))
    scope = MomentScope(first, last, lower, upper, not lower and not upper)
    if split.every is None or first is None or last is None:
        yield _moments(split, identifier, scope, ())
        return
    edge, text = first, lower
    for pivot in range(first + split.every, last, split.every):
        yield _moments(split, identifier, MomentScope(edge, pivot, text, _moment(pivot)), ())
        edge, text = pivot, _moment(pivot)
    yield _moments(split, identifier, MomentScope(edge, last, text, upper), ())


def _moments(split: DateSplit, identifier: Identifier, scope: MomentScope, leaves: tuple[Gap, ...]) -> Part:
    if scope.with_undated:
        return Part(identifier, "whole", scope, {}, leaves)
    text = f"{scope.lower}-{scope.upper}"
    sent = with_value(identifier, split.key, split.vr, text)
    element = Element(split.key[-1], split.vr, text)
    return Part(sent, f"{split.name} {text}", scope, {split.key: element}, leaves)


def _cut_moments(split: DateSplit, part: Part, scope: MomentScope, experience: Experience) -> Cut:
    first, last = _nominal(scope.first, scope.last, DAY)
    shortest = split.until or 1
    if last - first <= shortest and scope.first is not None and scope.last is not None:
        return Cut((), _too_short(split, part, shortest))
    if last - first < 2:
        return Cut((), f"{split.name} has no earlier or later moments")
    start, end = _moment_position(first), _moment_position(last)
    wanted = min(experience.pieces(start, end), max(2, -(-(last - first) // shortest)))
    unit = _rounding((last - first) // wanted)
    middles = [start + (end - start) * number / wanted for number in range(1, wanted)]
    seconds = [int(middle) * DAY + second_of_share(middle % 1) for middle in middles]
    pivots = inner([round(second / unit) * unit for second in seconds], first, last)
    pivots = pivots or [(first + last) // 2]
    if scope.first is None and first > _EVER[0] * DAY:
        pivots.insert(0, first)
    if scope.last is None and last < _EVER[1] * DAY:
        pivots.append(last)
    leaves = (*part.leaves, _undated_gap(split)) if scope.with_undated else part.leaves
    edges = [(scope.first, scope.lower), *((pivot, _moment(pivot)) for pivot in pivots)]
    return Cut(
        tuple(
            _moments(split, part.identifier, MomentScope(begin, finish, lower, upper), leaves)
            for (begin, lower), (finish, upper) in zip(
                edges, [*edges[1:], (scope.last, scope.upper)], strict=True
            )
        )
    )


def _moment(second: int) -> str:
    return _day(second // DAY) + _clock(second % DAY)


def _moment_position(second: int) -> float:
    return second // DAY + share_of_day(second % DAY)
