"""What two results differ in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.comparison.compare import AttributeDifference, Difference, Kind
from runner.comparison.rules import Rules
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import InvalidJobError
from unit.comparison.results import Values, compared, write_rsp

ONE: Values = {
    "QueryRetrieveLevel": "STUDY",
    "StudyInstanceUID": "1.1",
    "PatientID": "P1",
    "PatientName": "Müller^Jürgen",
    "StudyDescription": "CT Thorax",
    "ProcedureCodeSequence": [{"CodeValue": "A"}, {"CodeValue": "B"}],
}
TWO: Values = {**ONE, "StudyInstanceUID": "1.2"}


def test_the_same_in_another_encoding_and_order(tmp_path: Path) -> None:
    a = write_rsp(tmp_path / "a", [ONE, TWO])
    b = write_rsp(tmp_path / "b", [TWO, ONE], "ISO_IR 100", TransferSyntax.EXPLICIT_BIG)
    differences, comparison = compared(a, b)
    assert differences == []
    assert (comparison.counts.a, comparison.counts.same) == (2, 2)


def test_each_kind_of_difference(tmp_path: Path) -> None:
    changed = {**TWO, "StudyDescription": "CT Head", "PatientSex": "F"}
    del changed["PatientID"]
    a = write_rsp(tmp_path / "a", [ONE, TWO])
    b = write_rsp(tmp_path / "b", [changed, {**ONE, "StudyInstanceUID": "1.3"}])
    differences, comparison = compared(a, b)
    assert [(one.kind, one.key) for one in differences] == [
        (Kind.ONLY_A, (("StudyInstanceUID", "1.1"),)),
        (Kind.CHANGED, (("StudyInstanceUID", "1.2"),)),
        (Kind.ONLY_B, (("StudyInstanceUID", "1.3"),)),
    ]
    assert differences[1].attributes == (
        AttributeDifference("StudyDescription", "CT Thorax", "CT Head"),
        AttributeDifference("PatientID", "P1", None),
        AttributeDifference("PatientSex", None, "F"),
    )
    counts = comparison.counts
    assert (counts.only_a, counts.only_b, counts.changed, counts.same) == (1, 1, 1, 0)


def test_items_are_compared_one_by_one(tmp_path: Path) -> None:
    a = write_rsp(tmp_path / "a", [ONE])
    b = write_rsp(tmp_path / "b", [{**ONE, "ProcedureCodeSequence": [{"CodeValue": "C"}]}])
    [difference], _ = compared(a, b)
    assert difference.attributes == (
        AttributeDifference("ProcedureCodeSequence", "2 items", "1 item"),
        AttributeDifference("ProcedureCodeSequence[0].CodeValue", "A", "C"),
        AttributeDifference("ProcedureCodeSequence[1].CodeValue", "B", None),
    )


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"QueryRetrieveLevel": "PATIENT", "StudyInstanceUID": "1.1", "PatientID": "P1"}, "PatientID"),
        (
            {"QueryRetrieveLevel": "SERIES", "PatientID": "P1", "SeriesInstanceUID": "1.3"},
            "SeriesInstanceUID",
        ),
        ({"QueryRetrieveLevel": "STUDY", "PatientID": "P1", "StudyInstanceUID": ""}, "PatientID"),
        ({"PatientID": "P1", "StudyInstanceUID": "1", "SOPInstanceUID": "2"}, "SOPInstanceUID"),
        ({"PatientID": "P1", "StudyInstanceUID": "1.1"}, "StudyInstanceUID"),
    ],
)
def test_the_key_is_that_of_the_level(values: Values, key: str, tmp_path: Path) -> None:
    a = write_rsp(tmp_path / "a", [values])
    b = write_rsp(tmp_path / "b", [{**values, "PatientSex": "F"}])
    [difference], _ = compared(a, b)
    assert difference.kind is Kind.CHANGED
    assert difference.key == ((key, str(values[key])),)


def test_a_key_within_a_sequence(tmp_path: Path) -> None:
    def item(step: str, modality: str) -> Values:
        return {
            "StudyInstanceUID": "1.1",
            "ScheduledProcedureStepSequence": [{"ScheduledProcedureStepID": step, "Modality": modality}],
        }

    a = write_rsp(tmp_path / "a", [item("S1", "CT"), item("S2", "MR")])
    b = write_rsp(tmp_path / "b", [item("S2", "US"), item("S1", "CT")])
    key = "ScheduledProcedureStepSequence[0].ScheduledProcedureStepID"
    [difference], comparison = compared(a, b, keys=(key,))
    assert difference == Difference(
        Kind.CHANGED,
        ((key, "S2"),),
        (AttributeDifference("ScheduledProcedureStepSequence[0].Modality", "MR", "US"),),
    )
    assert comparison.counts.repeated == 0


def test_records_with_the_same_key_are_a_multiset(tmp_path: Path) -> None:
    other = {**ONE, "StudyDescription": "other"}
    third = {**ONE, "StudyDescription": "third"}
    a = write_rsp(tmp_path / "a", [ONE, ONE, other, TWO])
    b = write_rsp(tmp_path / "b", [TWO, third, other, ONE])
    [difference], comparison = compared(a, b)
    assert difference.kind is Kind.CHANGED
    assert difference.times == (3, 3)
    assert difference.attributes == (AttributeDifference("StudyDescription", "CT Thorax", "third"),)
    assert comparison.counts.repeated == 1
    fewer = write_rsp(tmp_path / "c", [ONE, TWO])
    differences, _ = compared(a, fewer)
    assert [(one.kind, one.times) for one in differences] == [(Kind.ONLY_A, (3, 1))] * 2


def test_records_without_a_key_are_compared_as_wholes(tmp_path: Path) -> None:
    a = write_rsp(tmp_path / "a", [{"Modality": "CT"}, {"Modality": "CT"}, {"Modality": "MR"}])
    b = write_rsp(tmp_path / "b", [{"Modality": "MR"}, {"Modality": "CT"}])
    [difference], comparison = compared(a, b)
    assert difference.kind is Kind.ONLY_A
    assert difference.key == ()
    assert difference.attributes == (AttributeDifference("Modality", "CT", None),)
    assert comparison.counts.keyless == 5


def test_an_empty_attribute_is_not_an_absent_one_unless_a_rule_says_so(tmp_path: Path) -> None:
    a = write_rsp(tmp_path / "a", [{**ONE, "PatientSex": "", "ReferencedStudySequence": []}])
    b = write_rsp(tmp_path / "b", [ONE])
    [difference], _ = compared(a, b)
    assert difference.attributes == (
        AttributeDifference("ReferencedStudySequence", "", None),
        AttributeDifference("PatientSex", "", None),
    )
    assert compared(a, b, Rules(empty=True))[0] == []


def test_what_is_ignored_makes_no_difference(tmp_path: Path) -> None:
    a = write_rsp(tmp_path / "a", [ONE])
    b = write_rsp(tmp_path / "b", [{**ONE, "PatientID": "P2", "StudyDescription": "new"}])
    [difference], _ = compared(a, b, Rules(ignored=frozenset({"PatientID"})))
    assert [one.name for one in difference.attributes] == ["StudyDescription"]
    assert compared(a, b, Rules(ignored=frozenset({"PatientID", "StudyDescription"})))[0] == []


def test_a_private_attribute_whose_vr_only_one_side_knows(tmp_path: Path) -> None:
    """Explicit VR says that it is text; implicit VR does not, and nobody reserved the block."""
    from runner.dicom.encoding import encode
    from runner.dicom.identifier import Element
    from runner.dicom.part10 import file_meta

    def write(name: str, syntax: TransferSyntax, text: str) -> Path:
        (tmp_path / name).mkdir()
        elements = (Element(0x00091001, "LO", text), Element(0x0020000D, "UI", "1.1"))
        data = file_meta("1.2", "1.3", syntax) + encode(elements, syntax)
        (tmp_path / name / "rsp0001.dcm").write_bytes(data)
        return tmp_path / name

    a = write("a", TransferSyntax.EXPLICIT_LITTLE, "text")
    differences, comparison = compared(a, write("b", TransferSyntax.IMPLICIT_LITTLE, "text"))
    assert differences == []
    assert comparison.counts.same == 1
    [difference], _ = compared(a, write("c", TransferSyntax.IMPLICIT_LITTLE, "other"))
    assert difference.attributes[0].name == "(0009,1001)"


def test_json_is_compared_with_dicom_files(tmp_path: Path) -> None:
    a = write_rsp(tmp_path / "a", [ONE])
    line = {
        "00080052": {"vr": "CS", "Value": ["STUDY"]},
        "0020000D": {"vr": "UI", "Value": ["1.1"]},
        "00100020": {"vr": "LO", "Value": ["P1"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jürgen"}]},
        "00081030": {"vr": "LO", "Value": ["CT Thorax"]},
        "00081032": {
            "vr": "SQ",
            "Value": [{"00080100": {"vr": "SH", "Value": [code]}} for code in ("A", "B")],
        },
    }
    lines = tmp_path / "b.jsonl"
    lines.write_text(f"\n{json.dumps(line)}\n", "utf-8")
    assert compared(a, lines)[0] == []
    array = tmp_path / "c.json"
    array.write_text(json.dumps([line], indent=2), "utf-8")
    assert compared(lines, array)[0] == []


# --- tables -----------------------------------------------------------------------------------------------


def table(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return path


def test_tables_in_any_order_of_rows_and_columns(tmp_path: Path) -> None:
    a = table(tmp_path / "a.csv", "StudyInstanceUID,PatientName", "1.1,Müller^Jürgen", '1.2,"a,b\n""c"""')
    b = table(
        tmp_path / "b.csv", "\ufeffPatientName,StudyInstanceUID", '"a,b\n""c""",1.2', "", "Müller^Jürgen,1.1"
    )
    assert compared(a, b)[0] == []


