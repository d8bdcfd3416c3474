"""Schedules for those who have a scheduler: units of systemd, lines of a crontab, CronJobs of Kubernetes."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise

from runner.model import CatchUp, Schedule
from runner.schedule.cron import Cron, fields_of, parse_cron
from runner.schedule.times import Times

_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")

#: Kubernetes gives up on a CronJob that has missed more times than that within its deadline.
_MOST_MISSED = 90
_WEEK = 7 * 86400
#: Kubernetes appends to the name of a CronJob, for names of 63 characters.
_LONGEST_NAME = 52
#: What a file in a ConfigMap may be called.
_KEY = re.compile(r"(?!\.\.)[-._a-zA-Z0-9]{1,253}")
#: What a run may be late that is not made up for, in seconds.
_SOON = 120


class ExportError(ValueError):
    """A schedule cannot be said in that form; its arguments are what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A job that another scheduler is to run.

    Attributes:
        name: of the job.
        schedule: when it runs.
        times: the same.
        run: the command that runs it once, in words.
        due: the command that runs what is due, each of several missed times by itself.
        folder: where these commands run.
        lock: a file that is locked as long as it runs.
        file: of the job, without its folder.
        image: of containers.
        more: options that are no paths of this machine.
        inputs: the other files and folders that the job is made of, relative to its own folder.
    """

    name: str
    schedule: Schedule
    times: Times
    run: tuple[str, ...]
    due: tuple[str, ...]
    folder: str
    lock: str
    file: str
    image: str
    more: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()

    @property
    def plain_name(self) -> str:
        """The name in letters that units and objects may have; no two names have the same."""
        return self.plain(40)

    def plain(self, longest: int) -> str:
        """Return such a name that is no longer than that, but for a digest of 7 characters."""
        plain = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:longest].strip("-")
        if plain == self.name:
            return plain
        from hashlib import blake2b

        digest = blake2b(self.name.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()
        return f"{plain or 'job'}-{digest}"


# --- systemd ---------------------------------------------------------------------------------------------


def systemd(job: Exported, now: datetime) -> dict[str, str]:
    """Return a timer and the service that it starts, which systemd does not start twice (systemd.timer(5)).

    A service that is made up for is started once (Persistent); where all runs are wanted, it runs them all.
    """
    del now
    schedule = job.schedule
    words = job.due if schedule.catch_up is CatchUp.ALL else job.run
    name = f"cfind-{job.plain_name}"
    described = f"cfind: {_one_line(job.name)}".replace("%", "%%")
    calendar = "".join(f"OnCalendar={line}\n" for line in _calendar(job.times.cron, schedule.timezone))
    persistent = "false" if schedule.catch_up is CatchUp.NONE else "true"
    return {
        f"{name}.service": (
            f"[Unit]\nDescription={described}\nWants=network-online.target\nAfter=network-online.target\n\n"
            f"[Service]\nType=oneshot\nWorkingDirectory={_path(job.folder)}\n"
            f"ExecStart={' '.join(map(_word, words))}\n"
        ),
        f"{name}.timer": (
            f"[Unit]\nDescription={described}\n\n[Timer]\n{calendar}"
            f"RandomizedDelaySec={schedule.jitter}\nAccuracySec=1s\nPersistent={persistent}\n\n"
            "[Install]\nWantedBy=timers.target\n"
        ),
    }


def _calendar(cron: Cron, timezone: str) -> list[str]:
    """Return calendar events (systemd.time(7)), two where a day is meant by number or by weekday."""
    weekdays = "" if len(cron.weekdays) == 7 else ",".join(_DAYS[day] for day in cron.weekdays) + " "
    months = "*" if len(cron.months) == 12 else _two(cron.months)
    days = "*" if len(cron.days) == 31 else _two(cron.days)
    hours = "*" if cron.every_hour else _two(cron.hours)
    minutes = "*" if len(cron.minutes) == 60 else _two(cron.minutes)
    at = f"{hours}:{minutes}:00 {timezone}".rstrip()
    if cron.either_day:
        return [f"*-{months}-{days} {at}", f"{weekdays}*-{months}-* {at}"]
    return [f"{weekdays}*-{months}-{days} {at}"]


def _two(numbers: Sequence[int]) -> str:
    return ",".join(f"{number:02}" for number in numbers)


def _word(word: str) -> str:
    """Quote a word of a command line (systemd.service(5)): %, $ and what is special in quotes."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    escaped = "".join(c if c.isprintable() else "".join(f"\\x{b:02x}" for b in c.encode()) for c in escaped)
    return escaped if re.fullmatch(r"[\w@%+=:,./-]+", escaped) else f'"{escaped}"'


def _path(path: str) -> str:
    _check_line(path)
    if path != path.rstrip() or path.endswith("\\"):
        what = "a folder's name ends with a blank or a backslash, which systemd does not take as it is"
        raise ExportError(what, "rename the folder")
    return path.replace("%", "%%")


# --- cron ------------------------------------------------------------------------------------------------


