"""The job as a frozen model: what every front end makes and all that the layers below know of it.

Nothing here does I/O or knows of YAML, argv, sockets or output formats.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from os.path import splitext
from pathlib import Path as FilePath
from typing import Protocol

from runner.dicom.dictionary import STANDARD, Dictionary
from runner.dicom.identifier import Identifier, Path
from runner.dicom.transfer_syntax import TransferSyntax


class Level(str, Enum):
    """A query/retrieve level (PS3.4 C.3), by its value of (0008,0052)."""

    PATIENT = "PATIENT"
    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"

    @property
    def unique_key(self) -> int:
        """The tag of the attribute that tells its entities apart (PS3.4 C.6.1.1)."""
        return _UNIQUE_KEYS[self]


_UNIQUE_KEYS = {
    Level.PATIENT: 0x00100020,
    Level.STUDY: 0x0020000D,
    Level.SERIES: 0x0020000E,
    Level.IMAGE: 0x00080018,
}


class QueryOption(str, Enum):
    """What a peer may agree to do for a C-FIND beyond the baseline (PS3.4 C.5.1.1), by its name in jobs.

    They stand in the order of their bytes.
    """

    RELATIONAL = "relational"
    DATE_TIME = "date_time"
    FUZZY = "fuzzy"
    TIMEZONE = "timezone"


class InformationModel(str, Enum):
    """An information model that C-FIND can be asked of, by its name in job files."""

    PATIENT_ROOT = "patient-root"
    STUDY_ROOT = "study-root"
    PATIENT_STUDY_ONLY = "patient-study-only"
    WORKLIST = "worklist"

    @property
    def sop_class_uid(self) -> str:
        """The SOP class of its C-FIND (PS3.4 C.6 and K.6)."""
        return _SOP_CLASS_UIDS[self]

    @property
    def levels(self) -> tuple[Level, ...]:
        """The query/retrieve levels it has, from the top; none for the worklist."""
        return _LEVELS[self]

    @property
    def query_options(self) -> tuple[QueryOption, ...]:
        """What can be negotiated for it (PS3.4 C.5.1.1 and K.5.1)."""
        if self is InformationModel.WORKLIST:
            return (QueryOption.FUZZY, QueryOption.TIMEZONE)
        return tuple(QueryOption)


_SOP_CLASS_UIDS = {
    InformationModel.PATIENT_ROOT: "1.2.840.10008.5.1.4.1.2.1.1",
    InformationModel.STUDY_ROOT: "1.2.840.10008.5.1.4.1.2.2.1",
    InformationModel.PATIENT_STUDY_ONLY: "1.2.840.10008.5.1.4.1.2.3.1",
    InformationModel.WORKLIST: "1.2.840.10008.5.1.4.31",
}
_LEVELS = {
    InformationModel.PATIENT_ROOT: (Level.PATIENT, Level.STUDY, Level.SERIES, Level.IMAGE),
    InformationModel.STUDY_ROOT: (Level.STUDY, Level.SERIES, Level.IMAGE),
    InformationModel.PATIENT_STUDY_ONLY: (Level.PATIENT, Level.STUDY),
    InformationModel.WORKLIST: (),
}


class IPVersion(str, Enum):
    """Which addresses of a host may be used."""

    ANY = "any"
    IPV4 = "4"
    IPV6 = "6"


class AssociationEnd(str, Enum):
    """How an association is ended after its last operation."""

    RELEASE = "release"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for a peer, in seconds; None waits for ever.

    Attributes:
        connect: for the TCP connection and the TLS handshake, together; where it is None, `acse` bounds the
            handshake.
        acse: for a whole answer to A-ASSOCIATE-RQ and to A-RELEASE-RQ.
        dimse: for each whole message (command and identifier) that is due.
        silence: for the next bytes, once a message or a TLS handshake has begun.
    """

    connect: float | None = 10.0
    acse: float | None = 30.0
    dimse: float | None = 60.0
    silence: float | None = None


DEFAULT_TRANSFER_SYNTAXES = (
    TransferSyntax.EXPLICIT_LITTLE,
    TransferSyntax.EXPLICIT_BIG,
    TransferSyntax.IMPLICIT_LITTLE,
)


