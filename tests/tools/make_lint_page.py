"""docs/lint.md: all rules, from their ids, severities and pages; and their ids in schemas/job.schema.json."""

# ruff: noqa: E501 - paragraphs of Markdown stay whole
from __future__ import annotations

import json
import re

from runner.jobfile.lint.rules import RULES
from runner.jobfile.lint.rules import page as page_of

_IDS = re.compile(r'("description": "The id of a rule\."),.*?\n          \}', re.DOTALL)

_HEAD = """\
# What is told of a job, and why

`cfind validate`, `plan` and `run` look at what a job asks for as an archive would. Each message ends with the id of the
rule that is broken, in brackets; `cfind explain ID` prints what stands here.

An error makes the exit status 3, and nothing is sent. A warning does not, but with `--strict` it does. What a job does
on purpose is silenced in the job, where others can read it:

```yaml
lint: {ignore: [computed-key]}
```

A silenced rule is as if it were not there: a value that it forbids is sent as it stands, if it can be encoded. An id
that silences nothing is no mistake, for what a rule finds may depend on variables and rows.

"""


def page() -> str:
    """Return the page's text."""
    lines = ["| rule | severity | says |", "|---|---|---|"]
    lines += [
        f"| [{name}](#{name}) | {rule.severity.value} | {rule.summary} |" for name, rule in RULES.items()
    ]
    pages = [
        f"## {name}\n\n**{rule.summary}** ({rule.severity.value}).\n\n{page_of(name)}"
        for name, rule in RULES.items()
    ]
    return _HEAD + "\n".join(lines) + "\n\n" + "\n".join(pages)


def schema_with_rules(schema: str) -> str:
    """Return a schema's text with the rules as they are."""
    lists = {"enum": list(RULES), "enumDescriptions": [f"{rule.summary}." for rule in RULES.values()]}
    members = [
        f'            "{name}": [\n'
        + ",\n".join(f"              {json.dumps(text)}" for text in texts)
        + "\n            ]"
        for name, texts in lists.items()
    ]
    made, count = _IDS.subn(lambda match: ",\n".join([match[1], *members]) + "\n          }", schema)
    assert count == 1
    return made
