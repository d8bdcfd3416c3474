import subprocess
import sys
from pathlib import Path

import pytest

from runner.dicom.dictionary import STANDARD
from runner.dicom.encoding import encode
from runner.dicom.transfer_syntax import TransferSyntax
from runner.jobfile.load import load_job
from runner.model import (
    Across,
    AssociationEnd,
    Bounds,
    CohortSink,
    CsvSink,
    Deduplicate,
    Expect,
    InformationModel,
    IPVersion,
    Job,
    KeyFormat,
    Match,
    MatchMode,
    Peer,
    PeerVerification,
    RevocationCheck,
    RspSink,
    Secret,
    SecretSource,
    SecurityProfile,
    StdoutFormat,
    StdoutSink,
    Timeouts,
    Tls,
    TlsVersion,
    UniqueKey,
)

ROOT = Path(__file__).parents[3]
VALID = ROOT / "tests" / "jobs" / "valid"
CORPUS = sorted(VALID.glob("*.yaml"))
EXAMPLES = sorted((ROOT / "jobs").glob("*.yaml"))


#: What is said of the contract's example, which stands as it was written; the others silence such rules.
WARNINGS = {"contract.yaml": ["computed-key"]}


def loaded(path: Path) -> Job:
    job, problems = load_job(path)
    assert [problem.id for problem in problems] == WARNINGS.get(path.name, [])
    assert job is not None
    return job


def valid(name: str) -> Job:
    return loaded(VALID / f"{name}.yaml")


def keys_of(job: Job, number: int = 0) -> dict[str, object]:
    """The identifier of the only request of a query, by keyword or tag."""
    [request] = job.queries[number].requests
    named = {}
    for element in request.identifier:
        entry = STANDARD.by_tag(element.tag)
        named[entry.keyword if entry and entry.keyword else f"{element.tag:08x}"] = element.value
    return named


def test_there_are_enough():
    assert len(CORPUS) >= 12
    assert len(EXAMPLES) >= 12


@pytest.mark.parametrize("path", [*CORPUS, *EXAMPLES], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_valid_jobs_are_valid_and_can_be_sent(path):
    job = loaded(path)
    assert job.queries
    for query in job.queries:
        assert query.columns
        for request in query.requests:
            for syntax in TransferSyntax:
                assert encode(request.identifier, syntax)


def test_examples_cover_models_sinks_and_forms():
    jobs = [loaded(path) for path in EXAMPLES]
    assert {query.model for job in jobs for query in job.queries} == set(InformationModel)
    sinks = [sink for job in jobs for sink in job.sinks]
    assert {type(sink) for sink in sinks} == {StdoutSink, RspSink, CsvSink, CohortSink}
    formats = {sink.format for sink in sinks if isinstance(sink, StdoutSink)}
    assert formats == {StdoutFormat.DUMP, StdoutFormat.JSON, StdoutFormat.CSV}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_tell_editors_their_schema(path):
    modeline = path.read_text(encoding="utf-8").splitlines()[0]
    schema = modeline.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / schema).resolve() == ROOT / "schemas" / "job.schema.json"


def test_the_contracts_example():
    job = valid("contract")
    assert (job.name, job.description) == ("ct-studies", "CT studies of one day")
    assert job.peers == (
        Peer(
            "main",
            host="pacs.example.org",
            port=11112,
            ae_title="PACS",
            calling_ae_title="RESEARCH",
            max_pdu=131072,
            timeouts=Timeouts(10, 30, 60),
            max_associations=2,
        ),
    )
    [query] = job.queries
    assert (query.name, query.peers, query.model) == ("studies", ("main",), InformationModel.STUDY_ROOT)
    assert (query.cancel_after, query.repeat) == (100, 1)
    assert keys_of(job) == {
        "StudyDate": "20240101-20240131",
        "AccessionNumber": "A1*",
        "QueryRetrieveLevel": "STUDY",
        "ModalitiesInStudy": "CT",
        "PatientName": "",
        "ScheduledProcedureStepSequence": query.requests[0].identifier[-1].value,
    }
    assert query.columns == (
        (0x00080020,),
        (0x00100010,),
        (0x00080050,),
        (0x00080061,),
        (0x00400100, 0, 0x00080060),
    )
    assert job.sinks == (StdoutSink(), RspSink("rsp"), CsvSink("studies.csv"))


