"""The embedded archive as its clients see it: pynetdicom and DCMTK's findscu."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, build_context
from pynetdicom.dimse_primitives import C_FIND

from peers.findscu import extract, findscu
from runner.archive.serve import serve
from runner.archive.server import ArchiveServer
from runner.errors import ArchiveError
from runner.model import InformationModel

DEMO = Path(__file__).parents[2] / "jobs" / "demo-archive"
PATIENT_ROOT, STUDY_ROOT = InformationModel.PATIENT_ROOT, InformationModel.STUDY_ROOT
PATIENT_STUDY_ONLY, WORKLIST = InformationModel.PATIENT_STUDY_ONLY, InformationModel.WORKLIST
SYNTAXES = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"]


@pytest.fixture(scope="module")
def demo() -> Iterator[ArchiveServer]:
    with ArchiveServer.start(DEMO) as server:
        yield server


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArchiveServer]:
    """An archive of 3,000 studies in one DICOM JSON file."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "studies.json").write_text(json.dumps([_study(number) for number in range(3000)]))
    with ArchiveServer.start(folder) as server:
        yield server


def _study(number: int) -> dict[str, Any]:
    values = {
        "00080018": ("UI", f"2.25.1{number:05d}"),
        "00080060": ("CS", "CT"),
        "00100010": ("PN", {"Alphabetic": f"Bulk^{number}"}),
        "00100020": ("LO", f"B{number:05d}"),
        "0020000D": ("UI", f"2.25.2{number:05d}"),
        "0020000E": ("UI", f"2.25.3{number:05d}"),
    }
    return {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in values.items()}


def data_set(level: str = "", **keys: Any) -> Dataset:
    asked = Dataset()
    if level:
        asked.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(asked, keyword, value)
    return asked


def associate(
    server: ArchiveServer,
    model: InformationModel = STUDY_ROOT,
    syntaxes: Sequence[str] = ("1.2.840.10008.1.2.1",),
    max_pdu: int = 16382,
) -> Any:
    ae = AE("TEST")
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    context = build_context(model.sop_class_uid, list(syntaxes))
    association = ae.associate(*server.address, contexts=[context], ae_title="ARCHIVE", max_pdu=max_pdu)
    assert association.is_established
    return association


def find(
    server: ArchiveServer, model: InformationModel, asked: Dataset, **options: Any
) -> tuple[list[Dataset], Dataset]:
    """Return the answers and the final status."""
    association = associate(server, model, **options)
    try:
        replies = list(association.send_c_find(asked, model.sop_class_uid))
    finally:
        association.release()
    assert all(status.Status == 0xFF00 for status, _ in replies[:-1])
    return [answer for _, answer in replies[:-1]], replies[-1][0]


def answers(server: ArchiveServer, model: InformationModel, asked: Dataset, **options: Any) -> list[Dataset]:
    found, final = find(server, model, asked, **options)
    assert final.Status == 0x0000
    return found


def study_uid(server: ArchiveServer, accession_number: str) -> str:
    (found,) = answers(
        server, STUDY_ROOT, data_set("STUDY", AccessionNumber=accession_number, StudyInstanceUID="")
    )
    return str(found.StudyInstanceUID)


