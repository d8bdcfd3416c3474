"""What profiles of peers add to a job."""

from pathlib import Path

from runner.jobfile.load import check_file, load_job

VALID = Path(__file__).parents[2] / "jobs" / "valid"


def test_a_profile_counts_where_the_peer_says_nothing():
    job, problems = load_job(VALID / "profiles.yaml")
    assert problems == []
    assert job is not None
    known = [
        (peer.result_limit, peer.operations_per_association, peer.max_associations) for peer in job.peers
    ]
    assert known == [(500, 1, 2), (7, None, 1), (None, None, 1)]


def test_a_file_with_profiles_alone_is_one_to_include():
    checked = check_file(VALID / "shared" / "profiles.yaml")
    assert checked.is_fragment
    assert checked.problems == ()


def test_two_profiles_of_one_peer_are_an_error(tmp_path):
    (tmp_path / "known.yaml").write_text("profiles: {p: {result_limit: 5}}\n")
    job = tmp_path / "job.yaml"
    job.write_text(
        "version: 1\ninclude: known.yaml\nprofiles: {p: {cancel: true}}\npeers: {p: {host: a, port: 104}}\n"
        "queries: {q: {model: study-root, level: STUDY, keys: {PatientID: 1}}}\n"
    )
    made, [problem] = load_job(job)
    assert made is None
    assert problem.what == f"the profile 'p' stands at {tmp_path}/known.yaml:1:12 too"


def test_mistakes_in_a_file_to_include_are_found(tmp_path):
    file = tmp_path / "known.yaml"
    file.write_text("profiles: {p: {probed: 2024, ignored_keys: [PatientNam]}}\n")
    assert [problem.path for problem in check_file(file).problems] == [
        "profiles.p.probed",
        "profiles.p.ignored_keys[0]",
    ]


def test_what_is_known_of_relational_queries_counts_for_all_peers_only(tmp_path):
    text = (
        "version: 1\npeers: {a: {host: a, port: 104}, b: {host: b, port: 104}}\n"
        "queries: {q: {peers: [a, b], model: study-root, level: SERIES, keys: {Modality: CT}}}\n"
    )
    job = tmp_path / "job.yaml"
    for profiles, expected in (
        ("{a: {relational: true}}", ["missing-unique-key"]),
        ("{a: {relational: true}, b: {relational: false}}", ["missing-unique-key"]),
        ("{a: {relational: true}, b: {relational: true, model: worklist}}", ["missing-unique-key"]),
        ("{a: {relational: true}, b: {relational: true, model: patient-root}}", []),
    ):
        job.write_text(f"{text}profiles: {profiles}\n")
        assert [problem.id for problem in load_job(job)[1]] == expected