def test_what_is_left_out_has_the_contracts_defaults():
    job = valid("smallest")
    assert job.name == "smallest"
    assert job.sinks == (StdoutSink(StdoutFormat.DUMP),)
    assert job.peers == (Peer("a", host="localhost", port=104),)
    [query] = job.queries
    assert (query.peers, query.repeat, query.cancel_after) == (("a",), 1, None)


def test_scalars_are_texts_where_texts_are_wanted_and_numbers_where_numbers_are():
    job = valid("scalars")
    [peer] = job.peers
    assert (peer.name, peer.host, peer.port) == ("1", "10", 104)
    assert (peer.ae_title, peer.calling_ae_title) == ("073000", "NO")
    assert peer.timeouts == Timeouts(10.0, 0.5, None)
    assert peer.ip_version is IPVersion.IPV4
    assert (job.name, job.description, job.sinks) == ("2024-01-01", "yes", ())
    assert job.queries[0].repeat == 2
    assert keys_of(job) == {
        "StudyTime": "073000",
        "AccessionNumber": "NO",
        "QueryRetrieveLevel": "STUDY",
        "PatientName": "null",
        "PatientID": "00100010",
        "StudyID": "NULL",
    }


def test_the_level_is_sent_where_there_is_one():
    job = valid("no-level")
    assert keys_of(job, 0) == {"PatientID": "1"}
    assert keys_of(job, 1) == {"QueryRetrieveLevel": "IMAGE", "PatientID": "1"}
    assert keys_of(job, 2) == {"QueryRetrieveLevel": "STUDY"}
    assert keys_of(job, 3) == {"PatientID": "1"}
    assert job.queries[0].columns == ((0x00100020,),)
    assert job.queries[1].columns == ((0x00080052,), (0x00100020,))


def test_values_of_every_form():
    keys = keys_of(valid("keys"))
    assert keys["ModalitiesInStudy"] == "CT\\MR"
    assert keys["StudyInstanceUID"] == "1.2.3\\1.2.4"
    assert keys["StudyDescription"] == ""
    assert keys["SeriesDate"] == ""
    assert keys["ReferencedStudySequence"] == ()
    assert keys["ProcedureCodeSequence"] == ()
    assert keys["RequestAttributesSequence"] == ((),)
    assert keys["FrameIncrementPointer"] == "(0018,1063)\\(0018,1065)"
    assert keys["00089998"] == "a\\b"
    assert keys["00089999"] == b""
    assert keys["PixelData"] == b""


def test_nested_keys_are_columns_down_to_their_leaves():
    columns = valid("keys").queries[0].columns
    steps, protocol = 0x00400100, 0x00400008
    assert [path for path in columns if path[0] == steps] == [
        (steps, 0, 0x00080060),
        (steps, 0, protocol, 0, 0x00080100),
        (steps, 1, 0x00080060),
    ]
    assert (0x00400275,) in columns  # of one item without keys
    assert (0x00081110,) in columns  # universal


def test_private_attributes_come_with_their_creators():
    keys = keys_of(valid("private"))
    creators = {tag: keys[tag] for tag in keys if tag == "PrivateCreator"}
    assert creators
    [request] = valid("private").queries[0].requests
    values = {element.tag: element.value for element in request.identifier}
    assert values[0x00090010] == "OTHER"
    assert values[0x00091002] == ""
    assert values[0x00090011] == "ACME 1"
    assert (values[0x00091101], values[0x000911FF]) == ("a", b"")
    assert (values[0x00110010], values[0x00111010]) == ("SIEMENS MEDCOM HEADER", b"")
    [[creator, private]] = values[0x00081110]  # a block of its own in the item
    assert (creator.tag, creator.value) == (0x00090010, "ACME 1")
    assert (private.tag, private.value) == (0x00091001, "b")


