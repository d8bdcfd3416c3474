"""From what a job says of TLS to OpenSSL's settings; imported only where a peer is spoken to over TLS."""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from weakref import WeakKeyDictionary

from runner.cipher_suites import TLS_1_3, is_weak, openssl_name
from runner.errors import CfindError, InterruptedRunError, InvalidJobError
from runner.model import KeyFormat, PeerVerification, RevocationCheck, SecurityProfile, Tls, TlsVersion
from runner.transport.secret import Need, secret_of
from runner.transport.security_profiles import OFFERS, Offer, Version
from runner.transport.stop_signal import StopSignal

#: No key, certificate or list of them that is meant to be one is longer, in bytes.
_LONGEST_FILE = 64 * 1024 * 1024
#: As long as OpenSSL takes a password, in bytes.
_LONGEST_PASSWORD = 1023
#: What is read of a file that seeds the random generator, and written to one, in bytes.
_SEED_READ, _SEED_WRITTEN = 65536, 1024

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_OTHER_CERTIFICATES = (b"-----BEGIN TRUSTED CERTIFICATE-----", b"-----BEGIN X509 CERTIFICATE-----")
_PRIVATE_KEY = re.compile(rb"-----BEGIN ([A-Z0-9 ]+ )?PRIVATE KEY-----")
_REVOCATION_LIST = b"-----BEGIN X509 CRL-----"
_HASHED = re.compile(r"[0-9a-f]{8}\.r?[0-9]+")

_VERIFICATIONS = {
    PeerVerification.REQUIRE: ssl.CERT_REQUIRED,
    PeerVerification.IF_PRESENT: ssl.CERT_OPTIONAL,
    PeerVerification.IGNORE: ssl.CERT_NONE,
}
_REVOCATIONS = {
    RevocationCheck.LEAF: ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF,
    RevocationCheck.CHAIN: ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN,
}
_VERSIONS = {
    # Older ones would be named with a warning of Python's.
    Version.OLDEST: ssl.TLSVersion.MINIMUM_SUPPORTED,
    Version.TLS_1_2: ssl.TLSVersion.TLSv1_2,
    Version.TLS_1_3: ssl.TLSVersion.TLSv1_3,
}

_MINIMA = {TlsVersion.TLS_1_2: Version.TLS_1_2, TlsVersion.TLS_1_3: Version.TLS_1_3}

_Made = ssl.SSLContext | CfindError
_made: WeakKeyDictionary[StopSignal, dict[Tls, _Made]] = WeakKeyDictionary()
_making = threading.Lock()


def context_of(tls: Tls, stop: StopSignal) -> ssl.SSLContext:
    """Return the settings for a peer; files are read and passwords asked for once in a run.

    Args:
        tls: what the job says.
        stop: of the run; ends the waiting for a password.

    Raises:
        InvalidJobError: if a file cannot be read or is not what it should be, a password is wrong, or
            OpenSSL lacks a cipher suite.
        InterruptedRunError: if the stop signal is set.
    """
    with _making:
        known = _made.setdefault(stop, {})
        made = known.get(tls)
        if made is None:
            try:
                made = make_context(tls, stop)
            except InterruptedRunError:
                raise
            except CfindError as error:
                made = error
            known[tls] = made
    if isinstance(made, CfindError):
        raise made
    return made


def make_context(tls: Tls, stop: StopSignal) -> ssl.SSLContext:
    """Make what `context_of` returns; raises what it does."""
    _seed(tls)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    verified = tls.verification is not PeerVerification.IGNORE
    context.check_hostname = verified and tls.check_host
    context.verify_mode = _VERIFICATIONS[tls.verification]
    _offer(context, tls)
    if tls.dh_parameters is not None:
        _load_dh_parameters(context, tls.dh_parameters)
    if tls.key is not None and tls.certificate is not None:
        _load_own(context, tls, tls.key, tls.certificate, stop)
    for file in tls.ca_files:
        _trust_file(context, file, tls.key_format)
    for folder in tls.ca_directories:
        _trust_folder(context, folder)
    for file in tls.crl_files:
        _load_revocation_list(context, file)
    if verified and tls.revocation is not RevocationCheck.NONE:
        context.verify_flags |= _REVOCATIONS[tls.revocation]
    return context


