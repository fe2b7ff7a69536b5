"""``pack --trace`` and ``--minimize``: a plan in, the plan with what its run opened out, proved by a run of its own (W30, W34).

The program runs twice: in the full source root under a tracer, so that it dies at no missing file, and in what is to be
packed without one. A result that does not run is not published.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from scratchpack.entries import Keep
from scratchpack.errors import CheckError, UsageError
from scratchpack.pipeline.runs.additions import additions
from scratchpack.pipeline.runs.image import for_this_machine
from scratchpack.pipeline.runs.judge import judged
from scratchpack.pipeline.runs.minimize import minimized
from scratchpack.pipeline.runs.source import in_source_root, packed
from scratchpack.pipeline.runs.tracefiles import read_traces, write_traced
from scratchpack.sandbox.trace import Trace
from scratchpack.verification.planned import PlannedRoot

if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchpack.pipeline.model import Plan, Rooted
    from scratchpack.pipeline.runs.expectation import Rehearsal
    from scratchpack.pipeline.runs.judge import Run
    from scratchpack.request.model import Request

    Replan = Callable[[Request], tuple[Plan, ...]]


def with_traces(
    plans: tuple[Plan, ...], asked: Request, roots: Rooted, rehearsal: Rehearsal | None, *, replan: Replan
) -> tuple[Plan, ...]:
    """Add what runs opened: recorded ones (``--trace-from``), and one that is made now.

    Args:
        plans: of one platform.
        asked: what they were made of.
        roots: where.
        rehearsal: the run that is to be made; without one nothing is executed.
        replan: plans again, of another request.

    Raises:
        UsageError: several platforms, or for a run another machine's.
        InputError: a file is no trace.
        CheckError: a run that did not end as expected, or not alike in the source root and in the image.
    """
    if len(plans) > 1:
        raise UsageError("cannot trace for several platforms", hint="pack each platform by itself")
    recorded = read_traces(asked.trace_from)
    if rehearsal is None:
        return (_added(plans[0], recorded, asked, roots, replan),)
    return (_rehearsed(plans[0], recorded, asked, roots, rehearsal, replan),)


def _rehearsed(
    plan: Plan, recorded: Trace, asked: Request, roots: Rooted, rehearsal: Rehearsal, replan: Replan
) -> Plan:
    wanted, tracing = rehearsal.wanted, rehearsal.tracing
    name = plan.placed[0]
    if not for_this_machine(plan.platform.architecture):
        raise UsageError(f"cannot trace {name}: it is for {plan.platform}, which does not run here")
    with tempfile.TemporaryDirectory(prefix="scratchpack-trace-", ignore_cleanup_errors=True) as home:
        guest = in_source_root(plan, roots.root, asked.root or "/", home, wanted)
        names = tracing.seccomp is not None
        run = judged(f"traced run of {name}", guest, wanted, show=rehearsal.show, trace=True, names=names)
        _hold(run, f"cannot pack {name}: its traced run did not end as expected")
        trace = (run.trace or Trace()).merged(recorded)
        made = _added(plan, trace, asked, roots, replan)
        if tracing.minimize:
            made = minimized(made, trace)
        proof = judged(f"run of {name}", packed(made, home, wanted), wanted, show=None)
    _hold(proof, f"cannot pack {name}: what was packed does not run as it did in the source root", run)
    warnings = [*made.warnings, *run.verdict.unchecked]
    if proof.ended.out != run.ended.out:
        warnings.append("the packed program printed something else than the traced one: look whether it may")
    write_traced(trace, tracing)
    note = f"run twice: traced in {roots.root.name}, then in the image alone; {proof.verdict.checked[-1]}"
    return made._replace(warnings=tuple(dict.fromkeys(warnings)), notes=(*made.notes, note))


def _added(plan: Plan, trace: Trace, asked: Request, roots: Rooted, replan: Replan) -> Plan:
    keep = Keep(asked.preserve_modes, asked.preserve_privileges)
    programs = tuple(program.path for program in plan.programs if program.root is roots.root)
    found = additions(trace, PlannedRoot(plan.rootfs), roots.root, programs, keep)
    if found.paths or found.needs:
        need = {**asked.need, **{name: "always" for name in found.needs if asked.need.get(name) != "never"}}
        (plan,) = replan(asked._replace(traced=found.paths, need=need))
    return plan._replace(warnings=tuple(dict.fromkeys((*plan.warnings, *found.warnings))))


def _hold(run: Run, message: str, first: Run | None = None) -> None:
    """Raise for a run that is not as expected, with the end of what it wrote on stderr."""
    issues = list(run.verdict.issues)
    if first is not None and not issues and run.status != first.status:
        issues.append(f"it ended with status {run.status}, in the source root with {first.status}")
    if issues:
        written = run.ended.err.decode("utf-8", "replace").splitlines()[-5:]
        raise CheckError(message, details=(*issues, *written), hint="--expect-exit N says with which status it ends")
