"""From the `peers` of a job file to the model."""

from __future__ import annotations

import os
import re

from runner.dicom.transfer_syntax import TransferSyntax
from runner.jobfile.section import Section
from runner.jobfile.tls import read_tls
from runner.model import (
    DEFAULT_TRANSFER_SYNTAXES,
    AssociationEnd,
    ExtendedNegotiation,
    IPVersion,
    Peer,
    Retries,
    Timeouts,
    Tls,
    UserIdentity,
    Window,
)

#: Every way to name a transfer syntax.
TRANSFER_SYNTAXES = {
    "explicit-le": TransferSyntax.EXPLICIT_LITTLE,
    "ExplicitVRLittleEndian": TransferSyntax.EXPLICIT_LITTLE,
    "explicit-be": TransferSyntax.EXPLICIT_BIG,
    "ExplicitVRBigEndian": TransferSyntax.EXPLICIT_BIG,
    "implicit-le": TransferSyntax.IMPLICIT_LITTLE,
    "ImplicitVRLittleEndian": TransferSyntax.IMPLICIT_LITTLE,
    "deflated": TransferSyntax.DEFLATED,
    "DeflatedExplicitVRLittleEndian": TransferSyntax.DEFLATED,
    **{syntax.uid: syntax for syntax in TransferSyntax},
}

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WHOLE_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: Every way to name a day of the week.
DAY_NAMES = frozenset(name for day in (*_DAYS, *_WHOLE_DAYS) for name in (day, day.capitalize()))
_MIDNIGHT = 24 * 60
_TIME = re.compile(r"[0-2][0-9]:[0-5][0-9]")

_HOST = re.compile(r"[0-9A-Za-z_.:%-]+")
_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f]")


def read_peers(peers: Section, profiles: Section) -> tuple[Peer, ...]:
    """Make peers.

    Args:
        peers: the mapping of names to peers.
        profiles: that of names to what is known of peers; a peer's own words count before it.
    """
    return tuple(
        _peer(name, section, profiles[name]) for name, section in peers.members() if is_name(name, section)
    )


def is_name(name: str, section: Section) -> bool:
    """Whether a name that the author chose is fit for messages and tables; complains where it is not."""
    if _CONTROL.search(name):
        section.problem("the name has control characters", "choose another", of_key=True)
        return False
    if name != name.strip():
        section.problem("the name begins or ends with a space", "take the space out", of_key=True)
        return False
    return bool(name)


def _peer(name: str, peer: Section, profile: Section) -> Peer:
    host = peer["host"].text()
    if host:
        _check_host(peer["host"], host)
    archive = None
    if path := peer["archive"].text():
        archive = peer["archive"].beside(path)
        if not os.path.isdir(archive):  # noqa: PTH112 - which is false for a name that is too long
            what = "this is a file" if os.path.lexists(archive) else "there is no such folder"
            peer["archive"].problem(
                f"{what}: {archive}", "name a folder of DICOM files, relative to this file"
            )
    timeouts = Timeouts()

    def known(key: str) -> int | None:
        return (peer if key in peer else profile)[key].integer(None)

    return Peer(
        name=name,
        host=host,
        port=peer["port"].integer(0) or 0,
        archive=archive,
        ae_title=_ae_title(peer["ae_title"], "ANY-SCP"),
        calling_ae_title=_ae_title(peer["calling_ae_title"], "CFIND"),
        max_pdu=peer["max_pdu"].integer(131072) or 131072,
        timeouts=Timeouts(
            connect=_seconds(peer["timeouts"], "connect", timeouts.connect),
            acse=_seconds(peer["timeouts"], "acse", timeouts.acse),
            dimse=_seconds(peer["timeouts"], "dimse", timeouts.dimse),
            silence=_seconds(peer["timeouts"], "silence", timeouts.silence),
        ),
        max_associations=known("max_associations") or 1,
        operations_per_association=known("operations_per_association"),
        transfer_syntaxes=_transfer_syntaxes(peer["transfer_syntaxes"]),
        deflate_level=_deflate_level(peer["deflate_level"].integer(None)),
        ip_version=_ip_version(peer["ip"].text()),
        end=AssociationEnd.ABORT if peer["end"].text() == "abort" else AssociationEnd.RELEASE,
        reopen=peer["reopen"].data is not False,
        tls=_tls(peer),
        user_identity=_user_identity(peer),
        extended_negotiation=_extended_negotiation(peer),
        result_limit=known("result_limit"),
        rate=peer["rate"].number(None),
        retries=_retries(peer["retries"]) if "retries" in peer else None,
        window=_window(peer["window"]) if "window" in peer else None,
    )


