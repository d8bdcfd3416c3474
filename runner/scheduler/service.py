"""`cfind schedule` in the foreground: calls jobs at their times, and heeds changes of files and signals."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field

from runner.errors import CfindError, ExitStatus
from runner.scheduler.happening import Happening, Tell
from runner.scheduler.job_files import Check, JobFiles, ScheduledJob
from runner.scheduler.line import Line, Surroundings, line_of
from runner.scheduler.processes import Processes
from runner.scheduler.refusals import colliding, impossible, invalid, unseen
from runner.scheduler.signals import ENDINGS, Signals
from runner.scheduler.timer import Timer

#: How often files and the clock are looked at, in seconds.
_TICK = 1.0


@dataclass(slots=True)
class Service:
    """All jobs that are scheduled.

    Attributes:
        files: where they stand.
        timer: calls them.
        processes: their runs.
        surroundings: what the runs need.
        check: raises a CfindError where jobs cannot be scheduled together.
        tell: prints what happens.
        lines: what is scheduled, by the jobs' names.
        leaving: what is not scheduled any more and has a run that goes on.
        failures: what was told and holds yet, by what it concerns: a folder, a file or a job, and which.
    """

    files: JobFiles
    timer: Timer
    processes: Processes
    surroundings: Surroundings
    check: Check
    tell: Tell
    lines: dict[str, Line]
    leaving: dict[str, Line] = field(default_factory=dict)
    failures: dict[tuple[str, str], Happening] = field(default_factory=dict)

    def serve(self) -> ExitStatus:
        """Call the jobs until a signal comes; end the runs that go on then, and wait for them.

        Raises:
            AlreadyRunningError: another process schedules all of them.
            StateError: nothing can be remembered.
        """
        with Signals() as signals:
            self._take()
            for line in self.lines.values():
                self.timer.put(line)
                line.announce("schedule_next")
            self.timer.start()
            while True:
                came = signals.wait(_TICK)
                ending = next((number for number in came if number in ENDINGS), None)
                if ending is not None:
                    return self._end(ending, signals)
                self.look(at_all=signal.SIGHUP in came)
                self.timer.wake(self.lines.values())

    def _take(self) -> None:
        """Make the lines; tell which there are none for, as long as there is one."""
        failed: dict[str, CfindError] = {}
        for job in self.files.jobs:
            line = line_of(job, self.surroundings)
            if isinstance(line, Line):
                self.lines[line.name] = line
            else:
                failed[job.job.name] = line
        if failed and not self.lines:
            raise next(iter(failed.values()))
        self._told("job", {name: impossible(name, error) for name, error in failed.items()})

    def look(self, *, at_all: bool) -> None:
        """Heed what has become of the files."""
        if at_all:
            self.failures.clear()
        looks = self.files.look(at_all=at_all)
        self._told("folder", unseen(self.files))
        for look in looks:
            for happening in invalid(self.files, look):
                self.tell(happening)
        self._told("file", colliding(self.files, self.files.take(looks, self.check)))
        self._follow(at_all=at_all)

    def _follow(self, *, at_all: bool) -> None:
        """Let the lines be those of the files."""
        jobs = {job.job.name: job for job in self.files.jobs}
        failed: dict[str, Happening] = {}
        for name in [name for name in self.lines if name not in jobs]:
            self.timer.remove(name)
            ended = self.leaving[name] = self.lines.pop(name)
            ended.end()
            goes_on = ended.is_busy
            text = f"not scheduled any more{'; its run goes on' if goes_on else ''}"
            self.tell(Happening("schedule_left", text, name, members={"run_goes_on": goes_on}))
        for name, job in jobs.items():
            line = self.lines.get(name)
            if line is not None and line.scheduled is job:
                continue
            try:
                if line is None:
                    line = self.lines[name] = self._begun(job)
                    what = "scheduled"
                else:
                    what = "read again" if line.scheduled.files == job.files else "changed"
                    line.change(job)
            except CfindError as error:
                failed[name] = impossible(name, error)
                continue
            self.timer.put(line)
            line.announce("schedule_next", f"{what}; ", change=what)
        self._told("job", failed)
        self.leaving = {name: line for name, line in self.leaving.items() if line.is_busy}
        if at_all:
            text = f"read again: {len(jobs)} {'job is' if len(jobs) == 1 else 'jobs are'} scheduled"
            self.tell(Happening("schedule_read_again", text, members={"jobs": len(jobs)}))

    def _told(self, kind: str, failed: Mapping[str, Happening]) -> None:
        """Tell the failures of a kind that are new; each look tries to overcome all."""
        for which, happening in failed.items():
            if self.failures.get((kind, which)) != happening:
                self.tell(happening)
        others = {key: told for key, told in self.failures.items() if key[0] != kind}
        self.failures = others | {(kind, which): happening for which, happening in failed.items()}

    def _begun(self, job: ScheduledJob) -> Line:
        """Return a line for a job: the one that it had where it is back in the middle of a run."""
        leaving = self.leaving.get(job.job.name)
        if leaving is None or not leaving.take_up(job):
            return Line(job, self.surroundings)
        del self.leaving[job.job.name]
        return leaving

    def _end(self, number: signal.Signals, signals: Signals) -> ExitStatus:
        """End in order, or at once where somebody asks again."""
        self.timer.stop()
        going_on = self.processes.end(number)
        if going_on:
            runs = "the run that goes on" if going_on == 1 else f"the {going_on} runs that go on"
            text = f"ending {runs} in order; once more ends at once"
            self.tell(Happening("schedule_ending", text, members={"signal": int(number), "runs": going_on}))
        lines = [*self.lines.values(), *self.leaving.values()]
        while self.processes.count or any(line.is_busy for line in lines):
            for again in signals.wait(_TICK / 10):
                if again in ENDINGS:
                    self.processes.end(again)
        for line in lines:
            line.end()
        return ENDINGS[number]
