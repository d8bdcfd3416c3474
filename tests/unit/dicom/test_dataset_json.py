import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from runner.dicom.dataset_json import identifier_from_json
from runner.dicom.dictionary import STANDARD
from runner.dicom.encoding import encode
from runner.dicom.identifier import Element
from runner.dicom.query_file import identifier_from_bytes
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import QueryFileError


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (
            {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]},
            "Yamada^Tarou=山田^太郎",
        ),
        ({"vr": "PN", "Value": [{"Phonetic": "やまだ"}, {"Alphabetic": "B"}]}, "==やまだ\\B"),
        ({"vr": "PN", "Value": ["A^B"]}, "A^B"),
        ({"vr": "PN", "Value": [{"Alphabetic": None}]}, ""),
        ({"vr": "LO", "Value": ["A", None, "B"]}, "A\\\\B"),
        ({"vr": "LO", "Value": []}, ""),
        ({"vr": "LO", "Value": None}, ""),
        ({"vr": "LO"}, ""),
        ({"vr": "LT", "Value": ["A\\B\r\n"]}, "A\\B\r\n"),
        ({"vr": "US", "Value": [1, 2.0, "3"]}, "1\\2\\3"),
        ({"vr": "SV", "Value": [-9223372036854775808]}, "-9223372036854775808"),
        ({"vr": "IS", "Value": [7, "8 "]}, "7\\8"),
        ({"vr": "DS", "Value": [1.5, "2.50", 3]}, "1.5\\2.50\\3"),
        ({"vr": "DS", "Value": [1 / 3]}, "0.33333333333333"),
        ({"vr": "DS", "Value": [-1.2345678901234567e-200]}, "-1.23456789e-200"),
        ({"vr": "FD", "Value": [0.1, "NaN", "-Infinity"]}, "0.1\\nan\\-inf"),
        ({"vr": "AT", "Value": ["00100020", "0010003A"]}, "(0010,0020)\\(0010,003a)"),
        ({"vr": "OB", "InlineBinary": "AAEC"}, b"\0\1\2"),
        ({"vr": "OW"}, b""),
        ({"vr": "UN", "InlineBinary": ""}, b""),
        ({"vr": "SQ", "Value": [{"00080060": {"vr": "CS", "Value": ["CT"]}}, {}, None]}, None),
        ({"vr": "SQ"}, ()),
    ],
)
def test_an_attribute(attribute, value):
    if value is None:
        value = ((Element(0x00080060, "CS", "CT"),), (), ())
    assert identifier_from_json({"00191001": attribute}, STANDARD) == (
        Element(0x00191001, attribute["vr"], value),
    )


def test_attributes_come_in_order_without_meta_information_and_group_lengths():
    document = {
        "00100010": {"vr": "PN"},
        "00080052": {"Value": ["STUDY"]},
        "00020010": {"vr": "UI", "Value": ["1.2"]},
        "00080000": {"vr": "UL", "Value": [1]},
    }
    expected = (Element(0x00080052, "CS", "STUDY"), Element(0x00100010, "PN", ""))
    assert identifier_from_json(document, STANDARD) == expected
    assert identifier_from_json([document], STANDARD) == expected


def test_json_of_pydicom():
    data_set = Dataset()
    data_set.SpecificCharacterSet = "ISO_IR 192"
    data_set.PatientName = "Yamada^Tarou=山田^太郎"
    data_set.Rows = 3
    data_set.DimensionIndexPointer = 0x00100020
    data_set.PatientWeight = "70.5"
    data_set.PixelData = b"\1\2"
    data_set["PixelData"].VR = "OW"
    item = Dataset()
    item.Modality = "CT"
    data_set.ScheduledProcedureStepSequence = Sequence([item, Dataset()])
    assert identifier_from_bytes(data_set.to_json().encode(), STANDARD) == (
        Element(0x00080005, "CS", "ISO_IR 192"),
        Element(0x00100010, "PN", "Yamada^Tarou=山田^太郎"),
        Element(0x00101030, "DS", "70.5"),
        Element(0x00209165, "AT", "(0010,0020)"),
        Element(0x00280010, "US", "3"),
        Element(0x00400100, "SQ", ((Element(0x00080060, "CS", "CT"),), ())),
        Element(0x7FE00010, "OW", b"\1\2"),
    )


