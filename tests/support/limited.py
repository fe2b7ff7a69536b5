"""Run calls that may take at most so much of the processor and of memory, each in a process forked for it.

``python -m tests.support.limited`` reads (program, root) pairs as JSON from stdin, and answers with one outcome each.
Processor time and address space are the kernel's to bound, so that a busy machine changes nothing.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from typing import NamedTuple

from tests.support.cli import HOME

CPU = 2  # seconds
MEMORY = 256 << 20  # bytes above what the interpreter has before


class Outcome(NamedTuple):
    """``exit`` is the command line's status, 99 for an exception that is none of ours, -N for signal N."""

    exit: int
    message: str
    cpu: float  # seconds
    grown: int  # kilobytes of memory above the start


def inspected(pairs: list[tuple[str, str]]) -> list[Outcome]:
    """What ``inspect`` and the further views make of each program of a root, within the bounds."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.limited"], input=json.dumps(pairs), capture_output=True, text=True,
        check=True, cwd=HOME,
    )  # fmt: skip
    return [Outcome(*row) for row in json.loads(done.stdout)]


def _inspect(program: str, root: str) -> None:
    """As the command line does it, and the views that only a bill of materials or a musl closure asks for."""
    from scratchpack.config import Options
    from scratchpack.elf.evidence import Elf
    from scratchpack.pipeline.inspect import inspect

    plan = inspect(program, Options(root=root))
    view = Elf(lambda: open(root + program, "rb"), plan.programs[0].facts)  # noqa: SIM115 - the view closes it
    for look in (view.exports, view.crates, view.rustc, view.package, lambda: view.go_build):
        look()


def _child(pair: tuple[str, str], report: int) -> None:
    from scratchpack.errors import ScratchpackError

    size, before = _memory("VmSize") << 10, _memory("VmRSS")
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU + 1))
    status, message = 0, ""
    try:
        _inspect(*pair)
    except ScratchpackError as error:
        status, message = error.exit_code, error.message
    except BaseException as error:  # noqa: BLE001 - the point of the exercise
        import traceback

        status, message = 99, f"{error!r} {traceback.format_exc()[-600:]}"
    os.write(report, json.dumps([status, message[:900], _memory("VmHWM") - before]).encode())
    os._exit(0)


def _outcome(pair: tuple[str, str]) -> Outcome:
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        _child(pair, theirs)
    os.close(theirs)
    said = b""
    while piece := os.read(ours, 65536):
        said += piece
    os.close(ours)
    _, status, usage = os.wait4(child, 0)
    code, message, grown = json.loads(said) if said else (os.waitstatus_to_exitcode(status), "", -1)
    return Outcome(code, message, usage.ru_utime + usage.ru_stime, grown)


def _memory(field: str) -> int:
    """A line of /proc/self/status, in kilobytes."""
    with open("/proc/self/status") as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith(field + ":"))


def main() -> None:
    import scratchpack.needs.decide
    import scratchpack.pipeline.pack  # noqa: F401 - before the fork, once for all

    json.dump([_outcome(tuple(pair)) for pair in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
