"""A command line of findscu, made a job and made a command line again, means the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.dicom.encoding import encode
from runner.dicom.transfer_syntax import TransferSyntax
from runner.findscu.command_line import parse
from runner.findscu.job import job_of
from runner.findscu.options import OPTIONS, Kind, Option, Value
from runner.findscu.way_back import equivalents
from runner.model import Job
from runner.plan import operations

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
#: A shell can give bytes that are not UTF-8, too.
RAW_TEXT = st.binary(max_size=8).map(lambda data: os.fsdecode(data.replace(b"\0", b"")))
VALUES = {
    "0010,0010": TEXT | RAW_TEXT,
    "0008,0005": st.sampled_from(["", "ISO_IR 100", "ISO_IR 192", "\\ISO 2022 IR 87", "rubbish"]),
    "0008,0052": st.sampled_from(["STUDY", "PATIENT", "SERIES", "IMAGE", "", "x"]),
    "0020,000d": st.sampled_from(["", "1.2", "1.2.3", "1.2\\1.3"]),
    "0028,0010": st.lists(st.integers(0, 65535), max_size=3).map(lambda n: "\\".join(map(str, n))),
    "0018,9087": st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.just(""),
    "0028,0009": st.sampled_from(["", "(0018,1063)", "0018,1063\\(0018,106A)"]),
    "0028,1201": st.lists(st.integers(0, 65535), max_size=3).map(lambda n: "\\".join(f"{w:x}" for w in n)),
    "0011,1001": st.lists(st.integers(0, 255), max_size=3).map(lambda n: "\\".join(f"{b:x}" for b in n)),
    "0009,0010": st.sampled_from(["ACME", ""]),
    "0040,a160": TEXT,
    "0040,0100": st.just(""),
    "(0040,0100)[0].Modality": st.sampled_from(["CT", ""]),
    "(0040,0100)[2].(0040,0008)[0].CodeValue": st.sampled_from(["X", " y "]),
    "(0040,0100)[1]": st.just(""),
    "PatientsSex": st.sampled_from(["F", ""]),
    "StudyDate": st.sampled_from(["20240101-", "nonsense"]),
}


@st.composite
def keys(draw: st.DrawFn) -> list[str]:
    chosen = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=8))
    words = []
    for name in chosen:
        value = draw(VALUES[name])
        words += ["-k", f"{name}={value}" if value else name]
    return words


def value_of(value: Value) -> st.SearchStrategy[str]:
    if value.kind is Kind.INTEGER:
        return st.integers(max(value.minimum, 0), value.maximum or 100_000).map(str)
    if value.kind is Kind.CHOICE:
        return st.sampled_from(value.choices)
    return st.sampled_from(["A", "B C", "name.pem"])


USABLE = [
    option
    for option in OPTIONS
    if option.long
    not in ("--help", "--version", "--list-ciphers", "--list-profiles", "--key", "--use-passwd")
    and not option.refuses
]


@st.composite
def option_words(draw: st.DrawFn) -> list[str]:
    words: list[str] = []
    for option in draw(st.lists(st.sampled_from(USABLE), max_size=6)):
        for needed in dict.fromkeys((*option.requires[:1], *option.newer_requires[:1])):
            words += {"--enable-tls": ["+tls", "k", "c"], "--seed": ["+rs", "s"]}.get(needed, [needed])
        words += [draw(st.sampled_from(option.names)), *(draw(value_of(value)) for value in option.values)]
    return words


def wire(job: Job) -> list[object]:
    """All of a job that can be seen from outside."""
    (peer,) = job.peers
    sent = [
        (
            [encode(operation.identifier, syntax) for syntax in TransferSyntax if not syntax.deflated],
            operation.model,
            operation.query.cancel_after,
        )
        # one request: walking all of its repetitions takes longer than hypothesis allows
        for operation in takewhile(lambda operation: operation.repetition < 3, operations(job))
    ]
    return [peer, sent, job.queries[0].repeat, job.sinks]


@given(option_words(), keys())
def test_argv_to_job_to_argv(options: list[str], key_words: list[str]) -> None:
    from runner.errors import UsageError

    try:
        job = job_of(parse([*options, *key_words, "pacs", "104"], {}))
    except UsageError:
        # an option that an other one overrides cannot be what a third needs
        return
    (equivalent,) = equivalents(job)
    assert equivalent.argv is not None
    assert not equivalent.notes
    assert wire(job_of(parse(equivalent.argv, {}))) == wire(job)


def test_refusals_are_rare() -> None:
    """The property above holds of something: each option by itself makes a job."""
    for option in USABLE:
        assert _alone(option) is not None


def _alone(option: Option) -> Job:
    words: list[str] = []
    for needed in dict.fromkeys((*option.requires[:1], *option.newer_requires[:1])):
        words += {"--enable-tls": ["+tls", "k", "c"], "--seed": ["+rs", "s"]}.get(needed, [needed])
    values = [
        "5000" if v.kind is Kind.INTEGER and v.minimum > 1000 else v.choices[0] if v.choices else "5"
        for v in option.values
    ]
    return job_of(parse([*words, option.long, *values, "-k", "0010,0010", "pacs", "104"], {}))


@pytest.mark.parametrize("name", ["study-root", "patient-root", "worklist", "several-peers", "demo"])
def test_plan_as_findscu(name: str) -> None:
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-m", "runner", "plan", "--as", "findscu", "--format", "json", f"jobs/{name}.yaml"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    plan = subprocess.run(
        [sys.executable, "-m", "runner", "plan", "--format", "json", f"jobs/{name}.yaml"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    planned = [o for o in json.loads(plan.stdout)["operations"] if o["repetition"] == 1]
    assert [(line["query"], line["peer"]) for line in lines] == [(o["query"], o["peer"]) for o in planned]
    for line, operation in zip(lines, planned, strict=True):
        if line["argv"] is None:
            assert line["no_equivalent"] == ["an embedded archive"]
            continue
        job = job_of(parse(line["argv"], {}))
        assert job.queries[0].model.value == operation["model"]
        assert {f"{e.tag:08X}" for e in job.queries[0].requests[0].identifier} == set(operation["identifier"])
