"""A wire tap: copies bytes both ways in front of a server, and keeps what clients send."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

PATIENCE = 20.0
#: The types of TLS records: change cipher spec, alert, handshake, application data (RFC 8446 5.1).
_RECORDS = (20, 21, 22, 23)
#: The application context's name, which every A-ASSOCIATE-RQ has (PS3.7 A.2.1).
_DICOM = b"1.2.840.10008.3.1.1.1"


class Tap:
    """Listens on a loopback port from `with` on.

    Attributes:
        port: where it listens.
        streams: all that each client has sent.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self.streams: list[bytearray] = []
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE + 1)
        for connected in (self._listener, *self._sockets):
            connected.close()

    def check_secured(self, connections: int) -> None:
        """Check that so many clients have sent TLS records (RFC 8446 5.1) and nothing else."""
        assert len(self.streams) == connections
        for stream in self.streams:
            assert _DICOM not in stream
            at = 0
            while at < len(stream):
                assert stream[at] in _RECORDS, f"byte {at} begins no TLS record"
                assert stream[at + 1] == 3
                at += 5 + int.from_bytes(stream[at + 3 : at + 5], "big")
            assert at == len(stream), "the last record is not whole"

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to), PATIENCE)
                client.settimeout(PATIENCE)
                stream = bytearray()
                self.streams.append(stream)
                self._sockets += (client, server)
                self._start(self._copy, client, server, stream)
                self._start(self._copy, server, client, None)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket, stream: bytearray | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if stream is not None:
                    stream += data
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
