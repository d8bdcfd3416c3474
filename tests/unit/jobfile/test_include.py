"""Included files: what they add, where their problems are, and what they may not do."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runner.cli.main import main
from runner.jobfile import include
from runner.jobfile.load import check_file, load_job

ROOT = Path(__file__).parents[3]
VALID = ROOT / "tests" / "jobs" / "valid"
QUERY = (
    "queries: {q: {peer: main, model: study-root, level: STUDY, "
    "keys: {StudyInstanceUID: , PatientName: A*}}}\n"
)
MAIN = "peers: {main: {host: pacs.example.org, port: 104}}\n"


def write(folder: Path, **files: str) -> Path:
    """Write files NAME.yaml, `__` for a folder's slash; the first is returned."""
    paths = []
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths[0]


def said(path: Path) -> list[str]:
    return [str(problem).replace(f"{path.parent}/", "") for problem in load_job(path)[1]]


def test_what_is_included_comes_before_the_jobs_own():
    job, problems = load_job(VALID / "include.yaml")
    assert problems == []
    assert job is not None
    assert [peer.name for peer in job.peers] == ["main", "local", "own"]
    assert job.peers[0].port == 2762
    shared = VALID / "shared"
    names = ("peers.yaml", "site/ports.yaml", "key-sets.yaml")
    assert job.included == tuple(str(shared / name) for name in names)


def test_paths_are_relative_to_the_file_that_they_stand_in():
    job, _ = load_job(VALID / "include.yaml")
    assert job is not None
    main, local, own = job.peers
    assert main.tls is not None
    assert main.tls.ca_files == (VALID / "shared" / "ca.pem",)
    assert (main.tls.key, main.tls.certificate) == (
        VALID / "shared" / "client.key",
        VALID / "shared" / "client.pem",
    )
    assert main.tls.password.value == str(VALID / "shared" / "password.txt")
    assert (local.archive, own.archive) == (VALID / "shared" / "site", VALID / "shared")


def test_one_file_may_be_named_without_a_list_and_needs_no_version(tmp_path):
    job, problems = load_job(write(tmp_path, job=f"version: 1\ninclude: peers.yaml\n{QUERY}", peers=MAIN))
    assert problems == []
    assert job is not None
    assert job.included == (str(tmp_path / "peers.yaml"),)


def test_a_file_included_in_two_ways_is_no_conflict(tmp_path):
    (tmp_path / "link.yaml").symlink_to(tmp_path / "main.yaml")
    job, problems = load_job(
        write(
            tmp_path,
            job=f"version: 1\ninclude: [a.yaml, b.yaml, link.yaml]\n{QUERY}",
            a="include: main.yaml",
            b="include: ./main.yaml",
            main=MAIN,
        )
    )
    assert problems == []
    assert job is not None
    assert len(job.included) == 3


def test_an_alias_may_stand_for_parts_of_its_own_file(tmp_path):
    peers = "peers:\n  main: &main {host: a, port: 1}\n  other: {<<: *main, port: x}\n"
    path = write(tmp_path, job=f"version: 1\ninclude: peers.yaml\n{QUERY}", peers=peers)
    assert said(path)[0].startswith("peers.yaml:3:28: peers.other.port: this must be a whole number")


@pytest.mark.parametrize(
    ("peers", "expected"),
    [
        ("peers: {main: {host: a, port: x}}", 2),
        ("peers: {main: {host: a, port: '${var:NO}'}}", 2),
        ("peers: {main: {host: a/b, port: 1}}", 2),
        ("peers: {main: {archive: nowhere}}", 2),
        ("peers: {main: {host: a, port: 1}}\nvars: {A B: 1}", 3),
        ("key_sets: {s: {PatientNam: }}", 2),
        ("a: 'b' c", 2),
        ("peers: {main: {host: a, port: 1, tls: {ciphers: [NONE]}}}", 2),
        ("queries: {}", 2),
    ],
)
def test_a_problem_of_any_kind_is_where_it_is_written(tmp_path, capsys, peers, expected):
    path = write(tmp_path, job=f"version: 1\ninclude: a/peers.yaml\n{QUERY}", a__peers=f"# a\n{peers}\n")
    problems = load_job(path)[1]
    [line] = {problem.line for problem in problems if problem.file == str(tmp_path / "a" / "peers.yaml")}
    assert line == expected
    for format_ in ("text", "json", "github"):
        assert main(["validate", "--format", format_, str(path)]) == 3
        shown = capsys.readouterr().out
        if format_ == "json":
            found = json.loads(shown)["problems"]
            assert (f"{tmp_path}/a/peers.yaml", line) in {(one["file"], one["line"]) for one in found}
        else:
            start = f"::error file={tmp_path}/a/peers.yaml,line={line}," if format_ == "github" else ""
            assert (start or f"{tmp_path}/a/peers.yaml:{line}:") in shown


