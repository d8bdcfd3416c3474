"""TLS over a channel: the handshake, what is received and sent, and what its failures mean (RFC 8446, 5246).

Bytes go through memory buffers of OpenSSL's, so that each receive takes all that the network has, and every
wait is that of the channel.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import select
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace

from runner.cipher_suites import openssl_name
from runner.errors import CertificateError, InvalidJobError, NoAssociationError, TlsError
from runner.model import Peer, PeerVerification, RevocationCheck, Tls
from runner.transport.certificate import Certificate, fingerprint, read_certificate
from runner.transport.sockets import (
    Channel,
    DeadlineError,
    connect,
    deadline_after,
    wait_for,
)
from runner.transport.stop_signal import StopSignal
from runner.transport.tls_context import context_of
from runner.transport.tls_session import TlsSession

#: As much as one receive takes from the network, in bytes.
_RECEIVE_SIZE = 256 * 1024
#: The longest content of a TLS record, in bytes (RFC 8446 5.1).
_RECORD = 16384
#: The types of the records that a TLS peer can begin with: alert and handshake (RFC 8446 5.1).
_ALERT, _HANDSHAKE = 0x15, 0x16

_OWN_ADVICE = (
    "the peer's log may say why; check our certificate and whether the peer trusts its issuer,"
    " and the TLS versions and cipher suites on both sides"
)


def security(
    peer: Peer, stop: StopSignal, secured: Callable[[TlsSession], None] | None = None
) -> Callable[[socket.socket, float | None], Channel]:
    """Return what makes a TLS channel of a connected socket, before a deadline.

    Files are read here, so that nothing is connected to in vain.

    Args:
        peer: whose `tls` is not None.
        stop: ends the waiting.
        secured: is told of each handshake that succeeded.

    Raises:
        InvalidJobError: if a file that the job names cannot be used.
        InterruptedRunError: if the stop signal is set.
    """
    tls = peer.tls
    assert tls is not None
    context = context_of(tls, stop)
    name = tls.server_name or (_bare(peer.host) if tls.check_host else None)
    try:
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=name)
    except ValueError:
        raise InvalidJobError(
            f"{name!r} cannot be the name of a TLS server", "write a host name such as pacs.example.org"
        ) from None

    def secure(connected: socket.socket, deadline: float | None) -> Channel:
        channel = TlsChannel(connected, stop, context, name)
        # A peer that says nothing is not waited for for ever, even where a connection is.
        limit = peer.timeouts.connect
        if deadline is None:
            limit = peer.timeouts.acse
            deadline = deadline_after(limit)
        try:
            channel.handshake(deadline)
            _check(channel, tls)
            if secured is not None:
                secured(channel.session(verified=_verifies(tls)))
        except DeadlineError:
            channel.abandon()
            raise TlsError(
                f"the peer did not end the TLS handshake within {limit:g} s",
                "check that it speaks TLS on this port, or raise the connect time-out",
            ) from None
        except ssl.SSLCertVerificationError as error:
            # The alert is on its way; that it arrives is the peer's concern.
            channel.abandon()
            raise _unacceptable(error, tls, name or peer.host) from None
        except BaseException:
            channel.abandon()
            raise
        return channel

    return secure


def certificate_shown(peer: Peer, stop: StopSignal) -> Certificate | None:
    """Shake hands with a peer only to see its certificate, whatever that is; nothing else is said to it.

    For telling people what it was that was not acceptable. Our own certificate is not shown.

    Args:
        peer: whose `tls` is not None.
        stop: ends the waiting.

    Returns:
        The certificate; None where the handshake fails without it being checked, or it shows none.

    Raises:
        InterruptedRunError: if the stop signal is set.
    """
    assert peer.tls is not None
    unchecked = replace(
        peer.tls,
        key=None,
        certificate=None,
        verification=PeerVerification.IGNORE,
        fingerprints=(),
        revocation=RevocationCheck.NONE,
        write_seed=None,
    )
    sessions: list[TlsSession] = []
    with contextlib.suppress(NoAssociationError):
        connect(peer, stop, security(replace(peer, tls=unchecked), stop, sessions.append)).close()
    return sessions[0].certificate if sessions else None


def _bare(host: str) -> str:
    host = host.removeprefix("[").removesuffix("]")
    return host.split("%", maxsplit=1)[0].removesuffix(".")


class TlsChannel(Channel):
    """A channel whose bytes are secured by TLS. Use it after `handshake`."""

    def __init__(
        self, connected: socket.socket, stop: StopSignal, context: ssl.SSLContext, server_name: str | None
    ) -> None:
        super().__init__(connected, stop)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self._network = memoryview(bytearray(_RECEIVE_SIZE))
        self._unsent = b""
        self._version: str | None = None
        # Whether the peer has sent anything but the handshake.
        self._heard = False
        # Whether the end of the stream has come, in whatever way.
        self._ended = False
        self._draining = False

    @property
    def cipher(self) -> str:
        """The cipher suite in use, by OpenSSL's name."""
        cipher = self._tls.cipher()
        return cipher[0] if cipher else ""

    @property
    def certificate(self) -> bytes:
        """The peer's certificate in DER, empty where it has shown none."""
        return self._tls.getpeercert(binary_form=True) or b""

    def session(self, *, verified: bool) -> TlsSession:
        """Return what was negotiated; `verified` is whether a certificate has been checked."""
        certificate = self.certificate
        return TlsSession(
            self._version or "",
            self.cipher,
            read_certificate(certificate) if certificate else None,
            verified and bool(certificate),
            dt.datetime.now(dt.timezone.utc),
        )

    def handshake(self, deadline: float | None) -> None:
        """Do the handshake.

        Raises:
            TlsError: if it fails.
            ssl.SSLCertVerificationError: if the peer's certificate is not acceptable.
            DeadlineError: if the deadline passes first.
            StoppedError: if the stop signal is set.
        """
        first = True
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError:
                self._send_last()
                raise
            except ssl.SSLError as error:
                self._send_last()
                raise _handshake_failure(error) from None
            else:
                self._version = self._tls.version()
                self._flush_all(deadline)
                return
            try:
                self._flush_all(deadline)
                size = self._wait_for_network(deadline)
            except OSError as error:
                why = error.strerror or type(error).__name__
                raise TlsError(
                    f"the connection broke during the TLS handshake ({why})",
                    "check that the peer speaks TLS on this port; " + _OWN_ADVICE,
                ) from None
            if not size:
                raise TlsError(
                    "the peer closed the connection during the TLS handshake",
                    "check that it speaks TLS on this port; " + _OWN_ADVICE,
                )
            if first and self._network[0] not in (_ALERT, _HANDSHAKE):
                raise TlsError(
                    "the peer answered in plain text, not in TLS",
                    "check the port: many peers have one for TLS and one without; plain TCP is never used"
                    " in its place",
                )
            first = False
            self._incoming.write(self._network[:size])

    def send(self, data: bytes, deadline: float | None, *, heed_stop: bool = True) -> None:
        """Send all of `data`; raises what `receive` does, and TlsError as `_read` does."""
        self._short_receives = 0
        try:
            if data:
                self._tls.write(data)
            self._flush_all(deadline, heed_stop=heed_stop)
        except OSError as error:
            if not self._heard:
                # What the peer said before it closed is worth more than that it did.
                with contextlib.suppress(BlockingIOError):
                    self._read()
            raise self._broken(error) from None

    def end_sending(self) -> None:
        """Say goodbye in TLS and in TCP; what is received from now on is nobody's."""
        self._say_goodbye()
        self._draining = True
        super().end_sending()

    def close(self) -> None:
        """Close the connection, in order if it still stands."""
        if not self._draining:
            self._say_goodbye()
        super().close()

    def abandon(self) -> None:
        """Close the connection after a handshake that failed."""
        super().close()

    def _read(self) -> int:
        """Take what has come, as `Channel._read`.

        Raises:
            TlsError: if the peer refuses us only now: in TLS 1.3 our handshake ends before the peer has
                judged our certificate (RFC 8446 2).
        """
        if self._draining:
            return self._socket.recv_into(self._network)
        if self._ended:
            return 0
        size = self._decrypt(0)
        if size or self._ended:
            return size
        # Key updates and the like are answered.
        self._send_last()
        try:
            received = self._socket.recv_into(self._network)
        except ConnectionError as error:
            raise self._broken(error) from None
        if received:
            self._incoming.write(self._network[:received])
        else:
            self._incoming.write_eof()
        size = self._decrypt(0)
        if size or self._ended:
            return size
        raise BlockingIOError

    def _decrypt(self, size: int) -> int:
        """Decrypt as much as there is room for; return the number of bytes that were."""
        buffer = self._buffer
        try:
            while len(buffer) - size >= _RECORD:
                count = self._tls.read(len(buffer) - size, buffer[size:])
                if not count:
                    self._ended = True
                    break
                size += int(count)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._ended = True
        except ssl.SSLEOFError as error:
            # Closed without notify: what is whole is known by DICOM's own messages.
            if not size and not self._heard:
                raise self._broken(error) from None
            self._ended = True
        except ssl.SSLError as error:
            if not size:
                raise self._broken(error) from None
            # It comes again with the next call, when what came before it has been taken.
        if size:
            self._heard = True
        return size

    def _broken(self, error: OSError) -> Exception:
        """Return what a failure after the handshake means."""
        self._send_last()
        # It is said once; what fails after that is its consequence.
        heard, self._heard = self._heard, True
        if not heard and isinstance(error, ssl.SSLError) and _alert(error):
            alert = _alert(error)
            return TlsError(f"the peer refused the TLS connection {alert}", _alert_advice(alert))
        if not heard and self._version == "TLSv1.3":
            return TlsError(
                "the peer closed the connection right after the TLS handshake: it may want a certificate of"
                " ours, or does not accept the one that we showed",
                _OWN_ADVICE,
            )
        return _plain(error)

    def _say_goodbye(self) -> None:
        """Send close_notify (RFC 8446 6.1), as far as that goes without waiting."""
        with contextlib.suppress(OSError, ValueError):
            self._tls.unwrap()
        self._send_last()

    def _send_last(self) -> None:
        with contextlib.suppress(OSError):
            self._flush()

    def _flush(self) -> bool:
        """Send what OpenSSL has to say as far as that goes without waiting; True where all is sent."""
        self._unsent += self._outgoing.read()
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except (BlockingIOError, InterruptedError):
            return False
        return True

    def _flush_all(self, deadline: float | None, *, heed_stop: bool = True) -> None:
        while not self._flush():
            self._wait(select.POLLOUT, deadline, heed_stop=heed_stop)

    def _wait_for_network(self, deadline: float | None) -> int:
        while True:
            wait_for(self._socket, select.POLLIN, deadline, self._stop)
            with contextlib.suppress(BlockingIOError, InterruptedError):
                return self._socket.recv_into(self._network)


