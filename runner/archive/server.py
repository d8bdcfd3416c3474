"""Serve an archive as a C-FIND SCP with pynetdicom's AE."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from struct import pack
from typing import TYPE_CHECKING, Any

from runner.archive.answers import Archive, encoded
from runner.archive.catalogue import read_catalogue
from runner.archive.files import request_identifier
from runner.archive.hierarchy import Refusal
from runner.dicom.encoding import encode
from runner.dicom.identifier import Element
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import ArchiveError, UndecodableIdentifierError
from runner.model import InformationModel

if TYPE_CHECKING:
    from ssl import SSLContext
    from types import TracebackType

_VERIFICATION = "1.2.840.10008.1.1"
_ANY_AE_TITLE = "CFIND-ARCHIVE"

_SUCCESS = 0x0000
_UNABLE_TO_PROCESS = 0xC000
_CANCEL = 0xFE00
_PENDING = 0xFF00

#: Responses that may wait to be sent. pynetdicom does not read while it has something to send, so this is
#: also how late a C-CANCEL is seen.
_BACKLOG = 16
#: Longer than any wait of a client between two requests is likely to be, in seconds.
_IDLE = 600.0
#: For a peer that stops in the middle of a PDU or does not take what it is sent, in seconds.
_STALLED = 30.0
#: For a client that stops in the middle of a TLS handshake, in seconds.
_HANDSHAKE = 10.0
_MAX_ASSOCIATIONS = 100
_MAX_PDU = 131072


class ArchiveServer:
    """An archive that is being served; a context manager that stops serving at its end.

    Attributes:
        address: host and port on which it listens.
        skipped: files of the folder that are not served, and why.
    """

    def __init__(self, ae: Any, server: Any, skipped: tuple[tuple[Path, str], ...]) -> None:
        self._ae = ae
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="archive", daemon=True
        )
        self._stopping = threading.Lock()
        host, port = server.server_address[:2]
        self.address: tuple[str, int] = (str(host), int(port))
        self.skipped = skipped

    @classmethod
    def start(
        cls,
        folder: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        ae_title: str | None = None,
        secured: SSLContext | None = None,
        warn: Callable[[str], None] = lambda _text: None,
    ) -> ArchiveServer:
        """Read a folder of DICOM and DICOM JSON files and serve it; it listens when this returns.

        Args:
            folder: is read once, with the folders in it.
            host: an IPv4 or IPv6 address, or a name.
            port: 0 for one that the system chooses.
            ae_title: the called AE title that is accepted; None for any.
            secured: the settings of TLS; None for plain TCP.
            warn: is told, from any thread, of each TLS handshake that fails.

        Raises:
            ArchiveError: the folder cannot be read, or the address cannot be listened on.
        """
        catalogue = read_catalogue(folder)
        archive = Archive(catalogue)
        ae, handlers = _application_entity(archive, ae_title)
        try:
            address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4]
            server = ae.make_server(
                (str(address[0]), int(address[1])),
                evt_handlers=handlers,
                server_class=_server_class(secured, warn),
            )
        except (OSError, OverflowError) as problem:
            why = getattr(problem, "strerror", None) or "the port is out of range"
            raise ArchiveError(
                f"cannot listen on {host}, port {port}: {why}", "choose another address or port", str(folder)
            ) from None
        served = cls(ae, server, catalogue.skipped)
        served._thread.start()
        return served

    def stop(self) -> None:
        """Stop listening and end what associations there are; may be called again."""
        with self._stopping:
            if not self._thread.is_alive():
                return
            self._server.shutdown()
            self._thread.join()
            self._end_associations()

    def _end_associations(self) -> None:
        """Let associations end that are about to, abort the others, disconnect what heeds neither."""
        associations = self._server.active_associations
        _join(associations, 0.3)
        aborts = [
            threading.Thread(target=association.abort, daemon=True)
            for association in associations
            if association.is_established
        ]
        for abort in aborts:
            abort.start()
        _join(aborts, 2)
        for association in associations:
            if association.dul.is_alive():
                _disconnect(association)
        _join([association.dul for association in associations], 2)

    def __enter__(self) -> ArchiveServer:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _join(threads: Sequence[threading.Thread], seconds: float) -> None:
    """Wait for threads to end, for that long in all."""
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def _disconnect(association: Any) -> None:
    """Close a connection, and end the threads that wait for what may come from it."""
    connection = association.dul.socket.socket
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    association.dul.to_user_queue.put(None)
    association.dul.kill_dul()


def _application_entity(archive: Archive, ae_title: str | None) -> tuple[Any, list[Any]]:
    """Return pynetdicom's AE for an archive, and what its events are handled by."""
    from pynetdicom import AE, evt

    _silence()
    try:
        ae = AE(ae_title=ae_title or _ANY_AE_TITLE)
    except (TypeError, ValueError):
        raise ArchiveError(
            "the AE title is not legal", "use at most 16 ASCII characters, no backslash"
        ) from None
    ae.require_called_aet = ae_title is not None
    ae.maximum_associations = _MAX_ASSOCIATIONS
    ae.maximum_pdu_size = _MAX_PDU
    ae.network_timeout = _IDLE
    syntaxes = [syntax.uid for syntax in TransferSyntax]
    for model in InformationModel:
        ae.add_supported_context(model.sop_class_uid, syntaxes)
    ae.add_supported_context(_VERIFICATION, syntaxes)
    handlers = [
        (evt.EVT_CONN_OPEN, _prepare_socket),
        (evt.EVT_REQUESTED, _prefer_their_order),
        (evt.EVT_C_FIND, _find, [archive]),
        (evt.EVT_C_ECHO, _echo),
    ]
    return ae, handlers


