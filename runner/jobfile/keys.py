"""From the keys of a query to an identifier and the columns that they name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from runner.dicom.charset import TEXT_VRS, UnknownCharacterSetError, character_set
from runner.dicom.dictionary import Dictionary
from runner.dicom.identifier import Element, Identifier, Path
from runner.dicom.tags import (
    SPECIFIC_CHARACTER_SET,
    format_tag,
    is_private,
    is_private_creator,
    parse_tag,
    private_creator_of,
)
from runner.dicom.values import BYTES_VRS, VRS, Fault, problem_with_value
from runner.jobfile.nodes import Column, LateText
from runner.jobfile.section import Section

#: `(0009,"ACME 1",01)`: group, private creator, and the element's number within its block.
_PRIVATE = re.compile(r"""\(?([0-9a-fA-F]{4}),\s*(["'])(.*)\2,\s*(?:[xX]{2})?([0-9a-fA-F]{2})\)?""")

#: What texts are sent in where the job does not say and ASCII is not enough.
DEFAULT_CHARACTER_SET = "ISO_IR 192"

QUERY_RETRIEVE_LEVEL = 0x00080052

#: Stands for any attribute where a value is encoded as a trial.
_TRIAL = 0x00100010


@dataclass(frozen=True, slots=True)
class Bound:
    """A key whose value comes from the rows of a `foreach`.

    Attributes:
        path: of its element.
        vr: of its element.
        pieces: of the value: texts, and columns of the row.
        declared: the character set in which it is sent, None where none is declared.
        section: the key.
    """

    path: Path
    vr: str
    pieces: tuple[str | Column, ...]
    declared: str | None
    section: Section


@dataclass(frozen=True, slots=True)
class UsedKeys:
    """A key set that a query uses.

    Attributes:
        use: where the query names it.
        keys: the set.
    """

    use: Section
    keys: Section


@dataclass(slots=True)
class Keys:
    """What a mapping of keys means.

    Attributes:
        elements: in ascending order of tags.
        columns: paths of the keys, in the author's order, nested ones down to their leaves; those of key
            sets come first.
        undeclared: a text beyond ASCII for which no character set is declared, None where there is none.
        bound: the keys whose values come from rows; they are empty in `elements`.
    """

    elements: Identifier = ()
    columns: tuple[Path, ...] = ()
    undeclared: Section | None = None
    bound: tuple[Bound, ...] = ()


def read_keys(
    section: Section,
    dictionary: Dictionary,
    base: Identifier = (),
    declared: str | None = None,
    used: Sequence[UsedKeys] = (),
) -> Keys:
    """Make elements of keys.

    Complains about unknown and doubled attributes, values that are not legal for their VR, and texts
    that the declared character set does not have.

    Args:
        section: the mapping of keys, of a query or of an item.
        dictionary: names and VRs.
        base: what the keys are put into, for the private creators that it has.
        declared: the value of (0008,0005) that counts where the keys have none, None for none.
        used: key sets whose keys come before these, and give way to those that name the same attribute.
    """
    return _Level(section, dictionary, base, declared, used).read()


@dataclass(slots=True)
class _Attribute:
    """A key that is understood: which attribute, and from where its value comes."""

    tag: int
    vr: str | None
    section: Section
    name: str


@dataclass(slots=True)
class _Level:
    """One data set: that of a query, or an item of a sequence."""

    section: Section
    dictionary: Dictionary
    base: Identifier
    declared: str | None
    used: Sequence[UsedKeys] = ()
    elements: dict[int, Element] = field(default_factory=dict)
    columns: list[Path] = field(default_factory=list)
    creators: dict[int, str] = field(default_factory=dict)
    undeclared: Section | None = None
    bound: list[Bound] = field(default_factory=list)

    def read(self) -> Keys:
        self.note_creators()
        merged = self.from_sets()
        merged.update(self.named(self.section))
        known = list(merged.values())
        self.read_character_set(known)
        for attribute in known:
            self.put(attribute)
        elements = tuple(self.elements[tag] for tag in sorted(self.elements))
        return Keys(elements, tuple(self.columns), self.undeclared, tuple(self.bound))

    # --- which attribute -----------------------------------------------------------------------------

    def note_creators(self) -> None:
        """Note the private creators that the base and the keys have; "" for one that is asked for."""
        for element in self.base:
            if is_private_creator(element.tag):
                value = element.value
                text = value.decode("latin_1") if isinstance(value, bytes) else value
                self.creators[element.tag] = text.strip(" \0") if isinstance(text, str) else ""
        for name, section in (
            member for keys in (*(one.keys for one in self.used), self.section) for member in keys.members()
        ):
            tag = parse_tag(name)
            if tag is not None and is_private_creator(tag):
                self.creators[tag] = (_joined(_value(section)) or "").strip(" ")

    def resolved(self, name: str, section: Section) -> _Attribute | None:
        """Return the attribute that a key names; complain where there is none."""
        private = _PRIVATE.fullmatch(name)
        if private is not None:
            return self.private(
                name, section, int(private[1], 16), private[3].strip(" "), int(private[4], 16)
            )
        tag = parse_tag(name)
        if tag is not None:
            return self.tagged(name, section, tag)
        entry = self.dictionary.by_keyword(name)
        if entry is None:
            section.problem(f"the dictionary has no attribute {name!r}", self.advice(name), of_key=True)
            return None
        return self.tagged(name, section, entry.tag)

    def tagged(self, name: str, section: Section, tag: int) -> _Attribute | None:
        """Return the attribute of a tag."""
        refused = _refused(tag)
        if refused is not None:
            section.problem(*refused, of_key=True)
            return None
        if is_private(tag) and not is_private_creator(tag):
            return self.numbered(name, section, tag)
        entry = self.dictionary.by_tag(tag)
        if entry is None and not _has_vr(section):
            advice = "check it; to ask for it all the same, write {vr: LO, value: …} with its VR"
            section.problem(f"the dictionary has no attribute {format_tag(tag)}", advice, of_key=True)
            return None
        return _Attribute(tag, entry.vr if entry is not None else None, section, name)

    def advice(self, name: str) -> str:
        """Say what an unknown name may have meant."""
        if name.startswith("(") != name.endswith(")"):
            return 'put a tag in quotes where it stands between braces: {"(0008,0050)": …}'
        if "[" in name or "." in name:
            return "write the items of a sequence as a list below its own key"
        likely = self.section.complaints.keyword_meant(name, self.dictionary)
        if likely is not None:
            return f"did you mean {likely}?"
        return 'write a keyword of PS3.6, or a tag such as "(0010,0010)"'

    def numbered(self, name: str, section: Section, tag: int) -> _Attribute:
        """Return a private attribute that is given by its tag; its creator must be there too."""
        creator_tag = private_creator_of(tag)
        creator = self.creators.get(creator_tag) if creator_tag is not None else None
        if creator is None:
            group, block, number = tag >> 16, tag >> 8 & 0xFF, tag & 0xFF
            what = "the creator of this private attribute is not named, so its meaning is open"
            by_creator = f"""'({group:04x},"CREATOR",{number:02x})'"""
            advice = f"write {by_creator} in its place, or add '({group:04x},{block:04x})': CREATOR"
            section.problem(what, advice, of_key=True, rule="private-without-creator")
            return _Attribute(tag, None, section, name)
        entry = self.dictionary.by_private(tag, creator)
        return _Attribute(tag, entry.vr if entry is not None else None, section, name)

    def private(
        self, name: str, section: Section, group: int, creator: str, number: int
    ) -> _Attribute | None:
        """Return a private attribute that is given by its creator, whose block is chosen here."""
        if not group & 1 or group < 9 or group == 0xFFFF:
            what = f"the group {group:04x} is not a private one"
            section.problem(what, "private groups are odd, from 0009 to fffd", of_key=True)
            return None
        wrong = problem_with_value("LO", creator)
        if not creator or "\\" in creator or wrong:
            what = f"the private creator is not legal: {wrong or 'it is empty or has a backslash'}"
            section.problem(what, "write it as the vendor's conformance statement does", of_key=True)
            return None
        taken = {tag & 0xFF: text for tag, text in self.creators.items() if tag >> 16 == group}
        block = next((block for block, text in sorted(taken.items()) if text == creator), None)
        if block is None:
            block = next((block for block in range(0x10, 0x100) if block not in taken), None)
            if block is None:
                section.problem(
                    f"group {group:04x} has no block left for another private creator", of_key=True
                )
                return None
            creator_tag = group << 16 | block
            self.creators[creator_tag] = creator
            self.elements[creator_tag] = Element(creator_tag, "LO", creator)
        tag = group << 16 | block << 8 | number
        entry = self.dictionary.by_private(tag, creator)
        return _Attribute(tag, entry.vr if entry is not None else None, section, name)

    def named(self, keys: Section) -> dict[int, _Attribute]:
        """Return the attributes that a mapping names; complain about those that it names twice."""
        found: dict[int, _Attribute] = {}
        for name, section in keys.members():
            attribute = self.resolved(name, section)
            if attribute is None:
                continue
            first = found.setdefault(attribute.tag, attribute).section
            if first is not section:
                other = f"{first.path[-1]!r} {first.other(section)}"
                what = f"this is the same attribute as {other}, {format_tag(attribute.tag)}"
                section.problem(what, "keep one of them", of_key=True)
        return found

    def from_sets(self) -> dict[int, _Attribute]:
        """Return the attributes of the key sets; complain where two differ and the query does not decide."""
        if not self.used:
            return {}
        own = {attribute.tag for attribute in self.named(self.section).values()}
        merged: dict[int, _Attribute] = {}
        for one in self.used:
            for tag, attribute in self.named(one.keys).items():
                first = merged.setdefault(tag, attribute)
                if tag not in own and not _same(first, attribute):
                    places = f"{first.section.place(of_key=True)} and {attribute.section.place(of_key=True)}"
                    what = f"two of the key sets differ in {attribute.name}: {places}"
                    one.use.problem(what, "write the key in the query itself, which overrides both")
        return merged

    # --- its value -----------------------------------------------------------------------------------

    def read_character_set(self, attributes: list[_Attribute]) -> None:
        """Note the character set that these keys declare, before any text needs it."""
        for attribute in attributes:
            if attribute.tag != SPECIFIC_CHARACTER_SET:
                continue
            terms = _joined(_value(attribute.section))
            if terms is None or _pieces(_value(attribute.section)):
                return
            self.declared = terms.strip(" ")
            try:
                character_set(terms)
            except UnknownCharacterSetError as error:
                advice = f"write a defined term of PS3.3 C.12.1.1.2, such as {DEFAULT_CHARACTER_SET}"
                attribute.section.problem(str(error), advice)
                self.declared = DEFAULT_CHARACTER_SET
                attributes.remove(attribute)
            return

    def put(self, attribute: _Attribute) -> None:
        section, vr = attribute.section, attribute.vr
        value = section.data
        if isinstance(value, dict):
            stated = value.get("vr")
            if stated not in VRS:
                return  # the schema has complained
            vr, section = stated, section["value"]
            value = section.data
            if "value" not in attribute.section:
                section = attribute.section
        if vr is None:
            if value not in (None, "", []):
                what = "the VR of this attribute is not known"
                section.problem(what, "write {vr: LO, value: …} with its VR", of_key=True)
                return
            vr = "UN"
        if vr == "SQ":
            self.put_sequence(attribute.tag, section, value)
        else:
            self.put_value(attribute.tag, section, vr, value)

    def put_value(self, tag: int, section: Section, vr: str, value: Any) -> None:
        self.columns.append((tag,))
        try:
            value = _dated(value, vr)
        except ValueError as error:  # runner.jobfile.moments.MomentError
            section.problem(*error.args)
            return
        if pieces := _pieces(value):
            self.put_from_rows(tag, section, vr, pieces)
            return
        text = self.single_text(section, value, vr)
        if text is not None:
            self.elements[tag] = Element(tag, vr, b"" if vr in BYTES_VRS else text)

    def put_from_rows(self, tag: int, section: Section, vr: str, pieces: tuple[str | Column, ...]) -> None:
        if tag in (SPECIFIC_CHARACTER_SET, QUERY_RETRIEVE_LEVEL) or is_private_creator(tag):
            what = "this value says how others are meant, so it cannot come from a row"
            section.problem(what, "write it out, or use ${var:NAME}")
            return
        if vr in BYTES_VRS:
            section.problem(f"a value of VR {vr} cannot be written as text", "take the reference out")
            return
        self.bound.append(Bound((tag,), vr, pieces, self.declared, section))
        self.elements[tag] = Element(tag, vr, "")

    def put_sequence(self, tag: int, section: Section, value: Any) -> None:
        if value in (None, "", []):
            self.columns.append((tag,))
            self.elements[tag] = Element(tag, "SQ", ())
            return
        if not isinstance(value, list):
            section.problem(
                "this attribute is a sequence, it takes items",
                "write each item as '- KEYWORD: …' below it, or leave it empty",
            )
            return
        items: list[Identifier] = []
        columns: list[Path] = []
        for number, item in enumerate(section.items()):
            if isinstance(item.data, list):
                continue  # the schema has complained
            if not isinstance(item.data, dict):
                item.problem(
                    "an item of a sequence is a mapping of keys",
                    "write '- KEYWORD: …', or '- {}' for an item without keys",
                )
                continue
            keys = read_keys(item, self.dictionary, (), self.declared)
            items.append(keys.elements)
            columns += ((tag, number, *path) for path in keys.columns)
            self.bound += (replace(bound, path=(tag, len(items) - 1, *bound.path)) for bound in keys.bound)
            self.undeclared = self.undeclared or keys.undeclared
        self.elements[tag] = Element(tag, "SQ", tuple(items))
        self.columns += columns or [(tag,)]

    def single_text(self, section: Section, value: Any, vr: str) -> str | None:
        """Return the text of a value, several with backslashes between them; None after a complaint."""
        for item in section.items():
            if isinstance(item.data, dict):
                what = f"an item stands here, but this attribute is no sequence: its VR is {vr}"
                item.problem(what, "write a single value, or a list of values")
                return None
        text = _joined(value)
        if text is None:
            return None
        if vr == "AT":
            text = tags_for(text, self.dictionary)
        if vr == "UN" and text:
            section.problem("a value of VR UN cannot be written as text", "name the VR that the value has")
            return None
        wrong = problem_with_text(vr, text, self.declared, section.complaints.silenced)
        if wrong is not None:
            section.problem(wrong.what, wrong.advice, rule=wrong.rule)
            return None
        if self.declared is None and not text.isascii():
            self.undeclared = self.undeclared or section
        return text


@dataclass(frozen=True, slots=True)
class TextProblem:
    """Why a text is not sent as a value.

    Attributes:
        rule: the id of the rule that it breaks, "" where no rule can be silenced for it.
        what: what is wrong.
        advice: what to do.
    """

    rule: str
    what: str
    advice: str


_RULES = {
    Fault.FORM: "value-form",
    Fault.CONTROL: "",
    Fault.WILDCARD: "wildcard-not-matched",
    Fault.LENGTH: "value-too-long",
    Fault.REPERTOIRE: "value-repertoire",
    Fault.ORDER: "range-reversed",
}


def problem_with_text(
    vr: str, text: str, declared: str | None, silenced: frozenset[str]
) -> TextProblem | None:
    """Say why a text is not sent as a value, and what to do; None where it is.

    Args:
        vr: the attribute's.
        text: the value, several with backslashes between them.
        declared: the character set that is declared, None for none.
        silenced: ids of rules that the job wants not to hear of: what breaks them is sent if it can be.
    """
    problem = _rule_broken(vr, text, declared)
    if problem is None or problem.rule not in silenced:
        return problem
    return None if _is_encodable(vr, text, declared) else replace(problem, rule="")


def _rule_broken(vr: str, text: str, declared: str | None) -> TextProblem | None:
    wrong = problem_with_value(vr, text)
    advice = "correct it, or leave it empty to have it returned"
    if wrong is not None:
        return TextProblem(_RULES[wrong.fault], f"the value is not legal: {wrong}", advice)
    if vr not in TEXT_VRS and not text.isascii():
        what = f"the value is not legal: {vr} has characters of ASCII only"
        return TextProblem("value-repertoire", what, advice)
    if declared is None or text.isascii():
        return None
    try:
        character_set(declared).encode(text, vr)
    except UnicodeEncodeError as error:
        shown = repr(declared) if declared else "only ASCII"
        what = f"SpecificCharacterSet declares {shown}, which has no U+{ord(text[error.start]):04X}"
        advice = f"write 'SpecificCharacterSet: {DEFAULT_CHARACTER_SET}' among the keys of the query"
        return TextProblem("text-outside-character-set", what, advice)
    return None


def _is_encodable(vr: str, text: str, declared: str | None) -> bool:
    from runner.dicom.encoding import EncodingError, encode
    from runner.dicom.transfer_syntax import TransferSyntax

    terms = DEFAULT_CHARACTER_SET if declared is None else declared
    trial = (Element(SPECIFIC_CHARACTER_SET, "CS", terms), Element(_TRIAL, vr, text))
    try:
        encode(trial, TransferSyntax.EXPLICIT_LITTLE)
    except EncodingError:
        return False
    return True


def tags_for(text: str, dictionary: Dictionary) -> str:
    """Return the values of an AT, each a tag or a keyword, as tags."""
    tags = []
    for value in text.split("\\"):
        tag = parse_tag(value)
        entry = dictionary.by_keyword(value) if tag is None and value else None
        tag = entry.tag if entry is not None else tag
        tags.append(format_tag(tag) if tag is not None else value)
    return "\\".join(tags)


def _dated(value: Any, vr: str) -> Any:
    """Return a value with its dates in the form of the VR.

    Raises:
        MomentError: a time is wanted, and a whole day is given.
    """
    if isinstance(value, list):
        return [_dated(item, vr) for item in value]
    if not isinstance(value, LateText):
        return value
    from runner.jobfile.moments import Moment, form_for, formatted

    pieces = tuple(
        formatted(piece, form_for(vr, piece)) if isinstance(piece, Moment) else piece
        for piece in value.pieces
    )
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(map(str, pieces))
    made = LateText(value)
    made.pieces = pieces
    return made


def _pieces(value: Any) -> tuple[str | Column, ...]:
    """Return of what a value is made that comes from rows; nothing where it does not."""
    values = value if isinstance(value, list) else [value]
    if not any(isinstance(item, LateText) for item in values):
        return ()
    pieces: list[str | Column] = []
    for item in values:
        if isinstance(item, dict):
            return ()  # complained about as an item
        pieces.append("\\")
        pieces += _columns_of(item) if isinstance(item, LateText) else [item or ""]
    return tuple(pieces[1:])


def _columns_of(text: LateText) -> list[str | Column]:
    """Return the pieces of a text whose dates have been written."""
    return [piece for piece in text.pieces if isinstance(piece, (str, Column))]


def _joined(value: Any) -> str | None:
    """Return values with backslashes between them, "" for null; None where there is no text in it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(item is None or isinstance(item, str) for item in value):
        return "\\".join(item or "" for item in value)
    return None


def _same(one: _Attribute, other: _Attribute) -> bool:
    """Return whether two keys for the same attribute ask for the same."""
    if one.section.data == other.section.data:
        return True
    stated = [
        attribute.section.data["vr"] if _has_vr(attribute.section) else attribute.vr
        for attribute in (one, other)
    ]
    values = [_joined(_value(attribute.section)) for attribute in (one, other)]
    return stated[0] == stated[1] and values[0] is not None and values[0] == values[1]


def _value(section: Section) -> Any:
    """Return the value of a key, which may be written together with its VR."""
    return section["value"].data if isinstance(section.data, dict) else section.data


def _has_vr(section: Section) -> bool:
    return isinstance(section.data, dict) and isinstance(section.data.get("vr"), str)


#: What groups are for that no identifier has (PS3.5 7.1, PS3.7 9.3, PS3.10 7.1), and what to do.
_REFUSED_GROUPS = {
    0x0000: ("belongs to the command set, not to an identifier", "take it out: cfind writes the command"),
    0x0002: ("belongs to a file's meta information, not to an identifier", "take it out"),
    0x0004: ("belongs to a DICOMDIR, not to an identifier", "take it out"),
    0xFFFC: ("pads files, it is no attribute", "take it out"),
    0xFFFE: ("marks items, it is no attribute", "write the items of a sequence as a list"),
    **dict.fromkeys((1, 3, 5, 7, 0xFFFF), ("is in a group that no data set may have", "check the tag")),
}


def _refused(tag: int) -> tuple[str, str] | None:
    """Say why a tag cannot be a key and what to do; None where it can."""
    number = tag & 0xFFFF
    refused = _REFUSED_GROUPS.get(tag >> 16)
    if refused is None and number == 0:  # PS3.5 7.2
        refused = "is a group length, which is not sent", "take it out"
    elif refused is None and is_private(tag) and number < 0x10:  # PS3.5 7.8.1
        refused = "is no private attribute", "a private creator is from (gggg,0010) to (gggg,00ff)"
    elif refused is None and is_private(tag) and 0xFF < number < 0x1000:
        refused = "is in no block of a private creator", "private attributes begin with (gggg,1000)"
    return (f"{format_tag(tag)} {refused[0]}", refused[1]) if refused is not None else None