def test_rows_are_found_again(tmp_path: Path) -> None:
    a = table(tmp_path / "a.csv", "StudyInstanceUID,PatientName,IS", '1.1,"ü\nü",1', "1.2,Doe,1", "1.3,Roe,1")
    b = table(tmp_path / "b.csv", "StudyInstanceUID,PatientName,IS", "1.3,Roé,1", '1.1,"ü\nu",1', "1.2,Doe,1")
    differences, _ = compared(a, b)
    assert [(one.key[0][1], one.attributes) for one in differences] == [
        ("1.1", (AttributeDifference("PatientName", "ü\nü", "ü\nu"),)),
        ("1.3", (AttributeDifference("PatientName", "Roe", "Roé"),)),
    ]


def test_columns_of_one_side(tmp_path: Path) -> None:
    a = table(tmp_path / "a.csv", "StudyInstanceUID,PatientID,SOPInstanceUID", "1.1,P1,7")
    b = table(tmp_path / "b.csv", "StudyInstanceUID,PatientID,Modality", "1.1,P2,CT")
    differences, comparison = compared(a, b)
    assert [(one.kind, one.attributes[0].name) for one in differences] == [
        (Kind.COLUMN_ONLY_A, "SOPInstanceUID"),
        (Kind.COLUMN_ONLY_B, "Modality"),
        (Kind.CHANGED, "PatientID"),
    ]
    # the deepest unique key that both have
    assert differences[2].key == (("StudyInstanceUID", "1.1"),)
    assert comparison.counts.columns == 2
    ignoring = Rules(ignored=frozenset({"PatientID", "SOPInstanceUID", "Modality"}))
    assert compared(a, b, ignoring)[0] == []