def make_server_context(tls: Tls, stop: StopSignal) -> ssl.SSLContext:
    """Make the settings of a server that shows our certificate.

    Args:
        tls: `key`, `certificate` and `password` are ours; where `ca_files` are named, clients must show a
            certificate that these trust. The rest is of no account but for the profile.
        stop: ends the waiting for a password.

    Raises:
        InvalidJobError: as `context_of`.
        InterruptedRunError: if the stop signal is set.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    _offer(context, tls)
    assert tls.key is not None
    assert tls.certificate is not None
    _load_own(context, tls, tls.key, tls.certificate, stop)
    for file in tls.ca_files:
        context.verify_mode = ssl.CERT_REQUIRED
        _trust_file(context, file, tls.key_format)
    return context


# --- what is offered --------------------------------------------------------------------------------


def _offer(context: ssl.SSLContext, tls: Tls) -> None:
    offer = OFFERS[tls.profile]
    oldest, newest, legacy = offer.oldest, offer.newest, offer.legacy
    if tls.ciphers:
        names = [_known(name) for name in tls.ciphers]
        older = [name for name in names if name not in TLS_1_3]
        legacy = legacy or any(map(is_weak, older))
        # A version none of whose suites is named is not offered.
        if not older:
            oldest = newest = Version.TLS_1_3
        elif len(older) == len(names):
            newest = Version.TLS_1_2
        missing = [
            asked
            for asked, name in zip(tls.ciphers, names, strict=True)
            if name not in _set_ciphers(context, names, legacy=legacy)
        ]
        if missing:
            raise InvalidJobError(
                f"{ssl.OPENSSL_VERSION} has no cipher suite {missing[0]}",
                "take it out, or name others: cfind findscu +cc lists those that it has",
            )
    elif not any(name in offer.ciphers for name in _set_ciphers(context, offer.ciphers, legacy=legacy)):
        raise _no_suite(tls.profile, offer)
    if tls.minimum_version is not None:
        oldest = max(oldest, _MINIMA[tls.minimum_version])
        if oldest > newest:
            raise InvalidJobError(
                f"no version of TLS from {tls.minimum_version.value} on is left to be offered",
                "lower minimum_version, or choose another profile or other cipher suites",
            )
    context.minimum_version = _VERSIONS[oldest]
    context.maximum_version = _VERSIONS[newest]


def _known(name: str) -> str:
    openssl = openssl_name(name)
    if openssl is None:
        raise InvalidJobError(
            f"{name!r} is no name of a cipher suite",
            "write IANA's name, such as TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, or OpenSSL's",
        )
    return openssl


def _set_ciphers(context: ssl.SSLContext, names: Sequence[str], *, legacy: bool) -> set[str]:
    """Let suites of TLS 1.2 and older be offered, as far as OpenSSL has them; return all that are."""
    older = [name for name in names if name not in TLS_1_3]
    if older:
        level = ["@SECLEVEL=0"] if legacy else []
        try:
            context.set_ciphers(":".join([*older, *level]))
        except ssl.SSLError:
            return set()
    return {cipher["name"] for cipher in context.get_ciphers()}


def _no_suite(profile: SecurityProfile, offer: Offer) -> InvalidJobError:
    return InvalidJobError(
        f"{ssl.OPENSSL_VERSION} has no cipher suite of the profile {profile.value}"
        f" ({', '.join(offer.ciphers)})",
        "choose another profile, or name cipher suites",
    )


def _load_dh_parameters(context: ssl.SSLContext, path: Path) -> None:
    _read(path, "Diffie-Hellman parameters")
    try:
        context.load_dh_params(str(path))
    except (ssl.SSLError, OSError):
        raise InvalidJobError(
            "this file has no usable Diffie-Hellman parameters",
            "they are made with: openssl dhparam -out FILE 2048",
            str(path),
        ) from None


# --- our own certificate ----------------------------------------------------------------------------


def _load_own(context: ssl.SSLContext, tls: Tls, key: Path, certificate: Path, stop: StopSignal) -> None:
    key_data = _read(key, "the private key")
    certificate_data = _read(certificate, "the certificate")
    if tls.key_format is KeyFormat.DER:
        key_data = _key_as_pem(key_data, key)
        certificate_data = _certificate_as_pem(certificate_data, certificate)
    if not _PRIVATE_KEY.search(key_data):
        raise _no_key(key, tls.key_format)
    if _CERTIFICATE not in certificate_data and not any(
        mark in certificate_data for mark in _OTHER_CERTIFICATES
    ):
        raise _no_certificate(certificate, tls.key_format)
    asked = False

    def password() -> bytes:
        nonlocal asked
        asked = True
        return secret_of(tls.password, _password_of(key), stop)

    with _as_file(certificate_data) as certificate_file, _as_file(key_data) as key_file:
        try:
            context.load_cert_chain(certificate_file, key_file, password)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise InvalidJobError(
                    f"the private key does not belong to the certificate {certificate}",
                    "name a key and a certificate that were made for each other",
                    str(key),
                ) from None
            if asked:
                raise InvalidJobError(
                    "the private key cannot be decrypted",
                    "check its password; a key that is encrypted by DES or RC2, as long ago, is taken again"
                    " after: openssl pkcs8 -topk8 -provider legacy -provider default -in OLD -out NEW",
                    str(key),
                ) from None
            if error.reason in ("EE_KEY_TOO_SMALL", "CA_MD_TOO_WEAK", "CA_KEY_TOO_SMALL"):
                raise InvalidJobError(
                    "OpenSSL takes our certificate to be too weak (its key or its digest)",
                    "have a new one made, with RSA of 2048 bits or more and SHA-256",
                    str(certificate),
                ) from None
            raise InvalidJobError(
                f"the private key or the certificate {certificate} cannot be read",
                "check that both are whole; openssl pkey and openssl x509 tell more",
                str(key),
            ) from None


def _password_of(key: Path) -> Need:
    return Need(
        "password",
        where=str(key),
        owner=f"the private key {key}",
        longest=_LONGEST_PASSWORD,
        limit=("OpenSSL", "encrypt the key with a shorter one"),
        because="the key is encrypted, and ",
    )


def _no_key(path: Path, form: KeyFormat) -> InvalidJobError:
    other = "pem" if form is KeyFormat.DER else "der"
    return InvalidJobError(
        f"this file has no private key in {form.value.upper()}",
        f"name another file, or set the key format to {other}",
        str(path),
    )


def _no_certificate(path: Path, form: KeyFormat) -> InvalidJobError:
    other = "pem" if form is KeyFormat.DER else "der"
    return InvalidJobError(
        f"this file has no certificate in {form.value.upper()}",
        f"name another file, or set the key format to {other}",
        str(path),
    )


def _key_as_pem(data: bytes, path: Path) -> bytes:
    """Return a private key that is in DER as OpenSSL is given it: in PEM, encrypted as it was.

    Raises:
        InvalidJobError: the file has no such key, or the library that reads them is not there.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization as keys
    except ImportError:
        raise InvalidJobError(
            "keys in DER are read by the library cryptography, which is not installed",
            "pip install 'cfind-runner[tls]', or convert the key: openssl pkey -inform DER -in OLD -out NEW",
            str(path),
        ) from None
    try:
        key = keys.load_der_private_key(data, None)
    except TypeError:  # it wants a password; of the forms in DER only PKCS #8 is encrypted (RFC 5958 3)
        return _pem(data, "ENCRYPTED PRIVATE KEY")
    except (ValueError, UnsupportedAlgorithm):
        raise _no_key(path, KeyFormat.DER) from None
    return key.private_bytes(keys.Encoding.PEM, keys.PrivateFormat.PKCS8, keys.NoEncryption())


