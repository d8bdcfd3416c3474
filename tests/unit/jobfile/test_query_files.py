"""Query files in jobs: what keys override, levels, columns and character sets."""

import json
from pathlib import Path

import pytest

from runner.dicom.encoding import encode
from runner.dicom.identifier import Element
from runner.dicom.transfer_syntax import TransferSyntax
from runner.jobfile.load import load_job

JOB = """version: 1
peers: {{main: {{host: localhost, port: 104}}}}
queries:
  studies:
    model: study-root
    {rest}
lint: {{ignore: [name-of-one-component]}}
"""
STUDY = Element(0x00080052, "CS", "STUDY")


@pytest.fixture
def load(tmp_path):
    """Write query files and a job with them; give its query or its problems."""

    def write(rest, **files):
        for name, identifier in files.items():
            path = tmp_path / "in" / f"{name}.dcm"
            path.parent.mkdir(exist_ok=True)
            data = identifier
            if not isinstance(identifier, bytes):
                data = encode(tuple(identifier), TransferSyntax.EXPLICIT_LITTLE)
            path.write_bytes(data)
        path = tmp_path / "job.yaml"
        path.write_text(JOB.format(rest="\n    ".join(rest.split("; "))), encoding="utf-8")
        job, problems = load_job(path)
        said = [f"{problem.line}: {problem.path}: {problem.what}; {problem.advice}" for problem in problems]
        return (job.queries[0] if job else None), said

    return write


def values(request):
    return {element.tag: element.value for element in request.identifier}


def plain(value):
    return value.decode("latin-1").rstrip(" \0") if isinstance(value, bytes) else value


def test_each_file_is_a_request_and_keys_override(load):
    query, said = load(
        "level: STUDY; files: [in/a.dcm, in/b.dcm]; keys: {PatientID: 7, StudyDate: }",
        a=[
            Element(0x00080052, "CS", "SERIES"),
            Element(0x00100010, "PN", "A*"),
            Element(0x00100020, "LO", "1"),
        ],
        b=[Element(0x00080050, "SH", "X"), Element(0x00100020, "LO", "2")],
    )
    assert said == []
    assert [request.source for request in query.requests] == ["in/a.dcm", "in/b.dcm"]
    first, second = map(values, query.requests)
    assert {tag: plain(value) for tag, value in first.items()} == {
        0x00080020: "",
        0x00080052: "STUDY",
        0x00100010: "A*",
        0x00100020: "7",
    }
    assert plain(second[0x00080050]) == "X"
    assert second[0x00100020] == "7"
    assert query.columns == ((0x00100020,), (0x00080020,), (0x00100010,), (0x00080050,))


def test_a_file_without_keys(load):
    query, said = load("files: [in/a.dcm]", a=[STUDY, Element(0x00100010, "PN", "A*")])
    assert said == []
    assert query.columns == ((0x00100010,),)


def test_nested_columns_of_files_and_none_for_what_keys_replace(load):
    step = Element(0x00400100, "SQ", ((Element(0x00080060, "CS", "CT"), Element(0x00400001, "AE", "")),))
    query, said = load("files: [in/a.dcm]", a=[STUDY, step])
    assert said == []
    assert query.columns == ((0x00400100, 0, 0x00080060), (0x00400100, 0, 0x00400001))
    query, said = load(
        "files: [in/a.dcm]; keys: {ScheduledProcedureStepSequence: [{Modality: MR}]}", a=[STUDY, step]
    )
    assert said == []
    assert query.columns == ((0x00400100, 0, 0x00080060),)


def test_the_level_of_a_file(load):
    query, said = load("files: [in/a.dcm]", a=[Element(0x00100020, "LO", "1")])
    assert query is None
    assert said == [
        "6: queries.studies.files[0]: the query file has no QueryRetrieveLevel; "
        "add 'level' to the query, one of STUDY, SERIES, IMAGE"
    ]
    _, said = load("files: [in/a.dcm]", a=[Element(0x00080052, "CS", "PATIENT")])
    assert said == [
        "6: queries.studies.files[0]: the model study-root has no level PATIENT; "
        "write one of STUDY, SERIES, IMAGE"
    ]
    query, said = load("level: null; files: [in/a.dcm]", a=[Element(0x00100020, "LO", "1")])
    assert said == []
    assert 0x00080052 not in values(query.requests[0])


LATIN = [Element(0x00080005, "CS", "ISO_IR 100"), STUDY, Element(0x00081030, "LO", "Schädel")]


