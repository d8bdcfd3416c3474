"""A C-FIND SCP that plays a scenario of the golden recordings and notes what the client sends."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from peers.dataset_notation import IMPLICIT, SYNTAXES, read, write

if TYPE_CHECKING:
    from typing_extensions import Self

_PATIENCE = 20.0
_CANCEL_PATIENCE = 5.0
_REQUEST, _ACCEPT, _REJECT, _DATA, _RELEASE, _RELEASED, _ABORT = range(1, 8)
_C_FIND, _C_FIND_RESPONSE, _C_CANCEL = 0x0020, 0x8020, 0x0FFF
_NO_DATA_SET = 0x0101


class _EndedError(Exception):
    """The association has ended; the argument says how."""


class ScriptedSCP:
    """Listens on a loopback port from `with` on.

    Args:
        scenario: as in the golden recordings. `finds` may be a function: of the number of the C-FIND in its
            association, from 1, the identifier's bytes and their transfer syntax. `max_associations` is how
            many may stand at the same time, and `associations_in_all` how many there may ever be; the
            others are rejected.

    Attributes:
        port: where it listens.
        associations: what each client sent, complete after the `with`.
        answered: the transfer syntax and the bytes of each identifier that was sent.
    """

    def __init__(self, scenario: dict[str, Any] | None = None) -> None:
        self.scenario = scenario or {}
        self.associations: list[dict[str, Any]] = []
        self.answered: list[tuple[str, bytes]] = []
        self.finds = 0
        self.open = 0
        self.lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join(_PATIENCE + 1)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            association = _Association(self, client)
            self.associations.append(association.record)
            thread = threading.Thread(target=association.serve, daemon=True)
            self._threads.append(thread)
            thread.start()


class _Association:
    def __init__(self, scp: ScriptedSCP, client: socket.socket) -> None:
        self.scp = scp
        self.scenario = scp.scenario
        self.client = client
        self.syntaxes: dict[int, str] = {}
        self.sent = 0
        self.record: dict[str, Any] = {"contexts": [], "finds": [], "end": None, "max_pdu": None}

    def serve(self) -> None:
        self.client.settimeout(_PATIENCE)
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.client:
            try:
                with self.scp.lock:
                    self.scp.open += 1
                self._negotiate()
                while True:
                    self._handle(*self._message())
            except _EndedError as end:
                self.record["end"] = end.args[0]
            except OSError:
                self.record["end"] = "close"
            finally:
                with self.scp.lock:
                    self.scp.open -= 1

    def _negotiate(self) -> None:
        kind, body = self._pdu()
        assert kind == _REQUEST
        self._note_request(body)
        answer = self.scenario.get("association", "accept")
        with self.scp.lock:
            too_many = self.scp.open > self.scenario.get("max_associations", self.scp.open)
        if too_many or len(self.scp.associations) > self.scenario.get("associations_in_all", 1_000_000):
            answer = {"reject": [2, 3, 2]}
        if isinstance(answer, dict):
            self._send(_REJECT, bytes((0, *answer["reject"])))
        if answer == "abort":
            self._send(_ABORT, bytes((0, 0, 2, 0)))
            raise _EndedError("aborted by the SCP")
        if answer == "close":
            raise _EndedError("closed by the SCP")
        while answer != "accept":  # rejected, or silent: what the client does next
            self._pdu()
        items = [_item(0x10, self.record["application_context"].encode())]
        for context in self.record["contexts"]:
            result, syntax = self._choice(context["transfer"])
            if result == 0:
                self.syntaxes[context["id"]] = syntax
            items.append(_item(0x21, bytes((context["id"], 0, result, 0)) + _item(0x40, syntax.encode())))
        length = struct.pack(">I", self.scenario.get("max_pdu", 16384))
        items.append(_item(0x50, _item(0x51, length) + _item(0x52, b"1.2.3.4")))
        self._send(_ACCEPT, body[:2] + bytes(2) + body[4:68] + b"".join(items))

    def _note_request(self, body: bytes) -> None:
        self.record["called"] = body[4:20].decode("latin-1")
        self.record["calling"] = body[20:36].decode("latin-1")
        for kind, item in _items(body[68:]):
            if kind == 0x10:
                self.record["application_context"] = item.decode()
            elif kind == 0x20:
                names = list(_items(item[4:]))
                self.record["contexts"].append(
                    {
                        "id": item[0],
                        "abstract": next(uid.decode() for inner, uid in names if inner == 0x30),
                        "transfer": [uid.decode() for inner, uid in names if inner == 0x40],
                    }
                )
            elif kind == 0x50:
                lengths = [value for inner, value in _items(item) if inner == 0x51]
                self.record["max_pdu"] = int.from_bytes(lengths[0], "big") if lengths else None

    def _choice(self, proposed: list[str]) -> tuple[int, str]:
        wanted = self.scenario.get("accept", "first")
        if wanted == "reject":
            return 3, IMPLICIT
        if wanted == "first":
            return 0, proposed[0]
        return (0, SYNTAXES[wanted]) if SYNTAXES[wanted] in proposed else (4, IMPLICIT)

    def _handle(self, context: int, command: dict[str, Any], identifier: bytes) -> None:
        if command["0000,0100"] == _C_CANCEL:
            self.record["finds"][-1]["cancelled_after"].append(self.sent)
        elif command["0000,0100"] == _C_FIND:
            self._answer(context, command, identifier)

    def _answer(self, context: int, request: dict[str, Any], identifier: bytes) -> None:
        syntax = self.syntaxes[context]
        find = {
            "abstract": request["0000,0002"],
            "transfer_syntax": syntax,
            "identifier": identifier.hex(),
            "elements": read(identifier, syntax),
            "cancelled_after": [],
        }
        self.record["finds"].append(find)
        finds = self.scenario.get("finds") or [{}]
        if callable(finds):
            script = finds(len(self.record["finds"]), identifier, syntax)
        else:
            script = finds[min(self.scp.finds, len(finds) - 1)]
        self.scp.finds += 1
        self.sent = 0
        for response in script.get("responses", []):
            dataset = response.get("identifier")
            if isinstance(dataset, dict):
                dataset = bytes.fromhex(dataset[syntax])
            elif dataset is not None:
                dataset = write(dataset, syntax)
            self._respond(context, request, response.get("status", "ff00"), dataset, response.get("elements"))
            self.sent += 1
            if dataset is not None:
                self.scp.answered.append((syntax, dataset))
            if self.sent == script.get("await_cancel"):
                assert select.select([self.client], [], [], _CANCEL_PATIENCE)[0], "no C-CANCEL came"
                self._handle(*self._message())
                if script.get("on_cancel", "stop") == "stop":
                    self._respond(context, request, "fe00", None, None)
                    return
        self._finish(context, request, script.get("final", {}))

    def _finish(self, context: int, request: dict[str, Any], final: dict[str, Any]) -> None:
        action = final.get("action")
        if action == "abort":
            self._send(_ABORT, bytes((0, 0, 2, 0)))
            raise _EndedError("aborted by the SCP")
        if action == "close":
            raise _EndedError("closed by the SCP")
        if action == "release":
            self._send(_RELEASE, bytes(4))
            self._pdu()
            raise _EndedError("released by the SCP")
        if action == "stall":  # a PDU that breaks off
            self.client.sendall(struct.pack(">BxIIBB", _DATA, 100, 96, context, 1) + bytes(10))
        elif action != "silence":
            self._respond(context, request, final.get("status", "0000"), None, final.get("elements"))

    def _respond(
        self, context: int, request: dict[str, Any], status: str, dataset: bytes | None, more: Any
    ) -> None:
        command = [
            ["0000,0002", "UI", request["0000,0002"]],
            ["0000,0100", "US", [_C_FIND_RESPONSE]],
            ["0000,0120", "US", [request["0000,0110"]]],
            ["0000,0800", "US", [_NO_DATA_SET if dataset is None else 0x0102]],
            ["0000,0900", "US", [int(status, 16)]],
            *(more or []),
        ]
        body = write(command, IMPLICIT)
        pdvs = self._fragments(context, 1, write([["0000,0000", "UL", [len(body)]]], IMPLICIT) + body)
        if dataset is not None:
            pdvs += self._fragments(context, 0, dataset)
        for body in [b"".join(pdvs)] if self.scenario.get("joined") else pdvs:
            self._send(_DATA, body)

    def _fragments(self, context: int, flag: int, data: bytes) -> list[bytes]:
        size = self.scenario.get("fragment") or (self.record["max_pdu"] or 16384) - 6
        starts = range(0, max(len(data), 1), size)
        return [
            struct.pack(">IBB", len(data[at : at + size]) + 2, context, flag | 2 * (at + size >= len(data)))
            + data[at : at + size]
            for at in starts
        ]

    def _message(self) -> tuple[int, dict[str, Any], bytes]:
        command: dict[str, Any] | None = None
        parts = {0: b"", 1: b""}
        while True:
            kind, body = self._pdu()
            assert kind == _DATA
            at = 0
            while at < len(body):
                length, context, header = struct.unpack_from(">IBB", body, at)
                parts[header & 1] += body[at + 6 : at + 4 + length]
                at += 4 + length
                if header == 3:
                    command = _command(parts[1])
                if header == 2 or (header == 3 and command and command["0000,0800"] == _NO_DATA_SET):
                    assert command is not None
                    return context, command, parts[0]

    def _pdu(self) -> tuple[int, bytes]:
        kind, length = struct.unpack(">BxI", self._bytes(6))
        body = self._bytes(length)
        if kind == _RELEASE:
            self._send(_RELEASED, bytes(4))
            raise _EndedError("release")
        if kind == _ABORT:
            raise _EndedError("abort")
        return kind, body

    def _bytes(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            chunk = self.client.recv(count - len(data))
            if not chunk:
                raise _EndedError("close")
            data += chunk
        return data

    def _send(self, kind: int, body: bytes) -> None:
        self.client.sendall(struct.pack(">BxI", kind, len(body)) + body)


def _command(data: bytes) -> dict[str, Any]:
    return {
        tag: bytes.fromhex(value).rstrip(b"\0 ").decode()
        if tag == "0000,0002"
        else int.from_bytes(bytes.fromhex(value), "little")
        for tag, _, value in read(data, IMPLICIT)
    }


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        kind, length = struct.unpack_from(">BxH", data, at)
        yield kind, data[at + 4 : at + 4 + length]
        at += 4 + length


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(body)) + body
