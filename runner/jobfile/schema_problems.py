"""Why a document is not as the schema says, in words for the author of a job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from runner.jobfile.conform import resolved
from runner.jobfile.nodes import Node, find_place
from runner.jobfile.problem import Problem, below_keys, dotted

#: jsonschema's ValidationError; its stubs say of every attribute that it may not be there.
ValidationError = Any

#: How many choices are listed beside the one that is likely to be meant, or where all are a long text.
_MAX_LISTED = 12
_LONG_LIST = 300


def schema_problems(data: Any, schema: dict[str, Any], document: Node) -> list[Problem]:
    """Validate with jsonschema and explain every error.

    Args:
        data: the document with the schema's types.
        schema: the schema of job files.
        document: the same document as nodes, for the places.
    """
    from jsonschema import Draft7Validator

    explainer = _Explainer(schema, document)
    errors = Draft7Validator(schema).iter_errors(data)
    return list(dict.fromkeys(explainer.explained(errors)))


def meant(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a wrong one is likely to mean."""
    from difflib import get_close_matches

    folded = {candidate.lower().replace("-", "_"): candidate for candidate in known}
    matches = get_close_matches(name.lower().replace("-", "_").replace(" ", "_"), folded, 1, 0.6)
    return folded[matches[0]] if matches else None