# --- what failures mean -----------------------------------------------------------------------------


def _verifies(tls: Tls) -> bool:
    return tls.verification is not PeerVerification.IGNORE or bool(tls.fingerprints)


def _check(channel: TlsChannel, tls: Tls) -> None:
    """Check what OpenSSL does not."""
    if tls.fingerprints:
        _check_fingerprint(channel.certificate, tls.fingerprints)
    if tls.verification is PeerVerification.REQUIRE and not channel.certificate:
        raise TlsError(
            "the peer showed no certificate, so it can be anyone",
            "take the anonymous cipher suites out; 'if-present' would accept it",
        )
    if tls.ciphers and channel.cipher not in {openssl_name(name) for name in tls.ciphers}:
        # OpenSSL's suites of TLS 1.3 cannot be chosen one by one from Python.
        raise TlsError(
            f"the peer chose the cipher suite {channel.cipher}, which the job does not name",
            "name it too, or let the peer choose another",
        )


def _check_fingerprint(certificate: bytes, known: Sequence[str]) -> None:
    if not certificate:
        raise TlsError(
            "the peer showed no certificate, so its fingerprint cannot be compared",
            "take the anonymous cipher suites out",
        )
    shown = fingerprint(certificate)
    if shown not in known:
        raise CertificateError(
            f"the peer's certificate has the SHA-256 fingerprint {shown}, which the job does not name",
            "do not go on before the peer's administrator has confirmed it; if the certificate was renewed,"
            " name it by fingerprints",
        )