def test_problems_stand_in_the_order_of_the_files(tmp_path):
    path = write(
        tmp_path,
        job="version: 1\ninclude: [b.yaml, a.yaml]\nqueries: {q: {model: x}}\n",
        b="peers: {main: {port: 1}}\n",
        a="peers: {other: {port: 1}}\nvars: {'1': a}\n",
    )
    files = [problem.file.rsplit("/", 1)[1] for problem in load_job(path)[1]]
    assert sorted(set(files), key=files.index) == ["job.yaml", "b.yaml", "a.yaml"]
    assert files == sorted(files, key=["job.yaml", "b.yaml", "a.yaml"].index)


def test_a_var_of_the_command_line_replaces_one_that_is_included(tmp_path):
    path = write(
        tmp_path,
        job=f"version: 1\ninclude: peers.yaml\n{QUERY}",
        peers="vars: {PORT: }\npeers: {main: {host: a, port: '${var:PORT}'}}\n",
    )
    assert said(path) == [
        "peers.yaml:2:31: peers.main.port: the variable 'PORT' has no value; "
        "give it with --var PORT=VALUE, or under 'vars'"
    ]
    job, problems = load_job(path, {"PORT": "11112"})
    assert problems == []
    assert job is not None
    assert job.peers[0].port == 11112


def test_nesting_and_numbers_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(include, "MAX_DEPTH", 2)
    chain = {f"f{number}": f"include: f{number + 1}.yaml\n" for number in range(3)}
    path = write(tmp_path, job=f"version: 1\ninclude: f0.yaml\n{QUERY}", **chain, f3=MAIN)
    assert said(path) == [
        "f1.yaml:1:10: include: files include each other more than 2 deep; include the file further up"
    ]
    monkeypatch.setattr(include, "MAX_FILES", 1)
    path = write(tmp_path, job=f"version: 1\ninclude: [f2.yaml, f3.yaml]\n{QUERY}", f2="vars: {A: 1}")
    assert said(path) == ["job.yaml:2:20: include[1]: more than 1 files are included; put several into one"]


def test_a_file_of_another_encoding_is_refused_in_its_own_name(tmp_path):
    path = write(tmp_path, job=f"version: 1\ninclude: peers.yaml\n{QUERY}", peers="")
    (tmp_path / "peers.yaml").write_bytes(b"vars: {A: M\xfcller}\n")
    assert said(path) == ["peers.yaml:1:12: the byte 0xfc is not UTF-8; save the file as UTF-8"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("x" * 5000, "there is no such file"),
        ("/dev/zero", "this is no file"),
        (".", "this is no file"),
        ("loop.yaml", "this is no file"),
        ("a\\0b", "the text holds the character U\\+0000"),
        ("https://example.org/peers.yaml", "there is no such file"),
    ],
)
def test_what_cannot_be_a_file_is_refused(tmp_path, name, what):
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    path = write(tmp_path, job=f'version: 1\ninclude: "{name}"\n{QUERY}')
    assert re.match(f"job.yaml:2:10: include: {what}", said(path)[0])


def test_a_circle_by_another_name_is_one(tmp_path):
    (tmp_path / "me.yaml").symlink_to("job.yaml")
    path = write(tmp_path, job=f"version: 1\ninclude: me.yaml\n{QUERY}")
    assert said(path) == [
        "job.yaml:2:10: include: the files include each other in a circle: job.yaml -> me.yaml; "
        "take this one out"
    ]


