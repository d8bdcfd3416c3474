"""Query files: identifiers in files, in any form that is understood."""

from __future__ import annotations

from pathlib import Path

from runner.dicom.dictionary import Dictionary
from runner.dicom.identifier import Identifier
from runner.errors import QueryFileError

_MAX_LENGTH = 256 * 2**20


def read_query_file(path: Path, dictionary: Dictionary) -> Identifier:
    """Return the identifier in a query file.

    The form is found by looking: a DICOM file with or without meta information, in any uncompressed
    transfer syntax or deflated; DICOM JSON; or the text that DCMTK's dump2dcm reads. Texts of DICOM files
    stay bytes, which are in the character set that the file declares.

    Args:
        path: the file.
        dictionary: gives VRs where the file has none.

    Raises:
        QueryFileError: the file cannot be read, or is in none of these forms.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_LENGTH + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it has no legal name"
        raise QueryFileError(f"the query file cannot be read: {reason}", "", _shown(path)) from None
    if len(data) > _MAX_LENGTH:
        raise QueryFileError(f"it is longer than {_MAX_LENGTH >> 20} MiB", "shorten it", _shown(path))
    try:
        return identifier_from_bytes(data, dictionary)
    except QueryFileError as error:
        raise QueryFileError(error.what, error.advice, _shown(path)) from None


def identifier_from_bytes(data: bytes, dictionary: Dictionary) -> Identifier:
    """Return the identifier in a query file's bytes; see `read_query_file`.

    Raises:
        QueryFileError: the bytes are in none of the forms.
    """
    if not data.strip():
        raise QueryFileError("it is empty", "write a query into it, or leave it out")
    if b"\0" in data:  # every data set in binary has one, no text does
        from runner.dicom.part10 import read_part10

        return read_part10(data, dictionary)
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[")):
        return _from_json(text, dictionary)
    if text.startswith((b"(", b"#")):
        from runner.dicom.dump_text import read_dump_text

        return read_dump_text(data, dictionary)
    raise QueryFileError(
        "it is neither DICOM nor DICOM JSON nor the text that dump2dcm reads",
        "in such a text each line begins with a tag (gggg,eeee)",
    )


def _from_json(text: bytes, dictionary: Dictionary) -> Identifier:
    import json

    from runner.dicom.dataset_json import identifier_from_json

    try:
        document = json.loads(text.decode("utf-8"), object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise QueryFileError(
            f"line {error.lineno}, column {error.colno}: it is not JSON: {error.msg}", "mend it there"
        ) from None
    except UnicodeDecodeError as error:
        raise QueryFileError(
            f"line {text.count(10, 0, error.start) + 1}: it is not in UTF-8", "save it in UTF-8"
        ) from None
    except RecursionError:
        raise QueryFileError("it nests too deep", "send a simpler query") from None
    except ValueError as error:
        raise QueryFileError(f"it is not JSON: {error}", "mend it") from None
    return identifier_from_json(document, dictionary)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is there twice in one object")
    return members


def _shown(path: Path) -> str:
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
