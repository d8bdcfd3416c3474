"""`cfind schedule`: runs jobs at the times that they declare."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.arguments import (
    ArgumentParser,
    add_clock_option,
    add_strict_option,
    add_variable_option,
    given_clock,
    given_variables,
)
from runner.cli.keeping import add_state_option, state_folder
from runner.cli.messages import printable, say, speak_json
from runner.cli.schedule_log import teller
from runner.cli.scheduled_jobs import all_of, check_together, look
from runner.engine.run_result import foremost
from runner.errors import ExitStatus, UsageError
from runner.scheduler.happening import Tell
from runner.scheduler.job_files import JobFiles, ScheduledJob

if TYPE_CHECKING:
    from datetime import datetime

    from runner.jobfile.clock import Clock

#: So many times of each job are listed.
_LISTED = 5


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser(
        "schedule",
        "Run jobs at the times that they declare, until SIGINT or SIGTERM ends it. A file that changes is "
        "read again, and on SIGHUP all are.",
        debug="print every association and operation, patient data of the queries included, and ",
    )
    made.add_argument("jobs", nargs="+", type=Path, metavar="JOB", help="a job file, or a folder of them")
    made.add_argument(
        "--list", action="store_true", help=f"print the next {_LISTED} times of each job, and run nothing"
    )
    made.add_argument(
        "--due",
        action="store_true",
        help="run what is due and what was missed, and end: for another scheduler, such as cron",
    )
    made.add_argument(
        "--export",
        choices=("systemd", "cron", "kubernetes"),
        help="print the schedules as units of systemd, as a crontab, or as CronJobs, and run nothing",
    )
    made.add_argument(
        "--to", type=Path, metavar="FOLDER", help="--export: write files there, and print nothing"
    )
    made.add_argument(
        "--image",
        metavar="NAME",
        default="cfind-runner",
        help="--export kubernetes: of the container that runs",
    )
    made.add_argument(
        "--output-dir",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="the folder that the sinks' paths are relative to (default: the current one)",
    )
    add_state_option(made)
    add_variable_option(made)
    add_clock_option(made)
    add_strict_option(made)
    made.add_argument(
        "--metrics",
        type=Path,
        metavar="FOLDER",
        help="write numbers of each job's last run to FOLDER/JOB.prom, for Prometheus",
    )
    made.add_argument(
        "--no-hooks",
        action="store_true",
        help="do not run the commands that jobs name under on_success and on_failure",
    )
    made.add_argument(
        "--no-wait",
        action="store_true",
        help="do not wait for the window of a peer to open: what is to be asked of it then fails",
    )
    made.add_argument(
        "--quiet", action="store_true", help="no summary of each run, only failures and warnings"
    )
    made.add_argument(
        "--log",
        choices=("text", "json"),
        default="text",
        help="how what happens is told on stderr: in lines for people, or as JSON, an object a line",
    )
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    if options.log == "json":
        speak_json()
    if sum((options.list, options.due, options.export is not None)) > 1:
        raise UsageError("cfind schedule: --list, --due and --export exclude each other", "keep one of them")
    if options.now is not None and not options.list:
        raise UsageError("cfind schedule: --now goes with --list", "run jobs by the machine's clock")
    if options.to is not None and options.export is None:
        raise UsageError("cfind schedule: --to says where --export writes", "add --export, too")
    if options.metrics is not None:
        _check_metrics(options)
    tell = teller(quiet=options.quiet)
    clock, variables = given_clock(options.now), given_variables(options.variables)
    files = JobFiles(options.jobs, variables, options.strict, clock if options.list else None)
    if options.export is not None:
        from runner.cli.schedule_export import export

        return export(all_of(look(files, options.output_dir, tell)), options, _run_options(options))
    if options.due:
        return _run_due(files, options, tell)
    if not options.list:
        return _serve(files, options, tell)
    found = look(files, options.output_dir, tell)
    for number, scheduled in enumerate(found.jobs):
        lines = _times(scheduled, clock)
        say(("\n" if number else "") + "".join(f"{printable(line)}\n" for line in lines))
    return foremost(found.statuses)


def _check_metrics(options: Namespace) -> None:
    """Check where metrics are written.

    Raises:
        UsageError: it is no folder, or not one that is known elsewhere.
    """
    if options.export == "kubernetes":
        what = f"--metrics {options.metrics} is a folder of this machine, which Kubernetes does not see"
        raise UsageError(what, "leave it out")
    if not options.metrics.is_dir():
        raise UsageError(f"--metrics {options.metrics} is no folder", "make it, or name another")


def _serve(files: JobFiles, options: Namespace, tell: Tell) -> ExitStatus:
    from importlib.util import find_spec

    if find_spec("apscheduler") is None:
        what = "cfind schedule needs APScheduler to run jobs; --list does not"
        raise UsageError(what, "install it: pip install 'cfind-runner[schedule]'")
    found = look(files, options.output_dir, tell)
    from runner.scheduler.line import Surroundings, utc_now
    from runner.scheduler.processes import Processes
    from runner.scheduler.service import Service
    from runner.scheduler.timer import Timer
    from runner.state.schedule_memory import ScheduleMemory

    memory = ScheduleMemory(state_folder(options))
    processes = Processes([*_paths(options), *_run_options(options)], options.metrics)
    service = Service(
        files=files,
        timer=Timer(),
        processes=processes,
        surroundings=Surroundings(processes.run, memory, utc_now, tell),
        check=partial(check_together, output_dir=options.output_dir),
        tell=tell,
        lines={},
        failures=found.told,
    )
    try:
        return service.serve()
    finally:
        memory.release_all()


def _run_due(files: JobFiles, options: Namespace, tell: Tell) -> ExitStatus:
    from runner.scheduler.line import Surroundings, utc_now
    from runner.scheduler.once import run_due
    from runner.scheduler.processes import Processes
    from runner.state.schedule_memory import ScheduleMemory

    found = look(files, options.output_dir, tell)
    memory = ScheduleMemory(state_folder(options))
    processes = Processes([*_paths(options), *_run_options(options)], options.metrics)
    try:
        statuses = run_due(found.jobs, processes, Surroundings(processes.run, memory, utc_now, tell))
    finally:
        memory.release_all()
    return foremost(found.statuses | statuses)


def _run_options(options: Namespace) -> list[str]:
    """Return what `cfind run` is told of our own options, but for paths."""
    words = [word for variable in options.variables for word in ("--var", variable)]
    if options.log == "json":
        words += ["--log", "json"]
    flags = ("strict", "quiet", "debug", "no-hooks", "no-wait")
    return words + [f"--{name}" for name in flags if getattr(options, name.replace("-", "_"))]


def _paths(options: Namespace) -> list[str]:
    """Return what it is told of paths."""
    words = ["--output-dir", str(options.output_dir)]
    return words if options.state is None else [*words, "--state", str(options.state)]


def _times(scheduled: ScheduledJob, clock: Clock) -> list[str]:
    """Return a headline of a job, and its next times."""
    from itertools import islice

    job, schedule = scheduled.job, scheduled.schedule
    words = [schedule.cron, f"in {schedule.timezone}" if schedule.timezone else "in the machine's time zone"]
    if schedule.jitter:
        words.append(f"up to {schedule.jitter} s later")
    words.append(f"catch_up: {schedule.catch_up.value}")
    lines = [f"{job.name} ({job.source}): {', '.join(words)}"]
    lines += map(_time_text, islice(scheduled.times.following(clock.now()), _LISTED))
    return lines


def _time_text(time: datetime) -> str:
    return f"  {time.isoformat()} {_DAYS[time.weekday()]}"


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
