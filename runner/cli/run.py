"""`cfind run`: validates, compiles and runs job files."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
from runner.cli.keeping import Keeping, add_state_option, last_success_in, state_folder
from runner.cli.messages import complain, speak_json
from runner.cli.output_paths import check_outputs
from runner.cli.teller import Teller
from runner.cli.told import Told
from runner.engine.observer import Observer, Observers
from runner.engine.result import Verdict
from runner.engine.run_result import RunResult, foremost
from runner.errors import AlreadyRunningError, ExitStatus, UsageError
from runner.model import Job

if TYPE_CHECKING:
    import argparse

    from runner.jobfile.clock import Clock
    from runner.sinks.atomic_file import AtomicFile
    from runner.state.kept_run import KeptRun


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser(
        "run",
        "Validate, compile and run job files, one after the other.",
        debug="print every association and operation, patient data of the queries included, and ",
    )
    made.add_argument("jobs", nargs="+", type=Path, metavar="JOB", help="a job file")
    add_output_options(made)
    add_state_option(made)
    add_variable_option(made)
    add_clock_option(made)
    add_strict_option(made)
    made.add_argument(
        "--junit", type=Path, metavar="FILE", help="write answers and expectations to FILE, as JUnit XML"
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
        "--compare",
        nargs=2,
        metavar="PEER",
        help="ask these two peers all queries of the job, whichever peers it names there; keep the answers as"
        " rsp files in folders of the peers' names, in place of the job's sinks; print what differs",
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
    return made


#: Seconds between two lines about how far a run is; one that takes less has none.
_PROGRESS_EVERY = 30.0
#: So many pieces of a report are written at once.
_PIECES = 300


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    if options.log == "json":
        if options.annotations is not None:
            what = "--annotations prints lines on stderr that are no JSON"
            raise UsageError(what, "take --junit in its place, or leave --log json out")
        speak_json()
    variables, clock = given_variables(options.variables), given_clock(options.now)
    jobs = valid_jobs(
        options.jobs,
        variables,
        clock=clock,
        last_success=last_success_in(state_folder(options)),
        strictly=options.strict,
    )
    if options.compare is not None:
        return _compare(jobs, options, clock)
    check_outputs(jobs, options.output_dir, options.report, options.junit)
    return run_jobs(
        jobs,
        options.output_dir,
        options.report,
        _teller(options),
        options.junit,
        Keeping(state_folder(options), clock, required=options.state is not None),
        with_progress=not options.quiet,
        clock=clock.going_on(),
        waits=not options.no_wait,
    )


def _compare(jobs: Sequence[Job], options: argparse.Namespace, clock: Clock) -> ExitStatus:
    """Ask two peers the same. Nothing is kept of these runs: they are not the job's own."""
    from runner.cli.compare_peers import compare_results, jobs_of_peers

    if options.state is not None:
        raise UsageError("--state does not go with --compare", "nothing is kept of such a run: leave it out")
    jobs = jobs_of_peers(jobs, options.compare, options.output_dir)
    check_outputs(jobs, options.output_dir, options.report, options.junit)
    return run_jobs(
        jobs,
        options.output_dir,
        options.report,
        _teller(options),
        options.junit,
        with_progress=not options.quiet,
        afterwards=partial(compare_results, names=options.compare),
        clock=clock.going_on(),
        waits=not options.no_wait,
    )


def _teller(options: argparse.Namespace) -> Teller:
    told = Told.IDENTIFIERS if options.debug else Told.WARNINGS if options.quiet else Told.SUMMARY
    if options.log == "json":
        from runner.cli.json_log import JsonLog

        return JsonLog(told)
    from runner.cli.watching import Watcher

    return Watcher(told, annotate=options.annotations is not None)