# --- levels and models ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "level", "keys", "count"),
    [
        (PATIENT_ROOT, "PATIENT", {"PatientID": ""}, 12),
        (PATIENT_ROOT, "PATIENT", {"PatientID": "DEMO00*"}, 9),
        (PATIENT_ROOT, "PATIENT", {"PatientName": "m?ller*"}, 1),
        (PATIENT_ROOT, "STUDY", {"PatientID": "DEMO002"}, 2),
        (STUDY_ROOT, "STUDY", {}, 16),
        (STUDY_ROOT, "STUDY", {"PatientID": "DEMO002"}, 2),
        (STUDY_ROOT, "STUDY", {"StudyDate": "20240115-20240131"}, 3),
        (STUDY_ROOT, "STUDY", {"StudyDate": "-20240115"}, 1),
        (STUDY_ROOT, "STUDY", {"StudyDate": "20241117-"}, 2),
        (STUDY_ROOT, "STUDY", {"StudyTime": "12"}, 2),
        (STUDY_ROOT, "STUDY", {"StudyTime": "16-1815"}, 2),
        (STUDY_ROOT, "STUDY", {"ModalitiesInStudy": "PT"}, 1),
        (STUDY_ROOT, "STUDY", {"ModalitiesInStudy": ["US", "XA"]}, 3),
        (STUDY_ROOT, "STUDY", {"NumberOfStudyRelatedInstances": "5"}, 1),
        (STUDY_ROOT, "STUDY", {"PatientBirthDate": "19480101-19550923"}, 4),
        (STUDY_ROOT, "STUDY", {"Modality": "CT"}, 16),
        (STUDY_ROOT, "STUDY", {"StudyInstanceUID": ""}, 16),
        (PATIENT_STUDY_ONLY, "PATIENT", {"PatientSex": "F"}, 4),
        (PATIENT_STUDY_ONLY, "STUDY", {"PatientID": "DEMO001"}, 2),
        (WORKLIST, "", {"PatientName": ""}, 6),
        (WORKLIST, "", {"PatientID": "DEMO001"}, 1),
        (WORKLIST, "", {"RequestedProcedurePriority": "STAT"}, 1),
    ],
)
def test_how_many(
    demo: ArchiveServer, model: InformationModel, level: str, keys: dict[str, Any], count: int
) -> None:
    assert len(answers(demo, model, data_set(level, **keys))) == count


def test_series_and_images_below_a_study(demo: ArchiveServer) -> None:
    uid = study_uid(demo, "A0001")
    series = answers(
        demo,
        STUDY_ROOT,
        data_set("SERIES", StudyInstanceUID=uid, SeriesInstanceUID="", Modality="", SeriesNumber=""),
    )
    assert [found.Modality for found in series] == ["CT", "CT", "SR"]
    assert [int(found.SeriesNumber) for found in series] == [1, 2, 3]
    asked = data_set(
        "IMAGE",
        PatientID="DEMO001",
        StudyInstanceUID=uid,
        SeriesInstanceUID=series[0].SeriesInstanceUID,
        SOPInstanceUID="",
        Rows=None,
        InstanceNumber="",
    )
    images = answers(demo, PATIENT_ROOT, asked)
    assert [int(image.InstanceNumber) for image in images] == [1, 2]
    assert {image.Rows for image in images} == {8}
    asked.SOPInstanceUID = [image.SOPInstanceUID for image in images] + ["1.2.3"]
    assert len(answers(demo, PATIENT_ROOT, asked)) == 2


@pytest.mark.parametrize(
    ("step", "patients"),
    [
        ({"Modality": "CT"}, ["DEMO001", "DEMO003"]),
        ({"Modality": "MR", "ScheduledProcedureStepStartDate": "20240605"}, ["DEMO007"]),
        ({"ScheduledProcedureStepStartDate": "20240604-"}, ["DEMO003", "DEMO006", "DEMO007"]),
        ({"ScheduledProcedureStepStartTime": "0800-0930"}, ["DEMO001", "DEMO002", "DEMO003"]),
        ({"ScheduledPerformingPhysicianName": "operator^o*"}, ["DEMO001", "DEMO002", "DEMO003", "DEMO007"]),
        ({"Modality": "NM"}, []),
    ],
)
def test_worklist_by_its_step(demo: ArchiveServer, step: dict[str, str], patients: list[str]) -> None:
    asked = data_set(PatientID="", ScheduledProcedureStepSequence=[data_set(**step)])
    found = answers(demo, WORKLIST, asked)
    assert sorted(answer.PatientID for answer in found) == patients
    for answer in found:
        (item,) = answer.ScheduledProcedureStepSequence
        assert {element.keyword for element in item} == set(step)


