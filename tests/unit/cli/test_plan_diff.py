"""`cfind plan --diff`: what a change to a job changes in what is sent."""

import json
from collections import Counter
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cli import plan_changes
from runner.cli.main import main
from runner.cli.plan_changes import LOOK_AHEAD, unequal
from runner.cli.plan_diff import print_diff
from runner.dicom.identifier import Element
from runner.model import (
    DateSplit,
    InformationModel,
    Job,
    LetterSplit,
    ListSplit,
    Peer,
    Query,
    Request,
    Split,
)

PEERS = "peers: {main: {host: pacs, port: 104}, other: {host: pacs2, port: 104}}\n"
QUERY = "  q: {peer: main, model: study-root, level: STUDY, keys: {StudyInstanceUID: , PatientName: A*}}\n"


def write(folder: Path, name: str, queries: str = QUERY, peers: str = PEERS) -> str:
    path = folder / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"version: 1\nlint: {{ignore: [unused-peer]}}\n{peers}queries:\n{queries}", "utf-8")
    return str(path)


def diff(capsys, old: str, new: str) -> tuple[int, str]:
    """The status and the text; the JSON form must tell the same."""
    assert main(["plan", "--format", "json", "--diff", old, new]) in (0, 7)
    document = json.loads(capsys.readouterr().out)
    status = main(["plan", "--diff", old, new])
    text = capsys.readouterr().out
    assert document["different"] == bool(document["changes"]) == (status == 7)
    kinds = Counter(change["kind"] for change in document["changes"])
    last = text.splitlines()[-1]
    assert (f"settings: {kinds['setting']} changed" in last) == bool(kinds["setting"])
    assert ("operations: " in last) == bool(kinds["operation"])
    assert ("another order" in last) == bool(kinds["order"])
    return status, text


def test_jobs_that_send_the_same_do_not_differ(tmp_path, capsys):
    old = write(tmp_path, "old")
    peers = PEERS.replace("port: 104", "port: 104, timeouts: {dimse: 5}, reopen: false")
    renamed = "name: other\ndescription: new\n" + peers + "sinks: []\n"
    tags = QUERY.replace("StudyInstanceUID: , PatientName: A*", "'0010,0010': A*, '(0020,000D)': ''")
    assert diff(capsys, old, write(tmp_path, "new", tags, renamed)) == (0, "nothing that is sent changes\n")


def test_keys_that_were_changed_added_and_removed(tmp_path, capsys):
    old = "keys: {StudyInstanceUID: , PatientName: A*, StudyDate: 20240101}"
    new = (
        "keys: {StudyInstanceUID: , PatientName: [B*, 山田^太郎], PatientSex: , ProcedureCodeSequence: [{}]}"
    )
    head = "  q: {peer: main, model: study-root, level: STUDY, "
    status, text = diff(
        capsys, write(tmp_path, "old", f"{head}{old}}}\n"), write(tmp_path, "new", f"{head}{new}}}\n")
    )
    assert status == 7
    assert text == (
        "query q, peer main\n"
        "  changed\n"
        "    SpecificCharacterSet: added, ISO_IR 192\n"
        "    StudyDate: removed, was 20240101\n"
        "    ProcedureCodeSequence[0]: added, (empty)\n"
        "    PatientName: A* -> B*\\山田^太郎\n"
        "    PatientSex: added, (empty)\n"
        "operations: 1 changed\n"
    )


def test_nested_keys_are_told_by_their_paths(tmp_path, capsys):
    query = (
        "  q: {{peer: main, model: worklist, keys: {{PatientName: , "
        "ScheduledProcedureStepSequence: [{{Modality: {}}}]}}}}\n"
    )
    _, text = diff(
        capsys, write(tmp_path, "old", query.format("CT")), write(tmp_path, "new", query.format("MR"))
    )
    assert "    ScheduledProcedureStepSequence[0].Modality: CT -> MR\n" in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", ", ae_title: PACS", "ae_title: ANY-SCP -> PACS"),
        ("", ", calling_ae_title: ME", "calling_ae_title: CFIND -> ME"),
        ("", ", max_pdu: 16384", "max_pdu: 131072 -> 16384"),
        (
            ", transfer_syntaxes: [explicit-le, deflated]",
            ", transfer_syntaxes: [implicit-le]",
            "transfer_syntaxes: explicit little endian, deflated -> implicit little endian",
        ),
        ("", ", ip: 6", "ip: any -> 6"),
        ("", ", end: abort", "end: release -> abort"),
        ("", ", operations_per_association: 1", "operations_per_association: none -> 1"),
        ("", ", tls: {ca_files: [a.pem]}", "tls: none -> TLS by the profile bcp195-rfc8996; the peer's"),
        (", tls: {check_host: true}", ", tls: {check_host: false}", "tls.check_host: true -> false"),
        (", tls: {ca_files: [a.pem]}", ", tls: {ca_files: [b.pem, c.pem]}", "tls.ca_files: "),
    ],
)
def test_settings_of_the_peer(tmp_path, capsys, old, new, said):
    peers = "peers: {{main: {{host: pacs, port: 104{}}}}}\n"
    paths = [write(tmp_path, name, peers=peers.format(more)) for name, more in (("old", old), ("new", new))]
    status, text = diff(capsys, *paths)
    assert status == 7
    assert f"query q, peer main\n  {said}" in text
    assert text.endswith("\nsettings: 1 changed\n")