def run_jobs(
    jobs: Sequence[Job],
    output_dir: Path,
    report_path: Path | None,
    teller: Teller,
    junit_path: Path | None = None,
    keeping: Keeping | None = None,
    *,
    with_progress: bool = False,
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
        report_path: where the report goes; None for nowhere.
        teller: tells on stderr what happens.
        junit_path: where the report goes as JUnit XML; None for nowhere.
        keeping: how it is kept what the runs have done; None where nothing is.
        with_progress: whether it is told now and then how far a run is.
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
        report_file, junit_file = _opened(report_path), _opened(junit_path)
        # What start-up made stays for good: the collector need not look at it again.
        gc.freeze()
        gc.enable()
        results: list[RunResult] = []
        statuses: set[ExitStatus] = set()
        try:
            for job in jobs:
                try:
                    kept = keeping.begin(job, teller.warning) if keeping is not None else None
                except AlreadyRunningError as error:
                    complain(str(error))
                    statuses.add(error.status)
                    continue
                try:
                    signalled.stop = StopSignal()
                    if signalled() is not None:
                        # it came between two jobs: this one ends before it sends anything
                        signalled.stop.set()
                    with _watched(teller, with_progress=with_progress) as observer:
                        result = run(
                            job,
                            output_dir=output_dir,
                            stdout=sys.stdout.buffer,
                            stop=signalled.stop,
                            interruption=signalled,
                            observer=observer,
                            clock=clock,
                            waits=waits,
                        )
                    results.append(result)
                    teller.summarize(result)
                    if kept is not None:
                        _note_end(kept, result, teller)
                finally:
                    if kept is not None:
                        kept.release()
                if result.interrupted is not None or result.exit_status is ExitStatus.DEFECT:
                    break
        finally:
            if report_file is not None:
                _write(report_file, results)
            if junit_file is not None:
                _write_junit(junit_file, results)
    statuses.update(result.exit_status for result in results)
    if afterwards is not None and len(results) == len(jobs) and results[-1].interrupted is None:
        statuses.add(afterwards(results))
    return foremost(statuses)


def _note_end(kept: KeptRun, result: RunResult, teller: Teller) -> None:
    """Note how a run ended."""
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
    if kept.trouble is not None:
        teller.warning(f"job {result.job.name}", f"{kept.trouble}; so the run cannot be resumed")


@contextmanager
def _watched(teller: Teller, *, with_progress: bool) -> Iterator[Observer]:
    """Give the observer of a run, and meanwhile tell how far the run is."""
    if not with_progress:
        yield teller
        return
    from runner.cli.tally import Tally
    from runner.cli.ticking import Ticking

    tally = Tally()

    def tell() -> None:
        snapshot = tally.snapshot()
        if snapshot is not None:
            teller.progress(snapshot)

    with Ticking(tell, _PROGRESS_EVERY):
        yield Observers(tally, teller)


def _opened(report_path: Path | None) -> AtomicFile | None:
    """Open the report, so that a path that cannot be written is known before anything is sent."""
    if report_path is None:
        return None
    from runner.sinks.atomic_file import AtomicFile

    file = AtomicFile(report_path)
    file.open()
    return file


def _write(file: AtomicFile, results: Sequence[RunResult]) -> None:
    """Write what is known of the jobs that ran; nothing where none did."""
    if not results:
        file.discard()
        return
    from runner.report import report_text

    pieces: list[str] = []
    for piece in report_text(results):
        pieces.append(piece)
        if len(pieces) >= _PIECES:
            file.write("".join(pieces).encode("utf-8", "backslashreplace"))
            pieces.clear()
    file.write("".join(pieces).encode("utf-8", "backslashreplace"))
    file.commit()


def _write_junit(file: AtomicFile, results: Sequence[RunResult]) -> None:
    """Write what is known of the jobs that ran as JUnit XML; nothing where none did."""
    if not results:
        file.discard()
        return
    from runner.cli.junit import junit_text

    file.write(junit_text(results).encode("utf-8", "backslashreplace"))
    file.commit()
