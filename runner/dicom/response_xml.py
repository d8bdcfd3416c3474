"""A received identifier as XML in DCMTK's form (dcm2xml), with text in UTF-8.

Binary values are left out, as DCMTK leaves them out. What XML cannot have is shown as an escape. The
text is written piece by piece: nesting has no limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from runner.dicom.dictionary import Dictionary
from runner.dicom.elements import RawElement, Visit, visit, walk
from runner.dicom.received import (
    NUMBER_FORMATS,
    SINGLE_VALUED_VRS,
    STRING_VRS,
    Surroundings,
    byte_order,
    value_text,
)
from runner.dicom.shown_text import shown
from runner.dicom.tags import format_tag
from runner.dicom.transfer_syntax import TransferSyntax

_NAMES = {
    TransferSyntax.IMPLICIT_LITTLE: "Little Endian Implicit",
    TransferSyntax.EXPLICIT_LITTLE: "Little Endian Explicit",
    TransferSyntax.DEFLATED: "Deflated Explicit VR Little Endian",
    TransferSyntax.EXPLICIT_BIG: "Big Endian Explicit",
}
_ENTITIES = {'"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
_LINE_ENDS = re.compile("[\t\r\n]+")


def response_xml(data: bytes, syntax: TransferSyntax, dictionary: Dictionary) -> str:
    """Return an identifier as an element `data-set`, with a line end behind it.

    Args:
        data: the identifier, inflated where the transfer syntax is deflated.
        syntax: the negotiated transfer syntax.
        dictionary: the names of attributes, and their VRs where these are implicit.

    Raises:
        UndecodableIdentifierError: the bytes are no identifier in this transfer syntax.
    """
    head = f'<data-set xfer="{syntax.uid}" name="{_NAMES[syntax]}">\n'
    return head + "".join(_pieces(data, syntax, dictionary)) + "</data-set>\n"


def _pieces(data: bytes, syntax: TransferSyntax, dictionary: Dictionary) -> Iterator[str]:
    elements = walk(data, syntax, dictionary)
    levels = [Surroundings(data, elements, dictionary)]
    for what, element, item in visit(elements, in_tag_order=True):
        if what is Visit.ELEMENT:
            yield _element(data, element, syntax, levels[-1])
        elif what is Visit.SEQUENCE:
            length = "" if element.undefined else f' len="{element.end - element.start}"'
            count = len(element.items or ())
            name = _name(element, levels[-1])
            yield f'<sequence tag="{_tag(element)}" vr="SQ" card="{count}"{length} name="{name}">\n'
        elif what is Visit.SEQUENCE_END:
            yield "</sequence>\n"
        elif item is not None and what is Visit.ITEM:
            levels.append(Surroundings(data, item.elements, dictionary, levels[-1]))
            length = "" if item.undefined else f' len="{item.end - item.start}"'
            yield f'<item card="{len(item.elements)}"{length}>\n'
        else:
            levels.pop()
            yield "</item>\n"


def _element(data: bytes, element: RawElement, syntax: TransferSyntax, surroundings: Surroundings) -> str:
    vr = surroundings.meaning(element).vr or "UN"
    value = data[element.start : element.end]
    text, multiplicity, hidden = "", 0, ""
    if vr in STRING_VRS or vr in NUMBER_FORMATS or vr == "AT":
        text = value_text(vr, value, surroundings.character_set, byte_order(element, syntax))
        if value:
            multiplicity = 1 if vr in SINGLE_VALUED_VRS else text.count("\\") + 1
    else:
        multiplicity, hidden = 1, ' binary="hidden"'
    start = f'<element tag="{_tag(element)}" vr="{vr}" vm="{multiplicity}" len="{len(value)}"'
    return f'{start} name="{_name(element, surroundings)}"{hidden}>{_escaped(text)}</element>\n'


def _tag(element: RawElement) -> str:
    return format_tag(element.tag)[1:-1]


def _name(element: RawElement, surroundings: Surroundings) -> str:
    entry = surroundings.meaning(element).entry
    return _escaped((entry.keyword or entry.name) if entry is not None else "Unknown Tag & Data")


def _escaped(text: str) -> str:
    """Return text as XML has it: white space that XML would change as references, other controls shown."""
    if text.isprintable():
        return escape(text, _ENTITIES)
    pieces = []
    at = 0
    for match in _LINE_ENDS.finditer(text):
        pieces += [shown(text[at : match.start()]), match.group()]
        at = match.end()
    return escape("".join([*pieces, shown(text[at:])]), _ENTITIES)