def test_a_name_of_a_file_cannot_steer_the_terminal(tmp_path):
    path = write(tmp_path, job=f'version: 1\ninclude: "a\\x1b[2J.yaml"\n{QUERY}')
    assert all(str(problem).isprintable() for problem in load_job(path)[1])
    path = write(
        tmp_path, job=f'version: 1\ninclude: ["ä\u202eb.yaml", c.yaml]\n{QUERY}', **{"ä\u202eb": MAIN}, c=MAIN
    )
    assert len(load_job(path)[1]) == 1
    assert all(str(problem).isprintable() for problem in load_job(path)[1])


# --- validate: files that are for jobs to include --------------------------------------------------------


def test_a_folder_may_hold_files_to_include(tmp_path, capsys):
    write(
        tmp_path,
        job=f"version: 1\ninclude: shared/peers.yaml\nvars: {{PORT: 104}}\n{QUERY}",
        shared__peers="peers: {main: {host: a, port: '${var:PORT}'}}\nkey_sets: {s: {PatientID: '${row.X}'}}",
    )
    assert main(["validate", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 job file, 1 included file: valid\n"


def test_a_file_to_include_is_checked_by_itself(tmp_path, capsys):
    path = write(tmp_path, peers="version: 1\nvars: {A: }\npeers: {main: {host: '${var:A}', prt: 1}}\n")
    assert main(["validate", str(path), "--var", "NOT=declared"]) == 3
    shown = capsys.readouterr().out.replace(f"{tmp_path}/", "")
    assert shown == (
        "peers.yaml:3:9: peers.main: the key 'port' is missing; add it: 104 and 11112 are usual\n"
        "peers.yaml:3:34: peers.main.prt: the key 'prt' is not known; did you mean 'port'?\n"
        "1 included file: 1 invalid, 2 errors\n"
    )


def test_a_problem_of_an_included_file_is_told_once(tmp_path, capsys):
    write(
        tmp_path,
        a=f"version: 1\ninclude: peers.yaml\n{QUERY}",
        b=f"version: 1\ninclude: ./peers.yaml\n{QUERY}",
        peers="peers: {main: {host: a/b, port: 1}}\n",
    )
    assert main(["validate", str(tmp_path)]) == 3
    shown = capsys.readouterr().out
    assert shown.count("is no host name") == 1
    assert shown.endswith("2 job files, 1 included file: 3 invalid, 1 error\n")


def test_what_has_no_queries_is_no_job(tmp_path, capsys):
    path = write(tmp_path, peers=f"version: 1\n{MAIN}")
    assert main(["run", str(path)]) == 3
    assert "the key 'queries' is missing" in capsys.readouterr().err
    assert check_file(path).is_fragment
    for text in (f"version: 1\nname: x\n{MAIN}", f"version: 1\nsinks: []\n{MAIN}", "version: 1\n"):
        assert not check_file(write(tmp_path, job=text)).is_fragment


def test_a_file_to_include_may_include_what_is_not_there(tmp_path):
    checked = check_file(write(tmp_path, peers="include: gone.yaml\n"))
    assert checked.is_fragment
    assert not checked.is_valid


def test_a_job_without_includes_does_not_load_them():
    code = (
        "import sys; from pathlib import Path; from runner.jobfile.load import load_job\n"
        "assert load_job(Path(sys.argv[1]))[0] is not None\n"
        "print(sorted(name for name in sys.modules if name in "
        "{'runner.jobfile.include', 'runner.jobfile.schema_problems', 'jsonschema'}))"
    )
    for name, loaded in (("contract", "[]"), ("include", "['runner.jobfile.include']")):
        done = subprocess.run(
            [sys.executable, "-c", code, str(VALID / f"{name}.yaml")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stdout.strip() == loaded


def test_what_is_included_may_be_unused_and_what_is_the_jobs_own_not(tmp_path):
    own = "vars: {A: 1}\n"
    shared = "vars: {B: 2}\npeers: {main: {host: a, port: 1}, other: {host: b, port: 1}}\n"
    job, problems = load_job(
        write(tmp_path, job=f"version: 1\ninclude: peers.yaml\n{own}{QUERY}", peers=shared)
    )
    assert job is not None
    assert [problem.path for problem in problems] == ["vars.A"]