class KeyFormat(str, Enum):
    """How files with keys and certificates are written."""

    PEM = "pem"
    DER = "der"


class PeerVerification(str, Enum):
    """What is asked of the peer's certificate."""

    REQUIRE = "require"
    IF_PRESENT = "if-present"
    IGNORE = "ignore"


class RevocationCheck(str, Enum):
    """Which certificates of the peer's chain are looked up in the revocation lists."""

    NONE = "none"
    LEAF = "leaf"
    CHAIN = "chain"


class SecurityProfile(str, Enum):
    """A TLS profile of PS3.15 Annex B, current or retired."""

    RFC_8996 = "bcp195-rfc8996"
    RFC_8996_MODIFIED = "bcp195-rfc8996-modified"
    NON_DOWNGRADING = "bcp195-non-downgrading"
    BCP_195 = "bcp195"
    EXTENDED = "bcp195-extended"
    BASIC = "basic"
    AES = "aes"
    NULL = "null"


class TlsVersion(str, Enum):
    """A version of TLS that a job can ask for at least."""

    TLS_1_2 = "1.2"
    TLS_1_3 = "1.3"


class SecretSource(str, Enum):
    """Where a secret comes from: the password of a private key, or what proves a user's identity."""

    PROMPT = "prompt"
    EMPTY = "empty"
    LITERAL = "literal"
    ENVIRONMENT = "environment"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret, or where it is to be found when it is used; never part of a `repr`.

    Attributes:
        source: where it comes from.
        value: the secret itself, the variable's name or the file's path; "" where the source says it all.
    """

    source: SecretSource = SecretSource.PROMPT
    value: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Tls:
    """That a peer is spoken to over TLS, and how. Files are read when the connection is made.

    Attributes:
        key: our private key; None for a client without certificate.
        certificate: our certificate; None where `key` is.
        password: of the private key, asked for only where it is encrypted.
        key_format: of `key`, `certificate` and `ca_files`.
        ca_files: certificates that are trusted.
        ca_directories: folders of certificates that are trusted.
        verification: what is asked of the peer's certificate.
        check_host: whether the peer's certificate must bear its host name.
        server_name: sent as server name indication (RFC 6066 3), and checked where `check_host` is set;
            None is the host where `check_host` is set, and otherwise none is sent.
        fingerprints: SHA-256 of certificates, in hexadecimal with colons as openssl prints them: the peer's
            must be one of them, whatever `verification` says; empty for any.
        profile: the versions and cipher suites that are offered.
        minimum_version: no older version than that is offered; None for the profile's.
        ciphers: IANA or OpenSSL names of cipher suites that replace the profile's; empty for the profile's.
        dh_parameters: a file with parameters for Diffie-Hellman.
        crl_files: certificate revocation lists.
        revocation: which certificates are looked up in them.
        seed: a file that the random generator is seeded with.
        write_seed: a file that a fresh seed is written to.
    """

    key: FilePath | None = None
    certificate: FilePath | None = None
    password: Secret = field(default_factory=Secret)
    key_format: KeyFormat = KeyFormat.PEM
    ca_files: tuple[FilePath, ...] = ()
    ca_directories: tuple[FilePath, ...] = ()
    verification: PeerVerification = PeerVerification.REQUIRE
    check_host: bool = True
    server_name: str | None = None
    fingerprints: tuple[str, ...] = ()
    profile: SecurityProfile = SecurityProfile.RFC_8996
    minimum_version: TlsVersion | None = None
    ciphers: tuple[str, ...] = ()
    dh_parameters: FilePath | None = None
    crl_files: tuple[FilePath, ...] = ()
    revocation: RevocationCheck = RevocationCheck.NONE
    seed: FilePath | None = None
    write_seed: FilePath | None = None


class IdentityType(str, Enum):
    """A way to say who asks (PS3.7 D.3.3.7)."""

    USERNAME = "username"
    USERNAME_PASSCODE = "username-passcode"
    KERBEROS = "kerberos"
    SAML = "saml"
    JWT = "jwt"

    @property
    def has_username(self) -> bool:
        """Whether it names the user."""
        return self in (IdentityType.USERNAME, IdentityType.USERNAME_PASSCODE)

    @property
    def secret_name(self) -> str:
        """What its secret is called, "" where it has none."""
        return _SECRET_NAMES.get(self, "")


_SECRET_NAMES = {
    IdentityType.USERNAME_PASSCODE: "passcode",
    IdentityType.KERBEROS: "ticket",
    IdentityType.SAML: "assertion",
    IdentityType.JWT: "token",
}


class Wish(str, Enum):
    """How much something is wanted of a peer that may refuse it."""

    NO = "false"
    YES = "true"
    REQUIRE = "require"


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """Who asks, as far as a peer is told. Secrets are read when the association is made.

    Attributes:
        type: how it is said.
        username: where the type has one, else "".
        secret: the passcode, ticket, assertion or token; None where the type has none.
        positive_response: whether the peer is asked to confirm it, and must.
    """

    type: IdentityType
    username: str = ""
    secret: Secret | None = None
    positive_response: Wish = Wish.NO


@dataclass(frozen=True, slots=True)
class ExtendedNegotiation:
    """What is proposed for C-FIND beyond the baseline.

    Attributes:
        proposed: in the order of QueryOption, each once.
        required: those without which nothing is sent; all of them are proposed too.
    """

    proposed: tuple[QueryOption, ...] = ()
    required: tuple[QueryOption, ...] = ()

    def proposed_for(self, model: InformationModel) -> tuple[QueryOption, ...]:
        """What is proposed for an information model: what it knows."""
        return tuple(option for option in self.proposed if option in model.query_options)

    def required_for(self, model: InformationModel) -> tuple[QueryOption, ...]:
        """What an information model's queries are not sent without."""
        return tuple(option for option in self.required if option in model.query_options)


