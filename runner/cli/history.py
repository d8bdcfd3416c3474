"""`cfind history`: the runs that are known."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.arguments import ArgumentParser
from runner.cli.keeping import add_history_option, state_folder
from runner.cli.messages import complain, printable, say
from runner.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from runner.state.history import Run


def parser() -> ArgumentParser:
    """Return the command's command line."""
    from runner.state.history import KEPT_DAYS, KEPT_RUNS

    made = ArgumentParser("history", "List the runs that are known, the latest first.")
    made.add_argument("job", nargs="?", metavar="JOB", help="a job file or a job's name (default: all jobs)")
    add_history_option(made)
    made.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    made.add_argument(
        "--prune",
        action="store_true",
        help="forget old runs in place of listing, but for the latest and the latest complete of a job",
    )
    made.add_argument(
        "--keep", type=_count, metavar="COUNT", help=f"--prune: so many runs of a job (default: {KEPT_RUNS})"
    )
    made.add_argument(
        "--days", type=_days, metavar="DAYS", help=f"--prune: runs of so many days (default: {KEPT_DAYS:.0f})"
    )
    return made


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no count of runs, such as 30")
    return int(text)


def _days(text: str) -> float:
    with suppress(ValueError):
        number = float(text.removesuffix("d"))
        if 0 <= number < float("inf"):
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no number of days, such as 30 or 0.5")


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    from runner.state.database import Database
    from runner.state.history import KEPT_DAYS, KEPT_RUNS, is_known, prune, runs

    options = parser().parse_args(argv)
    if not options.prune and (options.keep is not None or options.days is not None):
        raise UsageError("cfind history: --keep and --days say what --prune keeps", "write --prune, too")
    folder, job = state_folder(options), _name(options)
    if not is_known(folder):
        if options.format == "json" and not options.prune:
            say("[]\n")
        complain(f"no run is known in {folder}")
        return ExitStatus.SUCCESS
    database = Database(folder)
    if options.prune:
        keep = KEPT_RUNS if options.keep is None else options.keep
        days = KEPT_DAYS if options.days is None else options.days
        forgotten = prune(database, job, keep=keep, days=days)
        complain(f"{forgotten} {'run' if forgotten == 1 else 'runs'} forgotten")
        return ExitStatus.SUCCESS
    found = runs(folder, database, job)
    if job is not None and not found:
        complain(f"no run of a job {job!r} is known in {folder}")
    if options.format == "json":
        say(json.dumps([_document(run) for run in found], indent=2, ensure_ascii=False) + "\n")
        return ExitStatus.SUCCESS
    for line in _lines(found) if found else ():
        say(printable(line) + "\n")
    return ExitStatus.SUCCESS


def _name(options: argparse.Namespace) -> str | None:
    """Return the name of the job, which may be given by its file."""
    given: str | None = options.job
    if given is None or not Path(given).is_file():
        return given
    from runner.jobfile.load import load_job

    job, _ = load_job(Path(given), check_rows=False)
    return job.name if job is not None else Path(given).stem


def _state(run: Run) -> str:
    return run.verdict or ("running" if run.running else "killed")


def _document(run: Run) -> dict[str, object]:
    import datetime as dt

    return {
        "id": run.id,
        "job": run.job,
        "source": run.source,
        "kind": run.kind,
        "goes_on_with": run.work if run.work != run.id else None,
        "begun": dt.datetime.fromtimestamp(run.begun, dt.timezone.utc).isoformat(timespec="milliseconds"),
        "seconds": run.seconds,
        "state": _state(run),
        "exit_status": run.exit_status,
        "responses": run.responses,
        "operations": {"complete": run.complete, "planned": run.planned},
    }


def _lines(runs: Sequence[Run]) -> Iterator[str]:
    """Make a table: widths follow from what is in it."""
    rows = [("id", "job", "begun", "seconds", "state", "exit", "responses", "operations", "")]
    for run in runs:
        rows.append(  # noqa: PERF401 - one row is long
            (
                str(run.id),
                run.job,
                time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.begun)),
                "" if run.seconds is None else f"{run.seconds:.1f}",
                _state(run),
                "" if run.exit_status is None else str(run.exit_status),
                str(run.responses),
                f"{run.complete}/{run.planned}" if run.verdict else "",
                run.kind if run.kind != "run" else "",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
