"""A job in pieces is the job: what stands in files that it includes is as if it stood in it."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.jobfile.load import check_file, load_job

PARTS = [
    ("peers", "one", {"host": "one.example.org", "port": "${var:PORT}"}),
    ("peers", "two", {"archive": "."}),
    ("peers", "three", {"host": "three", "port": 104, "tls": {"ca_files": ["ca.pem"]}}),
    ("profiles", "one", {"result_limit": "${var:PORT}"}),
    ("vars", "PORT", 11112),
    ("vars", "NAME", "A*"),
    ("key_sets", "study", {"StudyInstanceUID": None, "StudyDate": "20240101"}),
    ("key_sets", "patient", {"PatientName": "${var:NAME}", "PatientID": "${row.ID}"}),
]
QUERIES = {
    "q": {
        "peers": ["one", "two", "three"],
        "model": "study-root",
        "level": "STUDY",
        "foreach": {"values": {"ID": [1, 2]}},
        "use": ["study", "patient"],
        "keys": {"StudyDate": "20240102"},
    }
}


def document(parts):
    made = {}
    for section, name, value in parts:
        made.setdefault(section, {})[name] = value
    return made


@st.composite
def trees(draw):
    """In which file each part stands, 0 for the job; and which earlier file includes each of the others."""
    number = draw(st.integers(0, 4))
    where = [draw(st.integers(0, number)) for _ in PARTS]
    above = {file: draw(st.sets(st.integers(0, file - 1), min_size=1)) for file in range(1, number + 1)}
    return where, above


def write(folder, where, above):
    """Write job.yaml, which is file 0, and the files that it includes, and return its path."""
    for file in range(len(above) + 1):
        made = document(part for part, of in zip(PARTS, where, strict=True) if of == file)
        included = [f"{below}.yaml" for below, includers in above.items() if file in includers]
        if included:
            made["include"] = included
        if file == 0:
            made |= {"version": 1, "queries": QUERIES}
        name = "job.yaml" if file == 0 else f"{file}.yaml"
        Path(folder, name).write_text(yaml.safe_dump(made), encoding="utf-8")
    return Path(folder, "job.yaml")


def comparable(job):
    """A job without the order of its peers, and with what it sends."""
    queries = [replace(query, requests=tuple(query.requests)) for query in job.queries]
    return sorted(job.peers, key=lambda peer: peer.name), queries


@settings(max_examples=80)
@given(trees())
def test_a_job_in_pieces_is_the_job(tree):
    where, above = tree
    with TemporaryDirectory() as folder:
        job, problems = load_job(write(folder, where, above))
        assert job is not None, problems
        assert sorted(job.included) == [str(Path(folder, f"{file}.yaml")) for file in above]
        for file in set(where) - {0}:
            checked = check_file(Path(folder, f"{file}.yaml"))
            assert checked.is_fragment
            assert checked.is_valid, checked
        whole, _ = load_job(write(folder, [0] * len(PARTS), {}))
        assert whole is not None
        assert comparable(job) == comparable(whole)


@settings(max_examples=60)
@given(trees(), st.sampled_from(PARTS), st.data())
def test_a_name_in_two_files_is_refused_with_both_places(tree, part, data):
    where, above = tree
    with TemporaryDirectory() as folder:
        path = write(folder, where, above)
        at = where[PARTS.index(part)]
        others = [file for file in range(len(above) + 1) if file != at]
        if not others:
            return
        file = data.draw(st.sampled_from(others))
        second = Path(folder, "job.yaml" if file == 0 else f"{file}.yaml")
        made = yaml.safe_load(second.read_text(encoding="utf-8")) or {}
        made.setdefault(part[0], {})[part[1]] = part[2]
        second.write_text(yaml.safe_dump(made), encoding="utf-8")
        job, problems = load_job(path)
        assert job is None
        [conflict] = [problem for problem in problems if "stands at" in problem.what]
        first = Path(folder, "job.yaml" if at == 0 else f"{at}.yaml")
        named = {conflict.file, conflict.what.split(" stands at ")[1].split(".yaml:")[0] + ".yaml"}
        assert named == {str(first), str(second)}
