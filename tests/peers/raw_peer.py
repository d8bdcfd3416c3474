"""A peer on a loopback port that does whatever a test's function tells it to, on the raw socket."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from peers import wire

if TYPE_CHECKING:
    from typing_extensions import Self

PATIENCE = 10.0


@dataclass
class Message:
    """A DIMSE message as it came: its command field, Message ID (either), context and data set."""

    field: int
    message_id: int
    context: int
    data_set: bytes | None


@dataclass
class Side:
    """The peer's side of one connection.

    Attributes:
        received: types and bodies of the PDUs that were read.
        fragments: the lengths of the P-DATA-TF that were read.
    """

    socket: socket.socket
    received: list[tuple[int, bytes]] = field(default_factory=list)
    fragments: list[int] = field(default_factory=list)

    def send(self, *parts: bytes) -> None:
        self.socket.sendall(b"".join(parts))

    def drip(self, data: bytes) -> None:
        """Send byte by byte, each on its own."""
        for value in data:
            self.socket.sendall(bytes((value,)))

    def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            chunk = self.socket.recv(count - len(data))
            if not chunk:
                raise ConnectionResetError
            data += chunk
        return data

    def read_pdu(self) -> tuple[int, bytes]:
        kind, length = struct.unpack(">BxL", self.read(6))
        self.received.append((kind, self.read(length)))
        return self.received[-1]

    def accept(self, *items: bytes) -> None:
        """Read the association request and accept it."""
        assert self.read_pdu()[0] == wire.ASSOCIATE_RQ
        self.send(wire.accept(*items))

    def read_message(self) -> Message:
        """Read a request, with its data set where it has one."""
        command, data_set = b"", b""
        elements: dict[int, bytes] | None = None
        while True:
            kind, body = self.read_pdu()
            assert kind == wire.P_DATA, f"PDU {kind} in place of a message"
            self.fragments.append(len(body))
            for context, control, value in wire.read_pdvs(body):
                if control & 1:
                    command += value
                else:
                    data_set += value
                if control == 3:
                    elements = wire.read_elements(command)
                if elements is not None:
                    has_data_set = struct.unpack("<H", elements[0x0800])[0] != wire.NO_DATA_SET
                    if control == 2 or (control == 3 and not has_data_set):
                        number = elements.get(0x0110) or elements[0x0120]
                        return Message(
                            struct.unpack("<H", elements[0x0100])[0],
                            struct.unpack("<H", number)[0],
                            context,
                            data_set if has_data_set else None,
                        )

    def serve_release(self) -> None:
        """Read and answer a release."""
        assert self.read_pdu()[0] == wire.RELEASE_RQ
        self.send(wire.RELEASED)

    def read_to_end(self) -> list[int]:
        """Read until the client closes the connection; return the types of the PDUs."""
        kinds = []
        with contextlib.suppress(ConnectionError):
            while True:
                kinds.append(self.read_pdu()[0])
        return kinds

    def reset(self) -> None:
        """Break the connection."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class RawPeer:
    """Serves each connection with `behaviour`, in a thread, from `with` on.

    A behaviour that fails fails the test, unless the connection broke under it.

    Attributes:
        port: where it listens.
        sides: of the connections so far.
    """

    def __init__(self, behaviour: Callable[[Side], None], address: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, 0), family=family)
        self.port: int = self._listener.getsockname()[1]
        self.sides: list[Side] = []
        self._behaviour = behaviour
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []

    def __enter__(self) -> Self:
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE + 1)
        if kind is None and self._failures:
            raise self._failures[0]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.settimeout(PATIENCE)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                side = Side(client)
                self.sides.append(side)
                thread = threading.Thread(target=self._serve, args=(side,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, side: Side) -> None:
        with side.socket:
            try:
                self._behaviour(side)
            except ConnectionError:
                pass
            except BaseException as error:  # noqa: BLE001 - it is raised where the test sees it
                self._failures.append(error)
