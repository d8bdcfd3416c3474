"""What `cfind init` writes runs, once its peer is one that answers."""

from __future__ import annotations

import pytest
from pydicom import dcmread

from acceptance.command import ROOT, Cfind

#: A variant, the present at which it finds something in the demo archive, and what is changed in it for that.
VARIANTS = [
    ("study", "2024-01-17T12:00:00+00:00", ("", "")),
    ("patient", "2024-01-17T12:00:00+00:00", ("D*", "E*")),
    ("series", "2024-01-17T12:00:00+00:00", ("1.2.3.4", "{study}")),
    ("worklist", "2024-06-03T12:00:00+00:00", ("Modality: CT", "Modality: MR")),
    ("cohort", "2024-01-17T12:00:00+00:00", ("", "")),
]


@pytest.mark.parametrize(("name", "now", "change"), VARIANTS, ids=[name for name, _, _ in VARIANTS])
def test_it_finds_something(cfind: Cfind, name: str, now: str, change: tuple[str, str]) -> None:
    status, _, stderr = cfind("init", f"--{name}", "job.yaml")
    assert status == 0, stderr
    path = cfind.folder / "job.yaml"
    text = path.read_text("utf-8")
    assert text.count("    host: ") == 1
    before, _, after = text.partition("    host: ")
    after = after.partition("\n")[2].partition("\n")[2]  # its port too
    archive = ROOT / "jobs" / "demo-archive"
    study = dcmread(archive / "DEMO001" / "01-CT1-1.dcm").StudyInstanceUID
    assert change[0] in after
    after = after.replace(change[0], change[1].format(study=study), 1)
    path.write_text(f"{before}    archive: {archive}\n{after}", "utf-8")
    report = cfind.folder / "report.json"
    status, _, stderr = cfind("run", path, "--now", now, "--report", report)
    assert (status, "warning" in stderr) == (0, False), stderr
    document = Cfind.checked_report(report)
    assert document["verdict"] == "complete"
    assert document["responses"] > 0
