"""findscu calls of shell scripts as a job: ten scripts as people write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.findscu.script import ScriptTranslation, reader_of, report_data, report_lines, translate_script
from runner.findscu.shell import commands, plain, shown
from runner.jobfile.clock import Clock
from runner.jobfile.lint.checks import CHECKS
from runner.jobfile.load import load_job

SCRIPTS = Path(__file__).parents[2] / "findscu_scripts"
IDS = {"ids.txt": "4711 4712\n4713\n"}


def translated(name: str) -> tuple[dict[str, Any], ScriptTranslation]:
    text = (SCRIPTS / f"{name}.sh").read_text("utf-8")
    translation = translate_script(text, {}, IDS.get, name)
    return yaml.load(translation.text, yaml.BaseLoader), translation


def looks(translation: ScriptTranslation) -> list[str]:
    return [f"{look.line}: {look.why}" for look in translation.looks]


#: What a valid job is warned of, since the script is as careless.
WARNED = {"secure": {"anyone can pretend to be the peer"}}
#: Variables whose values the scripts themselves do not say.
GIVEN = {
    "is_there": {"ARG1": "1.2.3", "ARG2": "pacs"},
    "here": {"f": "other.dcm"},
    "reading": {"acc": "A1"},
}


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.sh")), ids=lambda path: path.stem)
def test_jobs_of_scripts_are_valid(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FINDSCU_KEY_PASSWORD", raising=False)
    _, translation = translated(path.stem)
    for name in ("patqry", "studqry", "other"):
        text = "(0008,0052) CS [STUDY]\n(0010,0020) LO [1]\n"
        (tmp_path / f"{name}.dcm").write_text(text.replace("STUDY", "PATIENT") if name == "patqry" else text)
    job_file = tmp_path / "job.yaml"
    job_file.write_text(translation.text, encoding="utf-8")
    _, problems = load_job(job_file, GIVEN.get(path.stem))
    expected = WARNED.get(path.stem, set())
    # what a script asks for is its author's affair
    assert {problem.what for problem in problems if problem.id not in CHECKS} == expected
    unset = {problem.what for problem in load_job(job_file)[1] if problem.id not in CHECKS} - expected
    assert unset == {f"the variable {name!r} has no value" for name in GIVEN.get(path.stem, ())}


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("nightly", (0x00080020,), "20240229-20240301"),
        ("week", (0x00080021,), "20240223-"),
        ("worklist", (0x00400100, 0, 0x00400002), "20240301"),
    ],
)
def test_dates_of_scripts_are_those_of_the_day(
    name: str, path: tuple[int, ...], value: str, tmp_path: Path
) -> None:
    job_file = tmp_path / "job.yaml"
    job_file.write_text(translated(name)[1].text, encoding="utf-8")
    job, _ = load_job(job_file, clock=Clock.at("2024-03-01T12:00:00Z"))
    assert job is not None
    [request] = job.queries[0].requests
    found: Any = request.identifier
    for step in path:
        found = found[step] if step < 100 else {element.tag: element.value for element in found}[step]
    assert found == value


@pytest.mark.parametrize(
    ("command", "reference"),
    [
        ("date +%Y%m%d", "${today}"),
        ("date -d today +%Y%m%d", "${today}"),
        ("date -d '1 day ago' +%Y%m%d", "${yesterday}"),
        ("date --date=tomorrow +%Y%m%d", "${today+1d}"),
        ("date -d '-2 weeks' +%Y%m%d", "${today-2w}"),
        ("date -d '3 days' +%Y%m%d", "${today+3d}"),
        ("date -d '-3 days ago' +%Y%m%d", "${today+3d}"),
        ("date -d 'last month' +%Y%m", "${today-1mo:%Y%m}"),
        ("date -d '1 year ago' +%Y0101", "${today-1y:%Y0101}"),
        ("date +%H%M%S", "${now:%H%M%S}"),
        ("date -d '2 hours ago' +%H%M", "${now-2h:%H%M}"),
        ("date -d '2 hours ago' +%Y%m%d", "${now-2h:%Y%m%d}"),
        ("date -d yesterday +%Y%m%d%H%M", "${now-1d:%Y%m%d%H%M}"),
        ("date -v-7d +%Y%m%d", "${today-7d}"),
        ("date -v-1m -v+2d +%Y%m%d", "${today-1mo+2d}"),
        ("date -v-90M +%H%M%S", "${now-90min:%H%M%S}"),
        ("date +%Y%m%d -d '3 days ago'", "${today-3d}"),
    ],
)
def test_dates_of_the_shell(command: str, reference: str, tmp_path: Path) -> None:
    call = f'findscu -S -k 0008,0052=STUDY -k "PatientID=$({command})" p 104\n'
    for text in (call, f"D=$({command})\n" + call.replace(f"$({command})", "$D")):
        translation = translate_script(text, {}, lambda _: None)
        job = yaml.load(translation.text, yaml.BaseLoader)
        assert job["queries"][f"line-{text.count(chr(10))}"]["keys"]["PatientID"] == reference
        expected = 1 if "mo" in reference or "1y" in reference else 0
        assert len(looks(translation)) == expected
        path = tmp_path / "job.yaml"
        path.write_text(translation.text, encoding="utf-8")
        assert load_job(path)[0] is not None


@pytest.mark.parametrize(
    "command",
    [
        "date",
        "date +%s",
        "date +%B",
        "date -u +%Y%m%d",
        "date -d monday +%Y%m%d",
        "date -v -7d +%Y%m%d",
        "date -d @0 +%Y",
        "date -d '$N days ago' +%Y%m%d",
        "date -d '$(date +%Y-%m-01) -1 day' +%Y%m%d",
        "date -d 'yesterday' -d '${N:+3 days}' +%Y%m%d",
    ],
)
def test_dates_that_a_job_does_not_know_are_to_be_looked_at(command: str) -> None:
    command = command.replace("'", '"')
    translation = translate_script(f"findscu -S -k StudyDate=$({command}) p 104\n", {}, lambda _: None)
    assert looks(translation) == [f"1: $({command}) is not run by a job; give its output as a variable"]
    assert yaml.load(translation.text, yaml.BaseLoader)["queries"]["line-1"]["keys"] == {
        "StudyDate": "${var:LINE_1}"
    }


def test_known_variables_stand_in_dates() -> None:
    script = 'N=7\nfindscu -S -k StudyDate=$(date -d "-$N days" +%Y%m%d)- p 104\n'
    translation = translate_script(script, {}, lambda _: None)
    job = yaml.load(translation.text, yaml.BaseLoader)
    assert job["queries"]["line-2"]["keys"] == {"StudyDate": "${today-7d}-"}
    assert not looks(translation)


@pytest.mark.parametrize(
    "body",
    [
        'findscu -S -k StudyDate=$(date -d "$d days ago" +%Y%m%d) p 104',
        'DAY=$(date -d "$d days ago" +%Y%m%d)\nfindscu -S -k StudyDate=$DAY p 104',
        "export DAY=`date -v-${d}d +%Y%m%d`\nif true; then findscu -S -k StudyDate=$DAY p 104; fi",
    ],
)
def test_loops_that_compute_dates_are_written_out(body: str) -> None:
    translation = translate_script(f"for d in {{2..4}}; do\n{body}\ndone\n", {}, lambda _: None)
    queries = yaml.load(translation.text, yaml.BaseLoader)["queries"]
    assert [query["keys"] for query in queries.values()] == [
        {"StudyDate": "${today-2d}"},
        {"StudyDate": "${today-3d}"},
        {"StudyDate": "${today-4d}"},
    ]
    assert not looks(translation)


def test_a_long_loop_that_computes_dates_is_to_be_looked_at() -> None:
    script = (
        'for d in $(seq 200); do\nDAY=$(date -d "$d days ago" +%Y%m%d)\n'
        "findscu -S -k StudyDate=$DAY p 104\ndone\n"
    )
    translation = translate_script(script, {}, lambda _: None)
    assert yaml.load(translation.text, yaml.BaseLoader)["vars"] == {"DAY": ""}
    assert looks(translation) == [
        "3: the value of DAY is found by the script; give it with --var",
        "3: a loop repeats this call; the job has it once",
    ]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("$(seq 3)", ["1", "2", "3"]),
        ("$(seq 2 3)", ["2", "3"]),
        ("$(seq 0 7 21)", ["0", "7", "14", "21"]),
        ("{2..4}", ["2", "3", "4"]),
        ("{3..1}", ["3", "2", "1"]),
        ("{08..10}", ["08", "09", "10"]),
        ("{0..2}", ["0", "1", "2"]),
        ("A{CT,MR}1 x", ["ACT1", "AMR1", "x"]),
        ("A{CT,MR}1", ["ACT1", "AMR1"]),
        ("{a,{b,c}}", None),
        ("$(seq 1 0 3)", None),
        ("'{1..3}'", ["{1..3}"]),
    ],
)
def test_values_of_a_loop(words: str, values: list[str] | None) -> None:
    translation = translate_script(
        f"for v in {words}; do findscu -S -k PatientID=$v p 104; done\n", {}, lambda _: None
    )
    job = yaml.load(translation.text, yaml.BaseLoader)
    if values is None:
        assert job["vars"] == {"v": ""}
        assert looks(translation)[0] == f"1: the loop over {words} cannot be followed; list its values"
    else:
        assert job["queries"]["line-1"]["foreach"]["values"] == {"v": values}
        assert not looks(translation)


def test_a_loop_whose_variable_a_call_does_not_use_is_to_be_looked_at() -> None:
    script = "for m in CT MR; do for try in 1 2; do findscu -S -k Modality=$m p 104; done; done\n"
    translation = translate_script(script, {}, lambda _: None)
    assert looks(translation) == ["1: a loop repeats this call; the job has it once"]


def test_defaults_of_arguments_are_to_be_looked_at() -> None:
    translation = translate_script("H=${1:-pacs}\nfindscu -S -k PatientID $H ${2-104}\n", {}, lambda _: None)
    assert yaml.load(translation.text, yaml.BaseLoader)["peers"]["pacs"]["port"] == "104"
    assert looks(translation) == [
        "1: $1 is an argument of the script; the job has its default",
        "2: $2 is an argument of the script; the job has its default",
    ]


def test_outputs_of_two_programs_are_two_variables() -> None:
    call = "findscu -S -k PatientID=$(first) -k StudyID=$(second) -k AccessionNumber=$(first) p 104\n"
    job = yaml.load(translate_script(call, {}, lambda _: None).text, yaml.BaseLoader)
    assert job["queries"]["line-1"]["keys"] == {
        "PatientID": "${var:LINE_1}",
        "StudyID": "${var:LINE_1_2}",
        "AccessionNumber": "${var:LINE_1}",
    }


@pytest.mark.parametrize(
    "script",
    [
        'FIND="findscu -S"\n$FIND -k PatientID=1 p 104\n',
        "FIND=$(which findscu)\n$FIND -S -k PatientID=1 p 104\n",
        '"$(command -v findscu)" -S -k PatientID=1 \\\np 104\n',
        '\n"$DCMTK/bin/findscu" -S -k PatientID=1 p 104\n',
        'RUN="timeout 60 findscu"\n$RUN -S -k PatientID=1 p 104\n',
    ],
)
def test_findscu_in_a_variable(script: str) -> None:
    translation = translate_script(script, {}, lambda _: None)
    [query] = yaml.load(translation.text, yaml.BaseLoader)["queries"].values()
    assert (query["model"], query["keys"]) == ("study-root", {"PatientID": "1"})
    assert not looks(translation)


@pytest.mark.parametrize(
    "call",
    ["$FINDSCU -S p 104", "ssh pacs findscu -S p 104", "cat ids | xargs -I{} findscu -S -k PatientID={} p 1"],
)
def test_a_call_that_is_not_followed_is_lost(call: str) -> None:
    translation = translate_script(call, {}, lambda _: None)
    assert translation.lost == 1
    assert looks(translation)[0].startswith("1: findscu is called in a way that is not followed: ")


@pytest.mark.parametrize(
    "command",
    ["command -v findscu", "[ -x /usr/bin/findscu ]", "if ! which findscu; then exit; fi", "echo findscu"],
)
def test_what_names_findscu_without_a_call_is_not_looked_at(command: str) -> None:
    translation = translate_script(f"{command}\nfindscu -S -k PatientID=1 p 104\n", {}, lambda _: None)
    assert (translation.lost, looks(translation)) == (0, [])


def test_a_variable_with_several_values() -> None:
    script = (
        "D=20240101\nfindscu -S -k StudyDate=$D p 104\nD=20240102\nfindscu -S -k StudyDate=$D p 104\n"
        "D=$(date +%Y%m%d)\nfindscu -S -k StudyDate=$D p 104\nD=20240101\nfindscu -S -k StudyDate=$D p 104\n"
    )
    translation = translate_script(script, {}, lambda _: None)
    job = yaml.load(translation.text, yaml.BaseLoader)
    assert job["vars"] == {"D": "20240101", "D_2": "20240102"}
    dates = [query["keys"]["StudyDate"] for query in job["queries"].values()]
    assert dates == ["${var:D}", "${var:D_2}", "${today}", "${var:D}"]
    assert not looks(translation)


def test_two_unknown_values_of_a_variable_are_to_be_looked_at() -> None:
    script = "N=$(a)\nfindscu -S -k StudyID=$N p 104\nN=$(b)\nfindscu -S -k StudyID=$N p 104\n"
    assert "3: N changes here; the job has one value for it" in looks(
        translate_script(script, {}, lambda _: None)
    )


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("$'a\\tb'", "$'a\\tb' is not run by a job; give its output as a variable"),
        ("${X#0}", "${X#0} is not run by a job; give its output as a variable"),
        ("{CT,MR}", "PatientID={CT,MR} is several words for bash; the job has it as one"),
    ],
)
def test_words_that_are_bashs_alone(word: str, why: str) -> None:
    translation = translate_script(f"findscu -S -k PatientID={word} p 104\n", {}, lambda _: None)
    assert looks(translation) == [f"1: {why}"]


def test_an_output_of_a_whole_loop_is_to_be_looked_at() -> None:
    script = "for m in CT MR; do findscu -S -k Modality=$m p 104; done > all.txt\n"
    assert looks(translate_script(script, {}, lambda _: None)) == [
        "1: > all.txt: redirect the output of cfind run, or add a sink"
    ]


def test_there_are_ten() -> None:
    assert len(list(SCRIPTS.glob("*.sh"))) >= 10


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.sh")), ids=lambda path: path.stem)
def test_every_call_is_a_query_or_a_line_to_look_at(path: Path) -> None:
    _, translation = translated(path.stem)
    named = {call.line for call in translation.calls} | {look.line for look in translation.looks}
    text = path.read_text("utf-8")
    calling = {
        command.line
        for command in commands(text)
        if command.words
        and any(
            "=" not in shown(word) and shown(word).rpartition("/")[2] == "findscu" for word in command.words
        )
        and plain(command.words[0]) != "echo"
    }
    assert calling <= named
    assert len(list(report_lines(translation))) >= len(named)


def test_dates_of_the_shell_are_dates_of_the_job() -> None:
    job, translation = translated("nightly")
    query = job["queries"]["line-9"]
    assert query["keys"] == {"StudyDate": "${yesterday}-${today}", "PatientName": "", "ModalitiesInStudy": ""}
    assert job["peers"]["pacs.example.org"]["calling_ae_title"] == "STATS"
    assert job["peers"]["pacs.example.org"]["port"] == "11112"
    assert looks(translation) == ["9: > /tmp/studies.txt: redirect the output of cfind run, or add a sink"]


def test_nested_loops_over_lists() -> None:
    job, translation = translated("modalities")
    query = job["queries"]["line-6"]
    assert query["foreach"]["values"] == {"modality": ["CT", "MR", "US"], "day": ["20240101", "20240102"]}
    assert query["keys"] == {"ModalitiesInStudy": "${row.modality}", "StudyDate": "${row.day}"}
    assert [sink["type"] for sink in job["sinks"]] == ["stdout", "rsp"]
    assert not looks(translation)


def test_loop_over_a_file() -> None:
    job, translation = translated("patients")
    assert job["queries"]["line-4"]["foreach"]["values"] == {"id": ["4711", "4712", "4713"]}
    assert looks(translation) == ["4: || behind findscu: its exit status means more now"]


def test_loop_over_a_file_that_is_not_there() -> None:
    text = (SCRIPTS / "patients.sh").read_text("utf-8")
    translation = translate_script(text, {}, lambda _: None, "x")
    assert any("$(cat ids.txt) cannot be followed" in look for look in looks(translation))


def test_if_and_arguments() -> None:
    job, translation = translated("is_there")
    assert job["vars"] == {"ARG1": "", "ARG2": ""}
    assert job["peers"]["peer"]["host"] == "${var:ARG2}"
    assert job["queries"]["line-3"]["keys"] == {"StudyInstanceUID": "${var:ARG1}"}
    said = looks(translation)
    assert any("exit status decides" in look for look in said)
    assert any("goes to another program" in look for look in said)


def test_program_and_station_from_variables() -> None:
    job, translation = translated("worklist")
    assert job["vars"] == {"STATION": "CT1"}
    (step,) = job["queries"]["line-4"]["keys"]["ScheduledProcedureStepSequence"]
    assert step == {
        "Modality": "CT",
        "ScheduledStationAETitle": "${var:STATION}",
        "ScheduledProcedureStepStartDate": "${today}",
    }
    assert not looks(translation)


def test_options_in_a_variable() -> None:
    job, _ = translated("week")
    assert job["peers"]["pacs"]["ae_title"] == "ARCHIVE"
    assert job["peers"]["pacs"]["timeouts"]["connect"] == "10"
    assert job["queries"]["line-5"]["keys"]["SeriesDate"] == "${today-7d}-"


def test_several_calls_in_a_line_and_files() -> None:
    job, translation = translated("files")
    assert job["queries"]["line-1-1"]["files"] == ["patqry.dcm"]
    assert job["queries"]["line-1-2"]["files"] == ["studqry.dcm", "other.dcm"]
    assert job["queries"]["line-1-2"]["repeat"] == "2"
    assert translation.lost == 1
    assert "2: not translated: @common.txt: the command file cannot be read" in looks(translation)[0]


def test_secrets_do_not_come_along() -> None:
    job, translation = translated("secure")
    assert "sesame" not in translation.text
    assert "sesame" not in "".join(report_lines(translation))
    assert job["peers"]["pacs"]["tls"]["password"] == "${env:FINDSCU_KEY_PASSWORD}"
    assert job["peers"]["pacs-2"]["tls"]["verification"] == "ignore"
    assert job["queries"]["line-2"]["keys"]["PatientName"] == "O'BRIEN*"
    assert job["queries"]["line-3"]["keys"]["PatientName"] == 'M"X'


@pytest.mark.parametrize(
    "script",
    [
        'findscu +tls k c +pw "sesame" -k PatientID h 1',
        "PW=sesame\nfindscu +tls k c +pw $PW -k PatientID h 1",
        "findscu +tls k c +pw ${1:-sesame} -k PatientID h 1",
        "PW=${1:-sesame}\nfindscu +tls k c +pw $PW -k PatientID h 1",
        "findscu +tls k c +pw $(echo sesame) -k PatientID h 1",
        "findscu +tls k c +pw {sesame,x} -k PatientID h 1",
        "findscu +tls k c +pw $'sesame\\t' -k PatientID h 1",
        "for p in sesame open; do findscu +tls k c +pw $p -k PatientID h 1; done",
        'O="+tls k c +pw sesame"\nfindscu $O -k PatientID h 1',
        'eval "findscu +tls k c +pw sesame -k PatientID h 1"',
        "eval \"findscu +tls k c --use-passwd 'open sesame' -k PatientID h 1\"",
        'ssh h findscu +tls k c +pw "sesame" -k PatientID h 1',
        "alias f='findscu +tls k c +pw sesame'",
    ],
)
def test_a_password_is_in_no_text(script: str) -> None:
    translation = translate_script(script + "\n", {}, lambda _: None)
    assert "sesame" not in translation.text + "".join(report_lines(translation))
    assert "sesame" not in json.dumps(report_data(translation))
    assert "LINE_" not in translation.text
    assert bool(translation.text) == (translation.lost == 0)


def test_what_cannot_be_followed_is_listed() -> None:
    _, translation = translated("reading")
    said = looks(translation)
    assert translation.lost == 2
    assert any(look.startswith("3: ") and "loop that is not followed" in look for look in said)
    assert any(look.startswith("5: ") and "kept in COUNT" in look for look in said)
    assert any(look.startswith("6: ") and "not followed" in look for look in said)
    assert any(look.startswith("7: not translated: unknown option -Z") for look in said)


def test_comments_here_documents_and_reassignments() -> None:
    job, translation = translated("here")
    assert list(job["queries"]) == ["line-6", "line-7", "line-10"]
    assert job["peers"]["a"]["host"] == "a"
    assert job["peers"]["b"]["host"] == "b"
    assert {look.line for look in translation.looks} == {7, 9, 10}


def test_environment_variables_and_equal_peers() -> None:
    text = 'findscu -S -k PatientID=$MRN -k StudyDate pacs 104\nfindscu -P -k "PatientID=A${MRN}" pacs 104\n'
    translation = translate_script(text, {}, lambda _: None)
    job = yaml.load(translation.text, yaml.BaseLoader)
    assert list(job["peers"]) == ["pacs"]
    assert job["queries"]["line-1"]["keys"]["PatientID"] == "${env:MRN}"
    assert job["queries"]["line-2"]["keys"]["PatientID"] == "A${env:MRN}"


def test_loops_over_hosts_ports_and_files() -> None:
    text = (
        "for h in a b; do for p in 104 105; do for id in 1 2; do\n"
        "  findscu -S -k 0008,0052=STUDY -k PatientID=$id-$h $h $p\ndone; done; done\n"
        "for f in q.dcm r.dcm; do findscu -S pacs 104 $f; done\n"
    )
    translation = translate_script(text, {}, lambda _: None)
    assert not looks(translation)
    job = yaml.load(translation.text, yaml.BaseLoader)
    assert "vars" not in job
    queries = list(job["queries"].values())
    asked = [(query["peer"], query["keys"]["PatientID"], query["foreach"]) for query in queries[:4]]
    each = {"values": {"id": ["1", "2"]}}
    assert asked == [
        ("a", "${row.id}-a", each),
        ("a-2", "${row.id}-a", each),
        ("b", "${row.id}-b", each),
        ("b-2", "${row.id}-b", each),
    ]
    assert [query["files"] for query in queries[4:]] == [["q.dcm"], ["r.dcm"]]
    assert (job["peers"]["b-2"]["host"], job["peers"]["b-2"]["port"]) == ("b", "105")


def test_loops_over_too_many_hosts() -> None:
    text = "for h in $(seq 101); do findscu -S -k PatientID=1 h$h 104; done\n"
    translation = translate_script(text, {}, lambda _: None)
    assert (translation.lost, translation.text) == (1, "")
    assert looks(translation) == ["1: not translated: the loop over h has too many values"]


def test_what_is_no_reference_stays_what_it_is(tmp_path: Path) -> None:
    text = "ID='a${b}'\nfindscu -S -k 0008,0052=STUDY -k 'PatientID=${x}$${y}' -k AccessionNumber=$ID p 104\n"
    path = tmp_path / "job.yaml"
    path.write_text(translate_script(text, {}, lambda _: None).text, encoding="utf-8")
    job, problems = load_job(path)
    assert problems == []
    assert job is not None
    [request] = job.queries[0].requests
    assert [element.value for element in request.identifier] == ["a${b}", "STUDY", "${x}$${y}"]


def test_a_dollar_before_a_variable_is_to_be_looked_at() -> None:
    translation = translate_script('findscu -S -k "PatientID=\\$$X" p 104\n', {}, lambda _: None)
    assert looks(translation) == ["1: a $ stands before a variable; take it into the variable's value"]


def test_files_of_loops_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "big").write_text("1\n" * 600_000)
    (tmp_path / "small").write_text("1 2")
    read = reader_of(tmp_path)
    assert read("small") == "1 2"
    assert read("big") is None
    assert read("missing") is None
    assert read("a\0b") is None


@pytest.mark.parametrize(
    "text", ["'", '"', "$(", "${", "`", "\\", "for", "do done done", "x <<", "findscu '", "$((", "while"]
)
def test_broken_scripts_break_nothing(text: str) -> None:
    translation = translate_script(text, {}, lambda _: None)
    assert not translation.calls
