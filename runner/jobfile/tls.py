"""From a peer's `tls` in a job file to the model."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import TypeVar

from runner.cipher_suites import TLS_1_3, openssl_name
from runner.jobfile.secret import complain_of_readers, read_secret
from runner.jobfile.section import Section
from runner.model import (
    KeyFormat,
    PeerVerification,
    RevocationCheck,
    Secret,
    SecurityProfile,
    Tls,
    TlsVersion,
)

_Choice = TypeVar("_Choice", bound=Enum)

_SERVER_NAME = re.compile(r"[^\s./:][^\s/:]*")

#: Profiles that PS3.15 has retired.
_RETIRED = {
    SecurityProfile.NON_DOWNGRADING,
    SecurityProfile.BCP_195,
    SecurityProfile.EXTENDED,
    SecurityProfile.BASIC,
    SecurityProfile.AES,
    SecurityProfile.NULL,
}


#: Profiles that offer nothing newer than TLS 1.2.
_UP_TO_TLS_1_2 = {
    SecurityProfile.EXTENDED,
    SecurityProfile.BASIC,
    SecurityProfile.AES,
    SecurityProfile.NULL,
}

_FINGERPRINT = re.compile(r"(?:[0-9A-F]{2}){32}|[0-9A-F]{2}(?::[0-9A-F]{2}){31}", re.IGNORECASE)
_OTHER_DIGEST = re.compile(r"(?:[0-9A-F]{2}:?)+", re.IGNORECASE)


def read_tls(tls: Section) -> Tls:
    """Make what the model knows of TLS.

    Files are not opened: keys may lie only on the machine that runs the job.

    Args:
        tls: the mapping.
    """
    key, certificate = _file(tls["key"]), _file(tls["certificate"])
    if (key is None) != (certificate is None):
        there, missing = ("key", "certificate") if certificate is None else ("certificate", "key")
        tls[there].problem(f"a {there} of ours is here, but no {missing}", f"add '{missing}'", of_key=True)
    if key is not None:
        _warn_of_readers(tls["key"], key)
    if key is None and "password" in tls:
        tls["password"].problem("a password is here, but no key", "add 'key', or take it out", of_key=True)
    crl_files = _files(tls["crl_files"])
    fingerprints = _fingerprints(tls["fingerprints"])
    profile, ciphers = _profile(tls["profile"]), _ciphers(tls["ciphers"])
    return Tls(
        key=key,
        certificate=certificate,
        password=read_secret(tls["password"], "password") if "password" in tls else Secret(),
        key_format=_choice(tls["key_format"], KeyFormat.PEM),
        ca_files=_files(tls["ca_files"]),
        ca_directories=_files(tls["ca_directories"]),
        verification=_verification(tls["verification"], pinned=bool(fingerprints)),
        check_host=tls["check_host"].data is not False,
        server_name=_server_name(tls["server_name"]),
        fingerprints=fingerprints,
        profile=profile,
        minimum_version=_minimum_version(tls["minimum_version"], profile, ciphers),
        ciphers=ciphers,
        dh_parameters=_file(tls["dh_parameters"]),
        crl_files=crl_files,
        revocation=_choice(tls["revocation"], RevocationCheck.LEAF if crl_files else RevocationCheck.NONE),
        seed=_file(tls["seed"]),
        write_seed=_file(tls["write_seed"]),
    )


def _warn_of_readers(section: Section, key: Path) -> None:
    from runner.secret_file import key_exposure

    readers = key_exposure(key)
    if readers is not None:
        complain_of_readers(section, f"the key is not encrypted, and {readers} can read it", key)


def _choice(section: Section, default: _Choice) -> _Choice:
    choices = {choice.value: choice for choice in type(default)}
    return choices.get(section.text(), default)


def _file(section: Section) -> Path | None:
    text = section.text()
    return section.beside(text) if text else None


def _files(section: Section) -> tuple[Path, ...]:
    return tuple(item.beside(item.text()) for item in section.items() if item.text())


def _verification(section: Section, *, pinned: bool) -> PeerVerification:
    verification = _choice(section, PeerVerification.REQUIRE)
    if verification is PeerVerification.IGNORE and not pinned:
        section.problem(
            "anyone can pretend to be the peer",
            "trust its certificate by ca_files or fingerprints instead",
            rule="peer-not-verified",
        )
    return verification


def _fingerprints(section: Section) -> tuple[str, ...]:
    fingerprints = []
    for item in section.items():
        text = item.text()
        if _FINGERPRINT.fullmatch(text):
            fingerprints.append(bytes.fromhex(text.replace(":", "")).hex(":").upper())
        elif text:
            what = "this is no SHA-256 fingerprint, which has 64 hexadecimal digits"
            if _OTHER_DIGEST.fullmatch(text):
                what += f" and not {len(text.replace(':', ''))}"
            item.problem(what, "openssl x509 -in FILE -noout -fingerprint -sha256 prints it, cfind echo too")
    return tuple(fingerprints)


def _minimum_version(
    section: Section, profile: SecurityProfile, ciphers: tuple[str, ...]
) -> TlsVersion | None:
    version = next((version for version in TlsVersion if version.value == section.text()), None)
    if version is TlsVersion.TLS_1_3:
        newest = [name in TLS_1_3 for name in ciphers]
        if ciphers and not any(newest):
            section.problem(
                "none of the cipher suites is one of TLS 1.3, so nothing could be offered",
                "add one to ciphers, such as TLS_AES_256_GCM_SHA384",
            )
        elif profile in _UP_TO_TLS_1_2 and not (ciphers and all(newest)):
            section.problem(
                f"the profile {profile.value} ends with TLS 1.2, so nothing could be offered",
                "choose another profile, or 1.2",
            )
    return version


def _server_name(section: Section) -> str | None:
    text = section.text()
    if text and not _SERVER_NAME.fullmatch(text):
        section.problem(f"{text!r} is no host name", "write a name such as pacs.example.org")
    return text or None


def _profile(section: Section) -> SecurityProfile:
    profile = _choice(section, SecurityProfile.RFC_8996)
    if profile in _RETIRED:
        section.problem(
            "DICOM has retired this profile (PS3.15 Annex B)",
            "leave it out where the peer is not that old",
            rule="retired-profile",
        )
    return profile


def _ciphers(section: Section) -> tuple[str, ...]:
    names = []
    for item in section.items():
        name = item.text()
        if not name:
            continue
        if openssl_name(name) is None:
            item.problem(
                f"{name!r} is no name of a cipher suite",
                "write IANA's name, such as TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, or OpenSSL's",
            )
        names.append(name)
    return tuple(names)
