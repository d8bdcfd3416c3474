"""`cfind run`: validates, compiles and runs job files."""

from __future__ import annotations

import gc
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.arguments import (
    ArgumentParser,
    add_clock_option,
    add_output_options,
    add_strict_option,
    add_variable_option,
    given_clock,
    given_variables,
)
from runner.cli.interruption import SignalledStop
from runner.cli.job_files import valid_jobs
from runner.cli.keeping import Keeping, Kind, add_state_option, kept_by, last_success_in, state_folder
from runner.cli.messages import complain, speak_json, speaks_json, spoken_through
from runner.cli.output_paths import check_outputs
from runner.cli.reports import ReportFiles, Reports
from runner.cli.teller import Teller
from runner.cli.told import Told
from runner.engine.observer import Observer, Observers
from runner.engine.result import Verdict
from runner.engine.run_result import RunResult, foremost
from runner.errors import AlreadyRunningError, ExitStatus, SinkError, UsageError
from runner.model import Job

if TYPE_CHECKING:
    import argparse

    from runner.errors import StateError
    from runner.jobfile.clock import Clock
    from runner.state.kept_run import KeptRun


class Progress(Enum):
    """How it is told how far a run is.

    A view is drawn where stderr is a terminal that can show it; elsewhere, and with LINES, a line is printed
    now and then.
    """

    NONE = "none"
    LINES = "lines"
    VIEW = "view"


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser(
        "run",
        "Validate, compile and run job files, one after the other.",
        debug="print every association and operation, patient data of the queries included, and ",
    )
    made.add_argument("jobs", nargs="+", type=Path, metavar="JOB", help="a job file")
    add_run_options(made)
    made.add_argument(
        "--resume",
        action="store_true",
        help="go on with the latest run of the job, where that was killed or interrupted: do what is missing",
    )
    made.add_argument(
        "--compare",
        nargs=2,
        metavar="PEER",
        help="ask these two peers all queries of the job, whichever peers it names there; keep the answers as"
        " rsp files in folders of the peers' names, in place of the job's sinks; print what differs",
    )
    return made


def add_run_options(made: ArgumentParser) -> None:
    """Add the options of the commands that run jobs."""
    add_output_options(made)
    add_state_option(made)
    add_variable_option(made)
    present = made.add_mutually_exclusive_group()
    add_clock_option(present)
    present.add_argument(
        "--dates-of",
        metavar="TIME",
        help="make the dates of the jobs for TIME, and go by the present otherwise, for a run that is late",
    )
    add_strict_option(made)
    made.add_argument(
        "--junit", type=Path, metavar="FILE", help="write answers and expectations to FILE, as JUnit XML"
    )
    made.add_argument(
        "--metrics", type=Path, metavar="FILE", help="write numbers of the runs to FILE, for Prometheus"
    )
    made.add_argument(
        "--no-hooks",
        action="store_false",
        dest="hooks",
        help="do not run the commands that jobs name under on_success and on_failure",
    )
    made.add_argument(
        "--annotations",
        choices=("github",),
        help="print what failed and what was not as expected as annotations on stderr, too",
    )
    made.add_argument(
        "--no-wait",
        action="store_true",
        help="do not wait for the window of a peer to open: what is to be asked of it then fails",
    )
    made.add_argument(
        "--quiet",
        action="store_true",
        help="no summary and nothing of how far the run is on stderr, only failures and warnings",
    )
    made.add_argument(
        "--log",
        choices=("text", "json"),
        default="text",
        help="how what happens is told on stderr: in lines for people, or every event as an object of JSON",
    )


def run_clock(options: argparse.Namespace) -> Clock:
    """Return the clock that jobs are read by, of options that `add_run_options` adds.

    Raises:
        UsageError: no time is given where one belongs.
    """
    if options.dates_of is not None:
        return given_clock(options.dates_of, "--dates-of")
    return given_clock(options.now)


#: Seconds between two lines about how far a run is; one that takes less has none.
_PROGRESS_EVERY = 30.0


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    teller = teller_of(options)
    variables, clock = given_variables(options.variables), run_clock(options)
    jobs = valid_jobs(
        options.jobs,
        variables,
        clock=clock,
        last_success=last_success_in(state_folder(options)),
        strictly=options.strict,
    )
    files = ReportFiles(options.report, options.junit, options.metrics)
    if options.compare is not None:
        return _compare(jobs, files, options, teller, clock)
    return run_kept(jobs, files, options, teller, clock, Kind.RESUME if options.resume else Kind.RUN)


