"""Schedules for other schedulers, word for word."""

from datetime import datetime, timezone

import pytest
import yaml

from runner.jobfile.clock import Clock
from runner.model import CatchUp, Schedule
from runner.schedule.cron import parse_cron
from runner.schedule.exports import Exported, ExportError, cron, kubernetes, systemd
from runner.schedule.times import Times

NOW = datetime(2024, 1, 1, tzinfo=timezone.utc)


def exported(fields="30 2 * * mon-fri", zone="Europe/Berlin", jitter=120, catch_up="one", **more):
    given = {
        "name": "nightly",
        "run": ("/bin/cfind", "run", "/srv/nightly.yaml"),
        "due": ("/bin/cfind", "schedule", "--due", "/srv/nightly.yaml"),
        "folder": "/srv",
        "lock": "/srv/.nightly.lock",
        "file": "nightly.yaml",
        "image": "registry.example.org/cfind:1",
        **more,
    }
    schedule = Schedule(fields, zone, jitter, CatchUp(catch_up))
    return Exported(schedule=schedule, times=Times(parse_cron(fields), Clock(0).in_zone(zone).zone), **given)


def test_systemd():
    assert systemd(exported(), NOW) == {
        "cfind-nightly.service": """\
[Unit]
Description=cfind: nightly
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory=/srv
ExecStart=/bin/cfind run /srv/nightly.yaml
""",
        "cfind-nightly.timer": """\
[Unit]
Description=cfind: nightly

[Timer]
OnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 02:30:00 Europe/Berlin
RandomizedDelaySec=120
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
""",
    }


@pytest.mark.parametrize(
    ("catch_up", "persistent", "command"),
    [("one", "true", "run"), ("none", "false", "run"), ("all", "true", "schedule --due")],
)
def test_systemd_catches_up(catch_up, persistent, command):
    service, timer = systemd(exported(catch_up=catch_up), NOW).values()
    assert f"\nPersistent={persistent}\n" in timer
    assert f"\nExecStart=/bin/cfind {command} " in service


@pytest.mark.parametrize(
    ("fields", "zone", "calendar"),
    [
        ("* * * * *", "", ["*-*-* *:*:00"]),
        ("*/15 8-18/5 * jan,mar *", "UTC", ["*-01,03-* 08,13,18:00,15,30,45:00 UTC"]),
        ("0 0 13 * fri", "UTC", ["*-*-13 00:00:00 UTC", "Fri *-*-* 00:00:00 UTC"]),
        ("0 0 */15 * 7", "UTC", ["Sun *-*-01,16,31 00:00:00 UTC"]),
    ],
)
def test_systemds_calendar(fields, zone, calendar):
    timer = systemd(exported(fields, zone), NOW)["cfind-nightly.timer"]
    assert [line[11:] for line in timer.splitlines() if line.startswith("OnCalendar=")] == calendar


def test_systemd_takes_words_as_they_are():
    words = (
        "/bin/cfind",
        "run",
        "two words.yaml",
        "50%",
        "$HOME",
        'a"b',
        "back\\slash",
        "",
        "line\nbreak",
        "ü.yaml",
    )
    service = systemd(exported(run=words, name="100% ü\n"), NOW)
    [text] = [text for name, text in service.items() if name.endswith(".service")]
    assert "Description=cfind: 100%% ü\n" in text
    expected = r'/bin/cfind run "two words.yaml" 50%% "$$HOME" "a\"b" "back\\slash" "" "line\x0abreak" ü.yaml'
    assert f"ExecStart={expected}\n" in text


def test_names_of_units_are_plain_and_differ():
    names = [exported(name=name).plain_name for name in ("nightly", "Nightly", "a b", "a/b", "ü", "x" * 200)]
    assert len(set(names)) == len(names)
    assert names[0] == "nightly"
    assert all(len(name) < 48 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for name in names)


