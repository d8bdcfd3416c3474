"""docs/job-file.md: the reference of the job file, made from its schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from runner.jobfile.conform import referred
from runner.jobfile.schema import schema

Schema = dict[str, Any]

_HEAD = """\
# The job file

Every key of a job file, made from [its schema](../schemas/job.schema.json);
[editors](../README.md#beginning-and-editors) show the same texts. The jobs in [jobs](../jobs) show the keys
in use; `cfind init` writes one to begin with.

Scalars are texts as in YAML 1.2: `00100010`, `073000`, `NO` and `2024-01-01` stay what was typed, with or
without quotes. A key that is not named here is an error. Input paths are relative to the file that they stand
in, the job or one that it includes, output paths to `--output-dir`.
"""
#: More choices than these stand only in a table of their own.
_MANY = 5
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
    "null": "null",
}
#: What stands for the names in a mapping whose keys are the author's.
_NAMES = {"keys": "KEYWORD", "values": "COLUMN"}


def page() -> str:
    """Return the page's text."""
    return _Page(schema()).text()


class _Page:
    """Walks the schema from its top, and makes a section of each mapping with keys of its own."""

    def __init__(self, root: Schema) -> None:
        self.root = root
        self.anchors: dict[str, str] = {}
        self.found: list[tuple[str, Schema]] = []
        self.being_said: set[str] = set()

    def text(self) -> str:
        waiting: list[tuple[str, Schema]] = [("", self.root)]
        sections = [_HEAD]
        while waiting:
            path, node = waiting.pop(0)
            sections.append(self.section(path, node))
            waiting, self.found = [*self.found, *waiting], []  # what belongs together stands together
        return "\n".join(sections)

    def section(self, path: str, node: Schema) -> str:
        title = f"`{path}`" if path else "The top level"
        lines = [f'<a id="{_anchor(path)}"></a>', "", f"## {title}", "", _prose(node["description"]), ""]
        if "errorMessage" in node:
            lines += [_prose(node["errorMessage"]), ""]
        lines += ["| key | value | default | |", "|---|---|---|---|"]
        required = node.get("required", ())
        properties = {name: self.resolved(member) for name, member in node["properties"].items()}
        for name, member in properties.items():
            value = self.value(f"{path}.{name}" if path else name, member)
            default, description = _default(member)
            default = "required" if name in required else default
            lines.append(f"| `{name}` | {value} | {default} | {_cell(description)} |")
        for name, member in properties.items():
            for of, choices in ((name, member), (name, self.resolved(member.get("items", {})))):
                lines += _choices(of, choices)
        examples = [line for name, member in properties.items() for line in _examples(name, member)]
        if examples:
            lines += ["", "```yaml", *examples, "```"]
        return "\n".join((*lines, ""))

    def resolved(self, node: Schema | bool) -> Schema:
        """Follow a reference; what stands beside it, such as a description, goes before what it leads to."""
        if not isinstance(node, dict):
            return {}
        if "$ref" not in node:
            return node
        name = node["$ref"].removeprefix("#/definitions/")
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return {"": name, **self.resolved(referred(node["$ref"], self.root)), **beside}

    def value(self, path: str, node: Schema) -> str:
        """Say what may stand for a value; queue what is a section of its own."""
        name = node.get("", path)
        if name in self.being_said:
            return "as here"
        self.being_said.add(name)
        said = self.said(path, node)
        self.being_said.remove(name)
        return said

    def said(self, path: str, node: Schema) -> str:
        if "const" in node:
            return f"`{node['const']}`"
        if "enum" in node:
            choices = _chosen(node)
            if len(choices) > _MANY:
                return f"`{_scalar(choices[0])}` or another one of those below"
            return ", ".join(f"`{_scalar(choice)}`" for choice in choices)
        alternatives = [self.resolved(member) for member in node.get("oneOf", ())]
        if alternatives and all("properties" in member for member in alternatives) and "" in alternatives[0]:
            return "mapping: " + ", ".join(
                f"[{_kind(member)}]({self.link(f'{path} ({_kind(member)})', member)})"
                for member in alternatives
            )
        types = node.get("type", ["object"] if "properties" in node or "allOf" in node else [])
        types = [types] if isinstance(types, str) else list(types)
        if "properties" in node and len(types) > 1:
            return f"[value]({self.link(path, node)})"
        if "string" in types:
            types = [name for name in types if name not in {"number", "integer", "boolean"}]
        words = [self.word(path, name, node) for name in types]
        others = " or ".join(word for word in words if word != "null")
        return others + ", or null" * ("null" in words)

    def word(self, path: str, name: str, node: Schema) -> str:
        word = _TYPES[name]
        if name in {"integer", "number"}:
            word += _range(node)
        elif name == "array" and "items" in node:
            word += f" of: {self.value(f'{path}[]', self.resolved(node['items']))}"
        elif name == "object" and "properties" in node:
            word = f"[{word}]({self.link(path, node)})"
        elif name == "object":
            members = self.members(node)
            if members:
                below = f"{path}.{_NAMES.get(path.rpartition('.')[2], 'NAME')}"
                word += f", each: {self.value(below, members)}"
        return word

    def members(self, node: Schema) -> Schema:
        """Return what stands for the values of a mapping whose keys are the author's."""
        for part in (node, *node.get("allOf", ())):
            resolved = self.resolved(part)
            if isinstance(resolved.get("additionalProperties"), dict):
                return self.resolved(resolved["additionalProperties"])
            if part is not node and self.members(resolved):
                return self.members(resolved)
        return {}

    def link(self, path: str, node: Schema) -> str:
        """Return the link to a section, and queue it where it is new: once for each definition."""
        name = node.get("", path)
        if name not in self.anchors:
            self.anchors[name] = _anchor(path)
            self.found.append((path, node))
        return f"#{self.anchors[name]}"


def _kind(node: Schema) -> str:
    """Name an alternative: by the constant that tells it from the others, or by its definition."""
    constants = [member["const"] for member in node["properties"].values() if "const" in member]
    return str(constants[0]) if constants else str(node[""])


def _chosen(node: Schema) -> list[Any]:
    """Return the choices that are shown: none twice, as a text and as a number."""
    return list({_scalar(choice): choice for choice in reversed(node["enum"])}.values())[::-1]


def _choices(name: str, node: Schema) -> list[str]:
    if "enum" not in node:
        return []
    said = {
        _scalar(choice): text for choice, text in zip(node["enum"], node["enumDescriptions"], strict=True)
    }
    rows = [f"| `{choice}` | {_cell(text)} |" for choice, text in said.items()]
    return ["", f"| `{name}` | |", "|---|---|", *rows]


def _range(node: Schema) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if "exclusiveMinimum" in node:
        return f" above {node['exclusiveMinimum']}, up to {high}"
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" from {low}" if low is not None else ""


def _default(node: Schema) -> tuple[str, str]:
    """Return what the description says of the default, and the rest of the description."""
    description: str = node["description"]
    said = re.search(r" ?Default: (.+?)\.(?= [A-Z]|$)", description)
    if said is None:
        return "", description
    return _cell(said[1]), description.replace(said[0], "").strip()


def _examples(name: str, node: Schema) -> Iterator[str]:
    """Yield lines of YAML: the first example, the others as comments, since a key stands only once."""
    for number, example in enumerate(node.get("examples", ())):
        text = yaml.safe_dump({name: example}, sort_keys=False, allow_unicode=True, width=90)
        yield from (f"# {line}" if number else line for line in text.splitlines())


def _scalar(value: Any) -> str:
    names = {None: "null", True: "true", False: "false"}
    return names[value] if value is None or isinstance(value, bool) else str(value)


def _anchor(path: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", path.lower()).strip("-") or "top"


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|")


def _prose(text: str) -> str:
    """Return a text of the schema as Markdown: what it would take for markup stands in backquotes."""
    return re.sub(r"(?<![`\w])(\$?\$\{[^}]*\}?|\*|<[^>]*>)", r"`\1`", text)
