"""`cfind schedule --export`: the schedules for another scheduler."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

from runner.cli.keeping import state_folder
from runner.cli.messages import complain, say
from runner.errors import ExitStatus, InvalidJobError
from runner.model import Job, SecretSource
from runner.schedule.exports import FORMS, Exported, ExportError
from runner.scheduler.job_files import ScheduledJob
from runner.scheduler.processes import metrics_option
from runner.state.lock import file_name


def export(jobs: Sequence[ScheduledJob], options: Namespace, run_options: Sequence[str]) -> ExitStatus:
    """Print the schedules, or write them to files.

    Raises:
        InvalidJobError: a schedule cannot be said in that form.
        SinkError: a file cannot be written.
    """
    texts: dict[str, str] = {}
    if options.export == "cron":  # CRON_TZ holds for all that stands below it
        jobs = sorted(jobs, key=lambda scheduled: bool(scheduled.schedule.timezone))
    for scheduled in jobs:
        texts |= _texts(scheduled, options, run_options)
    if options.to is not None:
        _write(options.to, texts)
        return ExitStatus.SUCCESS
    separator = "---\n" if options.export == "kubernetes" else "\n"
    heading = "# {}\n" if options.export == "systemd" else ""
    say(separator.join(f"{heading.format(name)}{text}" for name, text in texts.items()))
    return ExitStatus.SUCCESS


def _texts(scheduled: ScheduledJob, options: Namespace, run_options: Sequence[str]) -> dict[str, str]:
    exported, now = _exported(scheduled, options, run_options), datetime.now(timezone.utc)
    try:
        return FORMS[options.export](exported, now)
    except ExportError as error:
        what, advice = error.args
        raise InvalidJobError(what, advice, scheduled.job.source) from None


def _exported(scheduled: ScheduledJob, options: Namespace, run_options: Sequence[str]) -> Exported:
    job = scheduled.job
    program = Path(sys.executable).with_name("cfind")
    command = (str(program),) if program.exists() else (sys.executable, "-m", "runner")
    source = str(Path(job.source).resolve())
    paths = ["--output-dir", str(options.output_dir.resolve())]
    if options.state is not None:
        paths += ["--state", str(options.state.resolve())]
    metrics = options.metrics.resolve() if options.metrics is not None else None
    folder_of_metrics = ["--metrics", str(metrics)] if metrics is not None else []
    return Exported(
        name=job.name,
        schedule=scheduled.schedule,
        times=scheduled.times,
        run=(*command, "run", source, *paths, *metrics_option(metrics, job.name), *run_options),
        due=(*command, "schedule", "--due", source, *paths, *folder_of_metrics, *run_options),
        folder=str(Path.cwd()),
        lock=str(state_folder(options).resolve().parent / f".cfind-{file_name(job.name)}.lock"),
        file=Path(job.source).name,
        image=options.image,
        more=tuple(run_options),
        inputs=tuple(_inputs(job)),
    )


def _inputs(job: Job) -> Iterator[str]:
    """Yield the files and folders that a job is made of, relative to its own; folders end with a slash."""
    from runner.jobfile.rows import CsvRows

    folder = Path(job.source).resolve().parent
    files: list[str | Path] = [*job.included]
    for peer in job.peers:
        tls = peer.tls
        files += [peer.archive] if peer.archive is not None else []
        if tls is not None:
            own = (tls.key, tls.certificate, *tls.ca_files, *tls.ca_directories, *tls.crl_files)
            files += [file for file in own if file is not None]
        identity = peer.user_identity
        secrets = [tls.password] if tls is not None else []
        secrets += [identity.secret] if identity is not None and identity.secret is not None else []
        files += [secret.value for secret in secrets if secret.source is SecretSource.FILE]
    for query in job.queries:
        rows = query.requests.rows if not isinstance(query.requests, tuple) else None
        files += [rows.path] if isinstance(rows, CsvRows) else []
        if rows is None:  # a query file is named as the job names it, relative to that
            files += [folder / request.source for request in query.requests if request.source]
    for file in files:
        path = os.path.relpath(Path(file).resolve(), folder)
        yield f"{path}/" if Path(file).is_dir() else path


def _write(folder: Path, texts: dict[str, str]) -> None:
    from runner.sinks.atomic_file import AtomicFile

    for name, text in texts.items():
        file = AtomicFile(folder / name)
        file.open()
        with file:
            file.write(text.encode("utf-8", "backslashreplace"))
        complain(f"written: {folder / name}")