@dataclass(frozen=True, slots=True)
class Retries:
    """How what fails for a passing reason is tried again.

    Attributes:
        attempts: how many times more: each operation, and in a row a peer that gives no association.
        backoff: the pause before the first further attempt, in seconds; each one after it is twice as long.
    """

    attempts: int = 3
    backoff: float = 1.0


@dataclass(frozen=True, slots=True)
class Window:
    """When a peer may be asked.

    Attributes:
        opens: in minutes of the day, 0 to 1440.
        closes: likewise; not after `opens` it is on the next day.
        days: the days of the week on which it opens, 0 is Monday.
        zone: the time zone by its IANA name; "" for the machine's.
    """

    opens: int = 0
    closes: int = 1440
    days: frozenset[int] = frozenset(range(7))
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Peer:
    """An SCP, and how to talk to it.

    Attributes:
        name: its name in the job.
        host: name or address; "" where `archive` is set.
        port: TCP port; 0 where `archive` is set.
        archive: a folder that is served in-process on loopback in place of a host.
        ae_title: the called AE title.
        calling_ae_title: ours.
        max_pdu: the longest P-DATA-TF that we receive, in bytes of its variable field (PS3.8 D.1).
        timeouts: how long to wait.
        max_associations: how many associations may stand at the same time.
        operations_per_association: after how many C-FINDs a fresh association is opened; None for no limit.
        transfer_syntaxes: proposed in one presentation context, in this order.
        deflate_level: how hard identifiers are deflated, 0 (not at all) to 9, where that is negotiated.
        ip_version: which addresses of the host are tried.
        end: how associations are ended.
        reopen: whether the operations that are left when an association is lost get a fresh one.
        tls: how the connection is secured; None for plain TCP.
        result_limit: how many responses it gives at most to one C-FIND, as the author or the peer's profile
            declares; None where nothing is declared. So many responses may not be all.
        rate: how many C-FINDs a second it is sent at most, over all its associations; None for no limit.
        retries: how what fails is tried again; None for not at all.
        window: when it may be asked; None for always.
        user_identity: who asks; None where the peer is not told.
        extended_negotiation: what is proposed for C-FIND beyond the baseline.
    """

    name: str
    host: str = ""
    port: int = 0
    archive: FilePath | None = None
    ae_title: str = "ANY-SCP"
    calling_ae_title: str = "CFIND"
    max_pdu: int = 131072
    timeouts: Timeouts = field(default_factory=Timeouts)
    max_associations: int = 1
    operations_per_association: int | None = None
    transfer_syntaxes: tuple[TransferSyntax, ...] = DEFAULT_TRANSFER_SYNTAXES
    deflate_level: int = 6
    ip_version: IPVersion = IPVersion.ANY
    end: AssociationEnd = AssociationEnd.RELEASE
    reopen: bool = True
    tls: Tls | None = None
    result_limit: int | None = None
    rate: float | None = None
    retries: Retries | None = None
    window: Window | None = None
    user_identity: UserIdentity | None = None
    extended_negotiation: ExtendedNegotiation = ExtendedNegotiation()


