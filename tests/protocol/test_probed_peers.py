"""`cfind probe` and peers that cap, ignore, refuse, go on and go away."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
import yaml

from peers.scripted_scp import ScriptedSCP
from runner.cli.main import main
from runner.dicom.decoding import Decoder
from runner.dicom.dictionary import STANDARD
from runner.dicom.elements import walk
from runner.dicom.encoding import encode
from runner.dicom.identifier import Element, Identifier, text_at
from runner.dicom.matching import Matcher, attributes
from runner.dicom.transfer_syntax import TransferSyntax

LEVEL, BIRTH_DATE = 0x00080052, 0x00100030
Script = dict[str, Any]


def study(number: int) -> Identifier:
    return (
        Element(0x00080020, "DA", f"202401{number % 28 + 1:02}"),
        Element(0x00080030, "TM", f"{8 + number % 5:02}1500"),
        Element(0x00100010, "PN", f"SURNAME{'ABCDEFG'[number % 7]}^GIVEN"),
        Element(0x00100020, "LO", f"SECRET{number % 7}"),
        Element(BIRTH_DATE, "DA", "19700101"),
        Element(0x0020000D, "UI", f"1.2.3.{number}"),
    )


STUDIES = tuple(study(number) for number in range(30))


def archive(
    *,
    ignored: Collection[int] = (),
    cap: int | None = None,
    twice: Script | None = None,
    allowed: int = 1,
    first: Script | None = None,
    copies: int = 1,
) -> Callable[[int, bytes, str], Script]:
    """A peer with studies.

    Args:
        ignored: tags of keys that it does not match by.
        cap: how many answers it gives at most, without a word.
        twice: what it does in place of answering a C-FIND of an association after those that are allowed.
        allowed: how many it answers.
        first: the same for the first.
        copies: how often it sends each answer.
    """

    def find(number: int, data: bytes, uid: str) -> Script:
        if number > allowed and twice is not None:
            return twice
        if number == 1 and first is not None:
            return first
        syntax = next(one for one in TransferSyntax if one.uid == uid)
        keys = Decoder(syntax).identifier(data, walk(data, syntax, STANDARD))
        if text_at(keys, (LEVEL,)) == "SERIES":
            return {"final": {"status": "c000"}}
        # what it does not have it does not match by
        known = {element.tag for element in STUDIES[0]} - set(ignored)
        matcher = Matcher(tuple(key for key in keys if key.tag in known))
        found = [one for one in STUDIES if matcher.matches(attributes(one))][:cap] * copies
        return {"responses": [{"identifier": {uid: encode(one, syntax).hex()}} for one in found]}

    return find


@pytest.fixture
def probe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Probes the peer at a port: exit status, stdout, stderr."""

    def run(port: int, *options: str) -> tuple[int, str, str]:
        job = tmp_path / "job.yaml"
        job.write_text(
            f"version: 1\npeers: {{main: {{host: 127.0.0.1, port: {port}, timeouts: {{dimse: 5}}}}}}\n"
            "queries: {q: {model: study-root, level: STUDY, keys: {PatientID: SECRET1, StudyDate: }}}\n"
        )
        status = main(["probe", str(job), *options])
        out, said = capsys.readouterr()
        for word in ("SECRET", "SURNAME", "19700101", "Traceback"):
            assert word not in out + said
        return status, out, said

    return run


def profile(text: str) -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load(text)["profiles"]["main"]
    return made


def test_a_silent_cap_and_an_ignored_key(probe: Callable[..., tuple[int, str, str]]) -> None:
    with ScriptedSCP({"finds": archive(cap=9, ignored=[BIRTH_DATE]), "max_associations": 2}) as scp:
        status, out, said = probe(scp.port)
    learned = profile(out)
    assert status == 0
    assert (learned["result_limit"], learned["max_associations"]) == (9, 2)
    assert "PatientBirthDate" in learned["ignored_keys"]
    assert not {"PatientID", "PatientName", "StudyDate", "StudyTime"} & set(learned["ignored_keys"])
    assert learned["operations_per_association"] is None
    asked = sum(len(one["finds"]) for one in scp.associations)
    assert f"{asked} C-FINDs" in said
    assert asked <= 40
    assert max(scp.open, 0) == 0