def test_keys_are_encoded_in_the_files_character_set(load):
    query, said = load("files: [in/a.dcm]; keys: {PatientName: Müller}", a=LATIN)
    assert said == []
    sent = encode(query.requests[0].identifier, TransferSyntax.EXPLICIT_LITTLE)
    assert b"ISO_IR 100" in sent
    assert b"M\xfcller" in sent
    assert b"Sch\xe4del" in sent


def test_keys_that_the_files_character_set_lacks(load):
    query, said = load("files: [in/a.dcm]; keys: {PatientName: Череп}", a=LATIN)
    assert query is None
    assert said == [
        "7: queries.studies.keys.PatientName: SpecificCharacterSet declares 'ISO_IR 100', "
        "which has no U+0427; write 'SpecificCharacterSet: ISO_IR 192' among the keys of the query"
    ]


def test_a_character_set_among_the_keys_converts_the_file(load):
    rest = "files: [in/a.dcm]; keys: {SpecificCharacterSet: ISO_IR 192, PatientName: Череп}"
    query, said = load(rest, a=LATIN)
    assert said == []
    sent = encode(query.requests[0].identifier, TransferSyntax.EXPLICIT_LITTLE)
    assert "Schädel".encode() in sent
    assert "Череп".encode() in sent
    assert b"ISO_IR 192" in sent


def test_a_character_set_among_the_keys_that_lacks_the_files_text(load):
    query, said = load("files: [in/a.dcm]; keys: {SpecificCharacterSet: ISO_IR 144}", a=LATIN)
    assert query is None
    assert len(said) == 1
    assert said[0].startswith("6: queries.studies.files[0]: the identifier cannot be sent: (0008,1030)")
    assert "Sch" not in said[0]


def test_a_file_with_broken_text_cannot_be_converted(load):
    data = encode((STUDY, Element(0x00081030, "LO", b"\xff\xfe")), TransferSyntax.EXPLICIT_LITTLE)
    query, said = load("files: [in/a.dcm]; keys: {PatientName: Müller}", a=data)
    assert query is None
    assert said == [
        "6: queries.studies.files[0]: the keys change the character set, but the file's texts "
        "cannot be read in its own; correct SpecificCharacterSet in the file"
    ]


def test_private_keys_take_the_block_of_the_file(load):
    file = [STUDY, Element(0x00090010, "LO", "FIRST"), Element(0x00090022, "LO", "ACME 1")]
    query, said = load("""files: [in/a.dcm]; keys: {'(0009,"ACME 1",01)': {vr: LO, value: x}}""", a=file)
    assert said == []
    sent = values(query.requests[0])
    assert sent[0x00092201] == "x"
    assert 0x00090011 not in sent
    assert query.columns == ((0x00092201,),)


def test_every_file_and_the_keys_are_checked(load):
    query, said = load(
        "files: [in/a.dcm, in/no.dcm, in/b.dcm]; keys: {Foo: }", a=b"nonsense", b=b"(0008,zz)\n"
    )
    assert query is None
    assert [line.split(":")[:2] for line in said] == [
        ["6", " queries.studies.files[0]"],
        ["6", " queries.studies.files[1]"],
        ["6", " queries.studies.files[2]"],
        ["7", " queries.studies.keys.Foo"],
    ]


def test_a_json_file_beyond_ascii(load, tmp_path):
    document = {"00080052": {"vr": "CS", "Value": ["STUDY"]}, "00081030": {"vr": "LO", "Value": ["Schädel"]}}
    query, said = load("files: [in/a.dcm]", a=json.dumps(document, ensure_ascii=False).encode())
    assert said == []
    assert "Schädel".encode() in encode(query.requests[0].identifier, TransferSyntax.EXPLICIT_LITTLE)
    assert Path(tmp_path / "in" / "a.dcm").is_file()


def test_group_lengths_of_a_file_are_sent_with_what_the_keys_add(load):
    query, said = load(
        "files: [in/a.dcm]; keys: {StudyDate: 20240101}",
        a=[Element(0x00080000, "UL", ""), STUDY, Element(0x00100010, "PN", "")],
    )
    assert not said
    (request,) = query.requests
    data = encode(request.identifier, TransferSyntax.IMPLICIT_LITTLE)
    assert data[:12].hex() == "0800000004000000" + "1e000000"  # (8 + 8) + (8 + 6)
    assert query.columns == ((0x00080020,), (0x00100010,))