@dataclass(frozen=True, slots=True)
class Request:
    """One identifier that a query sends.

    Attributes:
        identifier: as it is sent, with QueryRetrieveLevel where it has one.
        source: the query file that it comes from, the row of a `foreach`, such as `cohort.csv:17`, or both;
            "" for keys alone.
        row: the number of that row, counting from 1; 0 where there are no rows.
    """

    identifier: Identifier
    source: str = ""
    row: int = 0


class InputRows(Protocol):
    """The rows of a `foreach`, read anew each time that they are gone through."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""

    def __iter__(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield for each row where it comes from, and its cells.

        Raises:
            InvalidJobError: they cannot be read.
        """


class Requests(Protocol):
    """Requests that are made one by one as they are asked for, as often as they are asked for."""

    def __iter__(self) -> Iterator[Request]:
        """Make the requests, in order.

        Raises:
            InvalidJobError: what they are made of cannot be read, or one of them cannot be sent.
        """

    @property
    def size(self) -> int:
        """How many there are; to be counted, perhaps, by reading what they are made of."""

    @property
    def rows(self) -> InputRows:
        """The rows that they are made for; a single one without cells where there is no `foreach`."""

    def marks(self) -> Iterator[tuple[str, object]]:
        """Yield what tells them from other ones, by names as in a query of a job file.

        Of a file its path; what it holds is a mark, too. No other mark changes but by the job or the clock.
        """


class MatchMode(str, Enum):
    """What is done about responses that do not match the keys."""

    OFF = "off"
    REPORT = "report"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Match:
    """How responses are tested against the keys (PS3.4 C.2.2.2).

    Attributes:
        mode: what is done about those that do not match.
        name_case: whether upper and lower case differ in person names.
        name_accents: whether letters with and without accents differ in person names.
    """

    mode: MatchMode = MatchMode.REPORT
    name_case: bool = False
    name_accents: bool = False


