"""TLS as users have it: every option of findscu, and the same as a job file, before dcmqrscp and Orthanc."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from acceptance.command import Cfind, Job, job, query
from peers.certificates import PASSWORD, Certificates
from peers.findscu import findscu
from peers.orthanc import AE_TITLE, orthanc
from peers.process import HOST, Server
from peers.tap import Tap
from peers.tls_terminator import TlsTerminator, server_context
from runner.findscu.options import BY_NAME, OPTIONS

WORDS = ("-S", "-aec", "QR", "-k", "0008,0052=STUDY", "-k", "0010,0020")
KEYS = {"PatientID": None, "StudyDate": "19000101-"}


class Reference:
    """DCMTK's findscu, as far as it knows the options."""

    def __init__(self) -> None:
        self._help = ""

    def knows(self, words: Sequence[str]) -> bool:
        if not self._help:
            helped = subprocess.run([findscu(), "--help"], capture_output=True, text=True, check=True)
            self._help = helped.stdout
        listed = set(self._help.split())
        return all(word in listed for word in words if word in BY_NAME)

    def __call__(self, folder: Path, line: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [findscu(), *line],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=60,
        )


REFERENCE = Reference()
RETIRED = [
    ("+pa", "AES128-SHA"),
    ("--profile-aes", "AES128-SHA"),
    ("+pn", "NULL-SHA"),
    ("--profile-null", "NULL-SHA"),
    ("+pb", "DES-CBC3-SHA"),
    ("--profile-basic", "DES-CBC3-SHA"),
]


@contextmanager
def secured(
    server: Server, certificates: Certificates, name: str = "server", *, optional: bool = True
) -> Iterator[TlsTerminator]:
    context = server_context(
        certificates[f"{name}.pem"], certificates["server.key"], client_ca=certificates["ca.pem"]
    )
    if optional:
        context.verify_mode = ssl.CERT_OPTIONAL
    with TlsTerminator(server.port, context) as terminator:
        yield terminator


def tls_job(port: int, ae_title: str = "QR", /, **tls: object) -> Job:
    to = {"host": HOST, "port": port, "ae_title": ae_title, "tls": tls}
    return job({"main": to}, {"studies": query("study-root", "STUDY", KEYS)})


@pytest.fixture
def files(cfind: Cfind, certificates: Certificates) -> Path:
    """The certificates, under short names in the current folder."""
    for name in ("ca.pem", "ca.crl", "client.pem", "client.key", "encrypted.key", "other_ca.pem"):
        (cfind.folder / name).write_bytes(certificates[name].read_bytes())
    certificates.openssl("x509", "-in", "ca.pem", "-outform", "DER", "-out", str(cfind.folder / "ca.der"))
    for folder, name in (("plain", "ca.pem"), ("hashed", _hash(certificates))):
        (cfind.folder / folder).mkdir()
        (cfind.folder / folder / name).write_bytes(certificates["ca.pem"].read_bytes())
    (cfind.folder / "empty").mkdir()
    (cfind.folder / "seed").write_bytes(bytes(range(256)))
    dh = ("-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048")
    certificates.openssl("genpkey", *dh, "-out", str(cfind.folder / "dh.pem"))
    return cfind.folder


def _hash(certificates: Certificates) -> str:
    return certificates.openssl("x509", "-in", "ca.pem", "-noout", "-subject_hash").strip() + ".0"


