"""The text of a translation and what it says of each word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.errors import UsageError
from runner.findscu.command_line import parse
from runner.findscu.fidelity import Fate, Outcome, report_data, report_text
from runner.findscu.options import OPTIONS, Kind
from runner.findscu.translate import Translation, translate
from runner.findscu.yaml_text import scalar
from runner.jobfile.interpolation import parsed

PEER = ("pacs", "104")


def translation(*words: str, **environment: str) -> tuple[dict[str, Any], Translation]:
    translated = translate(parse([*words, *PEER], environment))
    return yaml.load(translated.text, yaml.BaseLoader), translated


def fate(translated: Translation, *tokens: str) -> Fate:
    (found,) = (fate for fate in translated.fates if fate.tokens == tokens)
    return found


def test_findscus_defaults_are_said_where_they_are_not_ours() -> None:
    job, translated = translation("-k", "0010,0010")
    assert job["peers"]["pacs"] == {
        "host": "pacs",
        "port": "104",
        "ae_title": "ANY-SCP",
        "calling_ae_title": "FINDSCU",
        "max_pdu": "16384",
        "timeouts": {"connect": "null", "acse": "30", "dimse": "null"},
        "reopen": "false",
    }
    assert job["queries"]["query"] == {"model": "worklist", "keys": {"PatientName": ""}}
    assert "# findscu's default, ours is CFIND" in translated.text
    assert translated.whole


def test_a_uid_that_is_named_is_written_out() -> None:
    job, translated = translation("-k", "0008,0016==CTImageStorage")
    assert job["queries"]["query"]["keys"] == {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}
    assert translated.whole


def test_every_word_has_a_fate() -> None:
    for option in OPTIONS:
        if option.becomes == "nothing is run":
            continue
        values = [
            "A" if v.kind is Kind.TEXT else v.choices[0] if v.choices else str(max(v.minimum, 8))
            for v in option.values
        ]
        values = ["0010,0020=A"] if option.long == "--key" else values
        needed = {"--enable-tls": ["+tls", "k", "c"], "--seed": ["+rs", "s"]}
        words = [
            w for name in (*option.requires[:1], *option.newer_requires[:1]) for w in needed.get(name, [name])
        ]
        _, translated = translation(*words, option.long, *values, "-k", "0010,0010")
        tokens = [token for found in translated.fates for token in found.tokens]
        assert option.long in tokens
        assert len(report_text(translated.fates).splitlines()) == len(translated.fates)
        assert all(entry["outcome"] for entry in report_data(translated.fates))


def test_a_password_becomes_a_reference_and_a_warning() -> None:
    job, translated = translation("+tls", "k", "c", "+pw", "sesame", "-ic", "-k", "0010,0010")
    tls = job["peers"]["pacs"]["tls"]
    assert tls["password"] == "${env:FINDSCU_KEY_PASSWORD}"
    assert tls["check_host"] == "false"
    assert tls["verification"] == "ignore"
    assert "sesame" not in translated.text + report_text(translated.fates) + str(
        report_data(translated.fates)
    )
    assert fate(translated, "+pw", "***").outcome is Outcome.ATTENTION
    assert fate(translated, "-ic").outcome is Outcome.ATTENTION


def test_overridden_words() -> None:
    _, translated = translation("-P", "-k", "0010,0020=A", "-S", "-k", "PatientID=B")
    assert fate(translated, "-P").outcome is Outcome.OVERRIDDEN
    assert fate(translated, "-k", "0010,0020=A").outcome is Outcome.OVERRIDDEN
    assert fate(translated, "-k", "PatientID=B").outcome is Outcome.CARRIED


def test_level_and_names() -> None:
    job, translated = translation(
        "-S", "-k", "0008,0052=STUDY", "-k", "PatientsName=O'BRIEN*", "-k", "0009,1001"
    )
    query = job["queries"]["query"]
    assert query["level"] == "STUDY"
    assert query["keys"] == {"PatientName": "O'BRIEN*", "(0009,1001)": {"vr": "UN"}}
    assert "# PatientsName in findscu 3.5.4" in translated.text
    assert fate(translated, "-k", "0008,0052=STUDY").became == "queries.*.level"


def test_values_that_job_files_do_not_have() -> None:
    _, translated = translation("-k", "0028,1201=0001", "-k", "PatientName=\udcfc")
    assert fate(translated, "-k", "0028,1201=0001").outcome is Outcome.LOST
    assert fate(translated, "-k", "PatientName=\udcfc").outcome is Outcome.LOST
    assert not translated.whole
    report_text(translated.fates).encode()


def test_text_in_a_declared_character_set() -> None:
    job, translated = translation("-k", "0008,0005=ISO_IR 100", "-k", "PatientName=M\udcfcller")
    assert job["queries"]["query"]["keys"]["PatientName"] == "Müller"
    assert translated.whole


def test_a_dictionary_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "own.dic"
    path.write_text("(0021,1001)\tUS\tLocal\t1\n(0010,0010)\tPN\tName\t1\n")
    job, translated = translation("-k", "Local=7", "-k", "Name", DCMDICTPATH=str(path))
    assert job["queries"]["query"]["keys"] == {"(0021,1001)": {"vr": "US", "value": "7"}, "PatientName": ""}
    assert fate(translated, f"DCMDICTPATH={path}").outcome is Outcome.ATTENTION


def test_wrong_keys_are_refused() -> None:
    with pytest.raises(UsageError):
        translation("-k", "Nonsense")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " a",
            "a ",
            "null",
            "~",
            "yes",
            "1",
            "0x1",
            "a: b",
            "a #b",
            "#a",
            "- a",
            "[a",
            "{a",
            "'a",
            '"a',
        ),
        *("a'b", "*a", "&a", "!a", "%a", "@a", "`a", "a\tb", "a\nb", "\x85", "\u2028", "ä", "a\\b", "=", "?"),
        *("${x}", ",", "2024-01-01", "\\", "\ufeffa"),
    ],
)
def test_scalars_are_read_back(text: str) -> None:
    for line in (f"key: {scalar(text)}", f"- {scalar(text)}"):
        document = yaml.load(line, yaml.BaseLoader)
        read = document["key"] if isinstance(document, dict) else document[0]
        assert "".join(map(str, parsed(read))) == text