class Across(str, Enum):
    """Among which answers of a query a record is looked for: of all its peers, of one, or of one question."""

    PEERS = "peers"
    OPERATIONS = "operations"
    PARTS = "parts"


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """What tells records apart.

    Attributes:
        paths: attributes; a record that lacks one of them is like no other. Empty for the whole identifier.
        qualifiers: attributes that count as far as they are there.
    """

    paths: tuple[Path, ...] = ()
    qualifiers: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Deduplicate:
    """That of several responses with the same unique key the first one is kept."""

    key: UniqueKey
    across: Across = Across.PEERS


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many responses there are to be; None for no bound."""

    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True)
class Expect:
    """What a query's answers are expected to be, after what `match` drops and `deduplicate` removes.

    Attributes:
        total: the responses of all operations of the query, together.
        each: the responses of each operation.
        unique: attributes whose values, or combinations of values, stand in no two responses.
        required: attributes that each response has, with a value.
        statuses: the final statuses that are expected in place of success; empty for success.
    """

    total: Bounds = Bounds()
    each: Bounds = Bounds()
    unique: tuple[tuple[Path, ...], ...] = ()
    required: tuple[Path, ...] = ()
    statuses: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DateSplit:
    """Split a query that hits a cap on a date, and within a day on the time that belongs to it.

    Attributes:
        key: of VR DA or DT, which may be in an item of a sequence.
        name: its keyword, for messages.
        vr: DA or DT.
        first: the first day that is asked for, 8 digits; "" where the query's own key says it, if any does.
        last: the last day, likewise.
        every: how long the parts are that are asked for at once, in seconds; None to ask for all at once.
        until: a part that is no longer than this is not cut any more, in seconds; None for as short as
            the key allows: a day, or a second where a time belongs to the date.
        residue: whether records without the key are asked for too.
    """

    key: Path
    name: str
    vr: str = "DA"
    first: str = ""
    last: str = ""
    every: int | None = None
    until: int | None = None
    residue: bool = False


@dataclass(frozen=True, slots=True)
class LetterSplit:
    """Split a query that hits a cap on the first letters of a key with wildcards.

    Attributes:
        key: of a VR that has wildcards.
        name: its keyword, for messages.
        vr: of the key.
        letters: the alphabet, each character once.
    """

    key: Path
    name: str
    vr: str
    letters: str


@dataclass(frozen=True, slots=True)
class ListSplit:
    """Split a query that hits a cap into one for each value of a key.

    Attributes:
        key: which attribute.
        name: its keyword, for messages.
        vr: of the key.
        values: what is asked for, each once; empty for the values that the query's own key lists.
    """

    key: Path
    name: str
    vr: str
    values: tuple[str, ...] = ()


Split = DateSplit | LetterSplit | ListSplit


@dataclass(frozen=True, slots=True)
class Query:
    """A C-FIND, or one for each query file or row, to one peer or several.

    Attributes:
        name: its name in the job.
        peers: the names of the peers that it goes to.
        model: the information model.
        requests: what is sent, in order.
        columns: the attributes that the query names, in the author's order.
        cancel_after: a C-CANCEL is sent after so many responses; None for never.
        repeat: how many times each request is sent.
        match: what is done about responses that do not match the keys.
        deduplicate: what is done about records that come again; None for nothing.
        expect: what its answers must be; None for nothing.
        then: what is asked for each record that it finds, of the same peer.
        inherits: for a query that is asked for the records of another: the tags of those of its keys whose
            values come from there.
        split: how a C-FIND that hits a cap is cut into smaller ones; None for not at all.
        record: what tells its records apart for what counts them; None where nothing does.
        only_new: whether records that an earlier run has delivered are kept from the sinks, by `record`.
    """

    name: str
    peers: tuple[str, ...]
    model: InformationModel
    requests: tuple[Request, ...] | Requests
    columns: tuple[Path, ...] = ()
    cancel_after: int | None = None
    repeat: int = 1
    match: Match = Match()
    deduplicate: Deduplicate | None = None
    expect: Expect | None = None
    then: tuple[Query, ...] = ()
    inherits: tuple[int, ...] = ()
    split: Split | None = None
    record: UniqueKey | None = None
    only_new: bool = False

    @property
    def family(self) -> Iterator[Query]:
        """The query, and all below it, in the job's order."""
        yield self
        for query in self.then:
            yield from query.family

    @property
    def operations_per_peer(self) -> int:
        """How many C-FINDs each of its peers is sent."""
        requests = self.requests
        return (len(requests) if isinstance(requests, tuple) else requests.size) * self.repeat


class StdoutFormat(str, Enum):
    """How responses are printed."""

    DUMP = "dump"
    JSON = "json"
    CSV = "csv"
    FINDSCU = "findscu"
    FINDSCU_LOG = "findscu-3.6"


@dataclass(frozen=True, slots=True)
class AncestorColumn:
    """A column with an attribute of the record that a response was asked for, or of that one's record."""

    path: Path


Column = Path | AncestorColumn