@pytest.mark.parametrize("items", [[], [Dataset()]])
def test_empty_sequence_asks_for_all_of_it(demo: ArchiveServer, items: list[Dataset]) -> None:
    asked = data_set(PatientID="DEMO001", ScheduledProcedureStepSequence=items)
    (answer,) = answers(demo, WORKLIST, asked)
    (step,) = answer.ScheduledProcedureStepSequence
    assert step.ScheduledProcedureStepID == "SPS001"
    assert len(step) == 9


@pytest.mark.parametrize(
    ("model", "asked", "status", "offending"),
    [
        (STUDY_ROOT, data_set(PatientID=""), 0xA900, 0x00080052),
        (STUDY_ROOT, data_set("PATIENT", PatientID=""), 0xC000, 0x00080052),
        (STUDY_ROOT, data_set("WARD"), 0xC000, 0x00080052),
        (PATIENT_STUDY_ONLY, data_set("SERIES", PatientID="1", StudyInstanceUID="1.2"), 0xC000, 0x00080052),
        (PATIENT_ROOT, data_set("STUDY"), 0xC000, 0x00100020),
        (PATIENT_ROOT, data_set("STUDY", PatientID="DEMO*"), 0xC000, 0x00100020),
        (STUDY_ROOT, data_set("SERIES", PatientID="DEMO001"), 0xC000, 0x0020000D),
        (STUDY_ROOT, data_set("IMAGE", StudyInstanceUID="1.2"), 0xC000, 0x0020000E),
        (STUDY_ROOT, data_set("SERIES", StudyInstanceUID=["1.2", "1.3"]), 0xC000, 0x0020000D),
        (WORKLIST, data_set(ScheduledProcedureStepSequence=[Dataset(), Dataset()]), 0xA900, 0x00400100),
    ],
)
def test_refused(
    demo: ArchiveServer, model: InformationModel, asked: Dataset, status: int, offending: int
) -> None:
    found, final = find(demo, model, asked)
    assert found == []
    assert final.Status == status
    assert final.OffendingElement == offending
    assert final.ErrorComment


def test_identifier_that_cannot_be_decoded(demo: ArchiveServer) -> None:
    association = associate(demo)
    request = C_FIND()
    request.MessageID = 7
    request.AffectedSOPClassUID = STUDY_ROOT.sop_class_uid
    request.Priority = 2
    request.Identifier = BytesIO(b"\x10\x00\x10\x00PN\xff\x00Doe")
    association._reactor_checkpoint.clear()
    association.dimse.send_msg(request, association.accepted_contexts[0].context_id)
    _, response = association.dimse.get_msg(block=True)
    association._reactor_checkpoint.set()
    association.release()
    assert response.Status == 0xC000
    assert response.ErrorComment == "the identifier cannot be decoded"


# --- what is returned -------------------------------------------------------------------------------


def test_computed_keys(demo: ArchiveServer) -> None:
    asked = data_set(
        "STUDY",
        AccessionNumber="A0001",
        ModalitiesInStudy="",
        SOPClassesInStudy="",
        NumberOfPatientRelatedStudies="",
        NumberOfPatientRelatedSeries="",
        NumberOfPatientRelatedInstances="",
        NumberOfStudyRelatedSeries="",
        NumberOfStudyRelatedInstances="",
        InstanceAvailability="",
    )
    (found,) = answers(demo, STUDY_ROOT, asked)
    assert found.ModalitiesInStudy == ["CT", "SR"]
    assert len(found.SOPClassesInStudy) == 2
    counts = [
        found.NumberOfPatientRelatedStudies,
        found.NumberOfPatientRelatedSeries,
        found.NumberOfPatientRelatedInstances,
        found.NumberOfStudyRelatedSeries,
        found.NumberOfStudyRelatedInstances,
    ]
    assert counts == [2, 4, 6, 3, 5]
    assert found.RetrieveAETitle == "ARCHIVE"
    assert found.QueryRetrieveLevel == "STUDY"
    assert found.InstanceAvailability == "ONLINE"
    uid = study_uid(demo, "A0001")
    series = answers(
        demo, STUDY_ROOT, data_set("SERIES", StudyInstanceUID=uid, NumberOfSeriesRelatedInstances="")
    )
    assert [found.NumberOfSeriesRelatedInstances for found in series] == [2, 2, 1]