@pytest.mark.parametrize(
    "twice",
    [
        {"final": {"action": "close"}},
        {"final": {"action": "abort"}},
        {"final": {"action": "release"}},
        {"final": {"status": "a700"}},
    ],
    ids=["close", "abort", "release", "refuse"],
)
def test_a_peer_that_takes_one_operation_in_each_association(
    probe: Callable[..., tuple[int, str, str]], twice: Script
) -> None:
    with ScriptedSCP({"finds": archive(twice=twice)}) as scp:
        status, out, _ = probe(scp.port)
    learned = profile(out)
    assert status == 0
    assert learned["operations_per_association"] == 1
    assert learned["wildcards"] == {"names": True, "texts": True}
    assert learned["ranges"] == {"dates": True, "times": True, "open_ended": True}
    assert sum(len(one["finds"]) for one in scp.associations) <= 40


def test_a_peer_that_takes_some_operations_in_each_association(
    probe: Callable[..., tuple[int, str, str]],
) -> None:
    with ScriptedSCP({"finds": archive(twice={"final": {"action": "close"}}, allowed=7)}) as scp:
        status, out, _ = probe(scp.port)
    assert (status, profile(out)["operations_per_association"]) == (0, 7)
    assert [len(one["finds"]) for one in scp.associations[:4]] == [8, 8, 7, 7]


def test_one_question_that_a_peer_cannot_bear_is_not_taken_for_a_limit(
    probe: Callable[..., tuple[int, str, str]],
) -> None:
    finds = archive()

    def fragile(number: int, data: bytes, uid: str) -> Script:
        return (
            {"final": {"action": "abort"}} if b"SURN*" in data or b"*\0" in data else finds(number, data, uid)
        )

    with ScriptedSCP({"finds": fragile}) as scp:
        status, out, _ = probe(scp.port)
    learned = profile(out)
    assert (status, learned["operations_per_association"]) == (0, None)
    assert learned["wildcards"]["names"] is None
    assert "an abort" in out


def test_a_peer_that_goes_on_after_a_cancel_is_cut_off(probe: Callable[..., tuple[int, str, str]]) -> None:
    with ScriptedSCP({"finds": archive(copies=40)}) as scp:
        status, out, _ = probe(scp.port, "--limit", "100")
    learned = profile(out)
    assert status == 0
    assert learned["cancel"] is False
    assert learned["result_limit"] is None


def test_a_peer_that_goes_away_leaves_what_was_learned(
    probe: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    ends = archive(twice={"final": {"action": "close"}})
    output = tmp_path / "profile.yaml"
    with ScriptedSCP({"finds": ends, "associations_in_all": 3}) as scp:
        status, out, said = probe(scp.port, "--output", str(output))
    assert (status, out) == (4, "")
    assert "rejected" in said
    learned = profile(output.read_text())
    assert learned["relational"] is None
    assert "relational: null  # not asked, since the peer was lost before" in output.read_text()
    assert "max_associations" not in learned


@pytest.mark.parametrize("final", [{"status": "a900"}, {"action": "close"}, {"action": "abort"}])
def test_a_peer_that_fails_everything(
    probe: Callable[..., tuple[int, str, str]], tmp_path: Path, final: Script
) -> None:
    output = tmp_path / "profile.yaml"
    output.write_text("kept")
    failing = {"final": final}
    with ScriptedSCP({"finds": archive(first=failing, twice=failing)}) as scp:
        status, out, said = probe(scp.port, "--output", str(output))
    assert (status, out, output.read_text()) == (5, "", "kept")
    assert "peer main: none of " in said


def test_a_peer_that_is_not_there(probe: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    with ScriptedSCP() as scp:
        port = scp.port
    output = tmp_path / "profile.yaml"
    status, out, said = probe(port, "--output", str(output))
    assert (status, out, output.exists()) == (4, "", False)
    assert said.startswith("cfind: peer main: ")


def test_wrong_command_lines(probe: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    for options, what in (
        (("--peer", "other"), "the job has no peer other; it has main"),
        (("--limit", "0"), "argument --limit"),
        (("--output", str(tmp_path / "job.yaml")), "is the job, or a file that it includes"),
    ):
        status, out, said = probe(1, *options)
        assert (status, out) == (2, "")
        assert what in said


def test_a_folder_that_cannot_be_written(probe: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    with ScriptedSCP({"finds": archive()}) as scp:
        status, _, said = probe(scp.port, "--output", str(tmp_path / "none" / "profile.yaml"))
    assert status == 8
    assert "cannot create" in said
    assert scp.associations == []