def test_columns_do_not_show_added_creators():
    assert 0x00090011 not in [path[-1] for path in valid("private").queries[0].columns]


def test_character_sets_are_added_only_where_needed():
    job = valid("character-sets")
    terms = [keys_of(job, number).get("SpecificCharacterSet") for number in range(len(job.queries))]
    assert terms == ["ISO_IR 192", "ISO_IR 192", "ISO_IR 100", "\\ISO 2022 IR 87", None]
    assert (0x00080005,) not in job.queries[0].columns
    latin = encode(job.queries[2].requests[0].identifier, TransferSyntax.EXPLICIT_LITTLE)
    assert b"M\xfcller" in latin


def test_anchors_and_merge_keys():
    job = valid("anchors")
    assert [peer.host for peer in job.peers] == ["a", "b"]
    assert {peer.timeouts for peer in job.peers} == {Timeouts(connect=1.0)}
    assert [query.peers for query in job.queries] == [("a", "b"), ("a", "b")]
    assert list(keys_of(job, 1)) == ["QueryRetrieveLevel", "PatientName", "PatientID"]


def test_transfer_syntaxes_by_every_name():
    [peer] = valid("transfer-syntaxes").peers
    assert peer.transfer_syntaxes == (
        TransferSyntax.DEFLATED,
        TransferSyntax.IMPLICIT_LITTLE,
        TransferSyntax.EXPLICIT_BIG,
    )
    assert (peer.end, peer.max_pdu, peer.operations_per_association) == (AssociationEnd.ABORT, 4096, None)


def test_archives_are_found_from_the_job_file():
    [peer] = loaded(ROOT / "jobs" / "demo.yaml").peers
    assert peer.archive is not None
    assert peer.archive.resolve() == ROOT / "jobs" / "demo-archive"
    assert (peer.host, peer.port) == ("", 0)