def test_only_what_is_asked_for_is_returned(demo: ArchiveServer) -> None:
    asked = data_set("STUDY", PatientID="DEMO001", AccessionNumber="A0001", Modality="CT", StudyComments="")
    (found,) = answers(demo, STUDY_ROOT, asked)
    assert {element.keyword for element in found} == {
        "QueryRetrieveLevel",
        "RetrieveAETitle",
        "AccessionNumber",
        "Modality",
        "PatientID",
        "StudyComments",
    }
    assert found.Modality == ""  # a key of the level below: not matched, returned empty
    assert found.StudyComments == ""


@pytest.mark.parametrize("block", [0x10, 0x42])
def test_private_attributes(demo: ArchiveServer, block: int) -> None:
    asked = data_set("STUDY", AccessionNumber="")
    asked.add_new(0x00090000 | block, "LO", "CFIND DEMO 1.0")
    asked.add_new(0x00090001 | block << 8, "LO", "demo 1?")
    found = answers(demo, STUDY_ROOT, asked, syntaxes=SYNTAXES[:1])
    # the files in implicit VR do not say that it is text, and what is not has no wildcards (PS3.4 C.2.2.2.4)
    values = {answer.AccessionNumber: bytes(answer[0x00090001 | block << 8].value) for answer in found}
    assert sorted(values) == ["A0011", "A0012", "A0013", "A0014", "A0015"]
    assert values["A0011"].rstrip() == b"demo 11"
    asked[0x00090001 | block << 8].value = "demo 10"
    assert [answer.AccessionNumber for answer in answers(demo, STUDY_ROOT, asked)] == ["A0010"]
    asked[0x00090000 | block].value = "SOMEONE ELSE"
    assert answers(demo, STUDY_ROOT, asked) == []