ANONYMOUS = ("+tla", "+cf", "ca.pem")
OWN = ("+tls", "client.key", "client.pem", "+cf", "ca.pem")
ENCRYPTED = ("+tls", "encrypted.key", "client.pem", "+cf", "ca.pem")
GCM = "ECDHE-RSA-AES128-GCM-SHA256"
#: A command line, whose certificate the server sees, and the cipher suite if it is settled.
MATRIX: list[tuple[tuple[str, ...], str, str]] = [
    (ANONYMOUS, "", ""),
    (("--anonymous-tls", "--add-cert-file", "ca.pem"), "", ""),
    (OWN, "client", ""),
    (("--enable-tls", *OWN[1:]), "client", ""),
    ((*ENCRYPTED, "+pw", PASSWORD), "client", ""),
    ((*ENCRYPTED, "--use-passwd", PASSWORD), "client", ""),
    ((*OWN, "-pw"), "client", ""),
    ((*OWN, "--null-passwd"), "client", ""),
    ((*OWN, "+ps"), "client", ""),
    ((*OWN, "--std-passwd"), "client", ""),
    ((*ANONYMOUS, "-pem"), "", ""),
    ((*ANONYMOUS, "--pem-keys"), "", ""),
    (("+tla", "+cf", "ca.der", "-der"), "", ""),
    (("+tla", "+cf", "ca.der", "--der-keys"), "", ""),
    (("+tla", "+cd", "plain"), "", ""),
    (("+tla", "--add-cert-dir", "hashed"), "", ""),
    ((*ANONYMOUS, "+crl", "ca.crl"), "", ""),
    ((*ANONYMOUS, "--add-crl-file", "ca.crl", "--enable-crl-vfy"), "", ""),
    ((*ANONYMOUS, "--add-crl-file", "ca.crl", "+crv"), "", ""),
    ((*ANONYMOUS, "+crl", "ca.crl", "+cra"), "", ""),
    ((*ANONYMOUS, "+crl", "ca.crl", "--enable-crl-all"), "", ""),
    ((*ANONYMOUS, "+pg"), "", ""),
    ((*ANONYMOUS, "--profile-8996"), "", ""),
    ((*ANONYMOUS, "+pm"), "", ""),
    ((*ANONYMOUS, "--profile-8996-mod"), "", ""),
    ((*ANONYMOUS, "+py"), "", ""),
    ((*ANONYMOUS, "--profile-bcp195-nd"), "", ""),
    ((*ANONYMOUS, "+px"), "", ""),
    ((*ANONYMOUS, "--profile-bcp195"), "", ""),
    ((*ANONYMOUS, "+pz"), "", "ECDHE-RSA-AES256-GCM-SHA384"),
    ((*ANONYMOUS, "--profile-bcp195-ex"), "", "ECDHE-RSA-AES256-GCM-SHA384"),
    ((*ANONYMOUS, "+cs", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), "", GCM),
    ((*ANONYMOUS, "--cipher", GCM), "", GCM),
    ((*ANONYMOUS, "+dp", "dh.pem"), "", ""),
    ((*ANONYMOUS, "--dhparam", "dh.pem"), "", ""),
    ((*ANONYMOUS, "--no-sni"), "", ""),
    ((*ANONYMOUS, "--request-sni", "pacs.example.org"), "", ""),
    ((*ANONYMOUS, "+rs", "seed"), "", ""),
    ((*ANONYMOUS, "--seed", "seed", "--write-seed"), "", ""),
    ((*ANONYMOUS, "+rs", "seed", "+ws"), "", ""),
    ((*ANONYMOUS, "+rs", "seed", "+wf", "next"), "", ""),
    ((*ANONYMOUS, "+rs", "seed", "--write-seed-file", "next"), "", ""),
    ((*ANONYMOUS, "-rc"), "", ""),
    ((*ANONYMOUS, "--require-peer-cert"), "", ""),
    ((*ANONYMOUS, "-vc"), "", ""),
    ((*ANONYMOUS, "--verify-peer-cert"), "", ""),
    (("+tla", "-ic"), "", ""),
    (("+tla", "--ignore-peer-cert"), "", ""),
]


