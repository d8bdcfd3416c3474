"""Protocol data units of the DICOM upper layer (PS3.8 9.3), all numbers in big endian.

The association's negotiation has a module of its own.
"""

from __future__ import annotations

from struct import Struct

ASSOCIATE_RQ = 1
ASSOCIATE_AC = 2
ASSOCIATE_RJ = 3
P_DATA_TF = 4
RELEASE_RQ = 5
RELEASE_RP = 6
ABORT = 7

#: Type, reserved, length of what follows (PS3.8 9.3.1).
PDU_HEADER = Struct(">BxL")
#: Length of what follows it, presentation context ID, message control header (PS3.8 9.3.5.1 and E.2).
PDV_HEADER = Struct(">LBB")
#: Bits of the message control header.
COMMAND = 1
LAST = 2

RELEASE_REQUEST = PDU_HEADER.pack(RELEASE_RQ, 4) + bytes(4)
RELEASE_RESPONSE = PDU_HEADER.pack(RELEASE_RP, 4) + bytes(4)

#: Sources and reasons of an A-ABORT (PS3.8 9.3.8).
SERVICE_USER = 0
SERVICE_PROVIDER = 2
REASON_NOT_SPECIFIED = 0
UNRECOGNIZED_PDU = 1
UNEXPECTED_PDU = 2
INVALID_PDU_PARAMETER = 6

#: No PDU that we send is longer, whatever the peer would take: there is nothing to gain.
LONGEST_SENT = 131072
#: The shortest P-DATA-TF that carries anything: a PDV header and two bytes.
SHORTEST_SENT = PDV_HEADER.size + 2

NAMES = {
    ASSOCIATE_RQ: "A-ASSOCIATE-RQ",
    ASSOCIATE_AC: "A-ASSOCIATE-AC",
    ASSOCIATE_RJ: "A-ASSOCIATE-RJ",
    P_DATA_TF: "P-DATA-TF",
    RELEASE_RQ: "A-RELEASE-RQ",
    RELEASE_RP: "A-RELEASE-RP",
    ABORT: "A-ABORT",
}

_ABORT_REASONS = {
    REASON_NOT_SPECIFIED: "reason not specified",
    UNRECOGNIZED_PDU: "unrecognized PDU",
    UNEXPECTED_PDU: "unexpected PDU",
    4: "unrecognized PDU parameter",
    5: "unexpected PDU parameter",
    INVALID_PDU_PARAMETER: "invalid PDU parameter value",
}

#: How peers that speak something else begin, and what to say of them.
_OTHER_PROTOCOLS = (
    (b"\x15\x03", "it answers in TLS: this port wants a TLS connection"),
    (b"\x16\x03", "it answers in TLS: this port wants a TLS connection"),
    (b"HTTP/", "it answers in HTTP: this is the port of a web server, look for its DICOM port"),
    (b"<", "it answers with a page of markup: this is the port of a web server, look for its DICOM port"),
    (b"SSH-", "it answers as an SSH server: look for its DICOM port"),
    (b"220", "it answers as a mail or file server: look for its DICOM port"),
)


def abort_pdu(source: int = SERVICE_USER, reason: int = REASON_NOT_SPECIFIED) -> bytes:
    """Return an A-ABORT (PS3.8 9.3.8)."""
    return PDU_HEADER.pack(ABORT, 4) + bytes((0, 0, source, reason))


def describe_abort(source: int, reason: int) -> str:
    """Return the source and reason of an A-ABORT in words; the reason counts only for the provider."""
    if source == SERVICE_USER:
        return "by its application, no reason given"
    who = "by its network layer" if source == SERVICE_PROVIDER else f"by source {source}"
    return f"{who}: {_ABORT_REASONS.get(reason, f'reason {reason}')}"


def describe_other_protocol(beginning: bytes) -> str:
    """Return what a peer speaks that does not begin as a PDU, "" where it is not known."""
    for start, words in _OTHER_PROTOCOLS:
        if beginning.startswith(start):
            return words
    return ""


def data_pdus(context_id: int, message: bytes, *, command: bool, max_pdu: int) -> bytes:
    """Return a command set or a data set as P-DATA-TF PDUs with one PDV each (PS3.8 9.3.5 and E).

    Args:
        context_id: the presentation context.
        message: the whole command set or data set.
        command: which of the two it is.
        max_pdu: the peer's maximum length, in bytes of the PDU's variable field; 0 for no limit. Where
            it is too short for any PDV, the shortest PDUs possible are sent.
    """
    limit = min(max_pdu or LONGEST_SENT, LONGEST_SENT)
    # Fragments of even length: some peers insist.
    size = (max(limit, SHORTEST_SENT) - PDV_HEADER.size) & ~1
    kind = COMMAND if command else 0
    pdus = bytearray()
    for start in range(0, max(len(message), 1), size):
        fragment = message[start : start + size]
        header = kind | (LAST if start + size >= len(message) else 0)
        pdus += PDU_HEADER.pack(P_DATA_TF, len(fragment) + PDV_HEADER.size)
        pdus += PDV_HEADER.pack(len(fragment) + 2, context_id, header)
        pdus += fragment
    return bytes(pdus)