# --- character sets ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "key", "answer_terms", "name"),
    [
        (None, "Yamada*", "ISO_IR 192", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (None, "Example*", None, "Example^Alice^Quinta^Dr"),
        ("ISO_IR 100", "MÜLLER^j*", "ISO_IR 100", "Müller^Jürgen"),
        ("ISO_IR 192", "müller*", "ISO_IR 192", "Müller^Jürgen"),
        ("ISO_IR 192", "*山田*", "ISO_IR 192", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("ISO_IR 192", "примеров*", "ISO_IR 192", "Примеров^Иван^Образцович"),
        ("ISO_IR 144", "*^ИВАН^*", "ISO_IR 144", "Примеров^Иван^Образцович"),
        ("ISO_IR 144", "Yamada*", "ISO_IR 192", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (
            ["", "ISO 2022 IR 87"],
            "=山田^太郎",
            ["", "ISO 2022 IR 87"],
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        ("GB18030", "*小东*", "GB18030", "Wang^XiaoDong=王^小东"),
        ("ISO_IR 192", "*홍^길동", "ISO_IR 192", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("ISO_IR 192", "παράδειγμα*", "ISO_IR 192", "Παράδειγμα^Ελένη"),
        ("ISO_IR 192", "شرون*", None, None),
        ("ISO_IR 127", "قباني*", "ISO_IR 127", "قباني^لنزار"),
        ("ISO_IR 138", "שרון*", "ISO_IR 138", "שרון^דבורה"),
        ("ISO_IR 101", "PŘÍKLADOVÁ*", "ISO_IR 101", "Příkladová^Božena"),
        ("ISO_IR 192", "thử^*", "ISO_IR 192", "Thử^Nghiệm=試驗"),
    ],
)
def test_character_sets(
    demo: ArchiveServer, terms: Any, key: str, answer_terms: Any, name: str | None
) -> None:
    asked = data_set("PATIENT", PatientName=key, PatientID="")
    if terms is not None:
        asked.SpecificCharacterSet = terms
    found = answers(demo, PATIENT_ROOT, asked)
    assert [str(answer.PatientName) for answer in found] == ([] if name is None else [name])
    assert all(answer.get("SpecificCharacterSet") == answer_terms for answer in found)


def test_findscu_reads_the_names(demo: ArchiveServer, tmp_path: Path) -> None:
    keys = ["QueryRetrieveLevel=STUDY", "PatientName=M*", "StudyDescription"]
    found = extract(tmp_path, demo.address[1], "ANY", "study-root", keys)
    assert len(found) == 2
    assert all("Müller^Jürgen".encode() in response.data_set for response in found)


# --- the wire ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_transfer_syntaxes_say_the_same(demo: ArchiveServer, syntax: str) -> None:
    asked = data_set(PatientName="", PatientID="", ScheduledProcedureStepSequence=[data_set(Modality="")])
    others = [other for other in SYNTAXES if other != syntax]
    association = associate(demo, WORKLIST, [syntax, *others])
    assert association.accepted_contexts[0].transfer_syntax == [syntax]
    association.release()
    assert answers(demo, WORKLIST, asked, syntaxes=[syntax]) == answers(demo, WORKLIST, asked)


@pytest.mark.parametrize("max_pdu", [0, 64, 128, 1000000])
def test_maximum_pdu_of_the_client(demo: ArchiveServer, max_pdu: int) -> None:
    asked = data_set("STUDY", PatientName="", StudyDescription="", StudyInstanceUID="")
    assert answers(demo, STUDY_ROOT, asked, max_pdu=max_pdu) == answers(demo, STUDY_ROOT, asked)


def test_several_finds_over_one_association(demo: ArchiveServer) -> None:
    association = associate(demo)
    for _ in range(3):
        replies = list(association.send_c_find(data_set("STUDY", PatientID=""), STUDY_ROOT.sop_class_uid))
        assert len(replies) == 17
    association.release()


def test_associations_side_by_side(many: ArchiveServer) -> None:
    asked = data_set("STUDY", PatientID="B000*")
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: len(answers(many, STUDY_ROOT, asked)), range(8)))
    assert counts == [100] * 8


def test_cancel(many: ArchiveServer) -> None:
    association = associate(many)
    replies = []
    for status, _ in association.send_c_find(
        data_set("STUDY", PatientID=""), STUDY_ROOT.sop_class_uid, msg_id=5
    ):
        replies.append(status.Status)
        if len(replies) == 10:
            association.send_c_cancel(5, None, STUDY_ROOT.sop_class_uid)
    association.release()
    assert replies[-1] == 0xFE00
    assert len(replies) < 3000


def test_findscu_cancels(many: ArchiveServer) -> None:
    arguments = ["-v", "-S", "--cancel", "3", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID"]
    host, port = many.address
    run = subprocess.run(
        [findscu(), *arguments, host, str(port)], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Cancel" in run.stdout + run.stderr
    assert (run.stdout + run.stderr).count("(Pending)") < 3000


def test_echo(demo: ArchiveServer) -> None:
    ae = AE("TEST")
    ae.add_requested_context("1.2.840.10008.1.1")
    association = ae.associate(*demo.address)
    assert association.send_c_echo().Status == 0x0000
    association.release()


def test_called_ae_title() -> None:
    with ArchiveServer.start(DEMO, ae_title="DEMO") as server:
        ae = AE("TEST")
        ae.add_requested_context(STUDY_ROOT.sop_class_uid)
        rejected = ae.associate(*server.address, ae_title="OTHER")
        assert rejected.is_rejected
        accepted = ae.associate(*server.address, ae_title="DEMO")
        assert accepted.is_established
        accepted.release()


def test_ipv6() -> None:
    with ArchiveServer.start(DEMO, host="::1") as server:
        assert server.address[0] == "::1"
        assert len(answers(server, STUDY_ROOT, data_set("STUDY"))) == 16


# --- starting and stopping --------------------------------------------------------------------------


def test_stop_ends_open_associations() -> None:
    server = ArchiveServer.start(DEMO)
    association = associate(server)
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 10
    association.join(10)
    assert association.is_aborted
    with pytest.raises(OSError, match=r"refused"):
        socket.create_connection(server.address, timeout=5)
    server.stop()


def test_stop_ends_a_peer_that_says_nothing() -> None:
    server = ArchiveServer.start(DEMO)
    with socket.create_connection(server.address, timeout=10) as connection:
        while not server._server.active_associations:
            time.sleep(0.001)
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 10
        assert connection.recv(1) == b""


def test_stop_ends_a_peer_that_reads_nothing(tmp_path: Path) -> None:
    (tmp_path / "studies.json").write_text(json.dumps([_study(number) for number in range(3000)]))
    server = ArchiveServer.start(tmp_path)
    association = associate(server, max_pdu=0)
    # far more answers than the system's buffers hold, since the client's thread, which reads, has ended
    request = C_FIND()
    request.MessageID = 1
    request.AffectedSOPClassUID = STUDY_ROOT.sop_class_uid
    request.Priority = 2
    request.Identifier = BytesIO(b"\x08\x00\x52\x00CS\x06\x00STUDY \x10\x00\x10\x00PN\x00\x00")
    connection = association.dul.socket.socket
    context_id = association.accepted_contexts[0].context_id
    association._reactor_checkpoint.clear()
    association.dimse.send_msg(request, context_id)
    while not association.dul.to_provider_queue.empty():
        time.sleep(0.001)
    association.dul.kill_dul()
    association.dul.join(10)
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 10
    connection.close()
    association._kill = True
    association._reactor_checkpoint.set()


def test_empty_folder(tmp_path: Path) -> None:
    with ArchiveServer.start(tmp_path) as server:
        assert answers(server, STUDY_ROOT, data_set("STUDY")) == []
        assert answers(server, WORKLIST, data_set(PatientID="")) == []


def test_files_that_are_not_served(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no DICOM")
    (tmp_path / "DICOMDIR").write_bytes(b"ignored")
    with ArchiveServer.start(tmp_path) as server:
        assert server.skipped == ((tmp_path / "notes.txt", "it is neither DICOM nor DICOM JSON"),)


def test_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be read: No such file"):
        ArchiveServer.start(tmp_path / "none")


def test_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveError, match="not a folder"):
        ArchiveServer.start(tmp_path / "file")


def test_port_is_taken(demo: ArchiveServer) -> None:
    with pytest.raises(ArchiveError, match=r"cannot listen .* in use"):
        ArchiveServer.start(DEMO, port=demo.address[1])


@pytest.mark.parametrize("ae_title", ["A" * 17, "back\\slash"])
def test_ae_title_is_not_legal(ae_title: str) -> None:
    with pytest.raises(ArchiveError, match="AE title"):
        ArchiveServer.start(DEMO, ae_title=ae_title)


def test_host_is_not_ours() -> None:
    with pytest.raises(ArchiveError, match="cannot listen on 192"):
        ArchiveServer.start(DEMO, host="192.0.2.1")


def test_serve_announces_and_stops(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no DICOM")
    stop, warned = threading.Event(), threading.Event()
    lines: list[str] = []
    warnings: list[str] = []

    def warn(line: str) -> None:
        warnings.append(line)
        warned.set()

    thread = threading.Thread(target=serve, args=(tmp_path, "127.0.0.1", 0, None, stop, lines.append, warn))
    thread.start()
    assert warned.wait(30)
    port = int(lines[0].removeprefix("listening on 127.0.0.1:"))
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    assert warnings[0].startswith("not served: notes.txt: ")
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_nothing_is_logged(demo: ArchiveServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answers(demo, STUDY_ROOT, data_set("STUDY", PatientName="Yamada*"))
        find(demo, STUDY_ROOT, data_set("WARD"))
    assert caplog.text == ""
