"""`cfind init`: a job to begin with."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from runner.cli.arguments import ArgumentParser, port
from runner.cli.messages import complain, say
from runner.cli.starter_jobs import STARTERS, Starter
from runner.errors import ExitStatus, SinkError, UsageError

_SCHEMA = "job.schema.json"
#: Where the schema is looked for, in the job's folder and those above it.
_SCHEMA_PLACES = (_SCHEMA, f"schemas/{_SCHEMA}")


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser("init", "Write a job to begin with, with comments. No file is ever overwritten.")
    made.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="where to (default: standard output)"
    )
    which = made.add_mutually_exclusive_group()
    for name, starter in STARTERS.items():
        which.add_argument(
            f"--{name}", dest="starter", action="store_const", const=name, help=starter.summary
        )
    made.set_defaults(starter=next(iter(STARTERS)))
    made.add_argument("--host", default="pacs.example.org", help="the archive's host name or address")
    made.add_argument(
        "--port", type=port, default=11112, metavar="N", help="the archive's port (default: 11112)"
    )
    made.add_argument(
        "--ae-title", default="PACS", metavar="TITLE", help="the archive's AE title (default: PACS)"
    )
    made.add_argument(
        "--calling-ae-title", default="CFIND", metavar="TITLE", help="our own AE title (default: CFIND)"
    )
    made.add_argument(
        "--schema",
        action="store_true",
        help=f"write {_SCHEMA} beside the job too, from which editors complete and explain",
    )
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    starter = STARTERS[options.starter]
    path = None if options.file in (None, Path("-")) else options.file
    if path is None and (starter.table or options.schema):
        what = "--cohort" if starter.table else "--schema"
        raise UsageError(f"cfind init: {what} writes a second file", "name a FILE for the job")
    name = starter.name if path is None else path.stem
    files: dict[Path, str] = {}
    kept = None
    if path is None:
        modeline = ""
    else:
        modeline, kept = _modeline(path.parent, wanted=options.schema)
        if options.schema and kept is None:
            from runner.jobfile.schema import schema_text

            files[path.parent / _SCHEMA] = schema_text()
    text = _text(starter, name, options, modeline)
    table = {_table(name): starter.table} if starter.table else {}
    _check(text, table)
    if path is None:
        say(text)
        return ExitStatus.SUCCESS
    files = {path: text, **{path.parent / name: rows for name, rows in table.items()}, **files}
    _write(files)
    for written in files:
        complain(f"{written} is written")
    if options.schema and kept is not None:
        complain(f"{kept} is there already and kept; cfind schema prints that of this version")
    return ExitStatus.SUCCESS


def _text(starter: Starter, name: str, options: object, modeline: str) -> str:
    from runner.findscu.yaml_text import scalar

    given = vars(options)
    filled = starter.queries.format(table=scalar(_table(name)), found=scalar(f"{name}-studies.csv"))
    return f"""\
{modeline}version: 1
name: {scalar(name)}

peers:
  main:
    host: {scalar(given["host"])}  # or, in place of host and port, archive: FOLDER
    port: {given["port"]}
    ae_title: {scalar(given["ae_title"])}
    calling_ae_title: {scalar(given["calling_ae_title"])}  # many archives answer only those that they know

{starter.vars}{chr(10) * bool(starter.vars)}{filled}"""


def _table(name: str) -> str:
    return f"{name}-patients.csv"


def _modeline(folder: Path, *, wanted: bool) -> tuple[str, Path | None]:
    """Return the first lines of a job in the folder, and the schema that they name if it is there already."""
    here = folder.resolve()
    for parent in (here, *here.parents):
        for place in _SCHEMA_PLACES:
            if (parent / place).is_file() and (parent == here or not wanted):
                found = os.path.relpath(parent / place, here).replace(os.sep, "/")
                return f"# yaml-language-server: $schema={found}\n", folder / found
    if wanted:
        return f"# yaml-language-server: $schema={_SCHEMA}\n", None
    return "", None


def _check(text: str, table: Mapping[str, str]) -> None:
    """See to it that the job is valid, which what was given for its peer may not be.

    Raises:
        UsageError: it is not.
    """
    import tempfile

    from runner.jobfile.load import load_job

    with tempfile.TemporaryDirectory(prefix="cfind-") as folder:
        job = Path(folder, "job.yaml")
        try:
            job.write_text(text, "utf-8")
            for name, rows in table.items():
                Path(folder, name).write_text(rows, "utf-8")
        except (UnicodeError, OSError) as error:
            raise UsageError("cfind init: a name or value cannot be written as a file") from error
        loaded, problems = load_job(job)
    if loaded is None:
        first = problems[0]
        raise UsageError(f"cfind init: {first.path}: {first.what}", first.advice)


def _write(files: Mapping[Path, str]) -> None:
    """Write new files, all of them or none.

    Raises:
        UsageError: one of them is there already.
        SinkError: one cannot be written.
    """
    written: list[Path] = []
    try:
        for path, text in files.items():
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except FileExistsError:
        _remove(written)
        raise UsageError(
            f"cfind init: {path} is there already, and nothing is overwritten", "choose another name"
        ) from None
    except OSError as error:
        _remove(written)
        raise SinkError(
            f"{path} cannot be written: {error.strerror}", "choose a folder that is there and yours"
        ) from error


def _remove(written: Sequence[Path]) -> None:
    for path in written:
        path.unlink(missing_ok=True)