def run_kept(
    jobs: Sequence[Job],
    files: ReportFiles,
    options: argparse.Namespace,
    teller: Teller,
    clock: Clock,
    kind: Kind,
) -> ExitStatus:
    """Run jobs as the options say that `add_run_options` adds, and keep what is done."""
    check_outputs(jobs, options.output_dir, files)
    if files.metrics is not None:
        from runner.cli.metrics import check_names

        check_names(jobs)
    return run_jobs(
        jobs,
        options.output_dir,
        files,
        teller,
        kept_by(options, clock, kind),
        progress=_progress(options),
        with_hooks=options.hooks,
        clock=_ticking(options, clock),
        waits=not options.no_wait,
    )


def _compare(
    jobs: Sequence[Job], files: ReportFiles, options: argparse.Namespace, teller: Teller, clock: Clock
) -> ExitStatus:
    """Ask two peers the same. Nothing is kept of these runs: they are not the job's own."""
    from runner.cli.compare_peers import compare_results, jobs_of_peers

    if options.state is not None or options.resume:
        what = f"{'--resume' if options.resume else '--state'} does not go with --compare"
        raise UsageError(what, "nothing is kept of such a run: leave it out")
    if files.metrics is not None:
        raise UsageError(
            "--metrics does not go with --compare", "they tell of the job's own runs: leave it out"
        )
    jobs = jobs_of_peers(jobs, options.compare, options.output_dir)
    check_outputs(jobs, options.output_dir, files)
    return run_jobs(
        jobs,
        options.output_dir,
        files,
        teller,
        progress=_progress(options),
        afterwards=partial(compare_results, names=options.compare),
        clock=_ticking(options, clock),
        waits=not options.no_wait,
    )


def _ticking(options: argparse.Namespace, clock: Clock) -> Callable[[], float]:
    """Return what tells whether the windows of peers are open."""
    return time.time if options.dates_of is not None else clock.going_on()


def _progress(options: argparse.Namespace) -> Progress:
    if options.quiet:
        return Progress.NONE
    return Progress.LINES if options.log == "json" or options.debug else Progress.VIEW


def teller_of(options: argparse.Namespace) -> Teller:
    """Return who tells what happens, as the options want it.

    Raises:
        UsageError: they do not go together.
    """
    if options.log == "json":
        if options.annotations is not None:
            what = "--annotations prints lines on stderr that are no JSON"
            raise UsageError(what, "take --junit in its place, or leave --log json out")
        speak_json()
    told = Told.IDENTIFIERS if options.debug else Told.WARNINGS if options.quiet else Told.SUMMARY
    if options.log == "json":
        from runner.cli.json_log import JsonLog

        return JsonLog(told)
    from runner.cli.watching import Watcher

    return Watcher(told, annotate=options.annotations is not None)


def run_jobs(
    jobs: Sequence[Job],
    output_dir: Path,
    files: ReportFiles,
    teller: Teller,
    keeping: Keeping | None = None,
    *,
    progress: Progress = Progress.NONE,
    with_hooks: bool = False,
    afterwards: Callable[[Sequence[RunResult]], ExitStatus] | None = None,
    clock: Callable[[], float] = time.time,
    waits: bool = True,
) -> ExitStatus:
    """Run jobs one after the other, and write the reports.

    A signal or a defect ends the job that runs and keeps the following ones from being begun. A job of which
    another run goes on is left out.

    Args:
        jobs: what to run.
        output_dir: the folder that the sinks' paths are relative to.
        files: where it is written what came of the runs.
        teller: tells on stderr what happens.
        keeping: how it is kept what the runs have done; None where nothing is.
        progress: how it is told how far a run is.
        with_hooks: whether the commands are run that jobs ask for after their runs.
        afterwards: what is done with the results when all jobs have run and no signal came; the exit status
            that it returns counts too.
        clock: tells whether the window of a peer is open, in seconds since the epoch.
        waits: whether a window that is closed is waited for.

    Raises:
        StateError: if the state folder that the user has named cannot be used.
        SinkError: if a report cannot be written.
    """
    from runner.engine.run import run
    from runner.transport.stop_signal import StopSignal

    with SignalledStop() as signalled:
        reports = Reports(files, [job.name for job in jobs])
        reports.open()
        # What start-up made stays for good: the collector need not look at it again.
        gc.freeze()
        gc.enable()
        results: list[RunResult] = []
        statuses: set[ExitStatus] = set()
        try:
            for job in jobs:
                try:
                    begun, kept = _begin(job, keeping, teller)
                except AlreadyRunningError as error:
                    complain(str(error))
                    statuses.add(error.status)
                    continue
                told = kept.trouble if kept is not None else None
                try:
                    signalled.stop = StopSignal()
                    if signalled() is not None:
                        # it came between two jobs: this one ends before it sends anything
                        signalled.stop.set()
                    with _watched(job, teller, progress) as observer:
                        result = run(
                            begun,
                            output_dir=output_dir,
                            stdout=sys.stdout.buffer,
                            stop=signalled.stop,
                            interruption=signalled,
                            observer=observer,
                            clock=clock,
                            waits=waits,
                            earlier=kept.deliveries(job.name)
                            if kept is not None and job.wants_news
                            else None,
                            kept=kept,
                        )
                    results.append(result)
                    teller.summarize(result)
                    if kept is not None:
                        _note_end(kept, result, teller, told)
                finally:
                    if kept is not None:
                        kept.release()
                if with_hooks and (job.on_success or job.on_failure):
                    if len(jobs) == 1:
                        statuses |= _write(reports, results)
                    _run_hook(
                        result, statuses if len(jobs) == 1 else set(), reports.report, signalled, teller
                    )
                if result.interrupted is not None or result.exit_status is ExitStatus.DEFECT:
                    break
        finally:
            reports.write(results)
    statuses.update(result.exit_status for result in results)
    if afterwards is not None and len(results) == len(jobs) and results[-1].interrupted is None:
        statuses.add(afterwards(results))
    return foremost(statuses)