def test_a_literal_secret_is_not_shown(tmp_path, capsys):
    peers = "peers: {{main: {{host: a, port: 1, tls: {{key: k.pem, certificate: c.pem, password: {}}}}}}}\n"
    old, new = (write(tmp_path, name, peers=peers.format(name * 3)) for name in ("old", "new"))
    status, text = diff(capsys, old, new)
    assert status == 7
    assert "tls.password: (not shown) -> (not shown)" in text
    assert "oldold" not in text + capsys.readouterr().err


def test_settings_of_the_query(tmp_path, capsys):
    new = QUERY.replace("study-root", "patient-root").replace("keys:", "cancel_after: 5, keys:")
    _, text = diff(capsys, write(tmp_path, "old"), write(tmp_path, "new", new))
    assert text == (
        "query q, peer main\n  model: study-root -> patient-root\n  cancel_after: none -> 5\n"
        "settings: 2 changed\n"
    )


def test_files_are_the_same_where_each_job_has_its_own(tmp_path, capsys):
    peers = "peers: {main: {host: a, port: 104, tls: {ca_files: [ca.pem], key: k, certificate: c}}}\n"
    secret = peers.replace("key: k", "key: k, password: '${file:p.txt}'")
    old, new = write(tmp_path, "a/job", peers=secret), write(tmp_path, "b/job", peers=secret)
    assert diff(capsys, old, new)[0] == 0
    moved = write(tmp_path, "b/job", peers=secret.replace("p.txt", "q.txt"))
    assert "tls.password: ${file:" in diff(capsys, old, moved)[1]


def test_queries_and_peers_that_come_and_go(tmp_path, capsys):
    new = QUERY.replace("peer: main", "peers: [other, main]") + QUERY.replace("  q:", "  new:")
    status, text = diff(capsys, write(tmp_path, "old"), write(tmp_path, "new", new))
    assert status == 7
    assert "query q, peer other: added\n  added\n    QueryRetrieveLevel: STUDY\n    PatientName: A*\n" in text
    assert "query new, peer main: added\n" in text
    assert text.endswith("\noperations: 2 added\n")
    _, text = diff(capsys, str(tmp_path / "new.yaml"), str(tmp_path / "old.yaml"))
    assert text.endswith("\noperations: 2 removed\n")


def test_another_order(tmp_path, capsys):
    second = QUERY.replace("  q:", "  r:")
    status, text = diff(
        capsys, write(tmp_path, "old", QUERY + second), write(tmp_path, "new", second + QUERY)
    )
    assert (status, text) == (7, "order\n  was: q, main; r, main\n  is:  r, main; q, main\nanother order\n")


def a_job(split: Split | None) -> Job:
    identifier = (Element(0x00100010, "PN", "A*"),)
    query = Query("q", ("main",), InformationModel.STUDY_ROOT, (Request(identifier),), split=split)
    child = replace(query, name="series", split=None, inherits=(0x0020000D,) if split else ())
    return Job("j", (Peer("main", host="a", port=1),), (replace(query, then=(child,)),))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (None, DateSplit((0x00080020,), "StudyDate"), ["split: none -> on StudyDate"]),
        (
            DateSplit((0x00080020,), "StudyDate", every=86400),
            DateSplit((0x00080021,), "SeriesDate"),
            ["split.key: StudyDate -> SeriesDate", "split.every: 86400 -> none"],
        ),
        (
            LetterSplit((0x00100020,), "PatientID", "LO", "AB"),
            ListSplit((0x00100020,), "PatientID", "LO", ("A", "B")),
            ["split: on PatientID -> on PatientID"],
        ),
    ],
)
def test_splits_and_queries_below_others(capsys, old, new, said):
    assert print_diff(a_job(old), a_job(new), as_json=False) == 7
    text = capsys.readouterr().out
    lines = ["query q, peer main", *(f"  {one}" for one in said)]
    if old is None:
        lines += ["query q > series, peer main", "  inherits: none -> StudyInstanceUID"]
    assert text.splitlines()[:-1] == lines


def rows(folder: Path, name: str, values: list[str], more: str = "") -> str:
    (folder / f"{name}.csv").write_text("ID\n" + "".join(f"{value}\n" for value in values), "utf-8")
    query = (
        f"  q: {{peer: main, model: study-root, level: STUDY, foreach: {{csv: {name}.csv}}, "
        f"keys: {{StudyInstanceUID: , PatientID: '${{row.ID}}'{more}}}}}\n"
    )
    return write(folder, name, query)


