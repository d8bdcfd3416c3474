"""The commands after a run: what they are told, what they print, and that they harm nothing."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from runner.cli.hooks import HookResult, run_hook
from runner.cli.interruption import SignalledStop
from runner.engine.ledger import Ledger
from runner.engine.run_result import RunResult
from runner.errors import ExitStatus
from runner.model import InformationModel, Job, Peer, Query, Request

JOB = Job(
    "job",
    (Peer("main", "pacs", 104),),
    (Query("q", ("main",), InformationModel.STUDY_ROOT, (Request(()),)),),
)
#: Prints what it was told, and what it finds in the report.
TELLS = (
    "import json, os; path = os.environ['CFIND_REPORT']; report = json.load(open(path));"
    "names = ('CFIND_REPORT', 'CFIND_JOB', 'CFIND_EXIT_STATUS', 'CFIND_VERDICT');"
    "print(json.dumps([*(os.environ[name] for name in names), report['job'], os.getcwd()]))"
)


def _hook(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def _run(
    job: Job,
    status: ExitStatus = ExitStatus.SUCCESS,
    *,
    report: Path | None = None,
    signalled: SignalledStop | None = None,
    keep_output: bool = True,
    time_out: float = 60,
) -> HookResult | None:
    result = RunResult(job, Ledger(), (), 1)
    return run_hook(
        result,
        status,
        report,
        signalled or SignalledStop(),
        keep_output=keep_output,
        time_out=time_out,
    )


def test_which_command_runs() -> None:
    job = replace(JOB, on_success=("true",), on_failure=("false",))
    good, bad = _run(job), _run(job, ExitStatus.EXPECTATION)
    assert good is not None
    assert bad is not None
    assert (good.name, good.job, good.exit_status, good.problem) == ("on_success", "job", 0, "")
    assert (bad.name, bad.exit_status, bad.problem) == ("on_failure", 1, "false ended with exit status 1")
    assert _run(JOB) is None
    assert _run(replace(job, on_success=())) is None


def test_what_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    ended = _run(replace(JOB, on_failure=_hook(TELLS)), ExitStatus.FIND_FAILED)
    assert ended is not None
    assert ended.problem == ""
    path, *told = json.loads(ended.output)
    assert told == ["job", "5", "incomplete", "job", str(tmp_path)]
    assert Path(path).is_absolute()
    assert not Path(path).parent.exists(), "what was written for it is gone"


def test_a_report_that_is_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.json").write_text('{"job": "written"}', encoding="utf-8")
    ended = _run(replace(JOB, on_success=_hook(TELLS)), report=Path("r.json"))
    assert ended is not None
    assert json.loads(ended.output)[:1] == [str(tmp_path / "r.json")]
    assert json.loads(ended.output)[4] == "written"


def test_both_streams_go_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    code = "import sys; print('one', flush=True); print('two', file=sys.stderr); assert not sys.stdin.read()"
    ended = _run(replace(JOB, on_success=_hook(code)), keep_output=False)
    assert ended is not None
    assert ended.output == ""
    assert capfd.readouterr() == ("", "one\ntwo\n")


def test_only_the_end_of_much_output_is_kept() -> None:
    ended = _run(replace(JOB, on_success=_hook("print('x' * 100_000, 'end')")))
    assert ended is not None
    assert len(ended.output) == 4000
    assert ended.output.endswith("x end\n")


def test_no_shell_looks_at_the_words() -> None:
    ended = _run(replace(JOB, on_success=("echo", "$HOME; ls *")))
    assert ended is not None
    assert ended.output == "$HOME; ls *\n"


def test_a_program_that_is_not_there() -> None:
    ended = _run(replace(JOB, on_success=("no-such-program-anywhere",)))
    assert ended is not None
    assert ended.exit_status is None
    assert ended.problem.startswith("no-such-program-anywhere cannot be run: No such file")


#: Says that it runs, starts something that holds on, and waits.
WAITS = "import os, subprocess, sys, time; p = subprocess.Popen(['sleep', '600']);"
WAITS += "open(sys.argv[1], 'w').write(f'{p.pid}\\n'); time.sleep(600)"


def _gone(process: int) -> bool:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{process}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_what_takes_too_long_is_ended_with_all_that_it_began(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    ended = _run(replace(JOB, on_success=(*_hook(WAITS), str(note))), time_out=2)
    assert ended is not None
    assert ended.exit_status == -signal.SIGTERM
    assert ended.problem.endswith("was ended, since it took more than 2 s")
    assert _gone(int(note.read_text("utf-8")))


def test_a_signal_ends_it(tmp_path: Path) -> None:
    note = tmp_path / "fifo"
    os.mkfifo(note)

    def interrupt() -> None:
        note.read_text("utf-8")
        os.kill(os.getpid(), signal.SIGTERM)

    with SignalledStop() as signalled:
        thread = threading.Thread(target=interrupt)
        thread.start()
        ended = _run(replace(JOB, on_success=(*_hook(WAITS), str(note))), signalled=signalled)
        thread.join()
    assert ended is not None
    assert ended.problem.endswith("was ended, since a signal came")
