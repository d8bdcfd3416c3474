"""The command with a rate, retries and a window, against peers that come and go."""

from __future__ import annotations

import csv
import signal
import subprocess
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from acceptance.command import Cfind, job
from peers import wire
from peers.raw_peer import RawPeer, Side

CSV = {"type": "csv", "path": "found.csv"}
NOON = "2024-01-01T12:00:00+01:00"
NIGHT = {"from": "19:00", "to": "06:00", "days": ["tue", "fri"]}


@pytest.fixture
def cfind(tmp_path: Path) -> Cfind:
    return Cfind(tmp_path)


def _peer(port: int, **more: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "timeouts": {"connect": 5, "acse": 5, "dimse": 5}, **more}


def _numbers(count: int) -> dict[str, Any]:
    """A query for each number."""
    return {
        "model": "study-root",
        "level": "STUDY",
        "foreach": {"values": {"Number": [f"{number:04}" for number in range(count)]}},
        "keys": {"AccessionNumber": "${row.Number}"},
        "match": "off",
    }


def _element_of(data_set: bytes | None) -> bytes:
    """The element (0008,0050) of a request in explicit VR little endian."""
    assert data_set is not None
    begin = data_set.index(b"\x08\x00\x50\x00SH")
    return data_set[begin : begin + 12]


class _Archive:
    """Answers each query with its own key, and after some of them breaks down for a while."""

    def __init__(self, dies_at: int, rejections: int) -> None:
        self._dies_at = dies_at
        self._rejections = rejections
        self._lock = threading.Lock()
        self.answered = 0
        self.rejected = 0

    def __call__(self, side: Side) -> None:
        with self._lock:
            rejects = self.answered >= self._dies_at and self.rejected < self._rejections
            self.rejected += rejects
        if rejects:
            side.read_pdu()
            side.send(wire.reject(2, 3, 1))
            side.read_to_end()
            return
        side.accept()
        while True:
            try:
                message = side.read_message()
            except AssertionError:
                assert side.received[-1][0] == wire.RELEASE_RQ
                side.send(wire.RELEASED)
                return
            with self._lock:
                self.answered += 1
                dies = self.answered == self._dies_at
            side.send(wire.pending(_element_of(message.data_set), message_id=message.message_id))
            if dies:
                side.reset()
                return
            side.send(wire.final(message_id=message.message_id))


@pytest.mark.parametrize("associations", [1, 2])
def test_a_batch_survives_a_peer_that_dies_half_way(cfind: Cfind, associations: int) -> None:
    """Of what it answered before it died nothing is there twice, and nothing is missing."""
    archive = _Archive(dies_at=50, rejections=3)
    with RawPeer(archive) as peer:
        polite = _peer(peer.port, retries={"attempts": 4, "backoff": 0.01}, max_associations=associations)
        outcome = cfind.run(job({"main": polite}, {"numbers": _numbers(200)}, [CSV]))
    assert outcome.status == 0, outcome.stderr
    assert archive.rejected >= 1
    with (outcome.output / "found.csv").open(newline="", encoding="utf-8") as lines:
        found = [row["AccessionNumber"] for row in csv.DictReader(lines)]
    assert sorted(found) == [f"{number:04}" for number in range(200)]
    again = [one for one in outcome.operations if one["attempts"] > 1]
    assert any("attempt 1 failed: the connection broke" in text for one in again for text in one["warnings"])
    assert outcome.stderr.count("attempt 1 failed") == 1


def test_a_peer_that_is_not_there_costs_the_other_nothing(cfind: Cfind) -> None:
    with RawPeer(_Archive(-1, 0)) as peer:
        with RawPeer(Side.read_to_end) as gone:
            dead = gone.port
        peers = {
            "alive": _peer(peer.port),
            "dead": _peer(dead, retries={"attempts": 3, "backoff": 0.05}),
        }
        query = {**_numbers(300), "peers": ["alive", "dead"]}
        outcome = cfind.run(job(peers, {"numbers": query}, []))
    assert outcome.status == 4
    assert {(one["peer"], one["verdict"]) for one in outcome.operations} == {
        ("alive", "complete"), ("dead", "failed"),
    }  # fmt: skip
    assert "it is asked again up to 3 times" in outcome.stderr
    assert outcome.stderr.count("it is given up after 4 attempts") == 2  # once, and how often in all


def test_without_waiting_a_closed_window_ends_with_4_and_says_when_it_opens(cfind: Cfind) -> None:
    document = {
        **job({"main": _peer(1, window=NIGHT)}, {"numbers": _numbers(2)}),
        "timezone": "Europe/Berlin",
    }
    outcome = cfind.run(document, "--no-wait", "--now", NOON)
    assert (outcome.status, outcome.report["verdict"]) == (4, "failed")
    assert (
        "peer main, query numbers: it is left alone until its window opens: Tuesday 2024-01-02 19:00 CET"
        in (outcome.stderr)
    )


def test_now_is_in_the_window(cfind: Cfind) -> None:
    with RawPeer(_Archive(-1, 0)) as peer:
        document = {
            **job({"main": _peer(peer.port, window=NIGHT)}, {"numbers": _numbers(2)}),
            "timezone": "Europe/Berlin",
        }
        outcome = cfind.run(document, "--no-wait", "--now", "2024-01-06T05:00:00+01:00")
    assert outcome.status == 0, outcome.stderr


def test_a_run_that_is_late_leaves_the_peer_alone_by_the_clock(cfind: Cfind) -> None:
    """Its dates are of another time; a window is for the sake of the hours that it is run in."""
    moment = datetime.now(timezone.utc)
    begin, end = (f"{moment + timedelta(hours=hours):%H:%M}" for hours in (8, 10))
    document = {
        **job({"main": _peer(1, window={"from": begin, "to": end})}, {"numbers": _numbers(2)}),
        "timezone": "UTC",
    }
    document["queries"]["numbers"]["keys"]["StudyDate"] = "${today}"
    then = f"{moment - timedelta(days=30) + timedelta(hours=9):%Y-%m-%dT%H:%MZ}"
    outcome = cfind.run(document, "--no-wait", "--dates-of", then)
    assert outcome.status == 4
    assert "left alone until its window opens" in outcome.stderr
    # with --now it is in the window, and nobody listens
    outcome = cfind.run(document, "--no-wait", "--now", then)
    assert (outcome.status, "window" in outcome.stderr) == (4, False)
    status, _, stderr = cfind("run", "job.yaml", "--now", then, "--dates-of", then)
    assert (status, "not allowed with" in stderr) == (2, True)


@pytest.mark.parametrize("waits", ["for a window", "for a peer", "for its turn"])
def test_a_signal_ends_the_waiting_at_once(cfind: Cfind, waits: str) -> None:
    with RawPeer(_Archive(-1, 0)) as peer:
        restraint: dict[str, dict[str, Any]] = {
            "for a window": {"window": NIGHT},
            "for a peer": {"port": 1, "retries": {"attempts": 3, "backoff": 3600}},
            "for its turn": {"rate": 0.001},
        }
        main = {**_peer(peer.port, max_associations=2), **restraint[waits]}
        document = {**job({"main": main}, {"numbers": _numbers(9)}), "timezone": "Europe/Berlin"}
        with cfind.start("run", cfind.job_file(document), "--now", NOON, "--debug") as process:
            assert process.stderr is not None
            said = b""
            # what is told right before it waits
            last = {"for a window": b"waiting until", "for a peer": b"at first in"}.get(waits, b"1 responses")
            while last not in said:
                line = process.stderr.readline()
                assert line, said
                said += line
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert time.monotonic() - begun < 10
    assert process.returncode == 143
