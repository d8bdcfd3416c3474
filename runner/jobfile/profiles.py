"""What is known of peers: the `profiles` of a job, as `cfind probe` writes them."""

from __future__ import annotations

from runner.dicom.dictionary import STANDARD
from runner.dicom.identifier import Path
from runner.dicom.path import PathError, parse_path
from runner.jobfile.clock import Clock
from runner.jobfile.peers import is_name
from runner.jobfile.section import Section


def check_profiles(profiles: Section) -> None:
    """Complain about what the schema cannot see: names, dates and attributes.

    Args:
        profiles: the mapping of names to what is known of peers.
    """
    for name, profile in profiles.members():
        is_name(name, profile)
        probed = profile["probed"]
        if probed.text() and probed_at(profile) is None:
            probed.problem(
                "this is no time of ISO 8601 with its offset from UTC",
                "write it such as 2024-03-10T14:30:00Z",
            )
        for item in profile["ignored_keys"].items():
            path = _path(item.text())
            if isinstance(path, PathError):
                item.problem(path.what, path.advice)


def probed_at(profile: Section) -> Clock | None:
    """Return when something was learned; None where that is not said, or in no form that is known."""
    try:
        return Clock.at(profile["probed"].text())
    except ValueError:
        return None


def ignored_keys(profile: Section) -> frozenset[Path]:
    """Return the attributes that a peer is known to ignore, those alone that can be read."""
    paths = (_path(item.text()) for item in profile["ignored_keys"].items())
    return frozenset(path for path in paths if not isinstance(path, PathError))


def _path(text: str) -> Path | PathError:
    try:
        return parse_path(text, STANDARD)
    except PathError as error:
        return error
