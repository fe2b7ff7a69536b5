"""Traces as files: what ``--trace-from`` names in, one trace out; a trace in, what ``--trace-to`` and ``--seccomp`` name out (W34, W35)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.errors import InputError
from scratchpack.sandbox import strace
from scratchpack.sandbox.trace import Trace, read_lines
from scratchpack.sinks.publish import StagedFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.pipeline.runs.expectation import Tracing

_CAP = 256 << 20  # bytes of one file


def read_traces(names: Iterable[str]) -> Trace:
    """Several runs as one: files of ours, or plain output of strace.

    Raises:
        InputError: a file that cannot be read, or is neither.
    """
    return Trace().merged(*(_read(name) for name in names))


def _read(name: str) -> Trace:
    def fault(why: str) -> InputError:
        return InputError(
            f"cannot read the trace {name}: {why}", hint="--trace-to FILE writes one, as does strace -f -y"
        )

    data = foreign.file(name, fault, limit=_CAP)
    if data is None:
        raise fault("there is no such file")
    lines = data.decode("utf-8", "surrogateescape").splitlines()
    if lines and lines[0].startswith("{"):
        return read_lines(lines, origin=name)
    trace = strace.read(lines)
    if not trace.records:
        raise fault("there is no call of a file in it")
    return trace


def write_traced(trace: Trace, tracing: Tracing) -> None:
    """Write the files that were asked for.

    Raises:
        OutputError: one cannot be written.
    """
    if tracing.to is not None:
        _write(tracing.to, "".join(line + "\n" for line in trace.lines()))
    if tracing.seccomp is not None:
        from scratchpack.pipeline.runs.profile import profile

        _write(tracing.seccomp, json.dumps(profile(trace.syscalls), indent=2) + "\n")


def _write(path: str, text: str) -> None:
    with StagedFile(path) as staged:
        staged.write(text.encode("utf-8", "surrogateescape"))
        staged.publish()
