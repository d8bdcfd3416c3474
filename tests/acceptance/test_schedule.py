"""`cfind schedule` as a process: what was missed runs at once, files change, signals come.

That nobody has to wait for the next minute, jobs find that the state folder knows of a time that was missed.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from acceptance.command import ROOT, Cfind

ARCHIVE = ROOT / "jobs" / "demo-archive"


def write_job(folder: Path, name: str, *, cron: str = "0 2 * * *", more: str = "", missed: int = 0) -> Path:
    """Write a job that runs each day; with `missed` days since it last did."""
    path = folder / "jobs" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"version: 1\nname: {name}\ntimezone: UTC\n"
        f"schedule: {{cron: '{cron}', timezone: UTC, catch_up: all}}\n"
        f"peers: {{p: {{archive: '{ARCHIVE}'}}}}\n"
        "queries:\n  q:\n    model: study-root\n    level: STUDY\n    "
        "keys: {StudyDate: 20240101-, StudyInstanceUID: }\n"
        + more
        + f"sinks: [{{type: csv, path: '{name}-${{today}}.csv'}}]\n",
        encoding="utf-8",
    )
    if missed:
        through = datetime.now(timezone.utc) - timedelta(days=missed)
        memory = folder / ".cfind" / "schedule"
        memory.mkdir(parents=True, exist_ok=True)
        known = {"job": name, "schedule": f"{cron} UTC", "through": through.isoformat()}
        (memory / f"{name}.json").write_text(json.dumps(known), encoding="utf-8")
    return path


class Scheduler:
    """The process, and what it says."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.said: list[str] = []

    def until(self, *words: str) -> str:
        """Read messages up to the one that has the words."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.decode("utf-8"))
            if all(word in self.said[-1] for word in words):
                return self.said[-1]
        raise AssertionError(f"{words} not said in {self.said}")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        _, rest = self.process.communicate(timeout=30)
        self.said += rest.decode("utf-8").splitlines(keepends=True)
        assert not any("Traceback" in line for line in self.said), self.said
        return self.process.returncode


Start = Callable[..., "contextmanager[Scheduler]"]


@contextmanager
def scheduling(cfind: Cfind, *arguments: str | Path) -> Iterator[Scheduler]:
    with cfind.start("schedule", *(arguments or ("jobs",))) as process:
        try:
            yield Scheduler(process)
        finally:
            process.kill()


def days_ago(number: int) -> str:
    return f"{datetime.now(timezone.utc) - timedelta(days=number):%Y%m%d}"


def test_missed_runs_are_made_up_for_each_at_its_own_time(cfind: Cfind) -> None:
    write_job(cfind.folder, "nightly", cron="0 0 * * *", missed=2)
    with scheduling(cfind) as scheduler:
        scheduler.until("nightly: ended after", "exit status 0; next now, late, for")
        scheduler.until("nightly: ended after", "exit status 0; next at")
        assert scheduler.end() == 143
    written = {path.name for path in cfind.folder.glob("*.csv")}
    assert written == {f"nightly-{days_ago(number)}.csv" for number in (0, 1)}
    # and never again
    with scheduling(cfind) as scheduler:
        scheduler.until("nightly: next at")
        assert scheduler.end(signal.SIGINT) == 130
    assert not any("begun" in line for line in scheduler.said)


def test_sigterm_ends_runs_in_order_and_they_count_as_missed(cfind: Cfind) -> None:
    write_job(cfind.folder, "long", more="    repeat: 1000000\n", missed=1)
    with scheduling(cfind) as scheduler:
        scheduler.until("long: begun, late, for")
        partial = next(_waited_for(lambda: list(cfind.folder.glob(".long-*"))))
        assert partial
        assert scheduler.end() == 143
    assert "cfind: long: ended before it was done; it counts as missed\n" in scheduler.said
    assert any("interrupted: ending in order" in line for line in scheduler.said)
    assert not list(cfind.folder.glob("long-*.csv"))
    with scheduling(cfind) as scheduler:
        scheduler.until("long: begun, late, for")
        scheduler.end()


def _waited_for(look: Callable[[], list[Path]]) -> Iterator[list[Path]]:
    deadline = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.02)  # the other process has no event for us
    yield found


def test_changes_of_files_are_heeded_and_an_invalid_one_keeps_the_old_job(cfind: Cfind) -> None:
    path = write_job(cfind.folder, "steady")
    with scheduling(cfind) as scheduler:
        scheduler.until("steady: next at")
        valid = path.read_text("utf-8")
        path.write_text(valid.replace("model: study-root", "model: study-rot"), "utf-8")
        scheduler.until("steady stays as it was: the file is invalid")
        path.write_text(valid.replace("'0 2 * * *'", "'0 3 * * *'"), "utf-8")
        assert "T03:00:00+00:00" in scheduler.until("steady: changed; next at")
        write_job(cfind.folder, "another", cron="0 5 * * *")
        assert "T05:00:00+00:00" in scheduler.until("another: scheduled; next at")
        path.unlink()
        scheduler.until("steady: not scheduled any more")
        scheduler.process.send_signal(signal.SIGHUP)
        scheduler.until("read again: 1 job is scheduled")
        scheduler.end()
    assert any("queries.q.model" in line for line in scheduler.said)


def test_a_run_takes_the_job_as_it_was_valid(cfind: Cfind) -> None:
    """Through the process that a run is, whatever has become of the file meanwhile."""
    from runner.scheduler.job_files import JobFiles
    from runner.scheduler.processes import Processes

    path = write_job(cfind.folder, "held")
    files = JobFiles([path])
    files.take(files.look(at_all=True))
    path.write_text("nothing: [", encoding="utf-8")
    processes = Processes(["--output-dir", str(cfind.folder), "--quiet"])
    [job] = files.jobs
    assert processes.run(job, datetime(2024, 5, 6, 7, 8, tzinfo=timezone.utc)) == 0
    assert [file.name for file in cfind.folder.glob("*.csv")] == ["held-20240506.csv"]
    assert processes.end(signal.SIGTERM) == 0
    assert processes.run(job, None) is None


def test_an_invalid_job_is_told_and_keeps_no_other_from_being_scheduled(cfind: Cfind) -> None:
    write_job(cfind.folder, "one")
    two = write_job(cfind.folder, "two", cron="0 25 * * *")
    with scheduling(cfind) as scheduler:
        scheduler.until("schedule.cron: the hour goes from 0 to 23")
        scheduler.until("jobs/two.yaml: it is not scheduled: the file is invalid")
        scheduler.until("one: next at")
        two.write_text(two.read_text("utf-8").replace("0 25", "0 5"), "utf-8")
        scheduler.until("two: scheduled; next at")
        scheduler.end()


def test_what_is_due_runs_beside_an_invalid_job_which_the_exit_status_tells(cfind: Cfind) -> None:
    write_job(cfind.folder, "one", cron="0 0 * * *", missed=1)
    write_job(cfind.folder, "two", cron="0 25 * * *")
    status, _, stderr = cfind("schedule", "--due", "jobs")
    assert (status, "one: ended after" in stderr) == (3, True), stderr
    assert len(list(cfind.folder.glob("one-*.csv"))) == 1


def test_where_all_jobs_are_invalid_nothing_is_scheduled(cfind: Cfind) -> None:
    write_job(cfind.folder, "one", cron="0 24 * * *")
    write_job(cfind.folder, "two", cron="0 25 * * *")
    status, _, stderr = cfind("schedule", "jobs")
    assert (status, "none of 2 files can be scheduled" in stderr) == (3, True)


def test_now_goes_with_list_alone(cfind: Cfind) -> None:
    write_job(cfind.folder, "one")
    status, _, stderr = cfind("schedule", "jobs/one.yaml", "--now", "2024-01-01T00:00Z")
    assert (status, "--now goes with --list" in stderr) == (2, True)


def test_two_schedulers_of_one_job_are_refused(cfind: Cfind) -> None:
    path = write_job(cfind.folder, "only")
    with scheduling(cfind) as scheduler:
        scheduler.until("only: next at")
        status, _, stderr = cfind("schedule", path)
        assert status == 9
        assert f"another cfind schedule has the job only: process {scheduler.process.pid}" in stderr
        scheduler.end()
    with scheduling(cfind, path) as scheduler:
        scheduler.until("only: next at")
        assert scheduler.end() == 143


def test_a_job_that_another_scheduler_has_keeps_no_other_from_being_scheduled(cfind: Cfind) -> None:
    only = write_job(cfind.folder, "only")
    with scheduling(cfind, only) as scheduler:
        scheduler.until("only: next at")
        write_job(cfind.folder, "second", cron="0 0 * * *", missed=1)
        status, _, stderr = cfind("schedule", "--due", "jobs")
        assert (status, "second: ended after" in stderr) == (9, True), stderr
        with scheduling(cfind) as other:
            other.until("only: another cfind schedule has the job only")
            other.until("second: next at")
            scheduler.end()
            other.until("only: scheduled; next at")
            other.end()


def test_without_apscheduler_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, cfind: Cfind) -> None:
    import sys

    from runner.cli.main import main

    path = write_job(cfind.folder, "job")
    monkeypatch.setitem(sys.modules, "apscheduler", None)
    monkeypatch.chdir(cfind.folder)
    assert main(["schedule", str(path)]) == 2
    assert main(["schedule", "--list", str(path)]) == 0


def test_what_is_due_runs_for_another_scheduler(cfind: Cfind) -> None:
    path = write_job(cfind.folder, "nightly", cron="0 0 * * *", missed=3)
    assert cfind("schedule", "--due", path, "--quiet") == (0, b"", "")
    written = {path.name for path in cfind.folder.glob("*.csv")}
    assert written == {f"nightly-{days_ago(number)}.csv" for number in (0, 1, 2)}
    assert cfind("schedule", "--due", path) == (0, b"", "")


def test_each_job_has_metrics_of_its_own_and_no_hooks_on_request(cfind: Cfind) -> None:
    hooks = "on_success: [touch, hooked]\n"
    for name in ("one", "two/of: them"):
        path = write_job(cfind.folder, name.partition("/")[0], cron="0 0 * * *")
        path.write_text(path.read_text("utf-8").replace("name: two", f"name: '{name}'") + hooks, "utf-8")
    (cfind.folder / "numbers").mkdir()
    words = ["schedule", "--due", "jobs", "--metrics", "numbers", "--no-wait", "--no-hooks"]
    assert cfind(*words)[0] == 0  # which notes when it was
    for path in (cfind.folder / ".cfind" / "schedule").glob("*.json"):
        known = json.loads(path.read_text("utf-8"))
        known["through"] = f"{datetime.now(timezone.utc) - timedelta(days=1):%Y-%m-%d}T23:00:00+00:00"
        path.write_text(json.dumps(known), "utf-8")
    status, _, stderr = cfind(*words)
    assert status == 0, stderr
    numbers = {path.name: path.read_text("utf-8") for path in (cfind.folder / "numbers").iterdir()}
    assert numbers.keys() == {"one.prom", "two%2Fof%3A%20them.prom"}
    assert 'cfind_exit_status{job="one"} 0' in numbers["one.prom"]
    assert not (cfind.folder / "hooked").exists()
    status, _, stderr = cfind("schedule", "--list", "jobs", "--metrics", "nowhere")
    assert (status, "--metrics nowhere is no folder" in stderr) == (2, True)


def test_exports_say_where_metrics_go_and_what_is_not_done(cfind: Cfind) -> None:
    path = write_job(cfind.folder, "one")
    path.write_text(path.read_text("utf-8").replace("catch_up: all", "catch_up: none"), "utf-8")
    words = ["schedule", path, "--metrics", ".", "--no-wait", "--no-hooks", "--export"]
    status, printed, stderr = cfind(*words, "systemd")
    assert status == 0, stderr
    expected = f" --metrics {cfind.folder}/one.prom --no-hooks --no-wait\n"
    assert expected in printed.decode("utf-8")
    path.write_text(path.read_text("utf-8").replace("catch_up: none", "catch_up: all"), "utf-8")
    _, printed, _ = cfind(*words, "cron")
    assert f" --metrics {cfind.folder} --no-hooks --no-wait\n" in printed.decode("utf-8")
    status, _, stderr = cfind(*words, "kubernetes")
    assert (status, "which Kubernetes does not see" in stderr) == (2, True)


def test_the_first_call_runs_the_time_that_has_just_come_and_tells_what_came_of_it(cfind: Cfind) -> None:
    path = write_job(cfind.folder, "always", cron="* * * * *")
    path.write_text(
        path.read_text("utf-8").replace("model: study-root", "model: study-root\n    expect: {max: 0}")
    )
    status, _, stderr = cfind("schedule", "--due", path)
    assert status == 7, stderr
    assert "always: begun for" in stderr


@pytest.mark.parametrize("form", ["systemd", "cron", "kubernetes"])
def test_exports_are_printed_or_written(cfind: Cfind, form: str) -> None:
    write_job(cfind.folder, "one")
    path = cfind.folder / "jobs" / "one.yaml"
    text = path.read_text("utf-8").replace("catch_up: all", "catch_up: one")
    path.write_text(text.replace(f"archive: '{ARCHIVE}'", "host: localhost, port: 104"), "utf-8")
    status, printed, stderr = cfind("schedule", "jobs", "--export", form, "--image", "example.org/cfind")
    assert (status, stderr) == (0, "")
    assert b"cfind" in printed
    (cfind.folder / "units").mkdir()
    status, nothing, stderr = cfind("schedule", "jobs", "--export", form, "--to", "units")
    assert (status, nothing) == (0, b"")
    files = sorted((cfind.folder / "units").iterdir())
    assert stderr == "".join(f"cfind: written: units/{file.name}\n" for file in files)
    assert len(files) == (2 if form == "systemd" else 1)
    if form == "kubernetes":
        return
    text = "".join(file.read_text("utf-8") for file in files)
    assert f" {path} --output-dir {cfind.folder}" in text  # wherever it is run


def test_in_one_table_a_time_zone_holds_for_no_job_without_one(cfind: Cfind) -> None:
    for name, zone in (("a", "timezone: Asia/Tokyo, "), ("b", ""), ("c", "timezone: UTC, ")):
        path = write_job(cfind.folder, name)
        text = path.read_text("utf-8").replace("timezone: UTC\n", "", 1)
        path.write_text(text.replace("timezone: UTC, ", zone), "utf-8")
    _, printed, _ = cfind("schedule", "jobs", "--export", "cron")
    lines = printed.decode("utf-8").splitlines()
    found = [line for line in lines if line.startswith(("CRON_TZ=", "# cfind:"))]
    assert found == ["# cfind: b", "# cfind: a", "CRON_TZ=Asia/Tokyo", "# cfind: c", "CRON_TZ=UTC"]


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("peers: {p: {archive: images}}\n", "images/"),
        ("include: shared/peers.yaml\n", "shared/peers.yaml"),
        (
            "peers: {p: {host: h, port: 104, user_identity: {type: jwt, token: '${file:shared/token}'}}}\n",
            "shared/token",
        ),
    ],
)
def test_what_kubernetes_would_not_find_is_not_exported(cfind: Cfind, text: str, needs: str) -> None:
    path = write_job(cfind.folder, "one")
    job = path.read_text("utf-8").replace("catch_up: all", "catch_up: one")
    path.write_text(job.replace(f"peers: {{p: {{archive: '{ARCHIVE}'}}}}\n", text), "utf-8")
    (path.parent / "images").mkdir()
    (path.parent / "shared").mkdir()
    (path.parent / "shared" / "peers.yaml").write_text("peers: {p: {host: localhost, port: 104}}", "utf-8")
    (path.parent / "shared" / "token").touch(0o600)
    status, printed, stderr = cfind("schedule", path, "--export", "kubernetes")
    assert (status, printed) == (3, b"")
    assert f"jobs/one.yaml: the job needs '{needs}'" in stderr.replace(f"{cfind.folder}/", "")


@pytest.mark.parametrize("words", [["--list", "--due"], ["--export", "cron", "--list"], ["--to", "."]])
def test_options_that_do_not_go_together(cfind: Cfind, words: list[str]) -> None:
    path = write_job(cfind.folder, "one")
    status, _, stderr = cfind("schedule", path, *words)
    assert status == 2, stderr


def test_all_is_told_as_json_on_request(cfind: Cfind) -> None:
    path = write_job(cfind.folder, "nightly", missed=1)
    status, _, stderr = cfind("schedule", "--due", path, "--log", "json")
    assert status == 0, stderr
    told = [json.loads(line) for line in stderr.splitlines()]
    events = [entry["event"] for entry in told]
    assert (events[0], events[-1], "run_ended" in events) == (
        "scheduled_run_begun",
        "scheduled_run_ended",
        True,
    )
    begun, ended = told[0], told[-1]
    assert begun["job"] == ended["job"] == "nightly"
    assert begun["late"] is True
    assert ended["due"] == begun["due"] < ended["next"]
    assert ended["exit_status"] == 0


def test_a_run_that_another_one_keeps_from_running_is_due_again(cfind: Cfind) -> None:
    path = write_job(cfind.folder, "nightly", cron="0 0 * * *", missed=1)
    valid = path.read_text("utf-8")
    path.write_text(valid.replace("    level", "    repeat: 1000000\n    level"), "utf-8")
    with cfind.start("run", path) as other:
        next(_waited_for(lambda: list(cfind.folder.glob(".nightly-*"))))
        path.write_text(valid, "utf-8")
        status, _, stderr = cfind("schedule", "--due", path)
        assert status == 9
        assert "nightly: not run, since another run of the job goes on; it is tried again" in stderr
        other.send_signal(signal.SIGTERM)
        other.wait(30)
    status, _, stderr = cfind("schedule", "--due", path)
    assert (status, "nightly: begun, late, for" in stderr) == (0, True), stderr
