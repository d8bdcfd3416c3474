"""Write every generated file anew: `python tests/tools/generate.py`. A test compares them with this."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tools.make_attributes import schema_with_attributes  # noqa: E402
from tools.make_findscu_page import page as findscu_page  # noqa: E402
from tools.make_job_page import page as job_page  # noqa: E402
from tools.make_lint_page import page as lint_page  # noqa: E402
from tools.make_lint_page import schema_with_rules  # noqa: E402

#: A generated file, and what makes its text.
GENERATED: dict[str, Callable[[], str]] = {
    "schemas/job.schema.json": lambda: schema_with_rules(schema_with_attributes()),
    "docs/findscu.md": findscu_page,
    "docs/job-file.md": job_page,
    "docs/lint.md": lint_page,
}


def main() -> None:
    """Write what is not fresh, and say what that was."""
    for name, make in GENERATED.items():
        path, text = ROOT / name, make()
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"written: {name}")


if __name__ == "__main__":
    main()
