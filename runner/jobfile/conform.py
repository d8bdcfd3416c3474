"""Whether a document is as the schema says, decided without importing jsonschema.

Loading jsonschema takes longer than a query. So a valid job is recognised here, by the keywords of
draft-07 that our schema uses and with jsonschema's verdict for each; an invalid one is handed to
jsonschema, which says why. A keyword that is not known here sends the document to jsonschema: never
looser, at worst slower.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Data = Any
Schema = Any

#: What holds no condition.
_ANNOTATIONS = frozenset(
    (
        "$schema",
        "$id",
        "$comment",
        "title",
        "description",
        "default",
        "examples",
        "definitions",
        "errorMessage",
        "enumDescriptions",
    )
)


class _UnknownKeywordError(Exception):
    """The schema has a keyword that only jsonschema knows."""


def conforms(data: Data, schema: Schema) -> bool:
    """Return whether the data is as the schema says, and nothing met in the schema is unknown here."""
    try:
        return _conforms(data, schema, schema)
    except _UnknownKeywordError:
        return False


def _conforms(data: Data, schema: Schema, root: Schema) -> bool:
    if isinstance(schema, bool):
        return schema
    reference = schema.get("$ref")
    if reference is not None:  # what stands beside a $ref does not count (draft-07, 8.3)
        return _conforms(data, referred(reference, root), root)
    for keyword, value in schema.items():
        if keyword in _ANNOTATIONS:
            continue
        check = _CHECKS.get(keyword)
        if check is None:
            raise _UnknownKeywordError(keyword)
        if not check(data, value, schema, root):
            return False
    return True


def resolved(schema: Schema, root: Schema) -> Schema:
    """Follow references to the schema that they end in."""
    while isinstance(schema, dict) and "$ref" in schema:
        schema = referred(schema["$ref"], root)
    return schema


def referred(reference: str, root: Schema) -> Schema:
    """Return what a reference such as `#/definitions/peer` leads to."""
    schema = root
    for step in reference.removeprefix("#").split("/")[1:]:
        schema = schema[step]
    return schema


def same(one: Data, other: Data) -> bool:
    """Return whether two values are equal as JSON: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _is_number(data: Data) -> bool:
    return isinstance(data, (int, float)) and not isinstance(data, bool)


_TYPES: dict[str, Callable[[Data], bool]] = {
    "null": lambda data: data is None,
    "boolean": lambda data: isinstance(data, bool),
    "string": lambda data: isinstance(data, str),
    "number": _is_number,
    "integer": lambda data: _is_number(data) and (isinstance(data, int) or data.is_integer()),
    "array": lambda data: isinstance(data, list),
    "object": lambda data: isinstance(data, dict),
}


def _type(data: Data, value: Any, *_: Any) -> bool:
    return any(_TYPES[name](data) for name in ([value] if isinstance(value, str) else value))


def _properties(data: Data, value: Any, _: Any, root: Schema) -> bool:
    return not isinstance(data, dict) or all(
        _conforms(data[name], member, root) for name, member in value.items() if name in data
    )


def _additional_properties(data: Data, value: Any, schema: Any, root: Schema) -> bool:
    if not isinstance(data, dict):
        return True
    if "patternProperties" in schema:
        raise _UnknownKeywordError("patternProperties")
    named = schema.get("properties", {})
    return all(_conforms(member, value, root) for name, member in data.items() if name not in named)


def _items(data: Data, value: Any, _: Any, root: Schema) -> bool:
    if isinstance(value, list):
        raise _UnknownKeywordError("items, as a list")
    return not isinstance(data, list) or all(_conforms(item, value, root) for item in data)


def _unique(data: Data, value: Any, *_: Any) -> bool:
    if not value or not isinstance(data, list):
        return True
    if all(isinstance(item, str) for item in data):
        return len(set(data)) == len(data)
    return not any(same(one, other) for number, one in enumerate(data) for other in data[:number])


#: A keyword's verdict on (data, the keyword's value, the schema that it stands in, the root).
_CHECKS: dict[str, Callable[[Data, Any, Any, Schema], bool]] = {
    "type": _type,
    "const": lambda data, value, *_: same(data, value),
    "enum": lambda data, value, *_: any(same(data, member) for member in value),
    "properties": _properties,
    "additionalProperties": _additional_properties,
    "propertyNames": lambda data, value, _, root: (
        not isinstance(data, dict) or all(_conforms(name, value, root) for name in data)
    ),
    "required": lambda data, value, *_: not isinstance(data, dict) or all(name in data for name in value),
    "minProperties": lambda data, value, *_: not isinstance(data, dict) or len(data) >= value,
    "items": _items,
    "minItems": lambda data, value, *_: not isinstance(data, list) or len(data) >= value,
    "uniqueItems": _unique,
    "minLength": lambda data, value, *_: not isinstance(data, str) or len(data) >= value,
    "maxLength": lambda data, value, *_: not isinstance(data, str) or len(data) <= value,
    "pattern": lambda data, value, *_: not isinstance(data, str) or re.search(value, data) is not None,
    "minimum": lambda data, value, *_: not _is_number(data) or data >= value,
    "maximum": lambda data, value, *_: not _is_number(data) or data <= value,
    "exclusiveMinimum": lambda data, value, *_: not _is_number(data) or data > value,
    "allOf": lambda data, value, _, root: all(_conforms(data, member, root) for member in value),
    "anyOf": lambda data, value, _, root: any(_conforms(data, member, root) for member in value),
    "oneOf": lambda data, value, _, root: sum(_conforms(data, member, root) for member in value) == 1,
    "not": lambda data, value, _, root: not _conforms(data, value, root),
}
