"""What was found out of a peer in a TLS handshake."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from runner.transport.certificate import Certificate

#: A certificate that is valid for fewer days is warned of.
_SOON = 30


@dataclass(frozen=True, slots=True)
class TlsSession:
    """A TLS connection as it was negotiated.

    Attributes:
        protocol: such as TLSv1.3.
        cipher: the cipher suite, by OpenSSL's name.
        certificate: the peer's, None where it showed none.
        verified: whether the certificate was checked: against trusted ones, or the job's fingerprints.
        at: the time of the handshake, in UTC.
    """

    protocol: str
    cipher: str
    certificate: Certificate | None
    verified: bool
    at: dt.datetime

    @property
    def days_left(self) -> int | None:
        """For how many whole days the peer's certificate is still valid; None where that is not known."""
        return None if self.certificate is None else self.certificate.days_left(self.at)

    @property
    def warning(self) -> str | None:
        """What is to be said of a certificate that ends soon, or has ended; None for nothing."""
        certificate, days = self.certificate, self.days_left
        if certificate is None or certificate.not_after is None or days is None or days >= _SOON:
            return None
        day = certificate.not_after.date().isoformat()
        when = f"expires in {days} {'day' if days == 1 else 'days'}, on" if days >= 0 else "has expired on"
        return f"the peer's certificate {when} {day}; have it renewed"
