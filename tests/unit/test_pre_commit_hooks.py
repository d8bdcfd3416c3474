"""The hook that other repositories name in their .pre-commit-config.yaml."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml

from runner.cli.main import main

ROOT = Path(__file__).parents[2]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))


def test_the_hook_is_installed_with_the_package_and_looks_at_yaml() -> None:
    [hook] = HOOKS
    assert (hook["id"], hook["language"], hook["types"]) == ("cfind-validate", "python", ["yaml"])
    assert '\ncfind = "runner.cli.entry:cfind"\n' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_its_entry_takes_the_files_that_have_changed(capsys: pytest.CaptureFixture[str]) -> None:
    [hook] = HOOKS
    program, *arguments = shlex.split(hook["entry"])
    assert program == "cfind"
    jobs = sorted(str(path) for path in (ROOT / "jobs").glob("*.yaml"))
    assert main([*arguments, *hook.get("args", []), "--strict", *jobs]) == 0
    assert capsys.readouterr().out == f"{len(jobs)} job files: valid\n"
    broken = str(ROOT / "tests" / "jobs" / "invalid" / "top-version.yaml")
    assert main([*arguments, *jobs, broken]) == 3