def _certificate_as_pem(data: bytes, path: Path) -> bytes:
    if not _is_certificate(data):
        raise _no_certificate(path, KeyFormat.DER)
    return _pem(data, "CERTIFICATE")


def _is_certificate(data: bytes) -> bool:
    """Whether OpenSSL takes bytes for certificates in DER."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=data)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _pem(data: bytes, label: str) -> bytes:
    import base64

    mark = label.encode()
    return b"-----BEGIN %s-----\n%s-----END %s-----\n" % (mark, base64.encodebytes(data), mark)


# --- whom we trust ----------------------------------------------------------------------------------


def _trust_file(context: ssl.SSLContext, path: Path, form: KeyFormat) -> None:
    data = _read(path, "the trusted certificates")
    if not _trust(context, data, form):
        raise _no_certificate(path, form)


def _trust(context: ssl.SSLContext, data: bytes, form: KeyFormat) -> bool:
    """Trust the certificates in a file; False where there is none."""
    if form is KeyFormat.DER:
        if not _is_certificate(data):
            return False
        data = _pem(data, "CERTIFICATE")
    elif _CERTIFICATE not in data and not any(mark in data for mark in _OTHER_CERTIFICATES):
        return False
    with _as_file(data) as file:
        try:
            context.load_verify_locations(file)
        except ssl.SSLError:
            return False
    return True


def _trust_folder(context: ssl.SSLContext, folder: Path) -> None:
    """Trust the certificates in a folder: those under hashed names (openssl rehash), and all the others."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InvalidJobError(
            f"the folder of trusted certificates cannot be read: {error.strerror}",
            "check the path and the permissions",
            str(folder),
        ) from None
    found = any(_HASHED.fullmatch(entry.name) for entry in entries)
    if found:
        context.load_verify_locations(capath=folder)
    for entry in entries:
        if _HASHED.fullmatch(entry.name) or not entry.is_file():
            continue
        # A folder may hold other things too; a key that only we can read does no harm here.
        with contextlib.suppress(InvalidJobError):
            data = _read(entry, "")
            form = KeyFormat.DER if data[:1] == b"\x30" else KeyFormat.PEM
            found = _trust(context, data, form) or found
    if not found:
        raise InvalidJobError(
            "the folder has no certificates", "put the peer's CA in, in PEM or DER", str(folder)
        )


