"""All options of findscu, in one table: command lines are read by it, help and translations written from it.

The table holds what the manual of 3.5.4 lists, what 3.6 and 3.7 added, and our own `--style`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Era(str, Enum):
    """The first findscu that has an option."""

    MANUAL = "3.5.4"
    NEWER = "3.6"
    NEWEST = "3.7"
    OURS = "cfind"


class Kind(Enum):
    """What the value of an option is."""

    TEXT = "text"
    INTEGER = "integer"
    AE_TITLE = "AE title"
    SECRET = "secret"  # noqa: S105 - not one
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Value:
    """A value that stands behind an option.

    Attributes:
        name: what help calls it.
        kind: how it is checked.
        minimum: of an integer.
        maximum: of an integer, None for no limit.
        choices: of a choice.
    """

    name: str
    kind: Kind = Kind.TEXT
    minimum: int = 0
    maximum: int | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        long: with its dashes.
        short: with its sign, "" where there is none.
        section: the heading in help.
        summary: a line for help.
        becomes: the key of a job file that says the same, or in words what becomes of it.
        values: that stand behind it.
        group: of the options with the same group the rightmost counts; "" for one that adds up.
        requires: it goes only with one of these (long names) in effect.
        refuses: it does not go with any of these in effect.
        newer_requires: the newer findscu's `requires`; without one of them the option has no effect.
        era: the first findscu that has it.
        default: whether it says what holds without it.
    """

    long: str
    short: str
    section: str
    summary: str
    becomes: str = ""
    values: tuple[Value, ...] = ()
    group: str = ""
    requires: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    newer_requires: tuple[str, ...] = ()
    era: Era = Era.MANUAL
    default: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The long and the short name."""
        return (self.long, self.short) if self.short else (self.long,)


def _integer(name: str, minimum: int, maximum: int | None = None) -> tuple[Value, ...]:
    return (Value(name, Kind.INTEGER, minimum, maximum),)


def _text(name: str) -> tuple[Value, ...]:
    return (Value(name),)


_GENERAL = "general options"
_KEYS = "matching keys"
_MODEL = "information model"
_IP = "IP version"
_TITLES = "application entity titles"
_VRS = "value representations introduced since 1993"
_SYNTAXES = "proposed transfer syntaxes"
_NETWORK = "other network options"
_STACK = "TLS: transport"
_PASSWORD = "TLS: password of the private key (only with --enable-tls)"  # noqa: S105 - not one
_FORMAT = "TLS: format of keys and certificates"
_AUTHORITY = "TLS: trusted certificates and revocation"
_PROFILE = "TLS: security profile"
_CIPHER = "TLS: cipher suites"
_SNI = "TLS: server name"
_RANDOM = "TLS: random generator"
_AUTHENTICATION = "TLS: the peer's certificate"
_OUTPUT = "output"
_OURS = "options of cfind"

_KEY_TLS = ("--enable-tls",)
_TLS = ("--enable-tls", "--anonymous-tls")
_EXTRACT = ("--extract", "--extract-xml", "--extract-xml-single")
_DEFAULTED_SYNTAXES = "peers.*.transfer_syntaxes"
LOG_LEVELS = ("fatal", "error", "warn", "info", "debug", "trace")

OPTIONS: tuple[Option, ...] = (
    Option("--help", "-h", _GENERAL, "print this help and end", "nothing is run"),
    Option("--version", "", _GENERAL, "print the version and end", "nothing is run"),
    Option(
        "--arguments",
        "",
        _GENERAL,
        "print the command line as it is understood, command files put in",
        "a line on stderr",
        era=Era.NEWER,
    ),
    Option("--quiet", "-q", _GENERAL, "print neither responses nor warnings", "messages", era=Era.NEWER),
    Option("--verbose", "-v", _GENERAL, "report progress on stderr", "messages"),
    Option("--debug", "-d", _GENERAL, "report on stderr what is sent and received", "messages"),
    Option(
        "--log-level",
        "-ll",
        _GENERAL,
        "how much is reported on stderr: fatal, error, warn, info, debug or trace",
        "messages",
        (Value("level", Kind.CHOICE, choices=LOG_LEVELS),),
        era=Era.NEWER,
    ),
    Option(
        "--log-config",
        "-lc",
        _GENERAL,
        "a configuration of findscu's logger; it is not used",
        "nothing: messages go to stderr",
        _text("file"),
        era=Era.NEWER,
    ),
    Option(
        "--key",
        "-k",
        _KEYS,
        'a matching or return key: gggg,eeee="text", name="text", or a path (gggg,eeee)[0].name="text"',
        "queries.*.keys",
        _text("key"),
    ),
    Option(
        "--worklist",
        "-W",
        _MODEL,
        "modality worklist",
        "queries.*.model: worklist",
        group="model",
        default=True,
    ),
    Option("--patient", "-P", _MODEL, "patient root", "queries.*.model: patient-root", group="model"),
    Option("--study", "-S", _MODEL, "study root", "queries.*.model: study-root", group="model"),
    Option(
        "--psonly", "-O", _MODEL, "patient/study only", "queries.*.model: patient-study-only", group="model"
    ),
    Option("--ipv4", "-i4", _IP, "IPv4 only", "peers.*.ip", group="ip", era=Era.NEWEST),
    Option("--ipv6", "-i6", _IP, "IPv6 only", "peers.*.ip", group="ip", era=Era.NEWEST),
    Option(
        "--ip-auto",
        "-i0",
        _IP,
        "whatever the name has",
        "peers.*.ip",
        group="ip",
        era=Era.NEWEST,
        default=True,
    ),
    Option(
        "--aetitle",
        "-aet",
        _TITLES,
        "our own AE title (default: FINDSCU)",
        "peers.*.calling_ae_title",
        (Value("title", Kind.AE_TITLE),),
        group="calling",
    ),
    Option(
        "--call",
        "-aec",
        _TITLES,
        "the peer's AE title (default: ANY-SCP)",
        "peers.*.ae_title",
        (Value("title", Kind.AE_TITLE),),
        group="called",
    ),
    Option("--enable-new-vr", "+u", _VRS, "use them", "sinks: disable_new_vr", group="new-vr", default=True),
    Option(
        "--disable-new-vr",
        "-u",
        _VRS,
        "write UN and UT as OB",
        "sinks: disable_new_vr",
        group="new-vr",
    ),
    Option(
        "--propose-uncompr",
        "-x=",
        _SYNTAXES,
        "all uncompressed ones, explicit little endian first",
        _DEFAULTED_SYNTAXES,
        group="syntax",
        default=True,
    ),
    Option(
        "--propose-little",
        "-xe",
        _SYNTAXES,
        "all uncompressed ones, explicit little endian first",
        _DEFAULTED_SYNTAXES,
        group="syntax",
    ),
    Option(
        "--propose-big",
        "-xb",
        _SYNTAXES,
        "all uncompressed ones, explicit big endian first",
        _DEFAULTED_SYNTAXES,
        group="syntax",
    ),
    Option(
        "--propose-deflated",
        "-xd",
        _SYNTAXES,
        "deflated first, then all uncompressed ones",
        _DEFAULTED_SYNTAXES,
        group="syntax",
        era=Era.NEWER,
    ),
    Option(
        "--propose-implicit",
        "-xi",
        _SYNTAXES,
        "implicit little endian alone",
        _DEFAULTED_SYNTAXES,
        group="syntax",
    ),
    Option(
        "--compression-level",
        "+cl",
        _SYNTAXES,
        "how hard requests are deflated, 0 to 9 (default: 6)",
        "peers.*.deflate_level",
        _integer("level", 0, 9),
        group="deflate",
        requires=("--propose-deflated",),
        era=Era.NEWER,
    ),
    Option(
        "--timeout",
        "-to",
        _NETWORK,
        "seconds to wait for the connection and the TLS handshake (default: for ever)",
        "peers.*.timeouts.connect",
        _integer("seconds", 1),
        group="connect",
    ),
    Option(
        "--socket-timeout",
        "-ts",
        _NETWORK,
        "seconds of silence in the middle of a message, 0 for any (default: any)",
        "peers.*.timeouts.silence",
        _integer("seconds", -1),
        group="silence",
        era=Era.NEWER,
    ),
    Option(
        "--acse-timeout",
        "-ta",
        _NETWORK,
        "seconds to wait for the association and its release (default: 30)",
        "peers.*.timeouts.acse",
        _integer("seconds", 1),
        group="acse",
    ),
    Option(
        "--dimse-timeout",
        "-td",
        _NETWORK,
        "seconds to wait for a response (default: for ever)",
        "peers.*.timeouts.dimse",
        _integer("seconds", 1),
        group="dimse",
    ),
    Option(
        "--max-pdu",
        "-pdu",
        _NETWORK,
        "the longest PDU that we receive, 4096 to 131072 bytes (default: 16384)",
        "peers.*.max_pdu",
        _integer("bytes", 4096, 131072),
        group="pdu",
    ),
    Option(
        "--repeat",
        "",
        _NETWORK,
        "send each request so often",
        "queries.*.repeat",
        _integer("n", 1),
        group="repeat",
    ),
    Option("--abort", "", _NETWORK, "abort the association in place of releasing it", "peers.*.end: abort"),
    Option(
        "--cancel",
        "",
        _NETWORK,
        "cancel after so many responses, 0 for never (default: never)",
        "queries.*.cancel_after",
        _integer("n", 0),
        group="cancel",
    ),
    Option("--disable-tls", "-tls", _STACK, "plain TCP", "peers.*.tls", group="stack", default=True),
    Option(
        "--enable-tls",
        "+tls",
        _STACK,
        "TLS with a private key and a certificate of ours",
        "peers.*.tls.key, peers.*.tls.certificate",
        (Value("key file"), Value("certificate file")),
        group="stack",
    ),
    Option(
        "--anonymous-tls", "+tla", _STACK, "TLS without a certificate of ours", "peers.*.tls", group="stack"
    ),
    Option(
        "--std-passwd",
        "+ps",
        _PASSWORD,
        "ask for it",
        "peers.*.tls.password",
        group="password",
        requires=_KEY_TLS,
        default=True,
    ),
    Option(
        "--use-passwd",
        "+pw",
        _PASSWORD,
        "this one, which every user of the machine can see",
        "peers.*.tls.password",
        (Value("password", Kind.SECRET),),
        group="password",
        requires=_KEY_TLS,
    ),
    Option(
        "--null-passwd",
        "-pw",
        _PASSWORD,
        "the empty one",
        "peers.*.tls.password",
        group="password",
        requires=_KEY_TLS,
    ),
    Option(
        "--pem-keys",
        "-pem",
        _FORMAT,
        "PEM",
        "peers.*.tls.key_format",
        group="key-format",
        newer_requires=_TLS,
        default=True,
    ),
    Option(
        "--der-keys",
        "-der",
        _FORMAT,
        "DER",
        "peers.*.tls.key_format",
        group="key-format",
        newer_requires=_TLS,
    ),
    Option(
        "--add-cert-file",
        "+cf",
        _AUTHORITY,
        "trust the certificates in a file",
        "peers.*.tls.ca_files",
        _text("file"),
        newer_requires=_TLS,
    ),
    Option(
        "--add-cert-dir",
        "+cd",
        _AUTHORITY,
        "trust the certificates in a folder",
        "peers.*.tls.ca_directories",
        _text("folder"),
        newer_requires=_TLS,
    ),
    Option(
        "--add-crl-file",
        "+crl",
        _AUTHORITY,
        "a revocation list; implies --enable-crl-vfy",
        "peers.*.tls.crl_files",
        _text("file"),
        requires=_TLS,
        era=Era.NEWER,
    ),
    Option(
        "--enable-crl-vfy",
        "+crv",
        _AUTHORITY,
        "look the peer's certificate up in the revocation lists",
        "peers.*.tls.revocation",
        requires=_TLS,
        era=Era.NEWER,
    ),
    Option(
        "--enable-crl-all",
        "+cra",
        _AUTHORITY,
        "look the whole chain up in the revocation lists",
        "peers.*.tls.revocation",
        requires=_TLS,
        era=Era.NEWER,
    ),
    Option(
        "--list-profiles", "+ph", _PROFILE, "print the profiles and end", "nothing is run", era=Era.NEWEST
    ),
    Option(
        "--profile-8996",
        "+pg",
        _PROFILE,
        "BCP 195 by RFC 8996",
        "peers.*.tls.profile: bcp195-rfc8996",
        group="profile",
        requires=_TLS,
        era=Era.NEWEST,
        default=True,
    ),
    Option(
        "--profile-8996-mod",
        "+pm",
        _PROFILE,
        "BCP 195 by RFC 8996, modified",
        "peers.*.tls.profile: bcp195-rfc8996-modified",
        group="profile",
        requires=_TLS,
        era=Era.NEWEST,
    ),
    Option(
        "--profile-bcp195-nd",
        "+py",
        _PROFILE,
        "non-downgrading BCP 195 (retired)",
        "peers.*.tls.profile: bcp195-non-downgrading",
        group="profile",
        requires=_TLS,
        era=Era.NEWER,
    ),
    Option(
        "--profile-bcp195",
        "+px",
        _PROFILE,
        "BCP 195 (retired)",
        "peers.*.tls.profile: bcp195",
        group="profile",
        requires=_TLS,
        era=Era.NEWER,
    ),
    Option(
        "--profile-bcp195-ex",
        "+pz",
        _PROFILE,
        "extended BCP 195 (retired)",
        "peers.*.tls.profile: bcp195-extended",
        group="profile",
        requires=_TLS,
        era=Era.NEWER,
    ),
    Option(
        "--profile-basic",
        "+pb",
        _PROFILE,
        "basic TLS (retired)",
        "peers.*.tls.profile: basic",
        group="profile",
        requires=_TLS,
        era=Era.NEWER,
    ),
    Option(
        "--profile-aes",
        "+pa",
        _PROFILE,
        "AES TLS (retired)",
        "peers.*.tls.profile: aes",
        group="profile",
        requires=_TLS,
        era=Era.NEWER,
    ),
    Option(
        "--profile-null",
        "+pn",
        _PROFILE,
        "authenticated but not encrypted (retired)",
        "peers.*.tls.profile: null",
        group="profile",
        requires=_TLS,
        era=Era.NEWER,
    ),
    Option(
        "--list-ciphers", "+cc", _CIPHER, "print the cipher suites and end", "nothing is run", era=Era.NEWER
    ),
    Option(
        "--cipher",
        "+cs",
        _CIPHER,
        "offer this cipher suite, and only those so named",
        "peers.*.tls.ciphers",
        _text("suite"),
        newer_requires=_TLS,
        refuses=("--profile-bcp195-ex",),
    ),
    Option(
        "--dhparam",
        "+dp",
        _CIPHER,
        "parameters for Diffie-Hellman",
        "peers.*.tls.dh_parameters",
        _text("file"),
        group="dh",
        newer_requires=_TLS,
    ),
    Option(
        "--no-sni",
        "",
        _SNI,
        "send none",
        "peers.*.tls.server_name",
        group="sni",
        requires=_TLS,
        era=Era.NEWEST,
        default=True,
    ),
    Option(
        "--request-sni",
        "",
        _SNI,
        "send this one",
        "peers.*.tls.server_name",
        _text("name"),
        group="sni",
        requires=_TLS,
        era=Era.NEWEST,
    ),
    Option(
        "--seed",
        "+rs",
        _RANDOM,
        "seed it with the contents of a file",
        "peers.*.tls.seed",
        _text("file"),
        group="seed",
        newer_requires=_TLS,
    ),
    Option(
        "--write-seed",
        "+ws",
        _RANDOM,
        "write a fresh seed back (only with --seed)",
        "peers.*.tls.write_seed",
        group="write-seed",
        requires=("--seed",),
        newer_requires=_TLS,
    ),
    Option(
        "--write-seed-file",
        "+wf",
        _RANDOM,
        "write a fresh seed to this file (only with --seed)",
        "peers.*.tls.write_seed",
        _text("file"),
        group="write-seed",
        requires=("--seed",),
        newer_requires=_TLS,
    ),
    Option(
        "--require-peer-cert",
        "-rc",
        _AUTHENTICATION,
        "it must be there and valid",
        "peers.*.tls.verification: require",
        group="verification",
        newer_requires=_TLS,
        default=True,
    ),
    Option(
        "--verify-peer-cert",
        "-vc",
        _AUTHENTICATION,
        "it must be valid if it is there",
        "peers.*.tls.verification: if-present",
        group="verification",
        newer_requires=_TLS,
    ),
    Option(
        "--ignore-peer-cert",
        "-ic",
        _AUTHENTICATION,
        "it is not looked at",
        "peers.*.tls.verification: ignore",
        group="verification",
        newer_requires=_TLS,
    ),
    Option(
        "--output-directory",
        "-od",
        _OUTPUT,
        "the folder that files are written to (default: the current one)",
        "sinks: directory",
        _text("folder"),
        group="directory",
        era=Era.NEWER,
    ),
    Option(
        "--enable-correction",
        "+dc",
        _OUTPUT,
        "correct malformed values of responses",
        "nothing: responses are kept as they came",
        group="correction",
        era=Era.NEWER,
    ),
    Option(
        "--disable-correction",
        "-dc",
        _OUTPUT,
        "keep responses as they came",
        "how cfind does it",
        group="correction",
        era=Era.NEWER,
        default=True,
    ),
    Option(
        "--show-responses",
        "+sr",
        _OUTPUT,
        "print responses, whatever else is said",
        "sinks: stdout",
        group="responses",
        era=Era.NEWER,
    ),
    Option(
        "--hide-responses",
        "-sr",
        _OUTPUT,
        "print no responses",
        "sinks: stdout",
        group="responses",
        era=Era.NEWER,
    ),
    Option("--extract", "-X", _OUTPUT, "write responses to rsp0001.dcm, ...", "sinks: rsp", group="extract"),
    Option(
        "--extract-xml",
        "-Xx",
        _OUTPUT,
        "write responses to rsp0001.xml, ...",
        "sinks: xml",
        group="extract",
        era=Era.NEWER,
    ),
    Option(
        "--extract-xml-single",
        "-Xs",
        _OUTPUT,
        "write all responses to one XML file",
        "sinks: xml",
        _text("file"),
        group="extract",
        era=Era.NEWER,
    ),
    Option(
        "--limit-output",
        "-Xlo",
        _OUTPUT,
        "write no more than so many responses to files",
        "sinks: limit",
        _integer("n", 1),
        group="limit",
        requires=_EXTRACT,
        era=Era.NEWER,
    ),
    Option(
        "--style",
        "",
        _OURS,
        "what is printed: as findscu 3.5 does (default) or as 3.6 does",
        "sinks: stdout",
        (Value("version", Kind.CHOICE, choices=("3.5", "3.6")),),
        group="style",
        era=Era.OURS,
    ),
)

BY_NAME: dict[str, Option] = {name: option for option in OPTIONS for name in option.names}
