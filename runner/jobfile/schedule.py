"""From the `schedule` of a job file to the model."""

from __future__ import annotations

from runner.jobfile.section import Section
from runner.jobfile.time_zone import in_zone
from runner.model import CatchUp, Schedule
from runner.schedule.cron import CronError, parse_cron


def read_schedule(section: Section, timezone: str) -> Schedule | None:
    """Make the schedule; None where there is none, or none that is right.

    Args:
        section: the schedule.
        timezone: the job's, which is taken where the schedule has none of its own; "" for the machine's.
    """
    own = section["timezone"].text()
    if own:
        in_zone(section["timezone"], section.complaints.clock)
    cron = section["cron"].text()
    if not cron:
        return None
    try:
        parse_cron(cron)
    except CronError as error:
        section["cron"].problem(*error.args)
        return None
    catch_up = section["catch_up"].text(CatchUp.ONE.value)
    return Schedule(
        cron=cron.strip(),
        timezone=own or timezone,
        jitter=section["jitter"].integer(0) or 0,
        catch_up=CatchUp(catch_up) if catch_up in {known.value for known in CatchUp} else CatchUp.ONE,
    )
