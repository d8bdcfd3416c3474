"""`cfind translate`: command lines of findscu as a job file, checked against what they themselves mean."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from runner.cli.arguments import ArgumentParser
from runner.cli.messages import flush_output, printable, say
from runner.errors import CfindError, ExitStatus, UsageError
from runner.findscu.command_line import Action, CommandLine, parse
from runner.findscu.fidelity import Fate, Outcome, report_data, report_text
from runner.findscu.peer_yaml import with_files_in
from runner.findscu.translate import translate
from runner.jobfile.load import load_job
from runner.model import Job, Peer, Secret, SecretSource


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser(
        "translate",
        "Print the job file that does what a command line of findscu does: cfind translate -- ARGV",
    )
    made.add_argument("--json", action="store_true", help="the report on stderr as JSON")
    made.add_argument(
        "--script", type=Path, metavar="FILE", help="translate all findscu calls of a shell script"
    )
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    ours, words = _split(argv)
    options = parser().parse_args(ours)
    if options.script is not None:
        if words:
            raise UsageError("cfind translate: --script goes without a command line of findscu")
        from runner.cli.translate_script import execute as execute_script

        return execute_script(options.script, as_json=options.json)
    if not words:
        raise UsageError("cfind translate: there is no command line of findscu", "write it behind --")
    command_line = parse(words, os.environ)
    if command_line.action is not Action.RUN:
        raise UsageError(f"the command line asks for {command_line.action.value}, there is no job in it")
    translation = translate(command_line)
    fates = (*translation.fates, *checked(command_line))
    say(translation.text)
    flush_output()
    _report(fates, as_json=options.json)
    lost = any(fate.outcome is Outcome.LOST for fate in fates)
    return ExitStatus.INVALID_JOB if lost else ExitStatus.SUCCESS


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tell our own options from findscu's: those behind `--`, or from the first word that is not ours."""
    words = list(argv)
    if "--" in words:
        at = words.index("--")
        ours, theirs = words[:at], words[at + 1 :]
    else:
        at = 0
        while at < len(words) and words[at] in ("--json", "--script", "-h", "--help"):
            at += 2 if words[at] == "--script" else 1
        ours, theirs = words[:at], words[at:]
    if theirs and Path(theirs[0]).name == "findscu":
        theirs = theirs[1:]
    return ours, theirs


def _report(fates: Sequence[Fate], *, as_json: bool) -> None:
    if as_json:
        import json

        json.dump({"tokens": report_data(fates)}, sys.stderr, indent=2)
        sys.stderr.write("\n")
    else:
        for line in report_text(fates).splitlines():
            sys.stderr.write(printable(line) + "\n")


def checked(command_line: CommandLine) -> Iterator[Fate]:
    """Load the translation as `cfind validate` would, and compare it with what the command line itself means.

    Yields:
        What is wrong or different.
    """
    import tempfile

    from runner.findscu.job import job_of

    text = translate(command_line, Path.cwd()).text
    with tempfile.TemporaryDirectory(prefix="cfind-") as folder:
        path = Path(folder, "job.yaml")
        path.write_text(text, encoding="utf-8")
        job, problems = load_job(path)
    for problem in problems:
        outcome = Outcome.ATTENTION if job is not None else Outcome.LOST
        what = f"{problem.what}; {problem.advice}" if problem.advice else problem.what
        yield Fate((problem.path or "job",), outcome, "what cfind validate says", what)
    if job is None:
        return
    try:
        meant = job_of(command_line)
    except CfindError as error:
        yield Fate(("query file",), Outcome.ATTENTION, "not compared", str(error))
        return
    for where in _differences(meant, job):
        note = "the job does not mean the same as the command line here"
        yield Fate((where,), Outcome.LOST, "a difference", note)


def _differences(meant: Job, job: Job) -> Iterator[str]:
    if _plain(meant.peers[0]) != _plain(job.peers[0]):
        yield "peer"
    if meant.sinks != job.sinks:
        yield "sinks"
    (theirs,), (ours,) = meant.queries, job.queries
    if (theirs.model, theirs.cancel_after, theirs.repeat) != (ours.model, ours.cancel_after, ours.repeat):
        yield "query"
    from runner.dicom.encoding import encode
    from runner.dicom.transfer_syntax import TransferSyntax

    syntax = TransferSyntax.EXPLICIT_LITTLE
    if theirs.operations_per_peer != ours.operations_per_peer:
        yield "requests"
    for their, our in zip(theirs.requests, ours.requests, strict=False):
        if encode(their.identifier, syntax) != encode(our.identifier, syntax):
            yield f"identifier of {their.source}" if their.source else "identifier"


def _plain(peer: Peer) -> Peer:
    """Return a peer without its name and, since the translation does not show it, a password."""
    peer = with_files_in(peer, Path.cwd())
    tls = peer.tls
    if tls is not None and tls.password.source in (SecretSource.LITERAL, SecretSource.ENVIRONMENT):
        tls = replace(tls, password=Secret())
    return replace(peer, name="", tls=tls)
