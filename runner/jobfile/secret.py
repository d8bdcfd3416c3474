"""Secrets of a job file: references, which stay unresolved until what they stand for is used."""

from __future__ import annotations

import re
from pathlib import Path

from runner.jobfile.section import Section
from runner.model import Secret, SecretSource

#: A text that is nothing but a reference.
_REFERENCE = re.compile(r"\$\{(?:env:(?P<env>[A-Za-z_][A-Za-z0-9_-]*)|file:(?P<file>[^{}\0]+))\}")


def read_secret(section: Section, name: str) -> Secret:
    """Make what the model knows of a secret; complain where the job itself holds it.

    Args:
        section: the text.
        name: what it is called in messages, such as password.
    """
    text = section.text()
    if text == "prompt":
        return Secret(SecretSource.PROMPT)
    if not text:
        return Secret(SecretSource.EMPTY)
    reference = _REFERENCE.fullmatch(text)
    if reference is None:
        _complain(section, text, name)
        return Secret(SecretSource.LITERAL, text)
    if reference["env"] is not None:
        return Secret(SecretSource.ENVIRONMENT, reference["env"])
    from runner.secret_file import exposure

    path = section.beside(reference["file"])
    readers = exposure(path)
    if readers is not None:
        complain_of_readers(section, f"the {name} lies in a file that {readers} can read", path)
    return Secret(SecretSource.FILE, str(path))


def complain_of_readers(section: Section, what: str, path: Path) -> None:
    """Warn of a file with a secret that others can read."""
    from runner.secret_file import advice

    section.problem(what, advice(path), rule="readable-secret")


def _complain(section: Section, text: str, name: str) -> None:
    if "${" in text:
        section.problem(
            f"a {name} is one reference, ${{env:NAME}} or ${{file:PATH}}, without default or other text",
            f"put the whole {name} where the reference points to",
        )
        return
    section.problem(
        f"the {name} stands here for everyone who can read the job",
        "let it come from ${env:NAME} or ${file:PATH}, or be asked for: prompt; until then chmod 600 the job",
        rule="literal-secret",
    )
