"""Measuring commands against each other: interleaved, so that a noisy moment meets all of them alike."""

from __future__ import annotations

import statistics
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class Command(NamedTuple):
    """One contender."""

    name: str
    words: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    before: Callable[[], object] = lambda: None  # not measured


class FailedError(Exception):
    """A contender that did not end with 0; the message holds what it said."""


def once(command: Command) -> float:
    """Seconds of wall time for one run."""
    command.before()
    begin = time.perf_counter()
    done = subprocess.run(
        command.words,
        cwd=command.cwd,
        env=dict(command.env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        raise FailedError(f"{command.name}: exit {done.returncode}: {done.stderr.decode(errors='replace')[-400:]}")
    return seconds


def race(commands: list[Command], rounds: int) -> tuple[dict[str, float], dict[str, str]]:
    """Median seconds by name over ``rounds`` interleaved rounds after one to warm up; and who failed, and why."""
    times: dict[str, list[float]] = {}
    failed: dict[str, str] = {}
    for turn in range(rounds + 1):
        for command in commands:
            if command.name in failed:
                continue
            try:
                seconds = once(command)
            except (FailedError, OSError) as problem:
                failed[command.name] = str(problem)
                continue
            if turn:
                times.setdefault(command.name, []).append(seconds)
    return {name: statistics.median(taken) for name, taken in times.items() if name not in failed}, failed