class _Explainer:
    """Makes problems of jsonschema's errors."""

    def __init__(self, schema: dict[str, Any], document: Node) -> None:
        self.schema = schema
        self.document = document

    def explained(self, errors: Iterable[ValidationError]) -> Iterator[Problem]:
        for error in errors:
            explain = getattr(self, f"explain_{error.validator}", None)
            if explain is None:
                yield self.problem(error.absolute_path, error.message)
            else:
                yield from explain(error)

    def problem(self, path: Iterable[Any], what: str, advice: str = "", *, of_key: bool = False) -> Problem:
        steps = tuple(path)
        return Problem(*find_place(self.document, steps, of_key=of_key), dotted(steps), what, advice)

    def description(self, error: ValidationError) -> str:
        """Return the description of what an error is about: where it is used, rather than of its type."""
        schema: Any = self.schema
        description = ""
        for step in error.absolute_schema_path:  # which leaves references out
            schema = resolved(schema, self.schema)[step]
            if isinstance(schema, dict):
                used = schema.get("description")
                description = used or resolved(schema, self.schema).get("description", description)
        return description

    # --- alternatives: each place of the schema that has some is explained by itself ------------------

    def explain_oneOf(self, error: ValidationError) -> Iterator[Problem]:  # noqa: N802 - the keyword's name
        instance = error.instance
        if error.schema is self.schema["definitions"]["sink"]:
            for number, alternative in enumerate(error.validator_value):
                constant = resolved(alternative, self.schema)["properties"]["type"]["const"]
                if isinstance(instance, dict) and instance.get("type") == constant:
                    yield from self.explained(
                        inner for inner in error.context or () if inner.schema_path[0] == number
                    )
            return  # where the type itself is wrong, an error of its own says so
        if not isinstance(instance, dict):
            return
        path = error.absolute_path
        if error.schema is not self.schema["definitions"]["peer"]:
            yield self.problem(path, "the keys do not go together", _sentence(error.schema["errorMessage"]))
            return
        if "archive" in instance:
            excluded = " and ".join(repr(name) for name in ("host", "port") if name in instance)
            what = f"'archive' and {excluded} exclude each other"
            advice = "keep 'archive' for a folder that cfind serves, the others for an archive on the network"
        elif "host" in instance:
            what, advice = "the key 'port' is missing", "add it: 104 and 11112 are usual"
        elif "port" in instance:
            what, advice = "the key 'host' is missing", "add it: a host name, or an IPv4 or IPv6 address"
        else:
            what = "the keys 'host' and 'port' are missing"
            advice = "add them, or 'archive' with a folder of DICOM files"
        yield self.problem(path, what, advice, of_key=True)

    def explain_anyOf(self, error: ValidationError) -> Iterator[Problem]:  # noqa: N802
        if error.schema is self.schema:
            advice = _sentence(error.schema["properties"]["peers"]["description"])
            yield self.problem((), "the key 'peers' is missing", f"add it: {advice}", of_key=True)
        elif isinstance(error.instance, str):
            yield from self.explained(inner for inner in error.context or () if inner.validator == "enum")
        elif error.schema is not self.schema["definitions"]["query"]:
            yield from self.explain_form(error)
        elif isinstance(error.instance, dict):
            what = "the query asks for nothing"
            advice = "add 'keys', 'use' with key sets, or 'files' with query files"
            yield self.problem(error.absolute_path, what, advice, of_key=True)

    def explain_not(self, error: ValidationError) -> Iterator[Problem]:
        if not isinstance(error.instance, dict):
            return
        what = "'peer' and 'peers' exclude each other"
        path = (*error.absolute_path, "peers")
        yield self.problem(path, what, "list all of them under 'peers'", of_key=True)

    # --- mappings ------------------------------------------------------------------------------------

    def explain_additionalProperties(self, error: ValidationError) -> Iterator[Problem]:  # noqa: N802
        known = tuple(error.schema.get("properties", {}))
        is_key = error.schema is self.schema["definitions"]["key"]
        for name in error.instance:
            if name in known:
                continue
            if is_key:
                what = f"a mapping stands here for a value, and {name!r} is not a part of it"
                likely = meant(name, known)
                advice = f"did you mean {likely!r}?"
                if likely is None:
                    advice = (
                        f"an item of a sequence begins with a dash, '- {name}: …'; "
                        "a value with its VR is written {vr: LO, value: …}"
                    )
            elif error.schema is self.schema["definitions"]["fragment"] and name in self.schema["properties"]:
                what = f"a file that is included has no {name!r}"
                advice = f"write it in the job itself; known here are {_listed(known)}"
            else:
                what = f"the key {name!r} is not known"
                likely = meant(name, known)
                advice = f"did you mean {likely!r}?" if likely else f"known are {_listed(known)}"
            yield self.problem((*error.absolute_path, name), what, advice, of_key=True)

    def explain_form(self, error: ValidationError) -> Iterator[Problem]:
        """Explain a mapping in the place of a value that is none of those that there are."""
        known, instance = error.schema["properties"], error.instance
        if not isinstance(instance, dict) or (instance and instance.keys().isdisjoint(known)):
            return  # its unknown keys are explained
        if "vr" in known:
            what = "the key 'vr' is missing" if instance else "this mapping is empty"
            advice = "a value with its VR is written {vr: LO, value: …}; leave the value out to ask for any"
        else:
            what, advice = "this mapping is empty", f"known are {_listed(known)}"
        yield self.problem(error.absolute_path, what, advice, of_key=True)

    def explain_required(self, error: ValidationError) -> Iterator[Problem]:
        for name in error.validator_value:
            if name in error.instance:
                continue
            member = error.schema["properties"][name]
            if "const" in member:
                advice = f"add '{name}: {member['const']}'"
            elif "enum" in member:
                advice = f"add it, one of {_listed(member['enum'])}"
            else:
                advice = f"add it: {_sentence(member['description'])}"
            path = error.absolute_path
            yield self.problem(path, f"the key {name!r} is missing", advice, of_key=True)

    def explain_minProperties(self, error: ValidationError) -> Iterator[Problem]:  # noqa: N802
        advice = "add at least one"
        yield self.problem(error.absolute_path, "nothing stands here", advice, of_key=True)

    # --- lists ---------------------------------------------------------------------------------------

    def explain_minItems(self, error: ValidationError) -> Iterator[Problem]:  # noqa: N802
        yield self.problem(error.absolute_path, "the list is empty", "add at least one, or leave the key out")

    def explain_uniqueItems(self, error: ValidationError) -> Iterator[Problem]:  # noqa: N802
        seen = set()
        for number, item in enumerate(error.instance):
            if str(item) in seen:
                path = (*error.absolute_path, number)
                yield self.problem(path, f"{_shown(item)} stands in this list a second time", "remove it")
            seen.add(str(item))

    # --- single values -------------------------------------------------------------------------------

    def explain_type(self, error: ValidationError) -> Iterator[Problem]:
        allowed = error.validator_value
        types = [allowed] if isinstance(allowed, str) else allowed
        wanted = _wanted(types)
        path = tuple(error.absolute_path)
        what = f"this must be {wanted}, not {_found(error.instance, show=not _is_private(path))}"
        if error.instance is None:
            what = f"a value is missing: this must be {wanted}"
        yield self.problem(path, what, _sentence(self.description(error)))

    def explain_enum(self, error: ValidationError) -> Iterator[Problem]:
        known = [member for member in error.validator_value if isinstance(member, str)]
        shown = error.schema.get("examples", known)
        path = tuple(error.absolute_path)
        if not isinstance(error.instance, str):
            what = f"this must be a text, not {_found(error.instance)}"
            if error.instance is None:
                what = "a value is missing"
            yield self.problem(path, what, f"write one of {_listed(shown)}")
            return
        likely = meant(error.instance, known)
        what = f"{_shown(error.instance)} is not known here"
        guess = f"did you mean {likely!r}?" if likely else ""
        listed = "" if likely and len(shown) > _MAX_LISTED else f"write one of {_listed(shown)}"
        yield self.problem(path, what, f"{guess} {listed}".strip())

    def explain_const(self, error: ValidationError) -> Iterator[Problem]:
        if error.schema.get("type") == "integer" and not isinstance(error.instance, int):
            return  # its type is explained
        what = f"{_shown(error.instance)} is not known here"
        yield self.problem(error.absolute_path, what, f"write {error.validator_value}")

    def explain_minimum(self, error: ValidationError) -> Iterator[Problem]:
        low, high = error.validator_value, error.schema.get("maximum")
        advice = f"write a number from {low} to {high}" if high is not None else f"write {low} or more"
        yield self.problem(error.absolute_path, f"{error.instance} is too small", advice)

    def explain_maximum(self, error: ValidationError) -> Iterator[Problem]:
        low, high = error.schema.get("minimum"), error.validator_value
        advice = f"write a number from {low} to {high}" if low is not None else f"write {high} or less"
        yield self.problem(error.absolute_path, f"{error.instance} is too large", advice)

    def explain_exclusiveMinimum(self, error: ValidationError) -> Iterator[Problem]:  # noqa: N802
        advice = f"write a number above {error.validator_value}; {_sentence(self.description(error))}"
        yield self.problem(error.absolute_path, f"{error.instance} is too small", advice)

    def explain_minLength(self, error: ValidationError) -> Iterator[Problem]:  # noqa: N802
        yield self.named(error, "the text is empty", "write one, or leave the key out")

    def explain_pattern(self, error: ValidationError) -> Iterator[Problem]:
        yield self.named(
            error, "the text is not of the form that it must have", _sentence(self.description(error))
        )

    def explain_maxLength(self, error: ValidationError) -> Iterator[Problem]:  # noqa: N802
        limit = error.validator_value
        what = f"the text has {len(error.instance)} characters, at most {limit} are allowed"
        yield self.named(error, what, "shorten it")

    def named(self, error: ValidationError, what: str, advice: str) -> Problem:
        """Make a problem of a text, which may be a key (propertyNames)."""
        path = tuple(error.absolute_path)
        if "propertyNames" in error.absolute_schema_path:
            what = what.replace("the text", "the name")
            return self.problem(
                (*path, error.instance), what, advice.removesuffix(", or leave the key out"), of_key=True
            )
        return self.problem(path, what, advice)


