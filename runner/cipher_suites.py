"""Names of cipher suites: IANA's, which DICOM uses (PS3.15 Annex B), and OpenSSL's."""

from __future__ import annotations

import re

#: The suites of TLS 1.3 (RFC 8446 B.4), which OpenSSL calls the same.
TLS_1_3 = frozenset(
    {
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_128_CCM_SHA256",
        "TLS_AES_128_CCM_8_SHA256",
    }
)

_IANA = re.compile(r"(?:TLS|SSL)_(\w+?)_WITH_(\w+)")
_OPENSSL = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+")
_BLOCK = re.compile(r"(AES|CAMELLIA|ARIA)_(128|256)_(CBC|GCM|CCM|CCM_8)(?:_(SHA\d*))?")
_KEY_EXCHANGES = {"RSA": "", "DH_anon": "ADH-", "ECDH_anon": "AECDH-"}
_WEAK = re.compile(r"NULL|^ADH|^AECDH|DES|RC[24]|MD5|EXP")


def openssl_name(name: str) -> str | None:
    """Return what OpenSSL calls a cipher suite; None for what is no name of one.

    Whether OpenSSL has it is another question.

    Args:
        name: IANA's (also with the SSL_ of old) or OpenSSL's name.
    """
    if name in TLS_1_3:
        return name
    match = _IANA.fullmatch(name)
    if match is None:
        return name if _OPENSSL.fullmatch(name) else None
    exchange, cipher = match.groups()
    prefix = _KEY_EXCHANGES.get(exchange, exchange.replace("_", "-") + "-")
    block = _BLOCK.fullmatch(cipher)
    if block is None:
        cipher = {
            "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
            "3DES_EDE_CBC_SHA": "DES-CBC3-SHA",
        }.get(cipher, cipher.replace("RC4_128", "RC4").replace("_", "-"))
        return prefix + cipher
    algorithm, bits, mode, mac = block.groups()
    if algorithm == "ARIA" and exchange == "ECDHE_RSA":
        prefix = "ECDHE-"
    parts = (f"{algorithm}{bits}", {"CBC": "", "CCM_8": "CCM8"}.get(mode, mode), mac or "")
    return prefix + "-".join(part for part in parts if part)


def is_weak(openssl: str) -> bool:
    """Whether a suite, by OpenSSL's name, does not encrypt, does not authenticate, or is broken."""
    return bool(_WEAK.search(openssl))
