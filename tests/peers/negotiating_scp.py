"""pynetdicom's AE as a peer that looks at user identities and at extended negotiation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, evt

from peers import wire
from runner.model import InformationModel

#: Who asks: type, primary field and secondary field; returns whether they may, and the answer.
Judge = Callable[[int, bytes, bytes], tuple[bool, bytes | None]]
#: From what is proposed by SOP class to what is answered.
Extend = Callable[[Mapping[str, bytes]], Mapping[str, bytes]]


@dataclass
class NegotiatingScp:
    """What the peer saw; it answers each C-FIND with one response."""

    port: int = 0
    identities: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    proposed: list[dict[str, bytes]] = field(default_factory=list)
    finds: int = 0


def _agreeing(proposed: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return proposed


@contextmanager
def negotiating_scp(judge: Judge | None = None, extend: Extend = _agreeing) -> Iterator[NegotiatingScp]:
    """Serve on loopback; without `judge`, identities are not looked at."""
    seen = NegotiatingScp()

    def identify(event: Any) -> tuple[bool, bytes | None]:
        assert judge is not None
        identity = (event.user_id_type, event.primary_field, event.secondary_field or b"")
        seen.identities.append(identity)
        return judge(*identity)

    def answer(event: Any) -> Mapping[str, bytes]:
        seen.proposed.append({str(uid): information for uid, information in event.app_info.items()})
        return extend(seen.proposed[-1])

    def find(_event: Any) -> Iterator[tuple[int, Dataset | None]]:
        seen.finds += 1
        response = Dataset()
        response.QueryRetrieveLevel = "STUDY"
        response.StudyDate = "20240101"
        yield 0xFF00, response
        yield 0x0000, None

    ae = AE("SCP")
    for uid in (wire.VERIFICATION, *(model.sop_class_uid for model in InformationModel)):
        ae.add_supported_context(uid)
    handlers: list[Any] = [(evt.EVT_C_FIND, find), (evt.EVT_SOP_EXTENDED, answer)]
    if judge is not None:
        handlers.append((evt.EVT_USER_ID, identify))
    server: Any = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        seen.port = server.socket.getsockname()[1]
        yield seen
    finally:
        # pynetdicom trips over an abort of an association that is about to end.
        for association in server.active_associations:
            association.join(10)
        server.shutdown()