def _load_revocation_list(context: ssl.SSLContext, path: Path) -> None:
    data = _read(path, "the revocation list")
    if data[:1] == b"\x30":
        data = _pem(data, "X509 CRL")
    failed = _REVOCATION_LIST not in data
    if not failed:
        with _as_file(data) as file:
            try:
                context.load_verify_locations(file)
            except ssl.SSLError:
                failed = True
    if failed:
        raise InvalidJobError(
            "this file has no certificate revocation list", "name one in PEM or DER", str(path)
        )


# --- files ------------------------------------------------------------------------------------------


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST_FILE + 1)
    except OSError as error:
        raise InvalidJobError(
            f"{what} cannot be read: {error.strerror}", "check the path and the permissions", str(path)
        ) from None
    if len(data) > _LONGEST_FILE:
        raise InvalidJobError(f"{what} cannot be read: the file is too long", "name another", str(path))
    return data


@contextlib.contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """Give data a file's name: OpenSSL takes no less. It never reaches a disk where the system allows it."""
    create = getattr(os, "memfd_create", None)
    if create is not None and Path("/proc/self/fd").is_dir():
        descriptor = create("certificate")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            yield f"/proc/self/fd/{descriptor}"
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        yield file.name


def _seed(tls: Tls) -> None:
    """Add a file's bytes to the random generator, which is good without them, and write fresh ones."""
    if tls.seed is not None:
        try:
            with tls.seed.open("rb") as file:
                ssl.RAND_add(file.read(_SEED_READ), 0.0)
        except OSError as error:
            raise InvalidJobError(
                f"the random seed cannot be read: {error.strerror}",
                "check the path and the permissions",
                str(tls.seed),
            ) from None
    if tls.write_seed is not None:
        try:
            descriptor = os.open(tls.write_seed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(ssl.RAND_bytes(_SEED_WRITTEN))
        except OSError as error:
            raise InvalidJobError(
                f"the random seed cannot be written: {error.strerror}",
                "check the path and the permissions",
                str(tls.write_seed),
            ) from None
