"""One run, followed and judged: a guest and what is wanted of it in, how it ended and what it touched out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import CheckError
from scratchpack.record import NamedTuple
from scratchpack.sandbox.ask import request, wait_tcp
from scratchpack.sandbox.runner import Running, tracer
from scratchpack.verification.image import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchpack.pipeline.runs.expectation import Expectation
    from scratchpack.sandbox.model import Ended, Guest, GuestLimits
    from scratchpack.sandbox.trace import Trace

    Show = Callable[[str, bytes], None]

_REASONS = {
    "time": "it was still running after {0.seconds:g} s",
    "memory": "it used more than {0.memory} bytes of memory",
    "processes": "it had more than {0.processes} processes",
    "output": "it wrote more than {0.output} bytes",
}


class Run(NamedTuple):
    """A run that is over."""

    verdict: Verdict
    ended: Ended
    trace: Trace | None  # what it touched, where that was asked for

    @property
    def status(self) -> int:
        """As a shell says it: 128 and the signal's number."""
        return status(self.ended)


def judged(
    subject: str,
    guest: Guest,
    wanted: Expectation,
    *,
    show: Show | None,
    left_out: tuple[str, ...] = (),
    trace: bool = False,
    names: bool = False,
) -> Run:
    """Start a guest, ask it what is to be asked, and wait for its end, or stop it where it serves.

    Args:
        subject: what the verdict is called.
        guest: what is started.
        wanted: what is expected of it.
        show: gets ("out" or "err", bytes) as they come.
        left_out: sentences on what the guest's root lacks.
        trace: follow what it touches.
        names: of the trace, keep the names of all system calls too.

    Raises:
        SandboxError: the sandbox cannot be built here, the program not be started in it, or nothing can trace here.
    """
    issues: list[str] = []
    checked: list[str] = []
    how = tracer() if trace else ""
    with Running(guest, given=wanted.stdin, show=show, trace=how, names=names) as running:
        serving = bool(wanted.wait_tcp or wanted.request)
        try:
            for port in wanted.wait_tcp:
                wait_tcp(running, port, timeout=wanted.timeout)
                checked.append(f"it listened on port {port}")
            for url in wanted.request:
                answer = request(running, url)
                (checked if answer.status < 400 else issues).append(f"{url} answered {answer.status} {answer.reason}")
        except CheckError as error:
            issues.append(error.message)
        ended = running.stop() if serving else running.wait()
        seen = running.trace() if trace else None
    issues += _wrong(ended, guest.limits, wanted)
    means = (
        f"user {guest.uid}:{guest.gid}",
        "a writable root" if guest.writable else "a read-only root",
        "the network of this machine" if guest.network else "no network",
        f"isolated by {ended.isolation.how}",
        *((f"traced by {'strace' if how == 'strace' else 'ptrace'}",) if how else ()),
    )
    checked.append(f"it ended with status {status(ended)} after {ended.seconds:.1f} s: {', '.join(means)}")
    notes = (*left_out, *ended.isolation.notes, *(seen.notes if seen else ()))
    return Run(Verdict(subject, tuple(issues), tuple(checked), notes), ended, seen)


def status(ended: Ended) -> int:
    """As a shell says it: 128 and the signal's number."""
    return ended.status if ended.status >= 0 else 128 - ended.status


def _wrong(ended: Ended, limits: GuestLimits, wanted: Expectation) -> list[str]:
    found = []
    if ended.reason in _REASONS:
        found.append(_REASONS[ended.reason].format(limits) + ", and was killed")
    else:
        expected = wanted.exit if wanted.exit is not None else None if ended.reason == "stopped" else 0
        if expected is not None and status(ended) != expected:
            found.append(f"it ended with status {status(ended)}, expected was {expected}")
    if wanted.output is not None and wanted.output not in ended.out.decode("utf-8", "replace"):
        found.append(f"its output does not hold {wanted.output!r}")
    return found