def _alert(error: ssl.SSLError) -> str:
    """Return the alert that a peer sent in words, "" for what is none."""
    reason = (error.reason or "").lower()
    for mark in ("tlsv13_alert_", "tlsv1_alert_", "sslv3_alert_", "tlsv1_"):
        if reason.startswith(mark):
            return f"(alert: {reason.removeprefix(mark).replace('_', ' ')})"
    return ""


_ALERT_ADVICE = (
    (
        ("certificate expired",),
        "the peer takes our certificate to have expired: have it renewed, and check both machines' clocks",
    ),
    (("certificate revoked",), "our certificate has been revoked: have another one made"),
    (
        ("unknown ca",),
        "the peer does not know who made our certificate: have it trust our CA, and let the file of our"
        " certificate hold the intermediate CAs too",
    ),
    (
        ("certificate required", "no certificate"),
        "the peer wants to see our certificate: name 'key' and 'certificate' (+tls)",
    ),
    (
        ("certificate", "unknown ca", "handshake failure", "access denied", "decrypt error"),
        _OWN_ADVICE,
    ),
    (
        ("protocol version", "insufficient security"),
        "choose another security profile: the peer is older, or newer",
    ),
    (("unrecognized name",), "check the server name, or send none"),
)


def _alert_advice(alert: str) -> str:
    return next(
        (advice for marks, advice in _ALERT_ADVICE if any(mark in alert for mark in marks)), _OWN_ADVICE
    )


