"""How densely a peer's records lie, learnt from the parts that were asked before.

It only tells into how many parts to cut, so that few queries are needed; what is found does not depend on it.
Positions are in days. Within a day they follow the working hours, in which most records lie.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

#: Where the share of a day's records that was made so far changes its pace: (second of the day, share).
_HOURS = ((0, 0.0), (7 * 3600, 0.08), (18 * 3600, 0.88), (24 * 3600, 1.0))

#: How full of what fits into an answer a part is meant to be: fewer parts if more, fewer caps if less.
_FILLING = 0.7
#: Into how many a part is cut while nothing is known, and at most.
_BLIND = 3
_MOST = 12
#: So many times what fits into an answer is enough to judge by.
_ENOUGH = 3
#: After so many caps, and no part without one, cutting does not help. A crowded second of an archive of
#: many years is reached after fewer.
_FUTILE = 60
#: After so many caps one after the other neither. A day that the peer does not match by times is given up so,
#: before all of its 86,400 seconds are asked for.
_FUTILE_RUN = 300
#: How many answers are remembered.
_MEMORY = 64


def share_of_day(second: float) -> float:
    """Return what share of a day's records is expected before a second of the day."""
    for (start, before), (end, after) in pairwise(_HOURS):
        if second <= end:
            return before + (after - before) * max(0.0, second - start) / (end - start)
    return 1.0


def second_of_share(share: float) -> float:
    """Return the second of the day before which a share of its records is expected."""
    for (start, before), (end, after) in pairwise(_HOURS):
        if share <= after:
            return start + (end - start) * max(0.0, share - before) / (after - before)
    return float(_HOURS[-1][0])


class Experience:
    """What was learnt from one peer's answers to the parts of one query."""

    __slots__ = ("_answers", "_caps", "_limit", "_run", "_whole")

    def __init__(self, result_limit: int | None = None) -> None:
        """Begin without answers.

        Args:
            result_limit: the peer's declared cap.
        """
        # a count that equals a declared cap counts as capped, so that less is of use
        self._limit = result_limit - 1 if result_limit is not None else None
        self._answers: deque[tuple[float, float, int]] = deque(maxlen=_MEMORY)
        self._caps = self._whole = self._run = 0

    def note_cap(self, responses: int) -> None:
        """Note the raw responses of a part that hit a cap."""
        self._caps += 1
        self._run += 1
        if responses and (self._limit is None or responses < self._limit):
            self._limit = responses

    def note_whole(self, place: tuple[float, float] | None, responses: int) -> None:
        """Note the raw responses of a part that came back whole, and between what positions it lies."""
        self._whole += 1
        if responses:  # quiet times come back whole from a peer that refuses all others, too
            self._run = 0
        if place is not None and place[1] > place[0]:
            self._answers.append((*place, responses))

    @property
    def is_futile(self) -> bool:
        """Whether cutting was tried often, and no part came back whole ever, or with anything since."""
        return self._run >= _FUTILE_RUN or (not self._whole and self._caps >= _FUTILE)

    def pieces(self, start: float, end: float) -> int:
        """Return into how many pieces a capped part should be cut, at least 2."""
        if not self._answers:
            return _BLIND
        limit = max(1, self._limit or 1)
        expected = self._density(start, end) * (end - start)
        return min(_MOST, max(2, round(max(expected, 1.4 * limit) / (limit * _FILLING))))

    def _density(self, start: float, end: float) -> float:
        """Return the records per day around a part: of the nearest answers, as many as tell enough."""
        # days that had to be cut before tell more of one that has to be than all the others do
        of_times = (
            [answer for answer in self._answers if answer[1] - answer[0] < 1] if end - start <= 1 else []
        )
        by_distance = sorted(
            of_times or self._answers, key=lambda answer: max(start - answer[1], answer[0] - end, 0.0)
        )
        responses, days = 0, 0.0
        for answer_start, answer_end, count in by_distance:
            responses += count
            days += answer_end - answer_start
            if responses >= _ENOUGH * (self._limit or 1) or days > end - start:
                break
        return responses / days if days else 0.0


def inner(pivots: Sequence[int], first: int, last: int) -> list[int]:
    """Return the pivots strictly between two ends, each once and in order."""
    return sorted({pivot for pivot in pivots if first < pivot < last})
