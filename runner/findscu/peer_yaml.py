"""A peer of a job file, from a peer of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runner.findscu.fidelity import SECRET
from runner.findscu.yaml_text import Block, Scalar, flow, flow_map
from runner.model import (
    AssociationEnd,
    IPVersion,
    Peer,
    PeerVerification,
    RevocationCheck,
    SecretSource,
    Tls,
)

_SYNTAX_NAMES = {
    "1.2.840.10008.1.2.1": "explicit-le",
    "1.2.840.10008.1.2.2": "explicit-be",
    "1.2.840.10008.1.2": "implicit-le",
    "1.2.840.10008.1.2.1.99": "deflated",
}
_DEFAULT = "findscu's default"
_PASSWORDS: dict[SecretSource, tuple[str | Scalar, str]] = {
    SecretSource.LITERAL: (Scalar(f"'{SECRET}'"), "the command line had it in plain text"),
    SecretSource.EMPTY: (Scalar("''"), ""),
    SecretSource.PROMPT: ("prompt", "asked for where the key is encrypted"),
}


def name_of(peer: Peer) -> str:
    """Return what a job calls a peer."""
    return "peer" if not peer.host.replace(".", "").replace("-", "").isalnum() else peer.host


def with_files_in(peer: Peer, folder: Path) -> Peer:
    """Return a peer whose files are found from another folder than the current one."""
    tls = peer.tls
    if tls is None:
        return peer

    def found(path: Path | None) -> Path | None:
        return None if path is None else folder / path

    secured = replace(
        tls,
        key=found(tls.key),
        certificate=found(tls.certificate),
        ca_files=tuple(folder / path for path in tls.ca_files),
        ca_directories=tuple(folder / path for path in tls.ca_directories),
        crl_files=tuple(folder / path for path in tls.crl_files),
        dh_parameters=found(tls.dh_parameters),
        seed=found(tls.seed),
        write_seed=found(tls.write_seed),
    )
    return replace(peer, tls=secured)


def peer_block(peer: Peer) -> Block:
    """Write a peer, with findscu's defaults where they are not ours."""
    block = Block()
    block.put("host", peer.host)
    block.put("port", Scalar(str(peer.port)))
    block.put("ae_title", peer.ae_title)
    title_note = f"{_DEFAULT}, ours is CFIND" if peer.calling_ae_title == "FINDSCU" else ""
    block.put("calling_ae_title", peer.calling_ae_title, title_note)
    pdu_note = f"{_DEFAULT}, ours is 131072" if peer.max_pdu == 16384 else ""
    block.put("max_pdu", Scalar(str(peer.max_pdu)), pdu_note)
    times = peer.timeouts
    pairs: list[tuple[str, str | Scalar]] = [
        ("connect", _seconds(times.connect)),
        ("acse", _seconds(times.acse)),
        ("dimse", _seconds(times.dimse)),
    ]
    if times.silence is not None:
        pairs.append(("silence", _seconds(times.silence)))
    waits = times.connect is None or times.dimse is None
    note = "null waits for ever, as findscu does; ours are 10, 30, 60" if waits else ""
    block.put("timeouts", flow_map(pairs), note)
    names = [_SYNTAX_NAMES[syntax.uid] for syntax in peer.transfer_syntaxes]
    if names != ["explicit-le", "explicit-be", "implicit-le"]:
        block.put("transfer_syntaxes", flow(names))
    if peer.deflate_level != 6:
        block.put("deflate_level", Scalar(str(peer.deflate_level)))
    if peer.ip_version is not IPVersion.ANY:
        block.put("ip", Scalar(f"'{peer.ip_version.value}'"))
    if peer.end is AssociationEnd.ABORT:
        block.put("end", "abort")
    block.put("reopen", Scalar("false"), "findscu gives up with a lost association; true opens another")
    if peer.tls is not None:
        block.put("tls", _tls_block(peer.tls))
    return block


def _seconds(seconds: float | None) -> Scalar:
    return Scalar("null" if seconds is None else f"{seconds:g}")


def _tls_block(tls: Tls) -> Block:
    block = Block()
    if tls.key is not None and tls.certificate is not None:
        block.put("key", str(tls.key))
        block.put("certificate", str(tls.certificate))
        block.put("password", *_PASSWORDS[tls.password.source])
    block.put("key_format", tls.key_format.value)
    _put_list(block, "ca_files", tls.ca_files)
    _put_list(block, "ca_directories", tls.ca_directories)
    ignored = tls.verification is PeerVerification.IGNORE
    block.put("verification", tls.verification.value, "anyone can pretend to be the peer" if ignored else "")
    block.put("check_host", Scalar("false"), "findscu never compares names; true is safer")
    _put_text(block, "server_name", tls.server_name)
    block.put("profile", tls.profile.value)
    _put_list(block, "ciphers", tls.ciphers, "in place of the profile's")
    _put_list(block, "crl_files", tls.crl_files)
    if tls.revocation is not RevocationCheck.NONE:
        block.put("revocation", tls.revocation.value)
    _put_text(block, "dh_parameters", tls.dh_parameters)
    _put_text(block, "seed", tls.seed)
    _put_text(block, "write_seed", tls.write_seed)
    return block


def _put_list(block: Block, key: str, values: Sequence[str | Path], comment: str = "") -> None:
    if values:
        block.put(key, flow([str(value) for value in values]), comment)


def _put_text(block: Block, key: str, value: str | Path | None) -> None:
    if value is not None:
        block.put(key, str(value))