def _write(reports: Reports, results: Sequence[RunResult]) -> set[ExitStatus]:
    """Write the reports; where that fails say so, and return the exit status that it asks for."""
    try:
        reports.write(results)
    except SinkError as error:
        complain(str(error))
        return {error.status}
    return set()


def _run_hook(
    result: RunResult,
    statuses: set[ExitStatus],
    report: Path | None,
    signalled: SignalledStop,
    teller: Teller,
) -> None:
    """Run the command that the job asks for after its run."""
    from runner.cli.hooks import HookResult, run_hook

    status = foremost({result.exit_status, *statuses})
    ended: HookResult | None
    try:
        ended = run_hook(result, status, report, signalled, keep_output=speaks_json())
    except (OSError, SinkError) as error:  # there is no room for its report
        name = "on_failure" if status else "on_success"
        ended = HookResult(name, result.job.name, None, 0.0, f"not run: {error}")
    if ended is not None:
        teller.hook_ended(ended)


def _begin(job: Job, keeping: Keeping | None, teller: Teller) -> tuple[Job, KeptRun | None]:
    """Begin to keep a run, where runs are kept; return the job as it is to be run."""
    return (job, None) if keeping is None else keeping.begin(job, teller.warning, teller.note)


def _note_end(kept: KeptRun, result: RunResult, teller: Teller, told: StateError | None) -> None:
    """Note how a run ended, and tell what kept it from being kept, but for what has been told."""
    from runner.state.kept_run import Ending

    kept.end(
        Ending(
            result.verdict.value,
            int(result.exit_status),
            result.responses,
            result.ledger.verdicts[Verdict.COMPLETE],
            result.planned,
            result.seconds,
        )
    )
    if kept.trouble is None:
        if step := _next_step(result):
            teller.note(f"job {result.job.name}: {step}")
    elif kept.trouble is not told:
        teller.warning(f"job {result.job.name}", f"{kept.trouble}; so the run cannot be resumed")


def _next_step(result: RunResult) -> str:
    """Return which command goes on with a run that was kept; "" where asking all again is no more work."""
    source = shlex.quote(result.job.source)
    if result.interrupted is not None:
        return f"cfind run --resume {source}, with the same options, goes on with this run"
    failed = result.exit_status in (ExitStatus.NO_ASSOCIATION, ExitStatus.FIND_FAILED)
    if failed and result.ledger.verdicts[Verdict.COMPLETE]:
        return f"cfind retry {source}, with the same options, asks again what failed, and keeps the rest"
    return ""


@contextmanager
def _watched(job: Job, teller: Teller, progress: Progress) -> Iterator[Observer]:
    """Give the observer of a run, and meanwhile tell how far the run is."""
    if progress is Progress.NONE:
        yield teller
        return
    from runner.cli.tally import Tally
    from runner.cli.ticking import Ticking

    tally = Tally()
    observer = Observers(tally, teller)
    if progress is Progress.VIEW:
        from runner.cli import live_view

        if live_view.can_be_shown(job):
            view = live_view.LiveView(tally)
            with spoken_through(view):
                try:
                    with Ticking(view.tick, live_view.INTERVAL, live_view.FIRST):
                        yield observer
                finally:
                    view.end()
            return

    def tell() -> None:
        snapshot = tally.snapshot()
        if snapshot is not None:
            teller.progress(snapshot)

    with Ticking(tell, _PROGRESS_EVERY):
        yield observer