def _handshake_failure(error: ssl.SSLError) -> TlsError:
    alert = _alert(error)
    if alert:
        return TlsError(f"the peer refused the TLS handshake {alert}", _alert_advice(alert))
    reason = (error.reason or "").replace("_", " ").lower()
    if reason in ("unsupported protocol", "wrong version number", "no protocols available"):
        return TlsError(
            f"the peer and we have no version of TLS in common ({reason})",
            "choose another security profile, or have the peer updated",
        )
    if reason in ("dh key too small", "ee key too small", "wrong signature type", "bad ecpoint"):
        return TlsError(
            f"the peer's TLS is too weak for OpenSSL ({reason})",
            "have the peer's keys or parameters renewed",
        )
    return TlsError(
        f"the TLS handshake failed ({reason or 'unexpected end'})",
        "check that the peer speaks TLS on this port; " + _OWN_ADVICE,
    )


def _plain(error: OSError) -> OSError:
    """Return an error with words for people in place of OpenSSL's."""
    if not isinstance(error, ssl.SSLError):
        return error
    if isinstance(error, ssl.SSLEOFError):
        return ConnectionResetError(errno.ECONNRESET, "closed without notify of TLS")
    reason = _alert(error).strip("()") or (error.reason or "unknown").replace("_", " ").lower()
    return ConnectionAbortedError(errno.ECONNABORTED, f"TLS: {reason}")


_TRUST = "trust its issuer by ca_files (+cf) if the peer is who you think"
_RENEW = (
    "have the peer's certificate renewed, or its issuer's if it is that one which has expired;"
    " and check this machine's clock"
)
#: By OpenSSL's number of what was found (X509_V_ERR_…): what it means, and what to do.
VERDICTS: dict[int, tuple[str, str]] = {
    3: ("no revocation list of its issuer is at hand", "name a current one by crl_files (+crl)"),
    7: ("its signature is wrong", "the certificate is forged or damaged: ask the peer's administrator"),
    8: ("the signature of the revocation list is wrong", "get the list again, from its issuer"),
    9: ("it is not yet valid", "check this machine's clock, and that of the machine which made it"),
    10: ("it has expired", _RENEW),
    11: ("the revocation list is not yet valid", "check this machine's clock"),
    12: ("the revocation list has expired", "get the current one from its issuer"),
    18: (
        "it is self-signed and not trusted",
        "name the certificate itself by ca_files (+cf), if it is the peer's",
    ),
    19: ("its issuer is unknown: the chain ends in a self-signed CA that is not trusted", _TRUST),
    20: ("its issuer is unknown", _TRUST + "; an intermediate CA that the peer does not send counts too"),
    21: ("its issuer is unknown", _TRUST + "; an intermediate CA that the peer does not send counts too"),
    23: ("it has been revoked", "do not go on: ask the peer's administrator for a new one"),
    24: ("one of its issuers is no CA", "ask the peer's administrator for a proper chain"),
    26: ("it is not made for a TLS server", "ask the peer's administrator for another"),
    66: ("its key is too small", "have the peer's certificate renewed, with RSA of 2048 bits or more"),
    67: ("the key of its issuer is too small", "have the peer's certificate renewed by a current CA"),
    68: ("its digest is too weak", "have the peer's certificate renewed, with SHA-256"),
}


def _unacceptable(error: ssl.SSLCertVerificationError, tls: Tls, name: str) -> CertificateError:
    if error.verify_code in (62, 64):
        return CertificateError(
            f"the peer's certificate is for another host than {name}",
            "check host and port; if the certificate bears another name of the peer, say so by server_name,"
            " or set check_host to false",
        )
    what, advice = VERDICTS.get(
        error.verify_code, (error.verify_message or "it was not accepted", "ask the peer's administrator")
    )
    if error.verify_code in (18, 19, 20, 21) and not (tls.ca_files or tls.ca_directories):
        what, advice = "no CA is trusted, so no certificate can be", "name the peer's CA by ca_files (+cf)"
    return CertificateError(f"the peer's certificate was not accepted: {what}", advice)
