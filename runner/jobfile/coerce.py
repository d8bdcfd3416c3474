"""From nodes, in which every scalar is a text, to the types that the schema asks for."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from runner.jobfile.conform import resolved
from runner.jobfile.nodes import Listing, Mapping, Node, Scalar

#: A document: None, text, int, float, bool, lists and dicts.
Data = Any
Schema = Any

#: YAML 1.2's core schema, decimal ones only, and no more digits than a number can be meant to have.
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]{1,18}|[0-9]{1,18}(\.[0-9]{0,18})?)([eE][-+]?[0-9]{1,3})?")


def coerced(node: Node, schema: Schema, root: Schema) -> Data:
    """Return the node as data.

    A text stays a text wherever the schema allows one, and wherever it is not what the schema asks for.

    Args:
        node: the document or a part of it.
        schema: that part's schema.
        root: the whole schema, for its references.
    """
    schema = resolved(schema, root)
    if isinstance(node, Scalar):
        return _scalar(node.text, schema.get("type", "string") if isinstance(schema, dict) else "string")
    if not isinstance(schema, dict):
        schema = {}
    if isinstance(node, Listing):
        items = schema.get("items", True)
        return [coerced(item, items, root) for item in node.items]
    properties: dict[str, Schema] = {}
    others: Schema = True
    for part in _parts(node, schema, root):
        properties = properties | part.get("properties", {})
        others = part.get("additionalProperties", others)
    return {
        key: coerced(entry.node, properties.get(key, others), root) for key, entry in node.entries.items()
    }


def _parts(node: Mapping, schema: dict[str, Any], root: Schema) -> Iterator[dict[str, Any]]:
    """Yield the schema and those of its `allOf` and `oneOf` that say what the members of the mapping are."""
    yield schema
    for member in schema.get("allOf", ()):
        yield from _parts(node, resolved(member, root), root)
    yield _alternative(node, schema, root)


def _alternative(node: Mapping, schema: dict[str, Any], root: Schema) -> dict[str, Any]:
    """Return the schema of `oneOf` whose constants the mapping has; an empty one where there is none."""
    for candidate in schema.get("oneOf", ()):
        alternative = resolved(candidate, root)
        constants = {
            name: member["const"]
            for name, member in alternative.get("properties", {}).items()
            if isinstance(member, dict) and "const" in member
        }
        if constants and all(
            name in node.entries and _text(node.entries[name].node) == value
            for name, value in constants.items()
        ):
            return alternative if isinstance(alternative, dict) else {}
    return {}


def _text(node: Node) -> str | None:
    return node.text if isinstance(node, Scalar) else None


def _scalar(text: str | None, types: str | list[str]) -> Data:
    if text is None or "string" in types:
        return text
    if _INTEGER.fullmatch(text) and ("integer" in types or "number" in types):
        return int(text)
    if "number" in types and _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    if "boolean" in types and text in {"true", "false"}:
        return text == "true"
    return text
