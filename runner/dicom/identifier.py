r"""An identifier as data: what a C-FIND request asks for, independent of any transfer syntax.

An identifier is a tuple of elements in ascending order of tags, without duplicates. The value of an
element is one of

- a text, for every VR but SQ, OB, OW, OD, OF, OL, OV and UN: text VRs hold it as it is to be read,
  numeric ones as decimal numbers with backslashes between them (`1\2`), AT as `(gggg,eeee)` with
  backslashes between them;
- bytes, as they are to be sent: for text VRs already encoded in their character set, and padded or
  not; for OB, OW, OD, OF, OL, OV and UN always, in little endian;
- a tuple of identifiers, for SQ.

A group length (gggg,0000) has no value here: it is computed where the identifier is encoded.

An empty text, empty bytes or an empty tuple is universal matching (PS3.4 C.2.2.2.3): a return key.
"""

from __future__ import annotations

from dataclasses import dataclass

Identifier = tuple["Element", ...]
Value = str | bytes | tuple[Identifier, ...]

#: Elements on the way from the top of an identifier to a nested one: (tag, item number, tag, …, tag).
Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """One attribute of an identifier.

    Attributes:
        tag: group and element number as one number, 0xGGGGEEEE.
        vr: the value representation, two letters (PS3.5 6.2).
        value: see the module's docstring.
    """

    tag: int
    vr: str
    value: Value = ""


def merged(base: Identifier, overriding: Identifier) -> Identifier:
    """Return `base` with the elements of `overriding` put in or put in their place, in tag order.

    A sequence that overrides replaces the whole sequence.
    """
    elements = {element.tag: element for element in base}
    elements.update((element.tag, element) for element in overriding)
    return tuple(elements[tag] for tag in sorted(elements))


def with_value(identifier: Identifier, path: Path, vr: str, value: Value) -> Identifier:
    """Return the identifier with another value at a path, where an element is put in if there is none.

    Raises:
        LookupError: there is no item on the way.
    """
    tag = path[0]
    found = next((element for element in identifier if element.tag == tag), None)
    if len(path) > 1:
        if found is None or not isinstance(found.value, tuple):
            raise LookupError(path)
        items = list(found.value)
        items[path[1]] = with_value(items[path[1]], path[2:], vr, value)
        changed = Element(tag, found.vr, tuple(items))
    else:
        changed = Element(tag, vr, value)
    if found is None:
        return merged(identifier, (changed,))
    return tuple(changed if element is found else element for element in identifier)


def text_at(identifier: Identifier, path: Path) -> str:
    """Return the text of the element at a path, without padding; "" where there is none.

    Bytes beyond ASCII are U+FFFD, for their character set is not looked at.
    """
    for element in identifier:
        if element.tag != path[0]:
            continue
        value = element.value
        if isinstance(value, tuple):
            return text_at(value[path[1]], path[2:]) if len(path) > 1 and path[1] < len(value) else ""
        if len(path) > 1:
            return ""
        return (value.decode("ascii", "replace") if isinstance(value, bytes) else value).strip(" \0")
    return ""