def test_what_json_says_can_be_sent():
    identifier = identifier_from_json(
        {"00209165": {"vr": "AT", "Value": ["00100020"]}, "00720074": {"vr": "FD", "Value": ["NaN"]}},
        STANDARD,
    )
    assert encode(identifier, TransferSyntax.EXPLICIT_LITTLE)


@pytest.mark.parametrize(
    ("document", "where", "word"),
    [
        (5, "", "object"),
        ({"PatientName": {"vr": "PN"}}, "PatientName: ", "00100010"),
        ({"0010,0010": {"vr": "PN"}}, "0010,0010: ", "hexadecimal"),
        ({"FFFEE000": {"vr": "UN"}}, "FFFEE000: ", "attribute"),
        ({"00100010": "x"}, "00100010: ", "object"),
        ({"00100010": {"vr": "XX"}}, "00100010: ", "value representation"),
        ({"00100010": {"vr": ["PN"]}}, "00100010: ", "value representation"),
        ({"00191001": {}}, "00191001: ", "no vr"),
        ({"00100010": {"vr": "PN", "value": []}}, "00100010: ", "'value'"),
        ({"00100010": {"vr": "PN", "Value": "x"}}, "00100010: ", "list"),
        ({"00100010": {"vr": "PN", "Value": [{"First": "x"}]}}, "00100010: ", "Alphabetic"),
        ({"00100010": {"vr": "PN", "Value": [5]}}, "00100010: ", "texts"),
        ({"00100020": {"vr": "LO", "Value": [True]}}, "00100020: ", "true or false"),
        ({"00280010": {"vr": "US", "Value": [True]}}, "00280010: ", "true or false"),
        ({"00280010": {"vr": "US", "Value": [1.5]}}, "00280010: ", "whole"),
        ({"00280010": {"vr": "US", "Value": [10**400]}}, "00280010: ", "whole"),
        ({"00101030": {"vr": "DS", "Value": [float("nan")]}}, "00101030: ", "numbers"),
        ({"00101030": {"vr": "DS", "Value": ["x"]}}, "00101030: ", "numbers"),
        ({"00101030": {"vr": "DS", "Value": [10**400]}}, "00101030: ", "numbers"),
        ({"00209165": {"vr": "AT", "Value": ["PatientName"]}}, "00209165: ", "tags"),
        ({"7FE00010": {"vr": "OW", "BulkDataURI": "http://x"}}, "7FE00010: ", "BulkDataURI"),
        ({"7FE00010": {"vr": "OW", "Value": [1]}}, "7FE00010: ", "InlineBinary"),
        ({"7FE00010": {"vr": "OW", "InlineBinary": "###"}}, "7FE00010: ", "base64"),
        ({"7FE00010": {"vr": "OW", "InlineBinary": "é"}}, "7FE00010: ", "base64"),
        ({"7FE00010": {"vr": "OW", "InlineBinary": 5}}, "7FE00010: ", "base64"),
        ({"00100020": {"vr": "LO", "InlineBinary": "AAEC"}}, "00100020: ", "InlineBinary"),
        ({"00104000": {"vr": "LT", "Value": ["a", "b"]}}, "00104000: ", "one value"),
        ({"0010001a": {"vr": "LO"}, "0010001A": {"vr": "LO"}}, "0010001A: ", "twice"),
        (
            {"00400100": {"vr": "SQ", "Value": [{}, {"00400001": {"vr": "AE", "Value": [1]}}]}},
            "00400100[1]/00400001: ",
            "texts",
        ),
        ({"00400100": {"vr": "SQ", "Value": ["x"]}}, "00400100[0]: ", "object"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(document, where, word):
    with pytest.raises(QueryFileError) as caught:
        identifier_from_json(document, STANDARD)
    assert str(caught.value).startswith(where)
    assert word in str(caught.value)
