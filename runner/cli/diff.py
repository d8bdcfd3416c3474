"""`cfind diff`: what two runs' results differ in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from runner.cli.arguments import ArgumentParser
from runner.cli.messages import complain
from runner.errors import ExitStatus, UsageError

_NAME = re.compile(r"(?:\([^()]*\)|[^,()])+")


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser(
        "diff",
        "Compare the results of two runs. A and B are run reports, output folders, or files: CSV, or DICOM"
        " JSON with an object a line. Records are matched by the unique key of their level.",
    )
    for side in ("A", "B"):
        made.add_argument(side.lower(), metavar=side, help="a run report, a folder or a file")
    made.add_argument(
        "--format",
        choices=["text", "json", "csv"],
        default="text",
        help="how differences are printed (default: text)",
    )
    made.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="NAME[,NAME]",
        help="what tells records apart in place of the unique key: attributes, or columns of a CSV file",
    )
    made.add_argument(
        "--ignore", action="append", default=[], metavar="NAME[,NAME]", help="do not compare these attributes"
    )
    made.add_argument(
        "--ignore-case", action="store_true", help="take upper and lower case for the same in all values"
    )
    made.add_argument(
        "--ignore-case-of",
        action="append",
        default=[],
        metavar="NAME[,NAME]",
        help="take upper and lower case for the same in these attributes",
    )
    made.add_argument("--ignore-spaces", action="store_true", help="leave white space out of the comparison")
    made.add_argument(
        "--ignore-time-fractions", action="store_true", help="leave out fractions of seconds in times"
    )
    made.add_argument(
        "--ignore-empty", action="store_true", help="take an attribute without a value for an absent one"
    )
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    from runner.cli.comparing import print_comparisons
    from runner.comparison.inputs import chosen, side
    from runner.comparison.rules import Rules

    rules = Rules(
        ignored=frozenset(_names(options.ignore)),
        case=options.ignore_case,
        case_of=frozenset(_names(options.ignore_case_of)),
        spaces=options.ignore_spaces,
        time_fractions=options.ignore_time_fractions,
        empty=options.ignore_empty,
    )
    keys = _names(options.key)
    sides = side(options.a), side(options.b)
    choice = chosen(*sides)
    for left_out in choice.left_out:
        complain(f"not compared: {left_out}")
    different = print_comparisons(choice.pairs, rules, keys, options.format)
    doubts = [f"{one.word}: {doubt}" for one in sides for doubt in one.doubts]
    for doubt in doubts:
        complain(f"warning: {doubt}, so this comparison cannot be trusted")
    if different:
        return ExitStatus.EXPECTATION
    return ExitStatus.INCOMPLETE if doubts else ExitStatus.SUCCESS


def _names(texts: Sequence[str]) -> list[str]:
    """Return the names that options list; a tag such as (0010,0020) has a comma of its own."""
    names = [name.strip() for text in texts for name in _NAME.findall(text)]
    if not all(names) or any(not text.strip(", ") for text in texts):
        raise UsageError("cfind diff: a name is missing", "write names with commas between them")
    return names
