"""What was learned of peers as a file that jobs include."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone

from runner.findscu.yaml_text import scalar
from runner.model import InformationModel
from runner.probe.facts import NAMES, Fact, Findings

#: The beginning of each such file.
HEAD = "# Written by cfind probe."


def profile_text(found: Mapping[str, tuple[InformationModel, Findings]], instant: int) -> str:
    """Return a file with profiles.

    Args:
        found: what was learned, by the names of the peers, and of which model.
        instant: when, in microseconds since 1 January 1970 in UTC.
    """
    lines = [
        f"{HEAD} A job takes it by 'include:', and what it says of a peer itself counts before it.",
        "# Behind each line stands what shows it; null is not known.",
        "profiles:",
    ]
    when = datetime.fromtimestamp(instant // 1_000_000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, (model, findings) in found.items():
        lines += [
            f"  {scalar(name)}:",
            f"    probed: {when}  # by {findings.questions} C-FINDs",
            f"    model: {model.value}",
            *_facts(findings),
            *_keys(findings),
        ]
    return "".join(f"{line}\n" for line in lines)


def _facts(findings: Findings) -> Iterator[str]:
    section = ""
    for name in NAMES:
        fact = findings.facts.get(name)
        # null is no number of associations, and none that were learned is as good as none
        if fact is None or (fact.value is None and name in ("max_associations", "character_set.answers")):
            continue
        above, _, last = name.rpartition(".")
        if above != section and above:
            yield f"    {above}:"
        section = above
        indent = "      " if above else "    "
        yield f"{indent}{last}: {_value(fact)}  # {fact.evidence}"


def _keys(findings: Findings) -> Iterator[str]:
    ignored = {name: fact for name, fact in findings.keys.items() if fact.value}
    matched = [name for name, fact in findings.keys.items() if fact.value is False]
    if findings.keys:
        yield "    ignored_keys:" if ignored else "    ignored_keys: []"
    for name, fact in ignored.items():
        yield f"      - {scalar(name)}  # {fact.evidence}"
    if matched:
        yield "    # It matches by these, for a value that no record has found nothing:"
        yield from (f"    #   {name}" for name in matched)
    for name, fact in findings.keys.items():
        if fact.value is None:
            yield f"    # Not known of {name}: {fact.evidence}"


def _value(fact: Fact) -> str:
    if isinstance(fact.value, tuple):
        return f"[{', '.join(_quoted(text) for text in fact.value)}]"
    if isinstance(fact.value, bool):
        return "true" if fact.value else "false"
    return "null" if fact.value is None else str(fact.value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
