import pytest
from pydicom.uid import UID_dictionary

from runner.dicom.uid_names import uid_name, uid_of_name


@pytest.mark.parametrize(
    ("uid", "name"),
    [
        ("1.2.840.10008.1.1", "VerificationSOPClass"),
        ("1.2.840.10008.1.2", "LittleEndianImplicit"),
        ("1.2.840.10008.1.2.1", "LittleEndianExplicit"),
        ("1.2.840.10008.1.2.1.99", "DeflatedLittleEndianExplicit"),
        ("1.2.840.10008.1.2.2", "BigEndianExplicit"),
        ("1.2.840.10008.1.2.4.50", "JPEGBaseline"),
        ("1.2.840.10008.1.2.5", "RLELossless"),
        ("1.2.840.10008.1.4.1.1", "TalairachBrainAtlasFrameOfReference"),
        ("1.2.840.10008.1.5.1", "HotIronColorPaletteSOPInstance"),
        ("1.2.840.10008.1.20.1.1", "StorageCommitmentPushModelSOPInstance"),
        ("1.2.840.10008.3.1.1.1", "StandardApplicationContext"),
        ("1.2.840.10008.3.1.2.3.3", "ModalityPerformedProcedureStepSOPClass"),
        ("1.2.840.10008.5.1.4.1.1.2", "CTImageStorage"),
        ("1.2.840.10008.5.1.4.1.1.3.1", "UltrasoundMultiframeImageStorage"),
        ("1.2.840.10008.5.1.4.1.1.501.1", "DICOS_CTImageStorage"),
        ("1.2.840.10008.5.1.4.1.2.1.1", "FINDPatientRootQueryRetrieveInformationModel"),
        ("1.2.840.10008.5.1.4.1.2.2.1", "FINDStudyRootQueryRetrieveInformationModel"),
        ("1.2.840.10008.5.1.4.1.2.3.1", "FINDPatientStudyOnlyQueryRetrieveInformationModel"),
        ("1.2.840.10008.5.1.4.31", "FINDModalityWorklistInformationModel"),
    ],
)
def test_names_as_dcmtk_shows_them(uid, name):
    assert uid_name(uid) == name
    assert uid_of_name(name) == uid


def test_names_stand_for_one_uid_each():
    for uid, row in UID_dictionary.items():
        name = uid_name(uid)
        if row[4]:
            assert name is not None
            assert uid_of_name(name) == uid


def test_the_standards_keywords_and_dcmtks_mark_of_retired_ones_are_understood():
    assert uid_of_name("ImplicitVRLittleEndian") == "1.2.840.10008.1.2"
    assert uid_of_name("RETIRED_StandaloneOverlayStorage") == "1.2.840.10008.5.1.4.1.1.8"


def test_unknown_ones():
    assert uid_name("1.2.3") is None
    assert uid_of_name("Nonsense") is None