def test_rows_of_several_queries_and_peers(tmp_path: Path) -> None:
    head = "query,peer,StudyInstanceUID,StudyDescription"
    a = table(tmp_path / "a.csv", head, "q,old,1.1,X", "r,old,1.1,Y")
    b = table(tmp_path / "b.csv", head, "r,old,1.1,Y", "q,old,1.1,Z")
    [difference], _ = compared(a, b)
    assert difference.key == (("query", "q"), ("peer", "old"), ("StudyInstanceUID", "1.1"))
    c = table(tmp_path / "c.csv", head, "q,new,1.1,X", "r,new,1.1,Y")
    assert [one.kind for one in compared(a, c)[0]] == [Kind.ONLY_A] * 2 + [Kind.ONLY_B] * 2
    assert compared(a, c, Rules(ignored=frozenset({"peer"})))[0] == []


def test_any_column_can_be_the_key(tmp_path: Path) -> None:
    a = table(tmp_path / "a.csv", "Ward;Bed;Name", "1;a;X", "1;b;Y")
    b = table(tmp_path / "b.csv", "Ward;Bed;Name", "1;b;Z", "1;a;X ")
    [difference], _ = compared(a, b, keys=("Ward", "Bed"))
    assert difference.key == (("Ward", "1"), ("Bed", "b"))
    assert difference.attributes == (AttributeDifference("Name", "Y", "Z"),)