def test_cron():
    assert cron(exported(), NOW) == {
        "cfind-nightly.cron": """\
# cfind: nightly
# CRON_TZ needs cronie; Debian's cron ignores it, and takes the machine's time zone
CRON_TZ=Europe/Berlin
30 2 * * 1,2,3,4,5 cd /srv && sleep $(shuf -i 0-120 -n 1) && \
flock -n /srv/.nightly.lock /bin/cfind schedule --due /srv/nightly.yaml
@reboot cd /srv && sleep $(shuf -i 0-120 -n 1) && \
flock -n /srv/.nightly.lock /bin/cfind schedule --due /srv/nightly.yaml
"""
    }


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        ("@daily", "0 0 * * *"),
        ("*/15 0-23 */2 * fri-sun", "*/15 * */2 * 0,5,6"),
        ("0 0 1-5 * 0-7", "0 0 1,2,3,4,5 * 0,1,2,3,4,5,6"),
        ("0 0 1,15 jan-mar *", "0 0 1,15 1,2,3 *"),
    ],
)
def test_crons_fields_mean_the_same_elsewhere(fields, written):
    [text] = cron(exported(fields, "", 0, "none", run=("/bin/cfind", "run", "50% a.yaml")), NOW).values()
    assert text == (
        "# cfind: nightly\n# in the machine's time zone: no CRON_TZ above it\n"
        f"{written} cd /srv && flock -n /srv/.nightly.lock /bin/cfind run '50\\% a.yaml'\n"
    )
    assert parse_cron(written) == parse_cron(fields)


def test_a_crontab_has_no_line_breaks_within():
    with pytest.raises(ExportError, match="a line break"):
        cron(exported(folder="/srv\n* * * * * rm"), NOW)


def test_kubernetes():
    [(name, text)] = kubernetes(exported(more=("--var", "A=b c")), NOW).items()
    assert name == "cfind-nightly.yaml"
    document = yaml.safe_load(text)
    spec = document["spec"]
    assert (document["apiVersion"], document["kind"]) == ("batch/v1", "CronJob")
    assert spec["schedule"] == "30 2 * * 1,2,3,4,5"
    assert spec["timeZone"] == "Europe/Berlin"
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] == 7 * 86400
    [container] = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.org/cfind:1"
    words = "cfind run /jobs/nightly.yaml --output-dir /output --var 'A=b c'"
    assert container["command"] == ["sh", "-c", f"sleep $(shuf -i 0-120 -n 1) && exec {words}"]


@pytest.mark.parametrize(
    ("fields", "catch_up", "seconds"),
    [
        ("0 2 * * *", "none", 120),
        ("* * * * *", "one", 5400),
        ("0 * * * *", "one", 324000),
        ("0 2 1 * *", "one", 604800),
    ],
)
def test_kubernetes_makes_up_for_runs_as_long_as_it_counts_them(fields, catch_up, seconds):
    [text] = kubernetes(exported(fields, catch_up=catch_up, jitter=0), NOW).values()
    spec = yaml.safe_load(text)["spec"]
    assert spec["startingDeadlineSeconds"] == seconds
    [container] = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"][:2] == ["cfind", "run"]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"zone": ""}, "another time zone"),
        ({"file": "two words.yaml"}, "has no file 'two words.yaml'"),
        ({"file": "100%.yaml"}, "has no file '100%.yaml'"),
        ({"file": "..yaml"}, "has no file"),
        ({"inputs": ("a.yaml", "shared/peers.yaml")}, "the job needs 'shared/peers.yaml'"),
        ({"inputs": ("../peers.yaml",)}, "the job needs '../peers.yaml'"),
        ({"catch_up": "all"}, "makes up for one run at most"),
        ({"fields": "0 0 */2 * fri"}, "Kubernetes takes either, and cron both"),
    ],
)
def test_what_kubernetes_cannot_do_is_refused(more, what):
    with pytest.raises(ExportError, match=what) as caught:
        kubernetes(exported(**more), NOW)
    assert caught.value.args[1]


def test_names_of_cronjobs_are_no_longer_than_kubernetes_takes():
    names = []
    for job in ("a" * 40, "a" * 41, "a" * 60, "b" + "-" * 30 + "b" * 60, "nightly"):
        [text] = kubernetes(exported(name=job), NOW).values()
        names.append(yaml.safe_load(text)["metadata"]["name"])
    assert max(map(len, names)) == 52
    assert len(set(names)) == len(names)
    assert names[-1] == "cfind-nightly"


@pytest.mark.parametrize("folder", ["/srv/jobs ", "/srv/jobs\t", "/srv/jobs\\"])
def test_systemd_would_take_another_folder_for_one_that_ends_with_a_blank(folder):
    with pytest.raises(ExportError, match="ends with a blank"):
        systemd(exported(folder=folder), NOW)