def _retries(retries: Section) -> Retries | None:
    attempts = retries["attempts"].integer(3)
    backoff = retries["backoff"].number(1.0)
    return Retries(attempts, 1.0 if backoff is None else backoff) if attempts else None


def _window(window: Section) -> Window:
    days = frozenset(
        _DAYS.index(text[:3].lower()) for item in window["days"].items() if (text := item.text()) in DAY_NAMES
    )
    opens = _minutes(window["from"].text("00:00"), 0)
    if opens == _MIDNIGHT:
        window["from"].problem("a day ends at 24:00", "write 00:00, and the next day under 'days'")
    return Window(
        opens=opens,
        closes=_minutes(window["to"].text("24:00"), _MIDNIGHT),
        days=days or frozenset(range(7)),
        zone=window.complaints.zone,
    )


def _minutes(text: str, default: int) -> int:
    """Return a time of day in minutes; the schema has complained where it is none."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes) if _TIME.fullmatch(text) else default


def _tls(peer: Section) -> Tls | None:
    if "tls" not in peer:
        return None
    if "archive" in peer:
        peer["tls"].problem(
            "an archive is served without TLS, inside this machine", "take 'tls' out", of_key=True
        )
    return read_tls(peer["tls"])


def _user_identity(peer: Section) -> UserIdentity | None:
    if "user_identity" not in peer:
        return None
    from runner.jobfile.negotiation import read_user_identity

    return read_user_identity(peer["user_identity"])


def _extended_negotiation(peer: Section) -> ExtendedNegotiation:
    if "extended_negotiation" not in peer:
        return ExtendedNegotiation()
    from runner.jobfile.negotiation import read_extended_negotiation

    return read_extended_negotiation(peer["extended_negotiation"])


def _deflate_level(level: int | None) -> int:
    return 6 if level is None else level


def _seconds(timeouts: Section, name: str, default: float | None) -> float | None:
    if name not in timeouts:
        return default
    data = timeouts[name].data
    return float(data) if isinstance(data, (int, float)) else None


def _ip_version(text: str) -> IPVersion:
    return IPVersion(text) if text in {version.value for version in IPVersion} else IPVersion.ANY


def _transfer_syntaxes(section: Section) -> tuple[TransferSyntax, ...]:
    chosen: dict[TransferSyntax, str] = {}
    for item in section.items():
        name = item.text()
        syntax = TRANSFER_SYNTAXES.get(name)
        if syntax is None:
            continue
        first = chosen.setdefault(syntax, name)
        if first != name:
            item.problem(f"{name!r} is the same transfer syntax as {first!r}", "keep one of them")
    return tuple(chosen) or DEFAULT_TRANSFER_SYNTAXES


def _ae_title(section: Section, default: str) -> str:
    """Return an AE title without spaces around it, which do not count (PS3.5 6.2); complain if illegal."""
    text = section.text(default)
    title = text.strip(" ")
    advice = "an AE title has 1 to 16 characters of ASCII, without backslash"
    if text and not title:
        section.problem("the AE title has only spaces", advice)
    elif len(title) > 16:
        section.problem(f"the AE title has {len(title)} characters, at most 16 are allowed", advice)
    if "\\" in title:
        section.problem("the AE title has a backslash", advice)
    if _CONTROL.search(title):
        section.problem("the AE title has control characters", advice)
    elif not title.isascii():
        section.problem("the AE title has characters beyond ASCII", advice)
    return title


def _check_host(section: Section, host: str) -> None:
    if "/" in host:
        section.problem(
            f"{host!r} is no host name", "write the name or the address only, without '//' and path"
        )
    elif host.startswith("["):
        section.problem("an address stands in brackets here", "write it without them: ::1")
    elif host.count(":") == 1:
        name, _, port = host.partition(":")
        advice = (
            f"write 'host: {name}' and 'port: {port}'"
            if port.isdigit() and name
            else "write the port under 'port'"
        )
        section.problem("the host has a port in it", advice)
    elif not _is_host(host):
        section.problem(f"{host!r} is no host name", "write a name such as pacs.example.org, or an address")


def _is_host(host: str) -> bool:
    if host.isascii():
        return bool(_HOST.fullmatch(host)) and (
            ":" in host or all(0 < len(label) <= 63 for label in host.removesuffix(".").split("."))
        )
    try:
        return bool(_HOST.fullmatch(host.encode("idna").decode("ascii")))
    except UnicodeError:
        return False
