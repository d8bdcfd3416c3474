"""Write docs/lint.md: all rules, from their ids, severities and pages."""

# ruff: noqa: E501 - paragraphs of Markdown stay whole
from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from runner.jobfile.lint.rules import RULES, page

PAGE = Path(__file__).parents[2] / "docs" / "lint.md"

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


def text() -> str:
    """Return the page's text."""
    lines = ["| rule | severity | says |", "|---|---|---|"]
    lines += [
        f"| [{name}](#{name}) | {rule.severity.value} | {rule.summary} |" for name, rule in RULES.items()
    ]
    pages = [
        f"## {name}\n\n**{rule.summary}** ({rule.severity.value}).\n\n{page(name)}"
        for name, rule in RULES.items()
    ]
    return _HEAD + "\n".join(lines) + "\n\n" + "\n".join(pages)


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
