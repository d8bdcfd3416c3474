"""The rules that are looked for over the whole of a job, when it is known to be without error."""

from __future__ import annotations

from runner.jobfile.lint import declared, hierarchy, profiles, schedules, values, worklist
from runner.jobfile.lint.subject import Check, subject
from runner.jobfile.nodes import Mapping
from runner.jobfile.section import Section
from runner.model import Job

#: By the ids of the rules.
CHECKS: dict[str, Check] = {
    "missing-unique-key": hierarchy.missing_unique_keys,
    "key-below-level": hierarchy.keys_below_level,
    "key-above-level": hierarchy.keys_above_level,
    "empty-query": hierarchy.empty_queries,
    "computed-key": hierarchy.computed_keys,
    "key-not-in-worklist": worklist.keys_not_of_worklists,
    "key-misplaced": worklist.misplaced_keys,
    "several-items": values.several_items,
    "list-of-values": values.lists_of_values,
    "name-with-comma": values.names_with_comma,
    "name-of-one-component": values.names_of_one_component,
    "unknown-modality": values.unknown_modalities,
    "dates-and-times": values.ranges_of_date_and_time,
    "null-as-text": values.nulls_as_texts,
    "invisible-character": values.invisible_characters,
    "repeat-into-file": declared.repeats_into_files,
    "increment-replaced": declared.replaced_increments,
    "name-changes": declared.changing_names,
    "jitter-too-long": schedules.long_jitter,
    "column-not-asked": declared.columns_not_asked,
    "unused-peer": declared.unused_peers,
    "unknown-option": declared.unknown_options,
    "unused-variable": declared.unused_variables,
    "unused-key-set": declared.unused_key_sets,
    "key-ignored-by-peer": profiles.ignored_keys,
    "wildcard-not-supported": profiles.unsupported_wildcards,
    "range-not-supported": profiles.unsupported_ranges,
    "relational-not-supported": profiles.unsupported_relational_queries,
    "cancel-not-honoured": profiles.cancels_not_honoured,
    "unused-profile": profiles.unused_profiles,
    "old-profile": profiles.old_profiles,
}


def check(job: Job, top: Section, typed: Mapping) -> None:
    """Complain about the rules that a job breaks, those that it silences left out.

    Args:
        job: the job.
        top: its document, with the values that references stand for.
        typed: the document as it was typed.
    """
    looked_at = subject(job, top, typed)
    for rule, find in CHECKS.items():
        if rule not in top.complaints.silenced:
            for finding in find(looked_at):
                finding.section.problem(finding.what, finding.advice, of_key=finding.of_key, rule=rule)