_TYPE_NAMES = {
    "object": "a mapping",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "null": "null",
}


def _wanted(types: Sequence[str]) -> str:
    names = [
        _TYPE_NAMES[name]
        for name in types
        if not ("string" in types and name in {"number", "integer", "boolean", "null"})
    ]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _found(instance: Any, *, show: bool = True) -> str:
    if isinstance(instance, dict):
        return "a mapping"
    if isinstance(instance, list):
        return "a list"
    if instance is None:
        return "empty"
    return _shown(instance) if show else "a single value"


def _shown(instance: Any) -> str:
    text = str(instance)
    return repr(text if len(text) <= 60 else f"{text[:60]}…")


def _listed(known: Iterable[Any]) -> str:
    names = [str(name) for name in known]
    if sum(map(len, names)) > _LONG_LIST:
        names[_MAX_LISTED:] = [f"… ({len(names) - _MAX_LISTED} more)"]
    return ", ".join(names)


def _sentence(description: str) -> str:
    """Return the first sentence of a description as a part of a message."""
    text = description.split(". ", 1)[0].rstrip(".")
    word = text.split(" ", 1)[0]
    return text if len(word) > 1 and word.isupper() else text[:1].lower() + text[1:]


def _is_private(path: tuple[Any, ...]) -> bool:
    """Whether messages show no value: it may be a patient's, or a secret."""
    return bool(below_keys(path)) or (len(path) == 3 and path[0] == "peers" and path[2] == "user_identity")