def cron(job: Exported, now: datetime) -> dict[str, str]:
    """Return lines of a crontab. CRON_TZ is cronie's; where it is not known, the machine's zone counts.

    It holds for all lines below it: in one table, jobs without a zone come first.
    """
    del now
    schedule = job.schedule
    makes_up = schedule.catch_up is not CatchUp.NONE
    command = shlex.join(("flock", "-n", job.lock, *(job.due if makes_up else job.run)))
    folder = shlex.quote(job.folder)
    wait = f"sleep $(shuf -i 0-{schedule.jitter} -n 1) && " if schedule.jitter else ""
    for text in (command, folder):
        _check_line(text)
    command = f"cd {folder} && {{}}{command}".replace("%", "\\%")
    lines = [f"# cfind: {_one_line(job.name)}"]
    if schedule.timezone:
        lines.append("# CRON_TZ needs cronie; Debian's cron ignores it, and takes the machine's time zone")
        lines.append(f"CRON_TZ={schedule.timezone}")
    else:
        lines.append("# in the machine's time zone: no CRON_TZ above it")
    lines.append(f"{_fields(schedule.cron)} {command.replace('{}', wait, 1)}")
    if makes_up:
        lines.append(f"@reboot {command.replace('{}', wait, 1)}")
    return {f"cfind-{job.plain_name}.cron": "\n".join(lines) + "\n"}


def _fields(text: str) -> str:
    """Return cron's fields in numbers: not every cron knows names in lists, or the words.

    A star stays one, and nothing becomes one among the days: it would say whether both count, or either.
    """
    cron = parse_cron(text)
    values = (cron.minutes, cron.hours, cron.days, cron.months, cron.weekdays)
    every = (60, 24, 0, 12, 0)
    return " ".join(
        field if field.startswith("*") else "*" if len(numbers) == all_ else ",".join(map(str, numbers))
        for field, numbers, all_ in zip(fields_of(text), values, every, strict=True)
    )


# --- Kubernetes ------------------------------------------------------------------------------------------


def kubernetes(job: Exported, now: datetime) -> dict[str, str]:
    """Return a CronJob (batch/v1). Kubernetes makes up for one run, however many were missed.

    Raises:
        ExportError: the time zone is left to the machine, Kubernetes understands the days otherwise, or a
            ConfigMap cannot hold the job's files.
    """
    schedule, cron = job.schedule, job.times.cron
    if not schedule.timezone:
        raise ExportError("Kubernetes runs on another machine, and so in another time zone", "add a timezone")
    if schedule.catch_up is CatchUp.ALL:
        what = "Kubernetes makes up for one run at most, and catch_up is all"
        raise ExportError(what, "write catch_up: one, or run cfind schedule itself in a Deployment")
    if len(cron.days) < 31 and len(cron.weekdays) < 7 and not cron.either_day:
        what = "of a day with a star and a step, and another one, Kubernetes takes either, and cron both"
        raise ExportError(what, "write one of the days as *")
    _check_keys(job)
    name = f"cfind-{job.plain(_LONGEST_NAME - len('cfind-') - 7)}"
    words = ["cfind", "run", f"/jobs/{job.file}", "--output-dir", "/output", *job.more]
    if schedule.jitter:
        wait = f"sleep $(shuf -i 0-{schedule.jitter} -n 1) && exec {shlex.join(words)}"
        words = ["sh", "-c", wait]
    # A text in JSON's quotes is one in YAML.
    return {
        f"{name}.yaml": f"""\
# The job's folder: kubectl create configmap {name} --from-file=FOLDER
# The output: a PersistentVolumeClaim {name}
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {name}
spec:
  schedule: {json.dumps(_fields(schedule.cron))}
  timeZone: {json.dumps(schedule.timezone)}
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: {_deadline(job, now)}
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: cfind
              image: {json.dumps(job.image)}
              command: {json.dumps(words)}
              volumeMounts:
                - {{name: jobs, mountPath: /jobs, readOnly: true}}
                - {{name: output, mountPath: /output}}
          volumes:
            - {{name: jobs, configMap: {{name: {name}}}}}
            - {{name: output, persistentVolumeClaim: {{claimName: {name}}}}}
"""
    }


def _check_keys(job: Exported) -> None:
    """Check that a ConfigMap can hold the files: those of one folder, under names that are its keys."""
    if _KEY.fullmatch(job.file) is None:
        what = f"a ConfigMap has no file {job.file!r}: names have letters, digits, -, _ and . alone"
        raise ExportError(what, "rename the file")
    for file in job.inputs:
        if _KEY.fullmatch(file) is None:
            what = f"the job needs {file!r}, and a ConfigMap holds the files of one folder, under names of"
            what += " letters, digits, -, _ and ."
            raise ExportError(
                what, "put it beside the job as a file with such a name, or mount the folder yourself"
            )


def _deadline(job: Exported, now: datetime) -> int:
    """Return how late a run may begin, in seconds: a week, or as long as not too many times are missed."""
    if job.schedule.catch_up is CatchUp.NONE:
        return _SOON
    times = list(islice(job.times.following(now), 50))
    shortest = min(((later - time).total_seconds() for time, later in pairwise(times)), default=_WEEK)
    return max(_SOON, min(_WEEK, int(_MOST_MISSED * shortest)))


# --- all -------------------------------------------------------------------------------------------------


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _check_line(text: str) -> None:
    if "\n" in text or "\r" in text:
        raise ExportError("a path has a line break in it, which cannot be said there", "rename the file")


FORMS = {"systemd": systemd, "cron": cron, "kubernetes": kubernetes}
