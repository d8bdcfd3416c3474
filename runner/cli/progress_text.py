"""How far a run is, in words."""

from __future__ import annotations

from runner.cli.tally import Snapshot


def progress_text(snapshot: Snapshot) -> str:
    """Return one line: operations done and left, failures, responses, their speed, and the time left."""
    planned = snapshot.planned
    of = f" of {planned}" if planned is not None else ""
    parts = [f"{snapshot.done}{of} {'operation' if (planned or snapshot.done) == 1 else 'operations'} done"]
    if snapshot.failed:
        parts.append(f"{snapshot.failed} failed")
    if snapshot.doubtful:
        parts.append(f"{snapshot.doubtful} incomplete")
    speed = snapshot.responses_per_second
    parts.append(f"{snapshot.responses} responses ({speed_text(speed)} a second)")
    if snapshot.seconds_left is not None:
        parts.append(f"about {duration_text(snapshot.seconds_left)} left")
    return f"{snapshot.job}: {', '.join(parts)}"


def speed_text(speed: float) -> str:
    """Return so many in a second, with a digit behind the point where it is slow."""
    return f"{speed:.1f}" if 0 < speed < 10 else f"{speed:.0f}"


def duration_text(seconds: float) -> str:
    """Return a duration in its two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    hours = whole // 3600
    if hours < 48:
        return f"{hours} h {whole // 60 % 60:02} min"
    return f"{hours // 24} d {hours % 24:02} h"
