"""What the security profiles of PS3.15 Annex B offer in a TLS handshake."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from runner.model import SecurityProfile


class Version(IntEnum):
    """A version of TLS, by its number in the protocol (RFC 8446 4.2.1)."""

    OLDEST = 0x0301
    TLS_1_2 = 0x0303
    TLS_1_3 = 0x0304


@dataclass(frozen=True, slots=True)
class Offer:
    """What a client offers.

    Attributes:
        ciphers: of TLS 1.2 and older, by OpenSSL's names, the preferred ones first. Those that OpenSSL was
            built without are left out.
        oldest: version; OLDEST for whatever OpenSSL still has.
        newest: version.
        legacy: whether OpenSSL's own demands on keys and digests must be dropped for it.
    """

    ciphers: tuple[str, ...]
    oldest: Version = Version.TLS_1_2
    newest: Version = Version.TLS_1_3
    legacy: bool = False


_ECDSA = ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256")
_RSA = (
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-AES128-GCM-SHA256",
)
_CHACHA = ("ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305")
#: CCM is what the modified profile allows beside GCM (PS3.15 B.13).
_CCM = ("ECDHE-ECDSA-AES256-CCM", "ECDHE-ECDSA-AES128-CCM", "DHE-RSA-AES256-CCM", "DHE-RSA-AES128-CCM")

OFFERS = {
    SecurityProfile.RFC_8996: Offer((*_ECDSA, *_RSA, *_CHACHA)),
    SecurityProfile.RFC_8996_MODIFIED: Offer((*_ECDSA, *_RSA, *_CHACHA, *_CCM)),
    SecurityProfile.NON_DOWNGRADING: Offer((*_ECDSA, *_RSA)),
    SecurityProfile.BCP_195: Offer(
        (*_ECDSA, *_RSA, "AES128-SHA", "DES-CBC3-SHA"), Version.OLDEST, legacy=True
    ),
    SecurityProfile.EXTENDED: Offer((*_ECDSA, *_RSA), newest=Version.TLS_1_2),
    SecurityProfile.BASIC: Offer(("DES-CBC3-SHA",), Version.OLDEST, Version.TLS_1_2, legacy=True),
    SecurityProfile.AES: Offer(("AES128-SHA", "DES-CBC3-SHA"), Version.OLDEST, Version.TLS_1_2, legacy=True),
    SecurityProfile.NULL: Offer(("NULL-SHA",), Version.OLDEST, Version.TLS_1_2, legacy=True),
}
