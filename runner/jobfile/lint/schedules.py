"""A rule about when a job runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice, pairwise, takewhile

from runner.jobfile.lint.subject import Finding, Subject
from runner.schedule.cron import parse_cron
from runner.schedule.times import Times

#: So many times are looked at, none of them further ahead than that.
_TIMES = 100
_AHEAD = timedelta(days=800)
#: No two times are closer, in seconds.
_CLOSEST = 60


def long_jitter(subject: Subject) -> Iterator[Finding]:
    """A run begins no later than the next time comes, so it has less jitter than the job says."""
    schedule = subject.job.schedule
    if schedule is None or schedule.jitter < _CLOSEST:
        return
    clock = subject.top.complaints.clock.in_zone(schedule.timezone)
    now = clock.now()
    following = Times(parse_cron(schedule.cron), clock.zone).following(now)
    times = takewhile(lambda time: time - now < _AHEAD, islice(following, _TIMES))
    shortest = min(((later - time).total_seconds() for time, later in pairwise(times)), default=None)
    if shortest is not None and schedule.jitter >= shortest:
        what = f"the jitter is not shorter than the {shortest:.0f} s between two runs, and ends with these"
        yield Finding(
            subject.top["schedule"]["jitter"], what, "write a shorter one, or let the job run less often"
        )
