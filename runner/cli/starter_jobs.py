"""The jobs that `cfind init` writes, with comments for those who go on from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Starter:
    """A job to begin with.

    Attributes:
        summary: a line for the help.
        name: of the job, where it is not written to a file.
        queries: the job's text from `queries` on; {table} and {found} stand for files beside the job.
        vars: the members of `vars`, as text.
        table: what stands in the CSV file beside the job; "" where there is none.
    """

    summary: str
    name: str
    queries: str
    vars: str = ""
    table: str = ""


_STDOUT = """\

# Where the answers go. Also: {{type: csv, path: answers.csv}}, or {{type: rsp, directory: rsp}} for DICOM.
sinks:
  - {{type: stdout, format: csv}}   # or dump, json
"""

STARTERS: Mapping[str, Starter] = {
    "study": Starter(
        "studies of the last seven days (the default)",
        "studies",
        """\
queries:
  studies:
    model: study-root             # or patient-root, patient-study-only, worklist
    level: STUDY                  # an answer for each study; or SERIES, IMAGE
    keys:
      # What has a value is matched, what is empty is returned.
      StudyDate: ${{today-7d}}-     # from then on; or 20240101-20240131
      PatientName:                # DOE* begins with DOE
      PatientID:
      AccessionNumber:
      StudyDescription:
      ModalitiesInStudy:
      StudyInstanceUID:
"""
        + _STDOUT,
    ),
    "patient": Starter(
        "patients by their names",
        "patients",
        """\
queries:
  patients:
    model: patient-root
    level: PATIENT                # an answer for each patient; or STUDY, SERIES, IMAGE
    keys:
      # What has a value is matched, what is empty is returned.
      PatientName: D*             # begins with D; ? stands for one character
      PatientID:
      PatientBirthDate:
      PatientSex:
"""
        + _STDOUT,
    ),
    "series": Starter(
        "the series of one study",
        "series",
        """\
queries:
  series:
    model: study-root
    level: SERIES                 # an answer for each series of the study
    keys:
      # What has a value is matched, what is empty is returned.
      StudyInstanceUID: ${{var:STUDY}}
      Modality:                   # CT for series of CT only
      SeriesNumber:
      SeriesDescription:
      SeriesInstanceUID:
"""
        + _STDOUT,
        vars="""\
# cfind run --var STUDY=1.2.840.… asks for another study.
vars:
  STUDY: 1.2.3.4                  # its Study Instance UID
""",
    ),
    "worklist": Starter(
        "what is scheduled today (modality worklist)",
        "worklist",
        """\
queries:
  scheduled:
    model: worklist               # which has no levels
    keys:
      # What has a value is matched, what is empty is returned.
      PatientName:
      PatientID:
      AccessionNumber:
      RequestedProcedureDescription:
      ScheduledProcedureStepSequence:   # a sequence: each item begins with a dash
        - Modality: CT
          ScheduledProcedureStepStartDate: ${{today}}
          ScheduledProcedureStepStartTime:
          ScheduledStationAETitle:
          ScheduledProcedureStepDescription:
"""
        + _STDOUT,
    ),
    "cohort": Starter(
        "the studies of the patients in a table, which is written too",
        "cohort",
        """\
queries:
  studies:
    model: study-root
    level: STUDY
    foreach:
      csv: {table}
      delimiter: ","              # or ";", or "\\t" for a tab
    keys:
      # A cell that is empty matches anything; keys that are empty are returned.
      PatientID: ${{row.PatientID}}
      StudyDate: ${{row.From}}-     # from then on
      PatientName:
      StudyDescription:
      ModalitiesInStudy:
      StudyInstanceUID:

# Where the answers go, besides: {{type: stdout, format: csv}}
sinks:
  - {{type: csv, path: {found}}}
""",
        table="PatientID,From\nDEMO001,20240101\nDEMO002,20230101\n",
    ),
}
