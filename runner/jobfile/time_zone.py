"""Time zones that a job names."""

from __future__ import annotations

from runner.jobfile.clock import Clock, UnknownZoneError
from runner.jobfile.section import Section


def in_zone(section: Section, clock: Clock) -> Clock:
    """Return the clock in the time zone that is named; complain where there is no such zone."""
    name = section.text()
    try:
        return clock.in_zone(name)
    except UnknownZoneError as error:
        from runner.jobfile.schema_problems import meant

        (known,) = error.args
        likely = meant(name, known)
        what = "there is no such time zone" if known else "this machine has no data of time zones"
        advice = "write an IANA name such as Europe/Berlin, or UTC"
        if not known:
            advice = "install the system's tzdata, or the Python package tzdata"
        section.problem(what, f"did you mean {likely!r}?" if likely else advice)
        return clock
