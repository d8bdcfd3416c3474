"""Names of well-known UIDs as DCMTK's dumps show them: `=CTImageStorage`, `=LittleEndianExplicit`.

Most are PS3.6's keywords, some with a word more or in another order; they are derived from pydicom's table.
"""

from __future__ import annotations

import re
from functools import cache

_TRANSFER_SYNTAXES = {
    "1.2.840.10008.1.2": "LittleEndianImplicit",
    "1.2.840.10008.1.2.1": "LittleEndianExplicit",
    "1.2.840.10008.1.2.1.99": "DeflatedLittleEndianExplicit",
    "1.2.840.10008.1.2.2": "BigEndianExplicit",
    "1.2.840.10008.1.2.4.50": "JPEGBaseline",
    "1.2.840.10008.1.2.4.51": "JPEGExtended:Process2+4",
    "1.2.840.10008.1.2.4.52": "JPEGExtended:Process3+5",
    "1.2.840.10008.1.2.4.53": "JPEGSpectralSelection:Non-hierarchical:Process6+8",
    "1.2.840.10008.1.2.4.54": "JPEGSpectralSelection:Non-hierarchical:Process7+9",
    "1.2.840.10008.1.2.4.55": "JPEGFullProgression:Non-hierarchical:Process10+12",
    "1.2.840.10008.1.2.4.56": "JPEGFullProgression:Non-hierarchical:Process11+13",
    "1.2.840.10008.1.2.4.57": "JPEGLossless:Non-hierarchical:Process14",
    "1.2.840.10008.1.2.4.58": "JPEGLossless:Non-hierarchical:Process15",
    "1.2.840.10008.1.2.4.59": "JPEGExtended:Hierarchical:Process16+18",
    "1.2.840.10008.1.2.4.60": "JPEGExtended:Hierarchical:Process17+19",
    "1.2.840.10008.1.2.4.61": "JPEGSpectralSelection:Hierarchical:Process20+22",
    "1.2.840.10008.1.2.4.62": "JPEGSpectralSelection:Hierarchical:Process21+23",
    "1.2.840.10008.1.2.4.63": "JPEGFullProgression:Hierarchical:Process24+26",
    "1.2.840.10008.1.2.4.64": "JPEGFullProgression:Hierarchical:Process25+27",
    "1.2.840.10008.1.2.4.65": "JPEGLossless:Hierarchical:Process28",
    "1.2.840.10008.1.2.4.66": "JPEGLossless:Hierarchical:Process29",
    "1.2.840.10008.1.2.4.70": "JPEGLossless:Non-hierarchical-1stOrderPrediction",
    "1.2.840.10008.1.2.4.81": "JPEGLSLossy",
    "1.2.840.10008.1.2.4.90": "JPEG2000LosslessOnly",
    "1.2.840.10008.1.2.4.92": "JPEG2000MulticomponentLosslessOnly",
    "1.2.840.10008.1.2.4.93": "JPEG2000Multicomponent",
    "1.2.840.10008.1.2.4.100": "MPEG2MainProfile@MainLevel",
    "1.2.840.10008.1.2.4.101": "MPEG2MainProfile@HighLevel",
    "1.2.840.10008.1.2.4.102": "MPEG4HighProfile/Level4.1",
    "1.2.840.10008.1.2.4.103": "MPEG4BDcompatibleHighProfile/Level4.1",
    "1.2.840.10008.1.2.4.104": "MPEG4HighProfile/Level4.2For2DVideo",
    "1.2.840.10008.1.2.4.105": "MPEG4HighProfile/Level4.2For3DVideo",
    "1.2.840.10008.1.2.4.106": "MPEG4StereoHighProfile/Level4.2",
    "1.2.840.10008.1.2.4.107": "HEVCMainProfile/Level5.1",
    "1.2.840.10008.1.2.4.108": "HEVCMain10Profile/Level5.1",
    "1.2.840.10008.1.2.7.1": "SMPTEST2110-20:UncompressedProgressiveActiveVideo",
    "1.2.840.10008.1.2.7.2": "SMPTEST2110-20:UncompressedInterlacedActiveVideo",
    "1.2.840.10008.1.2.7.3": "SMPTEST2110-30:PCMDigitalAudio",
}
_OTHERS = {
    "1.2.840.10008.2.6.1": "DICOMUIDRegistryCodingScheme",
    "1.2.840.10008.2.16.4": "DICOMControlledTerminologyCodingScheme",
    "1.2.840.10008.3.1.1.1": "StandardApplicationContext",
    "1.2.840.10008.4.2": "StorageServiceClass",
    "1.2.840.10008.5.1.4.1.1.3": "RETIRED_UltrasoundMultiframeImageStorage",
    "1.2.840.10008.5.1.4.1.1.5": "RETIRED_NuclearMedicineImageStorage",
    "1.2.840.10008.5.1.4.1.1.6": "RETIRED_UltrasoundImageStorage",
    "1.2.840.10008.5.1.4.1.1.9.1": "DRAFT_WaveformStorage",
    "1.2.840.10008.5.1.4.1.1.77.1": "VLImageStorage",
    "1.2.840.10008.5.1.4.1.1.77.2": "VLMultiframeImageStorage",
    "1.2.840.10008.5.1.4.1.1.88.1": "DRAFT_SRTextStorage",
    "1.2.840.10008.5.1.4.1.1.88.2": "DRAFT_SRAudioStorage",
    "1.2.840.10008.5.1.4.1.1.88.3": "DRAFT_SRDetailStorage",
    "1.2.840.10008.5.1.4.1.1.88.4": "DRAFT_SRComprehensiveStorage",
    "1.2.840.10008.5.1.4.1.1.88.70": "ImplantationPlanSRDocumentStorage",
    "1.2.840.10008.5.1.4.1.1.601.1": "DICONDE_EddyCurrentImageStorage",
    "1.2.840.10008.5.1.4.1.1.601.2": "DICONDE_EddyCurrentMultiframeImageStorage",
    "1.2.840.10008.5.1.4.34.4": "DRAFT_UnifiedWorklistAndProcedureStepServiceClass",
    "1.2.840.10008.5.1.4.34.6": "UnifiedWorklistAndProcedureStepServiceClass",
    "1.2.840.10008.5.1.4.39.2": "FINDColorPaletteInformationModel",
    "1.2.840.10008.5.1.4.39.3": "MOVEColorPaletteInformationModel",
    "1.2.840.10008.5.1.4.39.4": "GETColorPaletteInformationModel",
    "1.2.840.10008.15.1.1": "UniversalCoordinatedTimeSynchronizationFrameOfReference",
}
_OPERATION = re.compile(r"(\w+?)(Find|Move|Get)")
#: Names of SOP classes that do not say so.
_PLAIN = re.compile(
    r"Storage(?!Commitment)|MachineVerification|RelevantPatientInformationQuery|RealTimeCommunication"
)


