"""What the guest's processes use right now, read from the sandbox's own /proc by its first process."""

from __future__ import annotations

import os

_PAGE = os.sysconf("SC_PAGE_SIZE")


def excess(memory: int, processes: int, floor: int) -> str | None:
    """The limit that is passed: "processes", "memory", or none.

    ``floor`` is the available memory of the machine, in bytes, below which the guest is ended whatever it seems to use:
    memory in files without a name and in sockets belongs to no process.
    """
    others = [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]
    if len(others) > processes:
        return "processes"
    tasks = resident = 0
    for name in others:
        try:
            tasks += os.stat(f"/proc/{name}/task").st_nlink - 2
            with open(f"/proc/{name}/statm") as stream:
                resident += int(stream.read().split()[1]) * _PAGE
        except (OSError, IndexError, ValueError):
            continue  # it ended meanwhile
    if tasks > processes:
        return "processes"
    if resident > memory and sum(map(_proportional, others)) > memory:
        return "memory"
    if floor and available() < floor:
        return "memory"
    return None


def _proportional(name: str) -> int:
    """A process's share of the memory that it maps: what n processes share counts once in all."""
    try:
        with open(f"/proc/{name}/smaps_rollup") as stream:
            return next(int(line.split()[1]) << 10 for line in stream if line.startswith("Pss:"))
    except (OSError, StopIteration, ValueError):
        return 0


def available() -> int:
    """Bytes that the machine can still give without swapping."""
    with open("/proc/meminfo") as stream:
        return next(int(line.split()[1]) << 10 for line in stream if line.startswith("MemAvailable:"))
