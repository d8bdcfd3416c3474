"""A TLS server in front of a plain one: it decrypts, copies bytes both ways, and notes what clients show."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

PATIENCE = 20.0


def server_context(
    certificate: Path,
    key: Path,
    *,
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    client_ca: Path | None = None,
    ciphers: str = "",
    dh_parameters: Path | None = None,
) -> ssl.SSLContext:
    """Settings of a server; with `client_ca` it wants a certificate from clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.maximum_version = newest
    if ciphers:
        context.set_ciphers(ciphers)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    if dh_parameters is not None:
        context.load_dh_params(str(dh_parameters))
    return context


class TlsTerminator:
    """Listens on a loopback port from `with` on.

    Attributes:
        port: where it listens.
        clients: of each handshake that succeeded, the common name in the client's certificate, "" for none.
        ciphers: the cipher suite of each.
        names: the server name that each client sent, None for none.
        closed_in_order: how many clients ended TLS with a close_notify.
    """

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._to = port
        self._context = context
        self.clients: list[str] = []
        self.ciphers: list[str] = []
        self.versions: list[str] = []
        self.names: list[str | None] = []
        self.closed_in_order = 0
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port: int = self._listener.getsockname()[1]
        context.sni_callback = self._note_name

    def __enter__(self) -> Self:
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE + 1)

    def _note_name(self, _socket: object, name: str | None, _context: object) -> None:
        self.names.append(name)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(PATIENCE)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client, contextlib.suppress(OSError):
            secured = self._context.wrap_socket(client, server_side=True, suppress_ragged_eofs=False)
            with secured:
                shown = secured.getpeercert() or {}
                subject = dict(part for parts in shown.get("subject", ()) for part in parts)
                cipher = secured.cipher()
                assert cipher is not None
                self.clients.append(str(subject.get("commonName", "")))
                self.ciphers.append(cipher[0])
                self.versions.append(str(secured.version()))
                self._copy(secured)

    def _copy(self, secured: ssl.SSLSocket) -> None:
        """Copy both ways, in one thread: OpenSSL's objects are not made for two."""
        with socket.create_connection(("127.0.0.1", self._to), PATIENCE) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sources: list[socket.socket] = [secured, plain]
            while sources:
                readable = [secured] if secured.pending() else select.select(sources, [], [], PATIENCE)[0]
                assert readable, "neither side says anything"
                if secured in readable:
                    data = secured.recv(65536)
                    if not data:
                        self.closed_in_order += 1
                        return
                    plain.sendall(data)
                if plain in readable:
                    data = plain.recv(65536)
                    if data:
                        secured.sendall(data)
                    else:
                        sources.remove(plain)
                        # The socket's own shutdown: the other direction goes on.
                        socket.socket.shutdown(secured, socket.SHUT_WR)