def test_a_valid_job_needs_neither_jsonschema_nor_pydicom():
    code = (
        "import sys; from pathlib import Path; from runner.jobfile.load import load_job\n"
        "job, problems = load_job(Path(sys.argv[1]))\n"
        "assert job is not None, problems\n"
        "loaded = set(sys.modules)\n"
        "print(sorted(loaded & {'jsonschema', 'pydicom', 'pynetdicom'}))"
    )
    for path in (VALID / "contract.yaml", VALID / "character-sets.yaml"):
        done = subprocess.run(
            [sys.executable, "-c", code, path],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stdout.strip() == "[]"


def test_tls():
    defaults, everything, file, empty, pinned = (peer.tls for peer in valid("tls").peers)
    assert defaults == Tls()
    assert everything == Tls(
        key=VALID / "keys/client.key",
        certificate=Path("/etc/cfind/client.pem"),
        password=Secret(SecretSource.ENVIRONMENT, "KEY_PASSWORD"),
        key_format=KeyFormat.DER,
        ca_files=(VALID / "ca.der",),
        ca_directories=(VALID / "authorities",),
        verification=PeerVerification.IF_PRESENT,
        check_host=False,
        server_name="archive.example.org",
        fingerprints=(
            "9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:0A:08",
            "60:30:3A:E2:2B:99:88:61:BC:E3:B2:8F:33:EE:C1:BE:75:8A:21:3C:86:C9:3C:07:6D:BE:9F:55:8C:11:C7:52",
        ),
        profile=SecurityProfile.RFC_8996_MODIFIED,
        minimum_version=TlsVersion.TLS_1_3,
        ciphers=("TLS_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
        dh_parameters=VALID / "dh.pem",
        crl_files=(VALID / "ca.crl",),
        revocation=RevocationCheck.CHAIN,
        seed=VALID / "seed",
        write_seed=VALID / "next-seed",
    )
    assert file is not None
    assert file.password == Secret(SecretSource.FILE, str(VALID / "password.txt"))
    assert file.revocation is RevocationCheck.LEAF
    assert empty is not None
    assert empty.password == Secret(SecretSource.EMPTY)
    assert pinned is not None
    assert pinned.verification is PeerVerification.IGNORE
    assert pinned.fingerprints == everything.fingerprints[:1]


def test_a_password_in_the_job_is_a_warning(tmp_path):
    path = tmp_path / "job.yaml"
    text = (
        (VALID / "tls.yaml")
        .read_text()
        .replace("${env:KEY_PASSWORD}", "sesame")
        .replace('password: ""', "password: prompt")
    )
    path.write_text(text)
    job, problems = load_job(path)
    assert job is not None
    assert job.peers[1].tls is not None
    assert job.peers[1].tls.password == Secret(SecretSource.LITERAL, "sesame")
    assert "sesame" not in repr(job)
    (problem,) = problems
    assert problem.path == "peers.all.tls.password"
    assert "sesame" not in str(problem)
    assert job.peers[3].tls is not None
    assert job.peers[3].tls.password == Secret(SecretSource.PROMPT)


def test_what_is_done_with_answers():
    modes, names, steps, plain, untouched = valid("answers").queries
    assert modes.match == Match(MatchMode.OFF)
    assert modes.deduplicate == Deduplicate(UniqueKey(((0x0020000D,),)), Across.OPERATIONS)
    assert modes.expect == Expect(Bounds(0, 10), statuses=(0xA900, 0xC001))
    assert names.match == Match(MatchMode.DROP, name_case=True, name_accents=True)
    assert names.deduplicate == Deduplicate(UniqueKey(((0x00100020,),), ((0x00100021,),)))
    assert names.expect == Expect(
        each=Bounds(1, 1),
        unique=(((0x00100020,),), ((0x00100030,), (0x00100040,)), ((0x00100010,),)),
        required=((0x00100030,),),
    )
    assert steps.match == Match(name_case=True)
    assert steps.deduplicate == Deduplicate(UniqueKey())
    assert plain.match == Match(MatchMode.REPORT)
    assert plain.deduplicate == Deduplicate(UniqueKey(((0x0020000E,), (0x0020000D,))))
    assert (untouched.deduplicate, untouched.expect) == (None, None)


def test_what_is_looked_at_in_answers_is_asked_for():
    job = valid("answers")
    tags = [[element.tag for element in query.requests[0].identifier] for query in job.queries]
    assert tags == [
        [0x00080020, 0x00080052, 0x00100010, 0x0020000D],
        [0x00080052, 0x00100010, 0x00100020, 0x00100030, 0x00100040],
        [0x00400100],
        [0x00080052, 0x00080060, 0x0020000D, 0x0020000E],
        [0x00080052, 0x0020000D, 0x0020000E, 0x00200013],
    ]
    assert job.queries[3].columns == ((0x0020000D,), (0x00080060,))


def test_cohorts_ask_for_what_tells_records_apart() -> None:
    job = valid("cohort")
    assert job.sinks == (
        CohortSink("out/studies.csv", "studies", ((0x00081030,),), lists=True),
        CohortSink("items.csv", "items"),
    )
    assert [query.record for query in job.queries] == [UniqueKey(((0x0020000D,),)), UniqueKey()]
    request = next(iter(job.queries[0].requests))
    assert 0x0020000D in [element.tag for element in request.identifier]
    assert (request.row, request.source) == (1, "rows.csv:2")


def test_only_new_asks_for_what_tells_records_apart() -> None:
    job = valid("only")
    queries = {query.name: query for one in job.queries for query in one.family}
    assert {name: query.only_new for name, query in queries.items()} == {
        "studies": True,
        "series": True,
        "patients": True,
        "all": False,
    }
    assert job.wants_news
    assert queries["studies"].record == UniqueKey(((0x0020000D,),))
    assert queries["series"].record == UniqueKey(((0x0020000E,),))
    assert queries["patients"].record == UniqueKey(((0x00100020,), (0x00100030,)))
    assert queries["all"].record is None
    for name, tag in (("studies", 0x0020000D), ("series", 0x0020000E), ("patients", 0x00100030)):
        request = next(iter(queries[name].requests))
        assert tag in [element.tag for element in request.identifier]