def test_a_row_that_is_put_in_changes_no_other(tmp_path, capsys):
    values = [f"P{number}" for number in range(3000)]
    old, new = rows(tmp_path, "old", values), rows(tmp_path, "new", ["X", *values[:2000], *values[2001:]])
    status, text = diff(capsys, old, new)
    assert status == 7
    assert text.count("\n  added from new.csv:2\n") == 1
    assert text.count("\n  removed from old.csv:2002\n") == 1
    assert text.endswith("\noperations: 1 added, 1 removed\n")


def test_operations_that_change_alike_are_told_once(tmp_path, capsys):
    query = (
        "  q: {{peer: main, model: study-root, level: STUDY, foreach: {{values: {{ID: [1, 2, 3]}}}}, "
        "repeat: 2, keys: {{StudyInstanceUID: , PatientID: '${{row.ID}}', PatientSex: {}}}}}\n"
    )
    old, new = (write(tmp_path, sex, query.format(sex)) for sex in ("F", "M"))
    assert diff(capsys, old, new)[1] == (
        "query q, peer main\n"
        "  changed alike: 6 operations, the first from row 1 repetition 1, the last from row 3 repetition 2\n"
        "    PatientSex: F -> M\n"
        "operations: 6 changed\n"
    )


def test_repetitions(tmp_path, capsys):
    more = QUERY.replace("keys:", "repeat: 3, keys:")
    _, text = diff(capsys, write(tmp_path, "old"), write(tmp_path, "new", more))
    assert text.endswith("\noperations: 2 added\n")
    assert "\n  added repetition 3\n" in text


def test_bytes_that_differ_where_values_do_not(tmp_path, capsys):
    query = (
        "  q: {peer: main, model: study-root, level: STUDY, keys: {StudyInstanceUID: }, files: [one.dcm]}\n"
    )
    patient_id = b"\x10\x00\x20\x00LO"
    data = [patient_id + b"\x02\x00A ", patient_id + b"\x04\x00A   "]
    meta = bytes(128) + b"DICM" + b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00"
    for folder, one in zip(("a", "b"), data, strict=True):
        write(tmp_path, f"{folder}/job", query)
        (tmp_path / folder / "one.dcm").write_bytes(meta + one)
    status, text = diff(capsys, str(tmp_path / "a" / "job.yaml"), str(tmp_path / "b" / "job.yaml"))
    assert status == 7
    assert text == (
        "query q, peer main\n  changed from one.dcm\n"
        "    the same values in other bytes, such as other padding\noperations: 1 changed\n"
    )


def test_control_characters_cannot_steer_the_terminal(tmp_path, capsys):
    name = '  "q\\u202e": {peer: main, model: study-root, level: STUDY, keys: {PatientName: A}}\n'
    _, text = diff(capsys, write(tmp_path, "old"), write(tmp_path, "new", QUERY + name))
    assert "\u202e" not in text


def test_wrong_command_lines(tmp_path, capsys):
    old = write(tmp_path, "old")
    for argv in (
        ["plan"],
        ["plan", "--diff", old],
        ["plan", old, "--diff", old, old],
        ["plan", "--as", "findscu", "--diff", old, old],
    ):
        assert main(argv) == 2
        assert capsys.readouterr().err.startswith("cfind: cfind plan: ")
    assert main(["plan", "--diff", old, str(tmp_path / "gone.yaml")]) == 3


def test_a_row_that_cannot_be_sent_is_said(tmp_path, capsys):
    old, new = rows(tmp_path, "old", ["1"]), rows(tmp_path, "new", ["1", "x" * 100])
    assert main(["plan", "--diff", old, new]) == 3
    assert "new.csv:3" in capsys.readouterr().err


# --- how operations are paired ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """What stands for an operation."""

    data: bytes
    identity: tuple[str, int] = ("", 1)


def items(text: str) -> list[Item]:
    return [Item(letter.encode(), (str(number), 1)) for number, letter in enumerate(text)]


@given(st.text("abc", max_size=30), st.text("abc", max_size=30), st.integers(1, 5))
def test_what_is_told_makes_the_one_of_the_other(old, new, look_ahead):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_changes, "LOOK_AHEAD", look_ahead)
        pairs = list(unequal(iter(items(old)), iter(items(new))))
    gone = [before for before, _ in pairs if before is not None]
    come = [after for _, after in pairs if after is not None]
    changed = [(before, after) for before, after in pairs if before is not None and after is not None]
    assert all(before.data != after.data for before, after in changed)
    assert all(before.identity == after.identity for before, after in changed)
    assert len({before.identity for before in gone}) == len(gone)
    assert len({after.identity for after in come}) == len(come)
    kept = [item.data for item in items(old) if item not in gone]
    assert kept == [item.data for item in items(new) if item not in come]
    assert bool(pairs) == (old != new)


def test_no_more_is_held_than_is_looked_ahead():
    """Of plans without end the first changes come after as many operations as are looked at."""
    taken = Counter()

    def endless(name: str, shift: int):
        for number in count(shift):
            taken[name] += 1
            yield Item(str(number).encode(), (str(number - shift), 1))

    pairs = list(islice(unequal(endless("old", 0), endless("new", 1)), 1))
    assert pairs == [(Item(b"0", ("0", 1)), None)]
    assert max(taken.values()) <= LOOK_AHEAD
