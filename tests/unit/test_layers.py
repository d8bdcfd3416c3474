"""The architecture as a check: imports go down the layers, never in a circle, and heavy ones come late."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGE = "runner"

#: From the top. A part (a package or module right below `runner`) may import those of the layers below
#: its own; parts of one layer do not know each other.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"__main__"}),
    frozenset({"cli"}),
    frozenset({"comparison", "scheduler"}),
    frozenset({"jobfile", "findscu", "report", "report_file"}),
    frozenset({"engine", "probe"}),
    frozenset({"sinks", "transport", "archive", "state"}),
    frozenset({"association"}),
    frozenset({"plan", "query_keys"}),
    frozenset({"partition", "schedule"}),
    frozenset({"model", "status", "cipher_suites", "secret_file", "synced_folder", "temporary_database"}),
    frozenset({"dicom"}),
    frozenset({"errors"}),
)

#: What a part does not import although it lies above: the front ends make a model and know of no network,
#: sinks see responses and no association.
FORBIDDEN: Mapping[str, frozenset[str]] = {
    "jobfile": frozenset({"engine", "probe", "sinks", "transport", "archive", "association"}),
    "findscu": frozenset({"engine", "probe", "sinks", "transport", "archive", "association"}),
    "sinks": frozenset({"association"}),
    "comparison": frozenset(
        {"jobfile", "findscu", "engine", "probe", "sinks", "transport", "archive", "association", "plan"}
    ),
}

#: Parts that do no input or output, and what they therefore do not import.
PURE = frozenset(
    {
        "association",
        "plan",
        "partition",
        "schedule",
        "query_keys",
        "model",
        "status",
        "errors",
        "cipher_suites",
    }
)
INPUT_OUTPUT = frozenset(
    {
        "socket",
        "ssl",
        "select",
        "selectors",
        "asyncio",
        "subprocess",
        "threading",
        "http",
        "urllib",
        "tempfile",
    }
)

#: Libraries whose import costs more than a query takes; they are imported inside functions.
HEAVY = frozenset({"pydicom", "pynetdicom", "jsonschema", "yaml", "cryptography", "apscheduler"})
#: Modules that are themselves imported late, and may import them at their top.
LATE_MODULES: frozenset[str] = frozenset({"runner.scheduler.timer"})


@dataclass(frozen=True, slots=True)
class Import:
    """An import statement's target, where it stands, and whether it runs when the module is imported."""

    importer: str
    target: str
    line: int
    at_import: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def sources() -> dict[str, tuple[ast.Module, bool]]:
    """Every module of the package: its name to its syntax tree, and whether it is a package."""
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    root = Path(next(iter(spec.submodule_search_locations)))
    modules = {}
    for path in sorted(root.rglob("*.py")):
        parts = [PACKAGE, *path.relative_to(root).with_suffix("").parts]
        is_package = parts[-1] == "__init__"
        modules[".".join(parts[:-1] if is_package else parts)] = ast.parse(path.read_bytes()), is_package
    return modules


def imports(modules: Mapping[str, tuple[ast.Module, bool]]) -> list[Import]:
    """All imports of the modules, those inside functions and for type checkers too."""
    return [
        Import(name, target, line, at_import)
        for name, (tree, is_package) in modules.items()
        for target, line, at_import in _imports_of(tree, name, is_package, modules.keys())
    ]


def _imports_of(
    tree: ast.Module, name: str, is_package: bool, known: Container[str]
) -> Iterator[tuple[str, int, bool]]:
    late = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        or _is_for_type_checkers(node)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        at_import = id(node) not in late
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, at_import
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = name.split(".") if is_package else name.split(".")[:-1]
                base = ".".join([*parents[: len(parents) - node.level + 1], *([base] if base else [])])
            for alias in node.names:
                module = f"{base}.{alias.name}"
                yield module if module in known else base, node.lineno, at_import


def _is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def part(module: str) -> str | None:
    """The part of the architecture that a module belongs to; None for the package itself and for others."""
    names = module.split(".")
    return names[1] if names[0] == PACKAGE and len(names) > 1 else None


def layer_violations(found: list[Import]) -> list[str]:
    ranks = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
    violations = []
    for item in found:
        importer, target = part(item.importer), part(item.target)
        if target is None or importer == target:
            continue
        if importer is None:
            violations.append(f"{item}: the package itself imports nothing")
        elif importer not in ranks or target not in ranks:
            violations.append(f"{item}: give {importer} and {target} a layer")
        elif ranks[target] <= ranks[importer] or target in FORBIDDEN.get(importer, ()):
            violations.append(f"{item}: {importer} must not know {target}")
    return violations