def test_a_sequence_in_a_cell(tmp_path: Path) -> None:
    def cell(code: str, group: str = "Value") -> str:
        items = json.dumps([{"00080100": {"vr": "SH", group: [code]}}])
        return '1.1,"' + items.replace('"', '""') + '"'

    head = "StudyInstanceUID,ProcedureCodeSequence"
    a = table(tmp_path / "a.csv", head, cell("A"))
    b = table(tmp_path / "b.csv", head, cell("A ").replace("{", " { "))
    assert compared(a, b)[0] == []
    c = table(tmp_path / "c.csv", head, cell("B"))
    [difference], _ = compared(a, c)
    assert difference.attributes == (AttributeDifference("ProcedureCodeSequence[0].CodeValue", "A", "B"),)
    assert compared(a, c, Rules(ignored=frozenset({"CodeValue"})))[0] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the table has no header line"),
        (b"a,a\n1,2\n", "two columns are headed 'a'"),
        (b"a,b\n1\n", "broken.csv:2: the row has 1 cells, but the header 2"),
        (b'a,b\n1,"2\n', "it is no CSV"),
        (b"a,b\n\n1,\xfc\n", "broken.csv:3: it is not in UTF-8"),
    ],
)
def test_broken_tables(content: bytes, message: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_bytes(content)
    whole = table(tmp_path / "a.csv", "a,b", "1,2")
    with pytest.raises(InvalidJobError) as caught:
        compared(whole, broken)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.dcm", b"\0" * 200, "it is no DICOM file with file meta information"),
        (
            "x.json",
            b'{"00100010": {"vr": "PN"}}\n{"00100010": 1}\n',
            "x.json:2: it is no DICOM JSON: 00100010",
        ),
        ("x.json", b'{"00100010": {"vr": "PN"}}\nSECRET\n', "x.json:2: it is no JSON"),
        ("x.json", b'[{"00100010": {"vr": "PN"}}, 3]', "object 2: it is no DICOM JSON: it is no object"),
    ],
)
def test_broken_data_sets(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidJobError) as caught:
        compared(tmp_path / name, write_rsp(tmp_path / "a", [ONE]))
    assert message in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_a_data_set_that_is_cut_off(tmp_path: Path) -> None:
    a = write_rsp(tmp_path / "a", [ONE])
    b = write_rsp(tmp_path / "b", [ONE])
    file = b / "rsp0001.dcm"
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(InvalidJobError, match=r"rsp0001\.dcm: its data set cannot be decoded") as caught:
        compared(a, b)
    assert "Jürgen" not in str(caught.value)