def _silence() -> None:
    """Keep pynetdicom from logging, since it logs identifiers, which are about patients, and tracebacks."""
    import logging

    from pynetdicom import _config

    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = False
    _config.LOG_RESPONSE_IDENTIFIERS = False
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)


def _server_class(secured: SSLContext | None, warn: Callable[[str], None]) -> type[Any]:
    from socketserver import BaseServer

    from pynetdicom.transport import ThreadedAssociationServer

    class ArchiveAssociationServer(ThreadedAssociationServer):  # type: ignore[misc]
        """Leaves the garbage to Python, which pynetdicom collects at every 60th turn of its loop."""

        request_queue_size = 64
        # A connection that is still shaking hands is not waited for in the end.
        daemon_threads = True

        def service_actions(self) -> None:
            pass

        def shutdown(self) -> None:
            """Stop accepting connections, and close the listening socket."""
            BaseServer.shutdown(self)  # pynetdicom's own looks for the server where `start_server` puts it
            self.server_close()

        def process_request_thread(self, request: Any, client_address: Any) -> None:
            """Shake hands in the thread of the connection, where it keeps nobody else waiting."""
            if secured is not None:
                try:
                    request.settimeout(_HANDSHAKE)
                    request = secured.wrap_socket(request, server_side=True)
                except (OSError, ValueError) as error:
                    self.shutdown_request(request)
                    warn(f"{client_address[0]}, port {client_address[1]}: no TLS: {_reason(error)}")
                    return
            super().process_request_thread(request, client_address)

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Print nothing about connections that fail."""

    return ArchiveAssociationServer


def _reason(error: Exception) -> str:
    """Return why a handshake failed, in OpenSSL's or the system's words; none of the client's."""
    if isinstance(error, TimeoutError):
        return f"the client did not end the handshake within {_HANDSHAKE:g} s"
    reason = getattr(error, "reason", None)
    if isinstance(reason, str):
        return reason.replace("_", " ").lower()
    return getattr(error, "strerror", None) or "the client closed the connection during the handshake"


def _prepare_socket(event: Any) -> None:
    """Do not let responses wait for an acknowledgement, nor for ever for a peer that has stopped."""
    connection = event.assoc.dul.socket.socket
    with suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.settimeout(_STALLED)


def _prefer_their_order(event: Any) -> None:
    """Accept the first transfer syntax that is proposed and known, where pynetdicom takes its own first."""
    proposed: dict[str, list[str]] = {}
    for context in event.assoc.requestor.requested_contexts:
        proposed.setdefault(context.abstract_syntax, []).extend(context.transfer_syntax)
    for context in event.assoc.acceptor.supported_contexts:
        theirs = proposed.get(context.abstract_syntax, [])
        known = context.transfer_syntax
        context.transfer_syntax = [*(uid for uid in dict.fromkeys(theirs) if uid in known), *known]


