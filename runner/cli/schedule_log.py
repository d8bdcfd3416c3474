"""What `cfind schedule` says itself, beside what its runs say."""

from __future__ import annotations

from runner.cli.messages import complain, speaks_json, tell_event
from runner.scheduler.happening import Happening, Tell


def teller(*, quiet: bool) -> Tell:
    """Return who tells what happens, on stderr.

    Args:
        quiet: whether only failures and warnings are wanted.
    """

    def tell(happening: Happening) -> None:
        if quiet and not happening.is_trouble:
            return
        if speaks_json():
            members = {"job": happening.job or None, **happening.members, "text": happening.text}
            tell_event(happening.event, members)
        else:
            complain(str(happening))

    return tell