@dataclass(frozen=True, slots=True)
class StdoutSink:
    """Print the responses; `columns` are those of `csv`, empty for the keys of the queries.

    Of this and every other sink: `queries` are the names of those whose responses it takes, empty for all.
    """

    format: StdoutFormat = StdoutFormat.DUMP
    columns: tuple[Column, ...] = ()
    queries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RspSink:
    """Write each response as a DICOM file rsp0001.dcm, rsp0002.dcm, … in `directory`.

    `disable_new_vr` writes UN and UT as OB (findscu -u); after `limit` files nothing more is written.
    `keep_after_failure` gives whole files their names also where the run fails.
    """

    directory: str
    disable_new_vr: bool = False
    limit: int | None = None
    keep_after_failure: bool = False
    queries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class XmlSink:
    """Write the responses as XML in DCMTK's form, no more than `limit` of them.

    Either each to a file of its own, rsp0001.xml, rsp0002.xml, … in `directory`, or all to the file `path`;
    the other one is "". `keep_after_failure` is as for RspSink.
    """

    directory: str = ""
    path: str = ""
    limit: int | None = None
    keep_after_failure: bool = False
    queries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CsvSink:
    """Write the responses as rows of one CSV file; empty `columns` are the keys of the queries."""

    path: str
    columns: tuple[Column, ...] = ()
    queries: tuple[str, ...] = ()


class RowState(str, Enum):
    """What became of a row of a cohort, as its table says it."""

    FOUND = "found"
    NOT_FOUND = "not found"
    AMBIGUOUS = "ambiguous"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CohortSink:
    """Write each row that a query is sent for to a CSV file, with what was found for it.

    Attributes:
        path: of the file.
        query: the name of the query, one of the plan, which has rows.
        columns: attributes of what was found; empty for the keys of the query.
        lists: whether the rows of each state are written to a file of their own, too.
    """

    path: str
    query: str
    columns: tuple[Path, ...] = ()
    lists: bool = False

    @property
    def queries(self) -> tuple[str, ...]:
        """The names of the queries whose responses it takes."""
        return (self.query,)

    @property
    def list_paths(self) -> dict[RowState, str]:
        """Where the rows of each state go, `a/b.not-found.csv` for `a/b.csv`; empty without lists."""
        if not self.lists:
            return {}
        stem, suffix = splitext(self.path)  # noqa: PTH122 - of any text, one that is no file name too
        return {state: f"{stem}.{state.value.replace(' ', '-')}{suffix}" for state in RowState}


SinkDeclaration = StdoutSink | RspSink | CsvSink | XmlSink | CohortSink


class CatchUp(str, Enum):
    """Which of the runs are made up for whose time passed while nothing could run."""

    ONE = "one"
    NONE = "none"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job runs by itself.

    Attributes:
        cron: five fields of cron, or a word such as @daily; runner.schedule.cron reads it.
        timezone: the IANA name of the zone whose times they are, "" for the machine's.
        jitter: up to so many seconds later, by chance, the run begins.
        catch_up: what becomes of times that were missed.
    """

    cron: str
    timezone: str = ""
    jitter: int = 0
    catch_up: CatchUp = CatchUp.ONE


@dataclass(frozen=True, slots=True)
class Job:
    """All that a run does.

    Attributes:
        name: of the job, for messages and the report.
        peers: in the job's order, names are unique.
        queries: in the job's order, names are unique.
        sinks: where responses go; none only counts.
        description: the author's words.
        source: the job file, "" for a job that comes from a command line.
        included: the files that it includes.
        dictionary: the names and VRs of attributes.
        schedule: when it runs by itself; None where only people run it.
        on_success: the command that is run after a run that ended with exit status 0; empty for none.
        on_failure: the command that is run after any other; empty for none.
    """

    name: str
    peers: tuple[Peer, ...]
    queries: tuple[Query, ...]
    sinks: tuple[SinkDeclaration, ...] = (StdoutSink(),)
    description: str = ""
    source: str = ""
    included: tuple[str, ...] = ()
    dictionary: Dictionary = STANDARD
    schedule: Schedule | None = None
    on_success: tuple[str, ...] = ()
    on_failure: tuple[str, ...] = ()

    @property
    def used_peers(self) -> tuple[Peer, ...]:
        """The peers that a query asks, in the job's order."""
        used = {name for query in self.queries for name in query.peers}
        return tuple(peer for peer in self.peers if peer.name in used)

    @property
    def wants_news(self) -> bool:
        """Whether any of its queries keeps what earlier runs have delivered from the sinks."""
        return any(member.only_new for query in self.queries for member in query.family)

    def peer(self, name: str) -> Peer:
        """Return the peer of that name; KeyError where there is none."""
        for peer in self.peers:
            if peer.name == name:
                return peer
        raise KeyError(name)
