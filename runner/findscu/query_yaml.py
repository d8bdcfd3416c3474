"""A query of a job file, from a command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as FilePath

from runner.dicom.charset import TEXT_VRS, UnknownCharacterSetError, character_set
from runner.dicom.dictionary import STANDARD
from runner.dicom.identifier import Element, Identifier, Path
from runner.dicom.tags import SPECIFIC_CHARACTER_SET, format_tag
from runner.findscu.command_line import CommandLine
from runner.findscu.dcmtk_dictionary import dictionary_of
from runner.findscu.fidelity import Fate, Fates, Outcome
from runner.findscu.job import disables_new_vrs, model_of, without_new_vrs
from runner.findscu.key import Key, parse_key, with_keys
from runner.findscu.names import old_names
from runner.findscu.yaml_text import Block, Items, Scalar, YamlValue, scalar
from runner.model import InformationModel

#: Private characters that stand for references of the job language while a script is translated.
MARKERS = range(0xE000, 0xE400)
_LEVEL = 0x00080052
_BYTES_VRS = frozenset(("OB", "OW", "OF", "OD", "OL", "OV", "UN"))


def query_block(command_line: CommandLine, fates: Fates, folder: FilePath | None = None) -> Block:
    """Write a query.

    Args:
        command_line: what is asked.
        fates: is told what becomes of keys.
        folder: see `translate`.

    Raises:
        UsageError: if a key is wrong.
        InvalidJobError: if no dictionary of DCMDICTPATH can be loaded.
    """
    warnings: list[str] = []
    dictionary = dictionary_of(command_line.dictionaries, warnings.append)
    for warning in warnings:
        fates.add(Fate(("DCMDICTPATH",), Outcome.ATTENTION, "nothing", warning))
    keys = [parse_key(text, dictionary) for text in command_line.keys]
    overrides = with_keys((), keys)
    if disables_new_vrs(command_line):
        overrides = without_new_vrs(overrides)
        if command_line.files:
            note = "a job sends UN and UT of query files as they are there"
            fates.note("--disable-new-vr", Outcome.ATTENTION, note=note)
    model = model_of(command_line)
    block = Block()
    block.put("model", model.value, _model_note(command_line))
    if command_line.files:
        block.put("files", Items([_file(name, folder) for name in command_line.files]))
    level = _level(overrides, model)
    if level and len(overrides) == 1 and not command_line.files:
        pass  # a query needs a key, so it stays one
    elif level:
        block.put("level", level)
        overrides = tuple(element for element in overrides if element.tag != _LEVEL)
        for key in [key for key in keys if key.path == (_LEVEL,)]:
            fates.note("--key", Outcome.CARRIED, "queries.*.level", "", key.text)
    elif model is not InformationModel.WORKLIST and not command_line.files:
        block.put("level", Scalar("null"), "findscu sends none either")
    _note_overridden(fates, keys)
    if overrides:
        block.put("keys", _KeysWriter(keys, fates, _declared(overrides)).block(overrides, ()))
    _put_counts(block, command_line, fates)
    return block


def _put_counts(block: Block, command_line: CommandLine, fates: Fates) -> None:
    cancel = command_line.number("--cancel")
    if cancel:
        block.put("cancel_after", Scalar(str(cancel)))
    elif cancel == 0:
        fates.note("--cancel", Outcome.BY_DEFAULT, note="0 is never")
    repeat = command_line.number("--repeat") or 1
    if repeat > 1:
        block.put("repeat", Scalar(str(repeat)))


def _model_note(command_line: CommandLine) -> str:
    return "" if command_line.chosen("model") else "findscu's default"


def _file(name: str, folder: FilePath | None) -> YamlValue:
    return name if folder is None else str(folder / name)


def _level(identifier: Identifier, model: InformationModel) -> str:
    """Return the level that the keys state, "" where they state none that the model has."""
    for element in identifier:
        if element.tag == _LEVEL and isinstance(element.value, bytes):
            text = element.value.decode("latin-1")
            return text if text in {level.value for level in model.levels} else ""
    return ""


def _declared(identifier: Identifier) -> str | None:
    for element in identifier:
        if element.tag == SPECIFIC_CHARACTER_SET and isinstance(element.value, bytes):
            return element.value.decode("latin-1").strip(" ")
    return None


def _note_overridden(fates: Fates, keys: Sequence[Key]) -> None:
    last = {key.path: key.text for key in keys if key.element is not None}
    for key in keys:
        if key.element is not None and last[key.path] != key.text:
            fates.note("--key", Outcome.OVERRIDDEN, "", "a later -k counts in its place", key.text)


class _KeysWriter:
    """Writes the keys of a query, in the order of the command line."""

    def __init__(self, keys: Sequence[Key], fates: Fates, declared: str | None) -> None:
        self._keys = keys
        self._fates = fates
        self._declared = declared

    def block(self, identifier: Identifier, above: Path) -> Block:
        """Write a data set; `above` is the path of the item that it is."""
        block = Block()
        for element in sorted(identifier, key=lambda element: self._place((*above, element.tag))):
            path = (*above, element.tag)
            if isinstance(element.value, tuple):
                value: YamlValue = Scalar("")
                if element.value:
                    items = [self.block(item, (*path, n)) for n, item in enumerate(element.value)]
                    value = Items(list(items))
                block.put(_key_name(element), value)
                continue
            value, comment = self._value(element, path)
            block.put(_key_name(element), value, comment)
        return block

    def _place(self, path: Path) -> int:
        """Return where the command line first names an attribute, or something in it."""
        for index, key in enumerate(self._keys):
            if key.path[: len(path)] == path:
                return index
        return len(self._keys)

    def _note(self, path: Path, outcome: Outcome, note: str = "") -> None:
        for key in [key for key in self._keys if key.path == path][-1:]:
            self._fates.note("--key", outcome, "", note, key.text)

    def _value(self, element: Element, path: Path) -> tuple[YamlValue, str]:
        vr, value = element.vr, element.value
        comment = self._old_name(path)
        if isinstance(value, bytes) and vr not in _BYTES_VRS:
            text = self._text(value, vr, path)
        elif isinstance(value, bytes):
            text = ""
            if value:
                note = f"job files have no values of {vr}; put it in a query file"
                self._note(path, Outcome.LOST, note)
                # A job with this is not valid. Without the value it would be, and match everything.
                digits = scalar("\\".join(f"{byte:02x}" for byte in value))
                return Scalar(f"{{vr: {vr}, value: {digits}}}"), "not legal here: put it in a query file"
        else:
            text = value if isinstance(value, str) else ""
        written = scalar(text) if text else ""
        if _standard_vr(element.tag) == vr:
            return Scalar(written), comment
        return Scalar(f"{{vr: {vr}, value: {written}}}" if written else f"{{vr: {vr}}}"), comment

    def _old_name(self, path: Path) -> str:
        for key in self._keys:
            name = key.text.partition("=")[0].strip()
            if key.path == path and name in old_names():
                return f"{name} in findscu 3.5.4"
        return ""

    def _text(self, value: bytes, vr: str, path: Path) -> str:
        marked = value.decode("utf-8", "replace")
        if all(character.isascii() or ord(character) in MARKERS for character in marked):
            return marked
        if vr not in TEXT_VRS:
            self._note(path, Outcome.LOST, f"a {vr} has ASCII characters only")
        elif self._declared is not None:
            try:
                return character_set(self._declared).decode_strict(value, vr)
            except (UnknownCharacterSetError, UnicodeDecodeError):
                note = f"the value is not in the character set that the keys declare ({self._declared})"
                self._note(path, Outcome.LOST, note)
        elif "\ufffd" in marked:
            self._note(path, Outcome.LOST, "the value is not UTF-8, and no character set is declared")
        else:
            note = "findscu declares no character set; the job declares ISO_IR 192, which is right for UTF-8"
            self._note(path, Outcome.ATTENTION, note)
        return marked


def _standard_vr(tag: int) -> str:
    entry = STANDARD.by_tag(tag)
    return "" if entry is None else entry.vr


def _key_name(element: Element) -> str:
    entry = STANDARD.by_tag(element.tag)
    by_name = STANDARD.by_keyword(entry.keyword) if entry is not None and entry.keyword else None
    if by_name is not None and by_name.tag == element.tag:
        return by_name.keyword
    return f'"{format_tag(element.tag)}"'
