"""Rules about values that are legal and seldom mean what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.dicom.date_time import bounds
from runner.dicom.identifier import Element
from runner.dicom.matching import is_matched, text_of
from runner.jobfile.lint.subject import Asked, Finding, Subject
from runner.model import ListSplit, QueryOption

_STUDY_DATE, _STUDY_TIME = 0x00080020, 0x00080030
_MODALITY_TAGS = frozenset({0x00080060, 0x00080061})
#: VRs that have lists as keys, and those in which a backslash is no separator.
_LISTED_VRS = frozenset({"UI", "LT", "ST", "UT", "UR", "UN"})

#: No-break, soft, zero-width and directional characters, and line separators.
_INVISIBLE = re.compile("[\xa0\xad\u034f\u061c\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\ufeff]")
_NULLS = frozenset({"null", "Null", "NULL", "~", "None", "nil"})

#: Defined terms of Modality (PS3.3 C.7.3.1.1.1), retired ones too: old objects still have them.
_TERMS = """
    AR AS ASMT AU BDUS BI BMD CD CF CFM CP CR CS CT CTPROTOCOL DD DF DG DM DMS DOC DS DX EC ECG EEG EMG EOG
    EPS ES FA FID FS GM HC HD IO IOL IVOCT IVUS KER KO LEN LP LS M3D MA MG MR MS NM OAM OCT OP OPM OPR OPT
    OPTBSV OPTENF OPV OSS OT PA PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD
    RTSEGANN RTSTRUCT RWV SC SEG SM SMR SR SRF ST STAIN TEXTUREMAP TG US VA VF XA XAPROTOCOL XC"""
_MODALITIES = frozenset(_TERMS.split())
_MODALITIES_MEANT = {
    "ANGIO": "XA",
    "CAT": "CT",
    "DR": "DX",
    "FLUORO": "RF",
    "MAMMO": "MG",
    "MRI": "MR",
    "MRT": "MR",
    "PET": "PT",
    "SPECT": "NM",
    "XR": "CR or DX",
    "XRAY": "CR or DX",
}


def names_with_comma(subject: Subject) -> Iterator[Finding]:
    """Components of a person name have carets between them (PS3.5 6.2.1)."""
    for asked, tag, element in _texts(subject):
        text = text_of(element)
        if element.vr == "PN" and "," in text and "^" not in text:
            what = "the name has a comma, and no caret between family and given name"
            yield Finding(asked.place_of(tag), what, "write FAMILY^GIVEN", of_key=False)


def names_of_one_component(subject: Subject) -> Iterator[Finding]:
    """A name without wildcards is matched as a whole (PS3.4 C.2.2.2.1)."""
    for asked, tag, element in _texts(subject):
        text = text_of(element)
        if (
            element.vr == "PN"
            and not set("*?^,=") & set(text)
            and not _all_negotiate(asked, QueryOption.FUZZY)
        ):
            what = "the name has one component and no wildcard, so whoever has a given name does not match"
            yield Finding(
                asked.place_of(tag), what, "write FAMILY^* for all of that family name", of_key=False
            )


def unknown_modalities(subject: Subject) -> Iterator[Finding]:
    """What is no defined term of Modality matches little."""
    for asked, tag, element in _texts(subject):
        if element.tag not in _MODALITY_TAGS:
            continue
        for value in (text.strip(" ") for text in text_of(element).split("\\")):
            if value and not set("*?") & set(value) and value.upper() not in _MODALITIES:
                meant = _MODALITIES_MEANT.get(value)
                advice = f"did you mean {meant}?" if meant else "PS3.3 C.7.3.1.1.1 lists them"
                what = "the value is no modality that DICOM defines"
                yield Finding(asked.place_of(tag), what, advice, of_key=False)


def lists_of_values(subject: Subject) -> Iterator[Finding]:
    """Lists are for UIDs (PS3.4 C.2.2.2.2); with other VRs a peer may do what it likes."""
    for asked, tag, element in _texts(subject):
        is_list = element.vr not in _LISTED_VRS and is_matched(element.tag) and "\\" in text_of(element)
        split = asked.query.split
        if isinstance(split, ListSplit) and split.key[-1] == element.tag:
            continue  # the list is what it is split into
        if is_list and not asked.is_of_archives:
            what = (
                "several values of one key are for UIDs: a peer may take these for one text, or refuse them"
            )
            advice = "write {any_of: […]}, which sends a query for each of them"
            yield Finding(asked.place_of(tag), what, advice, of_key=False)


def invisible_characters(subject: Subject) -> Iterator[Finding]:
    """What cannot be seen was not meant, and no value of a peer has it."""
    for asked, tag, element in _texts(subject):
        found = _INVISIBLE.search(text_of(element))
        if found is not None:
            what = f"the value has a character that cannot be seen, U+{ord(found.group()):04X}"
            advice = r"type it anew; in double quotes \_, \N, \L and \P make such characters"
            yield Finding(asked.place_of(tag), what, advice, of_key=False)


def nulls_as_texts(subject: Subject) -> Iterator[Finding]:
    """Only null and ~ without quotes are empty; all else is text."""
    for asked, tag, element in _texts(subject):
        if text_of(element) in _NULLS:
            what = "the value is a text here that looks like a null, and is matched as such"
            yield Finding(asked.place_of(tag), what, "leave it empty to have it returned", of_key=False)


def ranges_of_date_and_time(subject: Subject) -> Iterator[Finding]:
    """Date and time are matched each by itself (PS3.4 C.2.2.2.5), unless something else is negotiated."""
    for asked in subject.queries:
        for sent in asked.sent:
            days, hours = bounds("DA", sent.text(_STUDY_DATE)), bounds("TM", sent.text(_STUDY_TIME))
            if (
                days is None
                or hours is None
                or not any(ends == (None, None) for ends in zip(days, hours, strict=True))
            ):
                continue  # other hours are those of each day, and mostly meant to be
            if not _all_negotiate(asked, QueryOption.DATE_TIME):
                what = "this leaves out the same hours of every day, not only of the first or the last"
                advice = "send a query for that day, and one without StudyTime for the others"
                yield Finding(asked.place_of(_STUDY_TIME), what, advice, of_key=False)
                break


def several_items(subject: Subject) -> Iterator[Finding]:
    """A sequence has one item as a key (PS3.4 C.2.2.2.6)."""
    for asked in subject.queries:
        several = {
            tag
            for sent in asked.sent
            for tag, element in sent.elements.items()
            if isinstance(element.value, tuple) and len(element.value) > 1
        }
        for tag in sorted(several):
            what = "a sequence has one item as a key, and peers refuse or ignore more of them"
            yield Finding(asked.place_of(tag), what, "put all keys into the first item")


def _texts(subject: Subject) -> Iterator[tuple[Asked, int, Element]]:
    """Yield each value of each query once, with the key of the query that it stands in."""
    for asked in subject.queries:
        seen: set[tuple[int, Element]] = set()
        for sent in asked.sent:
            for tag, element in sent.leaves():
                if (tag, element) not in seen and element.value:
                    seen.add((tag, element))
                    yield asked, tag, element


def _all_negotiate(asked: Asked, option: QueryOption) -> bool:
    return all(option in peer.extended_negotiation.proposed for peer in asked.peers)