def uid_name(uid: str) -> str | None:
    """Return the name of a well-known UID, without the `=` before it; None where it has none."""
    return _names().get(uid)


def uid_of_name(name: str) -> str | None:
    """Return the UID of a name, DCMTK's or PS3.6's keyword; None where there is none."""
    uids = _uids()
    return uids.get(name) or uids.get(name.removeprefix("RETIRED_"))


@cache
def _names() -> dict[str, str]:
    from runner.dicom.dictionary import pydicom_tables

    table: dict[str, tuple[str, ...]] = pydicom_tables("_uid_dict")["UID_dictionary"]
    names = {uid: _name(uid, row[1], row[4]) for uid, row in table.items() if row[4]}
    return {**names, **_TRANSFER_SYNTAXES, **_OTHERS}


@cache
def _uids() -> dict[str, str]:
    from runner.dicom.dictionary import pydicom_tables

    table: dict[str, tuple[str, ...]] = pydicom_tables("_uid_dict")["UID_dictionary"]
    keywords = {row[4]: uid for uid, row in table.items() if row[4]}
    return {**keywords, **{name: uid for uid, name in _names().items()}}


def _name(uid: str, kind: str, keyword: str) -> str:
    """Turn a keyword of PS3.6 table A-1 into DCMTK's name of the same UID."""
    name = keyword.replace("MultiFrame", "Multiframe")
    operation = _OPERATION.fullmatch(name)
    if operation is not None:
        return operation.group(2).upper() + operation.group(1)
    if "SOP Class" in kind:
        draft = name.removesuffix("Trial")
        name = f"DRAFT_{draft}" if draft != name else name
        return name.replace("DICOS", "DICOS_", 1) if _PLAIN.search(name) else f"{name}SOPClass"
    if "SOP Instance" in kind:
        if name.endswith("Palette"):
            return f"{name.removesuffix('Palette')}ColorPaletteSOPInstance"
        return f"{name.removesuffix('Instance')}SOPInstance"
    if uid.startswith("1.2.840.10008.1.4."):
        return f"{name}FrameOfReference"
    return f"LDAP_{name}" if uid.startswith("1.2.840.10008.15.0.") else name
