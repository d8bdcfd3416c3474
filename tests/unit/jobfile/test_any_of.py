"""`any_of`: several values of a key, each in a request of its own, made one by one."""

import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from runner.jobfile.clock import Clock
from runner.jobfile.load import load_job
from runner.plan import operations, planned

ROOT = Path(__file__).parents[3]
#: What is asked for counts, not what a peer makes of it.
SILENCE = "lint: {ignore: [key-not-in-worklist, key-misplaced, empty-cell, name-of-one-component]}\n"


def load(tmp_path, query, **options):
    path = tmp_path / "job.yaml"
    text = f"version: 1\npeers: {{p: {{host: localhost, port: 104}}}}\nqueries:\n  q: {query}\n" + SILENCE
    path.write_text(text, encoding="utf-8")
    clock = Clock.at("2024-03-10T12:00:00Z")
    job, problems = load_job(path, clock=clock, **options)
    return job, [f"{problem.severity.value}: {problem.what}" for problem in problems]


def made(tmp_path, query):
    job, problems = load(tmp_path, query)
    assert problems == []
    requests = list(job.queries[0].requests)
    assert job.queries[0].operations_per_peer == len(requests)
    return [[element.value for element in request.identifier] for request in requests]


def test_each_value_is_asked_for_alone(tmp_path):
    assert made(tmp_path, "{model: worklist, keys: {Modality: {any_of: [CT, MR]}, PatientID: }}") == [
        ["CT", ""],
        ["MR", ""],
    ]


def test_several_keys_are_asked_for_in_every_combination(tmp_path):
    keys = "{Modality: {any_of: [CT, MR]}, PatientName: {any_of: [A*, null, B*]}}"
    job, _ = load(tmp_path, f"{{model: worklist, keys: {keys}}}")
    found = {request.source: [e.value for e in request.identifier] for request in job.queries[0].requests}
    assert found == {
        "Modality 1 of 2, PatientName 1 of 3": ["CT", "A*"],
        "Modality 1 of 2, PatientName 2 of 3": ["CT", ""],
        "Modality 1 of 2, PatientName 3 of 3": ["CT", "B*"],
        "Modality 2 of 2, PatientName 1 of 3": ["MR", "A*"],
        "Modality 2 of 2, PatientName 2 of 3": ["MR", ""],
        "Modality 2 of 2, PatientName 3 of 3": ["MR", "B*"],
    }
    assert planned(job) == 6


def test_uids_are_one_list(tmp_path):
    for uids, expected in (
        ("[1.2.3, 1.2.4]", [["1.2.3\\1.2.4"]]),
        ("[1.2.3]", [["1.2.3"]]),
        ("[1.2.3, null, 1.2.4]", [["1.2.3\\1.2.4"], [""]]),
    ):
        assert (
            made(tmp_path, f"{{model: worklist, keys: {{StudyInstanceUID: {{any_of: {uids}}}}}}}") == expected
        )
    rows = "foreach: {values: {U: [1.2, 1.3]}}"
    keys = "{StudyInstanceUID: {any_of: ['${row.U}', 1.2.3]}}"
    assert made(tmp_path, f"{{model: worklist, {rows}, keys: {keys}}}") == [["1.2\\1.2.3"], ["1.3\\1.2.3"]]


def test_items_of_sequences_have_them_too(tmp_path):
    keys = "{ScheduledProcedureStepSequence: [{Modality: {any_of: [CT, MR]}, ScheduledStationAETitle: A}]}"
    job, problems = load(tmp_path, f"{{model: worklist, keys: {keys}}}")
    assert problems == []
    requests = list(job.queries[0].requests)
    items = [[e.value for e in request.identifier[0].value[0]] for request in requests]
    assert items == [["CT", "A"], ["MR", "A"]]
    assert requests[1].source == "ScheduledProcedureStepSequence.0.Modality 2 of 2"


def test_with_rows_each_row_has_all_of_them(tmp_path):
    query = (
        "{model: worklist, foreach: {values: {M: [CT, US]}}, "
        "keys: {Modality: {any_of: ['${row.M}', CT, MR]}, StudyDate: {any_of: [{on: today}, '2024*']}}}"
    )
    job, problems = load(tmp_path, query.replace("'2024*'", "20240101-"))
    assert problems == []
    requests = [
        (request.source, [e.value for e in request.identifier]) for request in job.queries[0].requests
    ]
    assert len(requests) == job.queries[0].operations_per_peer == 4 + 6
    assert requests[0] == ("row 1, Modality 1 of 2, StudyDate 1 of 2", ["20240310", "CT"])
    assert {tuple(values) for _, values in requests[:4]} == {
        (date, modality) for date in ("20240310", "20240101-") for modality in ("CT", "MR")
    }
    unchecked, _ = load(tmp_path, query.replace("'2024*'", "20240101-"), check_rows=False)
    assert unchecked.queries[0].operations_per_peer == 10