def _echo(event: Any) -> int:  # noqa: ARG001 - pynetdicom's signature
    return _SUCCESS


def _find(event: Any, archive: Archive) -> Iterator[tuple[Any, None]]:
    """Answer a C-FIND: send the Pending responses, and yield the final one."""
    syntax = TransferSyntax(str(event.context.transfer_syntax))
    model = _model(str(event.context.abstract_syntax))
    try:
        keys, terms = request_identifier(event.request.Identifier.getvalue(), syntax)
    except UndecodableIdentifierError:
        yield _final(_UNABLE_TO_PROCESS, (), "the identifier cannot be decoded"), None
        return
    ae_title = event.assoc.requestor.primitive.called_ae_title
    answers = archive.find(model, keys, ae_title)
    if isinstance(answers, Refusal):
        yield _final(answers.status, answers.offending_elements, answers.comment), None
        return
    sender = _Sender(event, model)
    for answer in answers:
        if event.is_cancelled:
            yield _CANCEL, None
            return
        if not sender.send(encoded(answer, terms, syntax)):
            return
    yield _SUCCESS, None


def _model(abstract_syntax: str) -> InformationModel:
    return next(model for model in InformationModel if model.sop_class_uid == abstract_syntax)


def _final(status: int, offending_elements: tuple[int, ...], comment: str) -> Any:
    """Return a final status with its details (PS3.7 C)."""
    from pydicom.dataset import Dataset

    detail = Dataset()
    detail.Status = status
    if offending_elements:
        detail.OffendingElement = list(offending_elements)
    detail.ErrorComment = comment[:64]
    return detail


class _Sender:
    """Sends the Pending responses of one C-FIND.

    They are handed to pynetdicom as encoded P-DATA: letting it encode the same command set and a Dataset for
    each response takes several times as long.
    """

    def __init__(self, event: Any, model: InformationModel) -> None:
        self._association = event.assoc
        self._context_id = event.context.context_id
        self._command = b"\x03" + _pending_command(model, event.request.MessageID)
        self._limit = event.assoc.dimse.maximum_pdu_size
        self._sent = 0

    def send(self, identifier: bytes) -> bool:
        """Send a response; whether the association still stands."""
        for fragment in (self._command, *self._fragments(identifier)):
            self._put(fragment)
        self._sent += 1
        if not self._sent % _BACKLOG or self._sent < _BACKLOG:
            self._drain()
        return bool(self._association.is_established)

    def _put(self, fragment: bytes) -> None:
        from pynetdicom.pdu_primitives import P_DATA

        data = P_DATA()
        data.presentation_data_value_list.append((self._context_id, fragment))
        self._association.dul.send_pdu(data)

    def _fragments(self, identifier: bytes) -> Iterator[bytes]:
        """Cut an identifier to PDVs with their message control headers (PS3.8 E.2)."""
        length = max(2, self._limit - 6) if self._limit else len(identifier)
        last = max(0, (len(identifier) - 1) // length * length)
        for at in range(0, last, length):
            yield b"\x00" + identifier[at : at + length]
        yield b"\x02" + identifier[last:]

    def _drain(self) -> None:
        """Wait until everything is sent, which lets pynetdicom read what the peer may have to say."""
        queue = self._association.dul.to_provider_queue
        while not queue.empty() and self._association.is_established and self._association.dul.is_alive():
            time.sleep(0.0005)


def _pending_command(model: InformationModel, message_id: int) -> bytes:
    """Return the command set of a C-FIND-RSP with status Pending (PS3.7 9.3.2.2)."""
    elements = encode(
        (
            Element(0x00000002, "UI", model.sop_class_uid),
            Element(0x00000100, "US", str(0x8020)),
            Element(0x00000120, "US", str(message_id)),
            Element(0x00000800, "US", str(0x0001)),
            Element(0x00000900, "US", str(_PENDING)),
        ),
        TransferSyntax.IMPLICIT_LITTLE,
    )
    return pack("<HHII", 0, 0, 4, len(elements)) + elements
