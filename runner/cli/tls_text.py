"""TLS in words: what a job asks for, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.model import Tls

if TYPE_CHECKING:
    from runner.transport.certificate import Certificate
    from runner.transport.tls_session import TlsSession


def settings_text(tls: Tls) -> str:
    """Say in one line how a peer is to be spoken to; holds no secret."""
    least = f", from {tls.minimum_version.value} on" if tls.minimum_version is not None else ""
    text = f"TLS by the profile {tls.profile.value}{least}"
    if tls.ciphers:
        text += f" with {', '.join(tls.ciphers)}"
    text += f"; the peer's certificate: {tls.verification.value}"
    if tls.fingerprints:
        text += f", {'one of ' if len(tls.fingerprints) > 1 else ''}{', '.join(tls.fingerprints)}"
    return text if tls.certificate is None else f"{text}; ours: {tls.certificate}"


def certificate_text(certificate: Certificate) -> str:
    """Say in one line what a certificate says."""
    text = _owner(certificate)
    if certificate.names:
        text += f"; for {', '.join(certificate.names)}"
    if certificate.not_before is not None and certificate.not_after is not None:
        text += f"; valid from {certificate.not_before.date()} to {certificate.not_after.date()}"
    return f"{text}; SHA-256 {certificate.sha256}"


def _owner(certificate: Certificate) -> str:
    if certificate.subject or certificate.issuer:
        return f"of {certificate.subject or 'nobody'}, issued by {certificate.issuer or 'nobody'}"
    from importlib.util import find_spec

    if find_spec("cryptography") is None:
        return "(pip install 'cfind-runner[tls]' shows whose)"
    return "that does not say whose it is"


def session_text(session: TlsSession) -> str:
    """Say what was negotiated, and whose certificate the peer showed, in one line."""
    text = f"{session.protocol}, {session.cipher}"
    certificate = session.certificate
    if certificate is None:
        return f"{text}; no certificate"
    verified = "" if session.verified else ", not verified"
    text += f"; certificate {_owner(certificate)}{verified}"
    text += f"; SHA-256 {certificate.sha256}"
    days = session.days_left
    return text if days is None else f"{text}; {days} {'day' if abs(days) == 1 else 'days'} left"
