"""Files and folders: what is read, found and refused before any YAML is looked at."""

import sys
from pathlib import Path

import pytest
import yaml

from runner.dicom.dictionary import STANDARD
from runner.errors import InvalidJobError
from runner.jobfile import source
from runner.jobfile.load import find_job_files, load_job
from runner.jobfile.problem import Severity
from runner.jobfile.section import MAX_GUESSES

JOB = """version: 1
peers: {a: {host: localhost, port: 104}}
queries: {q: {model: worklist, keys: {PatientID: }}}
lint: {ignore: [empty-query]}
"""


def said(path: Path) -> list[str]:
    job, problems = load_job(path)
    assert job is None
    return [str(problem).replace(str(path), "FILE") for problem in problems]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_with_a_mark(tmp_path, encoding):
    path = tmp_path / "job.yaml"
    path.write_bytes((JOB + "description: 頭蓋骨\n").encode(encoding))
    job, problems = load_job(path)
    assert problems == []
    assert job is not None
    assert job.description == "頭蓋骨"


def test_big_endian_utf_16(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_bytes(b"\xfe\xff" + JOB.encode("utf-16-be"))
    assert load_job(path)[1] == []


def test_the_place_of_a_byte_that_is_not_utf_8(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_bytes(b"version: 1\r\nname: \xc3\xa4\xe4\n")
    assert said(path) == ["FILE:2:8: the byte 0xe4 is not UTF-8; save the file as UTF-8"]


def test_files_that_cannot_be_read(tmp_path):
    assert said(tmp_path / "none.yaml") == [
        "FILE: the job file cannot be read: No such file or directory; check the path and the permissions"
    ]
    assert said(tmp_path) == ["FILE: the job file cannot be read: Is a directory; name the job file itself"]
    assert "cannot be read" in said(Path("a\0b"))[0]


def test_a_file_without_end_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MAX_LENGTH", 1 << 20)
    path = tmp_path / "job.yaml"
    path.write_bytes(b"#" * ((1 << 20) + 1))
    assert said(path) == ["FILE: the job file is longer than 1 MiB; put less into it"]


def test_nothing_is_executed(tmp_path):
    path, trace = tmp_path / "job.yaml", tmp_path / "trace"
    for tag in ("!!python/object/apply:os.mkdir", "!!python/object/new:os.mkdir", "!!python/name:os.mkdir"):
        path.write_text(f"{JOB}name: {tag} ['{trace}']\n", encoding="utf-8")
        assert any("is not taken" in line for line in said(path))
    assert not trace.exists()


def test_deep_nesting_below_the_bound_needs_no_deep_stack(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text(
        JOB.replace("PatientID: ", "ReferencedStudySequence: " + "[" * 55 + "]" * 55), encoding="utf-8"
    )
    assert any("must be a text or a mapping" in line for line in said(path))
    nested = "[{ReferencedStudySequence: " * 28 + "x" + "}]" * 28
    path.write_text(JOB.replace("PatientID: ", f"ReferencedStudySequence: {nested}"), encoding="utf-8")
    assert len(said(path)) == 1
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    limit = sys.getrecursionlimit()
    path.write_text(JOB.replace("PatientID: ", f"ReferencedStudySequence: {nested.replace('x', '[[y]]')}"))
    try:
        sys.setrecursionlimit(depth + 900)
        assert len(said(path)) == 1
    finally:
        sys.setrecursionlimit(limit)


def test_a_query_without_a_peer_goes_to_the_only_one(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text(JOB, encoding="utf-8")
    job, _ = load_job(path)
    assert job is not None
    assert job.queries[0].peers == ("a",)


def test_folders_are_searched_in_order(tmp_path):
    for name in (
        "b.yaml",
        "a.yml",
        "sub/c.yaml",
        "a-sub/d.yaml",
        "no.txt",
        ".hidden.yaml",
        ".git/e.yaml",
        "z.yaml/f.yml",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    found = [str(path.relative_to(tmp_path)) for path in find_job_files([tmp_path])]
    assert found == ["a.yml", "b.yaml", "a-sub/d.yaml", "sub/c.yaml", "z.yaml/f.yml"]


def test_files_are_taken_as_named_and_once(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("", encoding="utf-8")
    other = tmp_path / "job.txt"
    assert find_job_files([other, path, tmp_path, path]) == [other, path]


def test_a_folder_without_jobs(tmp_path):
    with pytest.raises(InvalidJobError, match="no job files"):
        find_job_files([tmp_path])


def test_links_in_a_circle(tmp_path):
    (tmp_path / "a.yaml").write_text("", encoding="utf-8")
    (tmp_path / "again").symlink_to(tmp_path)
    assert find_job_files([tmp_path]) == [tmp_path / "a.yaml"]


@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader])
def test_every_character_that_the_parsers_refuse_is_found_with_its_place(tmp_path, loader):
    path = tmp_path / "job.yaml"
    edges = [0x0, 0x8, 0xB, 0x1F, 0x7E, 0x7F, 0x80, 0x84, 0x85, 0x86, 0x9F, 0xA0, 0xD7FF, 0xE000]
    for code in (*edges, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x1FFFF, 0x10FFFF):
        text = f"a: 'x{chr(code)}y'"
        try:
            list(yaml.parse(text, Loader=loader))
            legal = True
        except yaml.reader.ReaderError:
            legal = False
        path.write_text(text, encoding="utf-8")
        read = source.read_text(path)
        assert isinstance(read, str) == legal, hex(code)
        if not legal:
            assert (read.line, read.column) == (1, 6)


def test_many_mistakes_are_found_in_reasonable_time(tmp_path, monkeypatch):
    looked_up = []
    suggest = STANDARD.suggest
    monkeypatch.setattr(type(STANDARD), "suggest", lambda _, name: looked_up.append(name) or suggest(name))
    keys = ", ".join(f"Fuh{number}: x" for number in range(1000))
    path = tmp_path / "job.yaml"
    path.write_text(JOB.replace("PatientID: ", f"StudyDat: , {keys}"), encoding="utf-8")
    problems = said(path)
    assert len(problems) == 1001
    assert problems[0].endswith("did you mean StudyDate?")
    assert len(looked_up) == MAX_GUESSES


def test_a_warning_does_not_hide_what_cannot_be_sent(tmp_path):
    path = tmp_path / "job.yaml"
    uids = ", ".join(["1.2.826.0.1.3680043.10.54321.99999999999999999999"] * 1500)
    keys = f"'(0009,1001)': {{vr: LO, value: x}}, StudyInstanceUID: [{uids}]"
    path.write_text(JOB.replace("PatientID: ", keys), encoding="utf-8")
    warning, problem = load_job(path)[1][::-1]
    assert (warning.severity, problem.severity) == (Severity.WARNING, Severity.ERROR)
    assert "cannot be sent: (0020,000d)" in problem.what


def test_a_warning_alone_leaves_the_job_valid(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text(JOB.replace("PatientID: ", "'(0009,1001)': "), encoding="utf-8")
    job, [problem] = load_job(path)
    assert job is not None
    assert problem.severity is Severity.WARNING
    assert problem.advice.startswith("""write '(0009,"CREATOR",01)'""")


def test_names_that_are_too_long_for_a_file_are_said_to_be(tmp_path):
    name = "x" * 5000
    assert find_job_files([tmp_path / name]) == [tmp_path / name]
    [problem] = load_job(tmp_path / name)[1]
    assert "File name too long" in problem.what
    path = tmp_path / "job.yaml"
    query = f"{{model: study-root, level: STUDY, files: [{name}], foreach: {{csv: {name}}}}}"
    path.write_text(f"version: 1\npeers: {{main: {{archive: {name}}}}}\nqueries: {{q: {query}}}\n", "utf-8")
    places = [problem.path for problem in load_job(path)[1]]
    assert places == ["peers.main.archive", "queries.q.files[0]", "queries.q.foreach.csv"]
