"""Keys by themselves: forms of attributes and values that the corpora do not have."""

import pytest

from runner.dicom.dictionary import STANDARD, Entry
from runner.dicom.identifier import Element
from runner.jobfile.coerce import coerced
from runner.jobfile.compose import compose
from runner.jobfile.keys import read_keys
from runner.jobfile.schema import schema
from runner.jobfile.section import Complaints, Section


def read(text, dictionary=STANDARD, base=()):
    """Read keys; give them and what is said of them."""
    document, problems = compose(text, "job.yaml")
    assert problems == []
    assert document is not None
    root = schema()
    data = coerced(document, root["definitions"]["query"]["properties"]["keys"], root)
    complaints = Complaints(document)
    keys = read_keys(Section(data, (), complaints), dictionary, base)
    return {element.tag: (element.vr, element.value) for element in keys.elements}, [
        problem.message for problem in complaints.problems
    ]


@pytest.mark.parametrize("name", ["PatientName", '"(0010,0010)"', '"0010,0010"', "00100010"])
def test_names_of_an_attribute(name):
    assert read(f"{name}: A") == ({0x00100010: ("PN", "A")}, [])


@pytest.mark.parametrize("name", ['"(0008,103E)"', '"(0008,103e)"', "0008103E"])
def test_hexadecimal_digits_of_either_case(name):
    assert read(f"{name}: A") == ({0x0008103E: ("LO", "A")}, [])


def test_repeating_groups():
    assert read('"(6000,0010)": 512')[0] == {0x60000010: ("US", "512")}
    assert read('"(6002,0010)": 512')[0] == {0x60020010: ("US", "512")}


def test_a_vr_that_depends():
    assert read("SmallestImagePixelValue: 3") == ({0x00280106: ("US", "3")}, [])
    assert read("SmallestImagePixelValue: {vr: SS, value: -3}") == ({0x00280106: ("SS", "-3")}, [])
    assert len(read("SmallestImagePixelValue: -3")[1]) == 1


def test_a_dictionary_of_ones_own():
    own = STANDARD.extended(
        [
            Entry(0x00111001, "LO", "1", "Own", "OwnName", creator="OWN"),
            Entry(0x00082111, "ST", "1", "Old", "OldName"),
        ]
    )
    assert read("""'(0011,"OWN",01)': x""", own) == ({0x00110010: ("LO", "OWN"), 0x00111001: ("LO", "x")}, [])
    assert read("OldName: x", own) == ({0x00082111: ("ST", "x")}, [])


@pytest.mark.parametrize(
    "name",
    [
        """'(0009,"ACME 1",01)'""",
        """'(0009, "ACME 1", 01)'""",
        """'0009,"ACME 1",xx01'""",
        '''"(0009,'ACME 1',01)"''',
    ],
)
def test_private_attributes_by_creator(name):
    assert read(f"{name}: {{vr: LO, value: x}}") == (
        {0x00090010: ("LO", "ACME 1"), 0x00091001: ("LO", "x")},
        [],
    )


def test_private_attributes_that_the_dictionary_has():
    [creator, attribute] = read("""'(0019,"SIEMENS MR HEADER",0c)': 50""")[0].values()
    assert creator == ("LO", "SIEMENS MR HEADER")
    assert attribute == ("IS", "50")


@pytest.mark.parametrize("creator", ["ACME 1", "[ACME 1]", "{vr: LO, value: ACME 1}"])
def test_a_creator_that_is_written_out_reserves_its_block(creator):
    text = f"""{{"(0009,0020)": {creator}, '(0009,"ACME 1",01)': , "(0009,2002)": }}"""
    elements, said = read(text)
    assert said == []
    assert elements == {0x00090020: ("LO", "ACME 1"), 0x00092001: ("UN", b""), 0x00092002: ("UN", b"")}


def test_a_creator_that_is_asked_for_is_not_overwritten():
    elements, said = read("""{"(0009,0010)": , '(0009,"ACME 1",01)': , "(0009,1001)": }""")
    assert said == []
    assert elements == {
        0x00090010: ("LO", ""),
        0x00090011: ("LO", "ACME 1"),
        0x00091001: ("UN", b""),
        0x00091101: ("UN", b""),
    }


def test_a_group_without_a_free_block():
    base = tuple(Element(0x00090000 | block, "LO", f"C{block}") for block in range(0x10, 0x100))
    assert "no block left" in read("""'(0009,"ACME 1",01)': """, base=base)[1][0]
    assert read("""'(0009,"C255",01)': """, base=base) == ({0x0009FF01: ("UN", b"")}, [])


@pytest.mark.parametrize("value", ["ISO_IR 100", "{vr: CS, value: ISO_IR 100}", "[ISO_IR 100]"])
def test_a_declared_character_set_counts_in_every_form(value):
    elements, said = read(f"{{PatientName: Müller, SpecificCharacterSet: {value}}}")
    assert said == []
    assert elements[0x00080005] == ("CS", "ISO_IR 100")
    assert "U+0427" in read(f"{{PatientName: Череп, SpecificCharacterSet: {value}}}")[1][0]


def test_an_explicit_vr_without_a_value_asks_for_any():
    assert read(
        """{"(0008,9998)": {vr: SQ}, "(0008,9999)": {vr: OW}, "(0008,999a)": {vr: LO, value: }}"""
    ) == (
        {0x00089998: ("SQ", ()), 0x00089999: ("OW", b""), 0x0008999A: ("LO", "")},
        [],
    )


def test_an_explicit_sequence():
    elements, said = read('"(0008,9998)": {vr: SQ, value: [{PatientID: 1}]}')
    assert said == []
    assert elements == {0x00089998: ("SQ", ((Element(0x00100020, "LO", "1"),),))}


def test_complaints_name_the_place_in_nested_items():
    [said] = read("ReferencedStudySequence:\n  - PatientID: 1\n  - StudyDate: x\n")[1]
    assert said.startswith("ReferencedStudySequence[1].StudyDate: the value is not legal: DA is")


def test_elements_are_in_ascending_order_whatever_the_authors():
    assert list(read("{StudyInstanceUID: , PatientID: , StudyDate: }")[0]) == [
        0x00080020,
        0x00100020,
        0x0020000D,
    ]