def test_the_same_value_is_asked_for_once_with_a_warning(tmp_path):
    job, problems = load(tmp_path, "{model: worklist, keys: {Modality: {any_of: [CT, MR, CT]}}}")
    assert problems == ["warning: any_of has this value a second time; it is asked for once"]
    assert len(list(job.queries[0].requests)) == 2


def test_a_single_value_is_no_alternative(tmp_path):
    job, _ = load(tmp_path, "{model: worklist, keys: {Modality: {any_of: [CT]}}}")
    [request] = job.queries[0].requests
    assert (request.source, request.identifier[0].value) == ("", "CT")


def test_query_files_are_sent_with_each_value(tmp_path):
    (tmp_path / "a.dump").write_text("(0008,0052) CS [STUDY]\n(0010,0020) LO [1]\n")
    query = "{model: study-root, files: [a.dump], keys: {StudyDescription: {any_of: [CT*, MR*]}}}"
    job, problems = load(tmp_path, query)
    assert problems == []
    sources = [request.source for request in job.queries[0].requests]
    assert sources == ["a.dump, StudyDescription 1 of 2", "a.dump, StudyDescription 2 of 2"]


def test_texts_beyond_ascii_declare_their_character_set(tmp_path):
    job, problems = load(tmp_path, "{model: worklist, keys: {PatientName: {any_of: [Müller, Meier]}}}")
    assert problems == []
    tags = [[element.tag for element in request.identifier] for request in job.queries[0].requests]
    assert tags == [[0x00080005, 0x00100010], [0x00080005, 0x00100010]]


def test_combinations_are_not_kept(tmp_path):
    keys = ("PatientID", "StudyID", "AccessionNumber", "PatientName", "StudyDescription", "AdmissionID")
    values = ", ".join(f"{key}: {{any_of: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}}" for key in keys)
    job, problems = load(tmp_path, f"{{model: worklist, keys: {{{values}}}}}")
    assert problems == []
    assert planned(job) == 1_000_000
    begun = time.process_time()
    first = list(islice(operations(job), 3))
    assert time.process_time() - begun < 0.5
    assert first[2].source == ", ".join(f"{key} {3 if key == keys[-1] else 1} of 10" for key in keys)


def rows_file(tmp_path, rows):
    with (tmp_path / "cohort.csv").open("w") as stream:
        stream.write("MRN,Date\n")
        stream.writelines(f"M{number:07d},2024-01-{number % 28 + 1:02d}\n" for number in range(rows))
    (tmp_path / "job.yaml").write_text(
        "version: 1\npeers: {p: {host: localhost, port: 104}}\nqueries:\n"
        "  q: {model: worklist, foreach: {csv: cohort.csv}, keys: {PatientID: '${row.MRN}',"
        " StudyDate: {from: '${row.Date}', to: today}, Modality: {any_of: [CT, MR]}}}\n" + SILENCE
    )
    return tmp_path / "job.yaml"


def test_the_first_operation_of_many_rows_comes_at_once_and_rows_are_not_kept(tmp_path):
    (tmp_path / "few").mkdir()
    few, many = rows_file(tmp_path / "few", 3), rows_file(tmp_path, 100_000)
    code = (
        "import sys, time, tracemalloc\n"
        "from itertools import islice\n"
        "from pathlib import Path\n"
        "from runner.jobfile.load import load_job\n"
        "from runner.plan import operations\n"
        "def first(path):\n"
        "    made = operations(load_job(Path(path), check_rows=False)[0])\n"
        "    return next(made), made\n"
        "first(sys.argv[1])\n"  # what is imported and remembered once does not count
        "begun = time.process_time()\n"
        "first(sys.argv[2])\n"
        "took = time.process_time() - begun\n"
        "tracemalloc.start()\n"
        "operation, made = first(sys.argv[2])\n"
        "tracemalloc.reset_peak()\n"  # a job file is read into a buffer of the length that it may have
        "count = sum(1 for _ in islice(made, 5_000))\n"
        "print(operation.source, count, took < 0.5, tracemalloc.get_traced_memory()[1] < 3_000_000)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(few), str(many)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert done.stdout == "cohort.csv:2, Modality 1 of 2 5000 True True\n"


@pytest.mark.parametrize("check_rows", [True, False])
def test_all_rows_are_counted(tmp_path, check_rows):
    job, problems = load_job(rows_file(tmp_path, 500), check_rows=check_rows)
    assert problems == []
    assert planned(job) == 1000
