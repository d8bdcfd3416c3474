"""From a peer's `tls` in a job file to the model."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import TypeVar

from runner.cipher_suites import openssl_name
from runner.jobfile.problem import Severity
from runner.jobfile.secret import read_secret
from runner.jobfile.section import Section
from runner.model import (
    KeyFormat,
    PeerVerification,
    RevocationCheck,
    Secret,
    SecurityProfile,
    Tls,
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
    if key is None and "password" in tls:
        tls["password"].problem("a password is here, but no key", "add 'key', or take it out", of_key=True)
    crl_files = _files(tls["crl_files"])
    return Tls(
        key=key,
        certificate=certificate,
        password=read_secret(tls["password"], "password") if "password" in tls else Secret(),
        key_format=_choice(tls["key_format"], KeyFormat.PEM),
        ca_files=_files(tls["ca_files"]),
        ca_directories=_files(tls["ca_directories"]),
        verification=_verification(tls["verification"]),
        check_host=tls["check_host"].data is not False,
        server_name=_server_name(tls["server_name"]),
        profile=_profile(tls["profile"]),
        ciphers=_ciphers(tls["ciphers"]),
        dh_parameters=_file(tls["dh_parameters"]),
        crl_files=crl_files,
        revocation=_choice(tls["revocation"], RevocationCheck.LEAF if crl_files else RevocationCheck.NONE),
        seed=_file(tls["seed"]),
        write_seed=_file(tls["write_seed"]),
    )


def _choice(section: Section, default: _Choice) -> _Choice:
    choices = {choice.value: choice for choice in type(default)}
    return choices.get(section.text(), default)


def _file(section: Section) -> Path | None:
    text = section.text()
    return section.beside(text) if text else None


def _files(section: Section) -> tuple[Path, ...]:
    return tuple(item.beside(item.text()) for item in section.items() if item.text())


def _verification(section: Section) -> PeerVerification:
    verification = _choice(section, PeerVerification.REQUIRE)
    if verification is PeerVerification.IGNORE:
        section.problem(
            "anyone can pretend to be the peer",
            "trust its certificate by ca_files instead",
            severity=Severity.WARNING,
        )
    return verification


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
            severity=Severity.WARNING,
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
