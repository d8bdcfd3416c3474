"""A TLS connection in words."""

from __future__ import annotations

from runner.transport.tls_session import TlsSession


def session_text(session: TlsSession) -> str:
    """Say what was negotiated, and whose certificate the peer showed, in one line."""
    text = f"{session.protocol}, {session.cipher}"
    certificate = session.certificate
    if certificate is None:
        return f"{text}; no certificate"
    verified = "" if session.verified else ", not verified"
    text += f"; certificate of {certificate.subject}, issued by {certificate.issuer}{verified}"
    text += f"; SHA-256 {certificate.sha256}"
    days = session.days_left
    return text if days is None else f"{text}; {days} {'day' if abs(days) == 1 else 'days'} left"
