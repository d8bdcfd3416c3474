"""Whole processes side by side: wall time and peak memory, in turns, compared by median ratios."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_PEAK = Path(__file__).with_name("peak.py")


class MeasuredProcessError(Exception):
    """A measured process failed, so its time says nothing."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is measured.

    Attributes:
        command: the command line.
        folder: its current folder.
        stdout: the file that takes stdout and stderr, None for the null device.
        before: called before each run, not timed: removes what the last run left.
        after: called after each run, not timed: checks that it did its work.
    """

    command: Sequence[str | Path]
    folder: Path
    stdout: Path | None = None
    before: Callable[[], object] = bool
    after: Callable[[], object] = bool


def run(program: Program) -> float:
    """Run a program to its end and return the wall time in seconds.

    Raises:
        MeasuredProcessError: if its exit status is not 0.
    """
    program.before()
    with Path(program.stdout or os.devnull).open("wb") as output:
        begun = time.perf_counter()
        done = subprocess.run(
            program.command,
            check=False,
            cwd=program.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        seconds = time.perf_counter() - begun
    if done.returncode != 0:
        said = program.stdout.read_text("utf-8", "replace")[-1000:] if program.stdout else ""
        raise MeasuredProcessError(f"{program.command!r} ended with {done.returncode}: {said}")
    program.after()
    return seconds


def peak_memory(program: Program) -> int:
    """Run a program to its end and return its peak memory in bytes.

    Raises:
        MeasuredProcessError: if its exit status is not 0.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as answer:
        launcher: list[str | Path] = [sys.executable, "-I", "-S", _PEAK, str(writing)]
        done = subprocess.run(
            [*launcher, *program.command],
            check=False,
            cwd=program.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[writing],
        )
        os.close(writing)
        if done.returncode != 0:
            raise MeasuredProcessError(f"{program.command!r} ended with {done.returncode}")
        program.after()
        return int(answer.read())


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians of alternating runs.

    Attributes:
        ours: median wall time in seconds.
        theirs: the same of what it is compared with.
        ratio: the median of the pairs' ratios theirs / ours: how many times as fast ours is.
    """

    ours: float
    theirs: float
    ratio: float


def compare(ours: Program, theirs: Program, pairs: int, *, warm_up: bool = True) -> Comparison:
    """Run both in turns; who begins changes with each pair: a drift of the machine hits both alike."""
    if warm_up:
        run(theirs)
        run(ours)
    first: list[float] = []
    second: list[float] = []
    for number in range(pairs):
        order = [(ours, first), (theirs, second)]
        for program, results in order if number % 2 == 0 else reversed(order):
            results.append(run(program))
    ratios = [two / one for one, two in zip(first, second, strict=True)]
    return Comparison(median(first), median(second), median(ratios))