def cycles(found: list[Import]) -> list[str]:
    graph: dict[str, set[str]] = {}
    for item in found:
        if item.target.split(".")[0] == PACKAGE and item.target != item.importer:
            graph.setdefault(item.importer, set()).add(item.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" -> ".join(error.args[1])]
    return []


def impure(found: list[Import]) -> list[str]:
    return [
        str(item)
        for item in found
        if part(item.importer) in PURE and item.target.split(".")[0] in INPUT_OUTPUT
    ]


def early_heavy(found: list[Import]) -> list[str]:
    return [
        str(item)
        for item in found
        if item.at_import and item.target.split(".")[0] in HEAVY and item.importer not in LATE_MODULES
    ]


@pytest.fixture(scope="module")
def package_imports() -> list[Import]:
    found = imports(sources())
    assert len(found) > 100, "the package's modules were not found"
    return found


def test_imports_go_down_the_layers(package_imports: list[Import]) -> None:
    assert layer_violations(package_imports) == []


def test_no_cycles(package_imports: list[Import]) -> None:
    assert cycles(package_imports) == []


def test_pure_parts_do_no_input_or_output(package_imports: list[Import]) -> None:
    assert impure(package_imports) == []


def test_heavy_libraries_are_imported_late(package_imports: list[Import]) -> None:
    assert early_heavy(package_imports) == []


def test_late_modules_exist_and_are_needed(package_imports: list[Import]) -> None:
    needed = {
        item.importer for item in package_imports if item.target.split(".")[0] in HEAVY and item.at_import
    }
    assert sorted(LATE_MODULES - needed) == []


def test_the_command_loads_nothing_heavy() -> None:
    code = "import sys, runner.cli.entry; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert set(loaded.stdout.split()) & (HEAVY | {"asyncio", "ssl", "logging", "json", "csv"}) == set()


def test_ssl_is_loaded_only_for_tls() -> None:
    code = (
        "import sys, runner.jobfile.load, runner.findscu.job, runner.transport.connection, runner.engine.run;"
        "print('ssl' in sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert loaded.stdout.strip() == "False"


def _imports_in(**texts: str) -> list[Import]:
    names = {name.replace("__", "."): text for name, text in texts.items()}
    return imports({f"{PACKAGE}.{name}": (ast.parse(text), False) for name, text in names.items()})


@pytest.mark.parametrize(
    ("importer", "text"),
    [
        ("sinks__csv_file", "import runner.transport.driver"),
        ("sinks__csv_file", "from runner.association.events import Event"),
        ("sinks__csv_file", "def f():\n    from runner.transport import driver"),
        ("model", "from runner import plan"),
        ("dicom__values", "from ..model import Level"),
        ("jobfile__reader", "from runner.engine import run"),
        ("transport__driver", "if TYPE_CHECKING:\n    from runner.sinks.base import Sink"),
        ("association__core", "from runner.transport.driver import StopSignal"),
        ("cli__entry", "from runner.unheard_of import thing"),
    ],
)
def test_a_forbidden_import_is_found(importer: str, text: str) -> None:
    others = {"plan": "", "transport__driver": "", "engine__run": ""}
    assert len(layer_violations(_imports_in(**{**others, importer: text}))) == 1


@pytest.mark.parametrize(
    ("importer", "text"),
    [
        ("cli__entry", "def f():\n    from runner.engine.run import run"),
        ("engine__run", "from runner.sinks.base import Sink\nfrom runner.engine.verdict import Verdict"),
        ("dicom__values", "from .tags import parse_tag\nimport struct"),
        ("association__core", "from runner.status import StatusDetail"),
    ],
)
def test_an_allowed_import_is_not_found(importer: str, text: str) -> None:
    assert layer_violations(_imports_in(**{importer: text})) == []


def test_a_cycle_is_found() -> None:
    found = _imports_in(
        dicom__a="from runner.dicom import b",
        dicom__b="def f():\n    from runner.dicom.a import x",
        dicom__c="",
    )
    assert len(cycles(found)) == 1


def test_an_early_heavy_import_is_found_and_a_late_one_is_not() -> None:
    assert len(early_heavy(_imports_in(dicom__a="import pydicom.uid"))) == 1
    assert (
        len(early_heavy(_imports_in(dicom__a="try:\n    from yaml import load\nexcept ImportError: pass")))
        == 1
    )
    assert early_heavy(_imports_in(dicom__a="def f():\n    import pydicom")) == []
    assert early_heavy(_imports_in(dicom__a="if TYPE_CHECKING:\n    import pydicom")) == []


def test_input_or_output_of_a_pure_part_is_found() -> None:
    assert len(impure(_imports_in(association__core="def f():\n    import socket"))) == 1
    assert impure(_imports_in(transport__driver="import socket")) == []
