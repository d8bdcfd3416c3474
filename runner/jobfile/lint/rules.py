"""The rules: their ids, how grave it is to break them, and what they are about.

What they look for is found where a job is read (values, rows, TLS), or by runner.jobfile.lint.checks over
the whole of it. Each has a page in runner/jobfile/lint/pages, which `cfind explain` prints and of which
docs/lint.md is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.jobfile.problem import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that a job can break.

    Attributes:
        severity: of a problem with it.
        summary: what it says, in a line without a full stop.
    """

    severity: Severity
    summary: str


RULES: dict[str, Rule] = {
    # values
    "value-form": Rule(Severity.ERROR, "A value has the form that its VR asks for"),
    "value-too-long": Rule(Severity.ERROR, "A value is not longer than its VR allows"),
    "value-repertoire": Rule(Severity.ERROR, "A value has only characters that its VR allows"),
    "wildcard-not-matched": Rule(
        Severity.ERROR, "Wildcards stand in texts only, not in UIDs, dates or numbers"
    ),
    "range-reversed": Rule(Severity.ERROR, "A range of dates or times begins before it ends"),
    "text-outside-character-set": Rule(Severity.ERROR, "A text can be written in the declared character set"),
    "value-twice": Rule(Severity.WARNING, "Each value of any_of is another one"),
    "private-without-creator": Rule(Severity.WARNING, "A private attribute is named with its creator"),
    # levels and models
    "missing-unique-key": Rule(
        Severity.WARNING, "Above the level of a query, each unique key has a single value"
    ),
    "key-below-level": Rule(Severity.WARNING, "A key does not lie below the level of the query"),
    "key-above-level": Rule(Severity.WARNING, "A key does not lie above the level of the query"),
    "empty-query": Rule(Severity.WARNING, "A query has a key that narrows it"),
    "computed-key": Rule(Severity.WARNING, "No attribute is matched that archives only compute"),
    "key-not-in-worklist": Rule(Severity.WARNING, "A worklist is asked for what it has"),
    "key-misplaced": Rule(Severity.WARNING, "Keys of a worklist stand where its items have them"),
    # what values mean
    "several-items": Rule(Severity.WARNING, "A sequence has one item as a key"),
    "list-of-values": Rule(Severity.WARNING, "Only UIDs are asked for by a list"),
    "name-with-comma": Rule(Severity.WARNING, "Family and given name have a caret between them"),
    "name-of-one-component": Rule(Severity.WARNING, "A name of one component has a wildcard"),
    "unknown-modality": Rule(Severity.WARNING, "A modality is one that DICOM defines"),
    "dates-and-times": Rule(Severity.WARNING, "Open ranges of days and of hours are not one stretch of time"),
    "null-as-text": Rule(Severity.WARNING, "A value that is to be empty is not a text such as NULL"),
    "invisible-character": Rule(Severity.WARNING, "All characters of a value can be seen"),
    # YAML
    "comment-in-value": Rule(Severity.WARNING, "A comment has a space behind its #"),
    "folded-value": Rule(Severity.WARNING, "A value stands in one line"),
    "unused-anchor": Rule(Severity.WARNING, "An anchor is referred to"),
    # rows
    "empty-cell": Rule(Severity.WARNING, "A row has a value for each key that it fills"),
    "rows-not-used": Rule(Severity.WARNING, "A query with rows has a key that comes from them"),
    "no-rows": Rule(Severity.WARNING, "The file of a foreach has rows"),
    # what is declared
    "repeat-into-file": Rule(Severity.WARNING, "What is repeated is not written to a file again"),
    "increment-replaced": Rule(
        Severity.WARNING, "What is delivered once is written to a file that no later run replaces"
    ),
    "name-changes": Rule(
        Severity.WARNING, "A job that its earlier runs matter to has the same name in all of them"
    ),
    "jitter-too-long": Rule(
        Severity.WARNING, "The jitter of a schedule is shorter than the time between two runs"
    ),
    "column-not-asked": Rule(Severity.WARNING, "A column is among the keys that are asked for"),
    "unused-peer": Rule(Severity.WARNING, "Every peer is asked by a query"),
    "unknown-option": Rule(
        Severity.WARNING, "What is negotiated with a peer is known to a model that it is asked for"
    ),
    "unused-variable": Rule(Severity.WARNING, "Every variable is used"),
    "unused-key-set": Rule(Severity.WARNING, "Every key set is used by a query"),
    # peers
    "literal-secret": Rule(Severity.WARNING, "No password and no other secret stands in the job"),
    "readable-secret": Rule(Severity.WARNING, "Only their owner can read files with secrets"),
    "peer-not-verified": Rule(Severity.WARNING, "The certificate of a peer is verified"),
    "retired-profile": Rule(Severity.WARNING, "The TLS profile of a peer is not a retired one"),
    # what is known of peers
    "key-ignored-by-peer": Rule(Severity.WARNING, "No key has a value that a peer is known to ignore"),
    "wildcard-not-supported": Rule(Severity.WARNING, "Wildcards are asked of peers that take them"),
    "range-not-supported": Rule(Severity.WARNING, "Ranges are asked of peers that take them"),
    "relational-not-supported": Rule(Severity.WARNING, "Relational queries go to peers that answer them"),
    "cancel-not-honoured": Rule(Severity.WARNING, "Who is cancelled is known to end the answer then"),
    "unused-profile": Rule(Severity.WARNING, "Every profile is that of a peer"),
    "old-profile": Rule(Severity.WARNING, "What is known of a peer was learned within a year"),
}


def page(rule: str) -> str:
    """Return what is to be said of a rule, in Markdown without a heading."""
    return Path(__file__).with_name("pages").joinpath(f"{rule}.md").read_text(encoding="utf-8")
