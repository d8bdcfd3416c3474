"""From the keys of a query to an identifier and the columns that they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.dicom.charset import TEXT_VRS, UnknownCharacterSetError, character_set
from runner.dicom.date_time import RANGE_VRS
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

if TYPE_CHECKING:
    from runner.jobfile.moments import Moment

#: `(0009,"ACME 1",01)`: group, private creator, and the element's number within its block.
_PRIVATE = re.compile(r"""\(?([0-9a-fA-F]{4}),\s*(["'])(.*)\2,\s*(?:[xX]{2})?([0-9a-fA-F]{2})\)?""")

#: What texts are sent in where the job does not say and ASCII is not enough.
DEFAULT_CHARACTER_SET = "ISO_IR 192"

QUERY_RETRIEVE_LEVEL = 0x00080052

#: Stands for any attribute where a value is encoded as a trial.
_TRIAL = 0x00100010
#: The members of a period; see runner.jobfile.periods.
PERIOD_MEMBERS = ("from", "to", "last", "on")
_FORM_MEMBERS = (*PERIOD_MEMBERS, "any_of")


#: What a text is made of: texts, and columns of a row.
Pieces: TypeAlias = tuple[str | Column, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """One of the values that a key is asked for with, in turn.

    Attributes:
        members: of a period (runner.jobfile.periods) by name; of a text the text itself, under "".
        section: where it is written.
    """

    members: tuple[tuple[str, Pieces], ...]
    section: Section

    @property
    def is_of_rows(self) -> bool:
        """Whether it comes from a row."""
        return any(isinstance(piece, Column) for _, pieces in self.members for piece in pieces)

    @property
    def text(self) -> str:
        """The text of one that is neither a period nor from a row."""
        return "".join(map(str, self.members[0][1]))


@dataclass(frozen=True, slots=True)
class Bound:
    """A key whose value comes from the rows of a `foreach`, or which has several in turn.

    Attributes:
        path: of its element.
        vr: of its element.
        values: each makes requests of its own.
        declared: the character set in which they are sent, None where none is declared.
        section: the key.
    """

    path: Path
    vr: str
    values: tuple[Value, ...]
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
        bound: the keys whose values come from rows, or which have several; they are empty in `elements`.
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
            if terms is None or _is_late(_value(attribute.section)):
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
        if _has_two_forms(section):
            return
        if isinstance(section.data, dict) and not _is_form(section.data):
            stated = section.data.get("vr")
            if not isinstance(stated, str) or stated not in VRS:
                return  # the schema has complained
            vr = stated
            section = (
                section["value"] if "value" in section else Section(None, section.path, section.complaints)
            )
        if vr is None:
            if section.data not in (None, "", []):
                what = "the VR of this attribute is not known"
                section.problem(what, "write {vr: LO, value: …} with its VR", of_key=True)
                return
            vr = "UN"
        if vr == "SQ":
            self.put_sequence(attribute.tag, section, section.data)
        else:
            self.put_value(attribute.tag, section, vr)

    def put_value(self, tag: int, section: Section, vr: str) -> None:
        self.columns.append((tag,))
        written = self.values(section, vr)
        values = self.settled(written, vr) if written is not None else None
        if values is None:
            return
        if vr == "UI":
            values = _in_one_list(values)
        if len(values) > 1 or values[0].is_of_rows:
            self.put_bound(Bound((tag,), vr, values, self.declared, section))
            return
        self.elements[tag] = Element(tag, vr, b"" if vr in BYTES_VRS else values[0].text)

    def put_bound(self, bound: Bound) -> None:
        (tag,), section = bound.path, bound.section
        of_rows = any(value.is_of_rows for value in bound.values)
        if tag in (SPECIFIC_CHARACTER_SET, QUERY_RETRIEVE_LEVEL) or is_private_creator(tag):
            what = "this value says how others are meant, so it cannot "
            what += "come from a row" if of_rows else "be one of several"
            section.problem(what, "write it out, or use ${var:NAME}")
            return
        if bound.vr in BYTES_VRS:
            what = f"a value of VR {bound.vr} cannot be written as text"
            section.problem(what, "take the reference out")
            return
        self.bound.append(bound)
        self.elements[tag] = Element(tag, bound.vr, "")

    def values(self, section: Section, vr: str) -> tuple[Value, ...] | None:
        """Return the values that are written for a key; None after a complaint."""
        data = section.data
        if isinstance(data, dict):
            if not _is_form(data):
                return None  # the schema has complained
            return self.alternatives(section, vr) if "any_of" in data else self.period(section, vr)
        if isinstance(data, list) and any(isinstance(item, dict) for item in data):
            item = next(item for item in section.items() if isinstance(item.data, dict))
            what = f"an item stands here, but this attribute is no sequence: its VR is {vr}"
            advice = "write a single value, or a list of values"
            if _is_form(item.data):
                advice = "write any_of with a list of values and periods"
            item.problem(what, advice)
            return None
        pieces = self.pieces(section, vr)
        return None if pieces is None else (Value((("", pieces),), section),)

    def alternatives(self, section: Section, vr: str) -> tuple[Value, ...] | None:
        if len(section.data) > 1:
            others = [name for name in section.data if name != "any_of"]
            section[others[0]].problem(
                "this does not go together with 'any_of'", "keep one of them", of_key=True
            )
            return None
        found = [self.values(item, vr) for item in section["any_of"].items()]
        complete = [values for values in found if values is not None]
        return tuple(chain(*complete)) if complete and len(complete) == len(found) else None

    def period(self, section: Section, vr: str) -> tuple[Value, ...] | None:
        names = [name for name in PERIOD_MEMBERS if name in section.data]
        if vr not in RANGE_VRS:
            what = f"a period is for the VRs DA, TM and DT, and that of this attribute is {vr}"
            section.problem(what, "write a value, or any_of with several", of_key=True)
            return None
        if len(names) > 1 and names != ["from", "to"]:
            what = f"{names[0]!r} and {names[1]!r} exclude each other"
            section[names[1]].problem(what, "keep one of them", of_key=True)
            return None
        if all(section[name].data is None for name in names):
            if names[0] in ("last", "on"):
                return None  # the schema has complained
            section.problem("the period has no end", "leave the key empty, to have it returned", of_key=True)
            return None
        members = [(name, self.pieces(section[name], vr)) for name in names]
        known = tuple((name, pieces) for name, pieces in members if pieces is not None)
        return (Value(known, section),) if len(known) == len(members) else None

    def pieces(self, section: Section, vr: str) -> Pieces | None:
        """Return what a text, or a list with backslashes between its texts, is made of."""
        try:
            return _pieces(section.data, vr)
        except ValueError as error:  # runner.jobfile.moments.MomentError
            section.problem(*error.args)
            return None

    def settled(self, values: Iterable[Value], vr: str) -> tuple[Value, ...] | None:
        """Return the values, those that are not of rows as legal texts, each once; None after a complaint."""
        made: list[Value] = []
        seen: set[str] = set()
        legal = True
        for value in values:
            if value.is_of_rows:
                made.append(value)
                continue
            for text in self.texts(value, vr):
                if text is None:
                    legal = False
                elif text not in seen:
                    seen.add(text)
                    made.append(Value((("", (text,)),), value.section))
                else:
                    _complain_of_second(value)
        return tuple(made) if legal else None

    def texts(self, value: Value, vr: str) -> Iterator[str | None]:
        """Yield the texts of a value that is not of rows; None after a complaint."""
        if value.members[0][0] == "":
            yield self.legal(value.section, value.text, vr)
            return
        from runner.jobfile.periods import PeriodError, compiled

        members = tuple((name, "".join(map(str, pieces))) for name, pieces in value.members)
        try:
            for text in compiled(vr, members, self.section.complaints.clock):
                yield self.legal(value.section, text, vr)
        except PeriodError as error:
            what, advice, name = error.args
            blamed = value.section[name] if name else value.section
            blamed.problem(what, advice)
            yield None

    def put_sequence(self, tag: int, section: Section, value: Any) -> None:
        if value in (None, "", []):
            self.columns.append((tag,))
            self.elements[tag] = Element(tag, "SQ", ())
            return
        if not isinstance(value, list):
            advice = "write each item as '- KEYWORD: …' below it, or leave it empty"
            section.problem("this attribute is a sequence, it takes items", advice, of_key=_is_form(value))
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

    def legal(self, section: Section, text: str, vr: str) -> str | None:
        """Return a text as it is sent; None after a complaint."""
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


def _in_one_list(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return UIDs as one value, which matches any of them (PS3.4 C.2.2.2.2); an empty one stays alone."""
    full = [value for value in values if any(value.members[0][1])]
    if len(full) < 2:
        return values
    pieces = tuple(chain(*(("\\", *value.members[0][1]) for value in full)))[1:]
    empty = (value for value in values if not any(value.members[0][1]))
    return Value((("", pieces),), full[0].section), *empty


def _complain_of_second(value: Value) -> None:
    what = "any_of has this value a second time; it is asked for once"
    value.section.problem(what, "take it out", rule="value-twice")


def _pieces(value: Any, vr: str) -> Pieces | None:
    """Return what a value is made of, several with backslashes between them; None where it is no text.

    Raises:
        MomentError: a time is wanted, and a whole day is given.
    """
    if isinstance(value, LateText):
        return tuple(_as_of_vr(piece, vr) for piece in value.pieces)
    if value is None or isinstance(value, str):
        return (value or "",)
    if not isinstance(value, list):
        return None
    pieces: list[str | Column] = []
    for item in value:
        more = _pieces(item, vr)
        if more is None:
            return None
        pieces += ("\\", *more)
    return tuple(pieces[1:])


def _as_of_vr(piece: str | Column | Moment, vr: str) -> str | Column:
    if isinstance(piece, (str, Column)):
        return piece
    from runner.jobfile.moments import form_for, formatted

    return formatted(piece, form_for(vr, piece))


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
    if any(_is_form(data) for key in (one, other) for data in (key.section.data, _value(key.section))):
        return False
    stated = [
        attribute.section.data["vr"] if _has_vr(attribute.section) else attribute.vr
        for attribute in (one, other)
    ]
    values = [_joined(_value(attribute.section)) for attribute in (one, other)]
    return stated[0] == stated[1] and values[0] is not None and values[0] == values[1]


def _value(section: Section) -> Any:
    """Return the value of a key, which may be written together with its VR."""
    return section["value"].data if isinstance(section.data, dict) else section.data


def _is_late(value: Any) -> bool:
    return any(isinstance(item, LateText) for item in (value if isinstance(value, list) else [value]))


def _is_form(value: Any) -> bool:
    """Whether a value is written as a period, or as several with `any_of`."""
    return isinstance(value, dict) and "vr" not in value and any(name in value for name in _FORM_MEMBERS)


def _has_two_forms(section: Section) -> bool:
    """Whether a value with its VR has the members of a period or any_of beside it; complain where it has."""
    data = section.data
    if not isinstance(data, dict) or not ("vr" in data or "value" in data):
        return False
    other = next((name for name in data if name in _FORM_MEMBERS), None)
    if other is not None:
        what = f"{other!r} stands beside {'vr' if 'vr' in data else 'value'!r}"
        section[other].problem(what, f"put it into the value: {{vr: …, value: {{{other}: …}}}}", of_key=True)
    return other is not None


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
