"""`cfind translate --script`: the findscu calls of a shell script as one job."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from runner.cli.messages import flush_output, printable, say
from runner.errors import ExitStatus, InvalidJobError
from runner.findscu.fidelity import Outcome
from runner.findscu.script import reader_of, report_data, report_lines, translate_script


def execute(script: Path, *, as_json: bool) -> ExitStatus:
    """Print the job on stdout and the report on stderr.

    Raises:
        InvalidJobError: if the script cannot be read or has no call that could be translated.
    """
    try:
        text = os.fsdecode(script.read_bytes())
    except OSError as error:
        raise InvalidJobError(f"the script cannot be read: {error.strerror}", where=str(script)) from error
    translation = translate_script(text, os.environ, reader_of(Path()), script.stem or "script")
    say(translation.text)
    flush_output()
    if as_json:
        import json

        json.dump(report_data(translation), sys.stderr, indent=2)
        sys.stderr.write("\n")
    else:
        for line in report_lines(translation):
            sys.stderr.write(printable(line) + "\n")
    if not translation.calls and not translation.lost:
        raise InvalidJobError("there is no findscu call in the script", where=str(script))
    lost = translation.lost or any(
        fate.outcome is Outcome.LOST for call in translation.calls for fate in call.fates
    )
    return ExitStatus.INVALID_JOB if lost else ExitStatus.SUCCESS
