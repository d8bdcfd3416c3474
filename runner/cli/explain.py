"""`cfind explain`: what an attribute, a lint rule, an exit status or a DICOM status is about."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from runner.cli.arguments import ArgumentParser
from runner.cli.messages import printable, say
from runner.errors import ExitStatus, UsageError

_STATUS = re.compile(r"(?:0[xX])?([0-9a-fA-F]{4})|([0-9a-fA-F]{4})[hH]")
_WIDTH = 100


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser(
        "explain",
        "Explain an attribute (its VR, where it is a key, how it is matched), a lint rule, an exit status of "
        "cfind, or a status of DICOM.",
    )
    made.add_argument(
        "word",
        metavar="KEYWORD|TAG|LINT-ID|EXIT-STATUS",
        help="such as PatientName, 0010,0010, empty-query, 5 or 0xA700",
    )
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    word = parser().parse_args(argv).word.strip()
    for explain in (_exit_status, _dicom_status, _rule, _attribute):
        text = explain(word)
        if text is not None:
            say(text)
            return ExitStatus.SUCCESS
    raise UsageError(f"there is nothing to explain about “{printable(word)}”", _likely(word))


# --- statuses -----------------------------------------------------------------------------------------


def _exit_status(word: str) -> str | None:
    if not word.isdecimal() or not word.isascii() or len(word) > 3:
        return None
    from runner.cli.exit_statuses import MEANINGS

    if int(word) not in set(ExitStatus):
        known = ", ".join(str(int(status)) for status in ExitStatus)
        raise UsageError(f"cfind has no exit status {int(word)}", f"it has {known}")
    meaning, advice = MEANINGS[ExitStatus(int(word))]
    return f"Exit status {int(word)}: {meaning}.\n\n{textwrap.fill(advice, _WIDTH)}\n"


def _dicom_status(word: str) -> str | None:
    match = _STATUS.fullmatch(word)
    if match is None:
        return None
    from runner.status import meaning

    status = int(match[1] or match[2], 16)
    known = meaning(status)
    advice = f"\n{known.advice[:1].upper()}{known.advice[1:]}.\n" if known.advice else ""
    return f"DICOM status 0x{status:04X} ({known.category.value}): {known.text}.\n{advice}"


# --- rules --------------------------------------------------------------------------------------------


def _rule(word: str) -> str | None:
    from runner.jobfile.lint.rules import RULES, page

    rule = RULES.get(word.lower())
    if rule is None:
        return None
    text = re.sub(r"^```\w*\n(.*?)^```$", _indented, page(word.lower()), flags=re.MULTILINE | re.DOTALL)
    silence = f"Silenced in a job by:\n\n    lint: {{ignore: [{word.lower()}]}}\n"
    return f"{word.lower()} ({rule.severity.value}): {rule.summary}.\n\n{text}\n{silence}"


def _indented(block: re.Match[str]) -> str:
    return textwrap.indent(block[1], "    ").rstrip("\n")


# --- attributes ---------------------------------------------------------------------------------------


def _attribute(word: str) -> str | None:
    from runner.dicom.dictionary import STANDARD
    from runner.dicom.tags import format_tag, is_private, parse_tag
    from runner.findscu.names import entry_of, old_names

    tag = parse_tag(word)
    entry = STANDARD.by_tag(tag) if tag is not None else entry_of(word, STANDARD)
    if entry is None:
        if tag is None:
            return None
        if is_private(tag):
            what = f"{format_tag(tag)} is private, and its meaning is that of its private creator"
            advice = """name it by that in a job: '(gggg,"CREATOR",ee)'"""
            raise UsageError(what, advice)
        raise UsageError(f"the dictionary has no attribute {format_tag(tag)}", "check it")
    tag = entry.tag if tag is None else tag
    from runner.query_keys import key_uses, matching_of

    old = [name for name, known in old_names().items() if known == entry.tag]
    uses = list(key_uses(tag))
    lines = {
        "name": [entry.name],
        "VR": [f"{entry.vr}, VM {entry.vm}"],
        "old name": [f"{name} (findscu 3.5.4)" for name in old],
        "key": uses or ["no: it says something about identifiers, files or items, and is not matched"],
        "matching": list(matching_of(entry.vr)) if uses else [],
    }
    return f"{entry.keyword} {format_tag(tag)}\n" + "".join(
        f"  {name if number == 0 else '':<9} {text}\n"
        for name, texts in lines.items()
        for number, text in enumerate(texts)
    )


def _likely(word: str) -> str:
    """Say what a word may have meant."""
    from difflib import get_close_matches

    from runner.dicom.dictionary import STANDARD
    from runner.jobfile.lint.rules import RULES

    likely = get_close_matches(word.lower(), RULES, 2, 0.75) or STANDARD.suggest(word)
    if likely:
        return f"did you mean {' or '.join(likely)}?"
    return "name a keyword, a tag, the id of a lint rule, an exit status, or a DICOM status such as 0xA700"