#: A command line that fails, its exit status, and what is said of it; findscu fails too.
FAILURES: list[tuple[tuple[str, ...], str, int, str]] = [
    (("+tla", "+cf", "other_ca.pem"), "server", 4, "its issuer is unknown"),
    (("+tla",), "server", 4, "no CA is trusted"),
    (("+tla", "+cd", "empty"), "server", 3, "the folder has no certificates"),
    (("+tla", "+cf", "client.key"), "server", 3, "no certificate in PEM"),
    (("+tla", "+cf", "ca.pem", "-der"), "server", 3, "no certificate in DER"),
    (("+tla", "+cf", "ca.der", "-pem"), "server", 3, "no certificate in PEM"),
    ((*ENCRYPTED, "+pw", "wrong"), "server", 3, "cannot be decrypted"),
    ((*ENCRYPTED, "-pw"), "server", 3, "cannot be decrypted"),
    ((*ENCRYPTED, "+ps"), "server", 3, "nobody to ask"),
    (("+tls", "client.key", "ca.pem", "+cf", "ca.pem"), "server", 3, "does not belong to the certificate"),
    (("+tls", "missing", "client.pem", "+cf", "ca.pem"), "server", 3, "the private key cannot be read"),
    ((*ANONYMOUS, "+crl", "ca.crl"), "revoked", 4, "it has been revoked"),
    ((*ANONYMOUS, "+crl", "ca.crl", "+cra"), "revoked", 4, "it has been revoked"),
    ((*ANONYMOUS, "+crv"), "server", 4, "no revocation list"),
    ((*ANONYMOUS, "+crl", "ca.pem"), "server", 3, "no certificate revocation list"),
    ((*ANONYMOUS, "-rc"), "expired", 4, "it has expired"),
    ((*ANONYMOUS, "-vc"), "expired", 4, "it has expired"),
    ((*ANONYMOUS, "-rc"), "early", 4, "it is not yet valid"),
    ((*ANONYMOUS, "+cs", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"), "server", 4, "handshake failure"),
    ((*ANONYMOUS, "+cs", "TLS_NO_SUCH_SUITE"), "server", 3, "no name of a cipher suite"),
    ((*ANONYMOUS, "+pn"), "server", 4, "handshake failure"),
    ((*ANONYMOUS, "+dp", "ca.pem"), "server", 3, "Diffie-Hellman"),
    ((*ANONYMOUS, "+rs", "missing"), "server", 3, "the random seed cannot be read"),
    ((*ANONYMOUS, "+rs", "seed", "+wf", "empty"), "server", 3, "the random seed cannot be written"),
]
#: Where findscu 3.6.7 does otherwise than we: it takes only hashed names from a folder and only IANA's names
#: of suites, adds those to its profile's, and goes on without a seed.
DIFFERENT = (
    ("+cd", "plain"),
    ("--cipher", GCM),
    ("+cs", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    ("+rs", "missing"),
    ("+wf", "empty"),
)


def differs(words: tuple[str, ...]) -> bool:
    return any(pair in DIFFERENT for pair in pairwise(words))


@pytest.mark.parametrize(
    ("words", "name", "status", "said"), FAILURES, ids=[f"{' '.join(row[0])} {row[1]}" for row in FAILURES]
)
def test_each_failure(
    cfind: Cfind,
    files: Path,
    certificates: Certificates,
    dcmqrscp_peer: Server,
    words: tuple[str, ...],
    name: str,
    status: int,
    said: str,
) -> None:
    with secured(dcmqrscp_peer, certificates, name) as terminator:
        line = (*words, *WORDS, HOST, str(terminator.port))
        ended, printed, stderr = cfind("findscu", *line)
        assert ended == status, stderr
        assert said in stderr
        assert not printed
        if REFERENCE.knows(words):
            reference = REFERENCE(files, line)
            assert (reference.returncode == 0) == differs(words), reference.stderr


#: Options that print a list, and what is in it.
LISTS = {"--list-ciphers": b"ECDHE-RSA-AES256-GCM-SHA384", "--list-profiles": b"bcp195"}


@pytest.mark.parametrize("option", LISTS)
def test_lists(cfind: Cfind, option: str) -> None:
    for word in (option, BY_NAME[option].short):
        status, printed, _ = cfind("findscu", word)
        assert status == 0
        assert LISTS[option] in printed


PLAIN = ("-tls", "--disable-tls")


@pytest.mark.parametrize("option", PLAIN)
def test_plain_tcp(cfind: Cfind, dcmqrscp_peer: Server, option: str) -> None:
    line = (option, *WORDS, HOST, str(dcmqrscp_peer.port))
    status, printed, _ = cfind("findscu", *line)
    reference = REFERENCE(cfind.folder, line)
    assert status == reference.returncode == 0
    shown = (reference.stdout + reference.stderr).count(b"(Pending)")
    assert printed.count(b"(Pending)") == shown > 3
    cfind.folder.joinpath("job.yaml").write_bytes(cfind("translate", "--", *line)[1])
    assert b"tls:" not in cfind.folder.joinpath("job.yaml").read_bytes()


def test_each_option_is_in_a_matrix() -> None:
    """By its long and by its short name, but for those that print a list and connect to nobody."""
    words = {word for row in MATRIX for word in row[0]} | {word for row in FAILURES for word in row[0]}
    words |= {row[0] for row in RETIRED} | set(PLAIN)
    sections = {option.section for option in OPTIONS if "peers.*.tls" in option.becomes}
    named = [option for option in OPTIONS if option.section in sections and option.long not in LISTS]
    assert len(named) > 30
    for option in named:
        assert option.long in words, option.long
        assert not option.short or option.short in words, option.short


@pytest.mark.parametrize(("words", "client", "cipher"), MATRIX, ids=[" ".join(words) for words, *_ in MATRIX])
def test_each_option(
    cfind: Cfind,
    monkeypatch: pytest.MonkeyPatch,
    files: Path,
    certificates: Certificates,
    dcmqrscp_peer: Server,
    words: tuple[str, ...],
    client: str,
    cipher: str,
) -> None:
    """Through `cfind findscu`, and through the job file that it is translated to."""
    referenced = REFERENCE.knows(words)
    with secured(dcmqrscp_peer, certificates) as terminator:
        line = (*words, *WORDS, HOST, str(terminator.port))
        if referenced:
            reference = REFERENCE(files, line)
            assert (reference.returncode != 0) == differs(words), reference.stderr
            theirs = terminator.ciphers.pop() if terminator.ciphers else ""
            assert bool(theirs) == (not differs(words))
            shown = (reference.stdout + reference.stderr).count(b"(Pending)")
        status, printed, stderr = cfind("findscu", *line)
        assert status == 0, stderr
        assert printed.count(b"(Pending)") > 3
        assert not referenced or differs(words) or printed.count(b"(Pending)") == shown
        status, text, _ = cfind("translate", "--", *line)
        assert status == 0
        (files / "translated.yaml").write_bytes(text)
        assert PASSWORD.encode() not in text
        assert cfind("validate", "translated.yaml")[0] == 0
        monkeypatch.setenv("FINDSCU_KEY_PASSWORD", PASSWORD)
        status, again, stderr = cfind("run", "translated.yaml")
        assert status == 0, stderr
        assert again.count(b"(Pending)") == printed.count(b"(Pending)")
    handshakes = 3 if referenced and not differs(words) else 2
    assert terminator.clients == [client] * handshakes
    assert set(terminator.ciphers) == {cipher} or not cipher
    sni = "pacs.example.org" if "--request-sni" in words else None
    assert terminator.names[-2:] == [sni] * 2
    written = "next" if "next" in words else "seed"
    if {"+ws", "--write-seed", "+wf", "--write-seed-file"} & set(words):
        assert (files / written).stat().st_size == 1024


@pytest.mark.parametrize(("option", "suite"), RETIRED)
def test_retired_profiles(
    cfind: Cfind, files: Path, certificates: Certificates, dcmqrscp_peer: Server, option: str, suite: str
) -> None:
    context = server_context(certificates["server.pem"], certificates["server.key"])
    try:
        context.set_ciphers(f"{suite}:@SECLEVEL=0")
    except ssl.SSLError:
        status, _, stderr = cfind("findscu", *ANONYMOUS, option, *WORDS, HOST, "1")
        assert status == 3
        assert f"has no cipher suite of the profile basic ({suite})" in stderr
        return
    with TlsTerminator(dcmqrscp_peer.port, context) as terminator:
        line = (*ANONYMOUS, option, *WORDS, HOST, str(terminator.port))
        assert cfind("findscu", *line)[0] == 0
        (files / "translated.yaml").write_bytes(cfind("translate", "--", *line)[1])
        status, _, stderr = cfind("run", "translated.yaml")
        assert status == 0, stderr
        assert "retired" in stderr
    assert terminator.ciphers == [suite] * 2


@pytest.mark.parametrize("name", ["expired", "early", "revoked", "self_signed", "under_middle"])
def test_bad_certificates(
    cfind: Cfind, files: Path, certificates: Certificates, dcmqrscp_peer: Server, name: str
) -> None:
    said = {
        "expired": "it has expired",
        "early": "it is not yet valid",
        "revoked": "it has been revoked",
        "self_signed": "it is self-signed",
        "under_middle": "its issuer is unknown",
    }[name]
    with secured(dcmqrscp_peer, certificates, name) as terminator:
        status, printed, stderr = cfind(
            "findscu", *ANONYMOUS, "+crl", "ca.crl", *WORDS, HOST, str(terminator.port)
        )
        assert status == 4
        assert said in stderr
        assert not printed
        outcome = cfind.run(tls_job(terminator.port, ca_files=["ca.pem"], crl_files=["ca.crl"]))
        assert outcome.status == 4
        assert said in outcome.stderr
        assert said in outcome.operations[0]["error"]["message"]
        status, _, stderr = cfind("echo", "job.yaml")
        assert status == 4
        assert said in stderr
    assert terminator.clients == [""]  # echo has looked at what it did not accept


def test_names_are_compared_in_job_files(
    cfind: Cfind, files: Path, certificates: Certificates, dcmqrscp_peer: Server
) -> None:
    with secured(dcmqrscp_peer, certificates, "elsewhere") as terminator:
        assert cfind("findscu", *ANONYMOUS, *WORDS, HOST, str(terminator.port))[0] == 0
        outcome = cfind.run(tls_job(terminator.port, ca_files=["ca.pem"]))
        assert outcome.status == 4
        assert f"another host than {HOST}" in outcome.stderr
        assert cfind.run(tls_job(terminator.port, ca_files=["ca.pem"], check_host=False)).status == 0
        named = tls_job(terminator.port, ca_files=["ca.pem"], server_name="elsewhere.example.org")
        assert cfind.run(named).status == 0


def test_a_peer_that_wants_a_certificate(
    cfind: Cfind, files: Path, certificates: Certificates, dcmqrscp_peer: Server
) -> None:
    with secured(dcmqrscp_peer, certificates, optional=False) as terminator:
        status, _, stderr = cfind("findscu", *ANONYMOUS, *WORDS, HOST, str(terminator.port))
        assert status == 4
        assert "refused the TLS connection" in stderr
        outcome = cfind.run(tls_job(terminator.port, ca_files=["ca.pem"]))
        assert outcome.status == 4
        assert "our certificate" in outcome.stderr
        own = {"key": "encrypted.key", "certificate": "client.pem", "ca_files": ["ca.pem"]}
        (files / "password.txt").write_text(f"{PASSWORD}\n")
        assert cfind.run(tls_job(terminator.port, **own, password="${file:password.txt}")).status == 0
        wrong = cfind.run(tls_job(terminator.port, **own, password="not it"))
        assert wrong.status == 3
        assert "cannot be decrypted" in wrong.stderr
        assert "not it" not in wrong.stderr + str(wrong.report)
    assert terminator.clients == ["client"]


def test_plain_and_tls_do_not_mix(
    cfind: Cfind, files: Path, certificates: Certificates, dcmqrscp_peer: Server
) -> None:
    status, _, stderr = cfind("findscu", *ANONYMOUS, *WORDS, HOST, str(dcmqrscp_peer.port))
    assert status == 4
    assert "TLS" in stderr
    with secured(dcmqrscp_peer, certificates) as terminator:
        status, _, stderr = cfind("findscu", *WORDS, HOST, str(terminator.port))
    assert status == 4
    assert "TLS" in stderr


def test_missing_files(cfind: Cfind, files: Path) -> None:
    status, _, stderr = cfind("findscu", "+tla", "+cf", "missing.pem", *WORDS, HOST, "1")
    assert status == 3
    assert "missing.pem: the trusted certificates cannot be read" in stderr
    outcome = cfind.run(tls_job(1, key="missing.key", certificate="client.pem"))
    assert outcome.status == 3
    assert "missing.key: the private key cannot be read" in outcome.stderr


@pytest.mark.parametrize("wants", [False, True])
def test_orthanc(
    cfind: Cfind,
    files: Path,
    certificates: Certificates,
    tmp_path_factory: pytest.TempPathFactory,
    few_archive_files: list[Path],
    wants: bool,
) -> None:
    settings = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(certificates["server.pem"]),
        "DicomTlsPrivateKey": str(certificates["server.key"]),
        "DicomTlsTrustedCertificates": str(certificates["ca.pem"]),
        "DicomTlsRemoteCertificateRequired": wants,
    }
    with orthanc(tmp_path_factory.mktemp("orthanc"), few_archive_files, configuration=settings) as server:
        words = [AE_TITLE if word == "QR" else word for word in WORDS]
        peer = (HOST, str(server.port))
        own = {"key": "client.key", "certificate": "client.pem", "ca_files": ["ca.pem"]}
        status, printed, stderr = cfind("findscu", *OWN, *words, *peer)
        assert status == 0, stderr
        outcome = cfind.run(tls_job(server.port, AE_TITLE, **own))
        assert outcome.status == 0, outcome.stderr
        assert outcome.report["responses"] == printed.count(b"(Pending)") > 3
        assert cfind("echo", "job.yaml")[0] == 0
        anonymous = cfind.run(tls_job(server.port, AE_TITLE, ca_files=["ca.pem"]))
        assert anonymous.status == (4 if wants else 0), anonymous.stderr
        other = cfind.run(tls_job(server.port, AE_TITLE, **{**own, "ca_files": ["other_ca.pem"]}))
        assert other.status == 4
        assert "its issuer is unknown" in other.stderr


def test_preflight(cfind: Cfind, files: Path, certificates: Certificates, dcmqrscp_peer: Server) -> None:
    """What `echo` prints and `run` reports of a peer."""
    with secured(dcmqrscp_peer, certificates) as terminator:
        tls = tls_job(terminator.port, ca_files=["ca.pem"])
        outcome = cfind.run(tls, "--debug")
        status, printed, stderr = cfind("echo", "job.yaml")
    assert status == outcome.status == 0
    assert "warning" not in stderr + outcome.stderr
    fingerprint = certificates.openssl("x509", "-in", "server.pem", "-noout", "-fingerprint", "-sha256")
    sha256 = fingerprint.partition("=")[2].strip()
    suite = terminator.ciphers[0]
    said = f"TLSv1.3, {suite}; certificate of CN=server, issued by CN=ca; SHA-256 {sha256}; 89 days left"
    assert printed.decode().startswith(f"main: {said}\n")
    assert f"peer main: {said}" in outcome.stderr
    assert outcome.stderr.index(said) < outcome.stderr.index("association accepted")
    (reported,) = outcome.report["peers"]
    assert reported["name"] == "main"
    tls = reported["tls"]
    certificate = tls.pop("certificate")
    assert tls == {"protocol": "TLSv1.3", "cipher": suite, "verified": True}
    assert (certificate["subject"], certificate["issuer"]) == ("CN=server", "CN=ca")
    assert (certificate["sha256"], certificate["days_left"]) == (sha256, 89)


def test_a_certificate_that_ends_soon_is_warned_of(
    cfind: Cfind, files: Path, certificates: Certificates, dcmqrscp_peer: Server
) -> None:
    with secured(dcmqrscp_peer, certificates, "soon") as terminator:
        outcome = cfind.run(tls_job(terminator.port, ca_files=["ca.pem"]))
        status, _, stderr = cfind("echo", "job.yaml")
    assert status == outcome.status == 0
    assert "peer main: warning: the peer's certificate expires in 9 days" in stderr
    assert stderr.strip().splitlines()[-1] in outcome.stderr
    assert any("expires in 9 days" in warning for warning in outcome.report["warnings"])


def test_preflight_of_a_peer_that_is_not_verified(
    cfind: Cfind, files: Path, certificates: Certificates, dcmqrscp_peer: Server
) -> None:
    with secured(dcmqrscp_peer, certificates, "expired") as terminator:
        outcome = cfind.run(tls_job(terminator.port, verification="ignore"))
        status, printed, stderr = cfind("echo", "job.yaml")
    assert status == outcome.status == 0
    assert b"issued by CN=ca, not verified" in printed
    assert "the peer's certificate has expired on 2021-01-01" in stderr
    assert outcome.report["peers"][0]["tls"]["verified"] is False


def test_fingerprints(cfind: Cfind, files: Path, certificates: Certificates, dcmqrscp_peer: Server) -> None:
    """What `echo` prints can be pinned, and is in the plan."""
    with secured(dcmqrscp_peer, certificates, "self_signed") as terminator:
        unknown = tls_job(terminator.port, verification="ignore")
        cfind.job_file(unknown)
        printed = cfind("echo", "job.yaml")[1].decode()
        fingerprint = printed.partition("SHA-256 ")[2].partition(";")[0]
        pinned = tls_job(terminator.port, verification="ignore", fingerprints=[fingerprint.lower()])
        outcome = cfind.run(pinned)
        assert outcome.status == 0, outcome.stderr
        assert outcome.report["peers"][0]["tls"]["verified"] is True
        assert "warning" not in outcome.stderr
        assert fingerprint in cfind("plan", "job.yaml")[1].decode()
        planned = json.loads(cfind("plan", "job.yaml", "--format", "json")[1])
        assert planned["operations"][0]["tls"]["fingerprints"] == [fingerprint]
        other = tls_job(terminator.port, verification="ignore", fingerprints=["00" * 32])
        outcome = cfind.run(other)
    assert outcome.status == 4
    assert fingerprint in outcome.stderr
    assert outcome.report["peers"][0]["tls"] is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("expired", "valid from 2020-01-01 to 2021-01-01"),
        ("elsewhere", "for elsewhere.example.org; valid"),
        ("self_signed", "of CN=self_signed, issued by CN=self_signed"),
    ],
)
def test_echo_shows_a_certificate_that_is_not_accepted(
    cfind: Cfind, files: Path, certificates: Certificates, dcmqrscp_peer: Server, name: str, said: str
) -> None:
    """It is looked at once more, without being checked, without ours, and without a word of DICOM."""
    with secured(dcmqrscp_peer, certificates, name) as terminator, Tap(terminator.port) as tap:
        own = {"key": "client.key", "certificate": "client.pem", "ca_files": ["ca.pem"]}
        cfind.job_file(tls_job(tap.port, **own))
        status, printed, stderr = cfind("echo", "job.yaml")
    assert status == 4
    assert not printed
    (line,) = (line for line in stderr.splitlines() if "its certificate is" in line)
    assert said in line
    tap.check_secured(2)
    assert set(terminator.clients) <= {""}


def test_a_run_tells_what_tls_it_goes_over(
    cfind: Cfind, dcmqrscp_peer: Server, certificates: Certificates
) -> None:
    """Once, before the first association is told of; and not where a run is to be quiet."""
    with secured(dcmqrscp_peer, certificates) as server:
        document = tls_job(server.port, ca_files=[str(certificates["ca.pem"])], check_host=False)
        told, quiet = cfind.run(document), cfind.run(document, "--quiet")
    assert (told.status, quiet.status) == (0, 0)
    (line,) = [line for line in told.stderr.splitlines() if "certificate of" in line]
    assert line.startswith("cfind: peer main: TLSv1.3, ")
    assert line.endswith(" days left")
    assert "certificate of" not in quiet.stderr
