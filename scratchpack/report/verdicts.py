"""What ``verify`` found, for people and for programs: verdicts in, a text or a document out (``docs/schema/verify.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from scratchpack.report.json import SCHEMA, path_fields
from scratchpack.report.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.verification.observed import Observed

_SHOWN = 8  # paths of one kind that a person sees


class VerdictView(Protocol):
    """What is read here of a :class:`scratchpack.Verdict`."""

    @property
    def subject(self) -> str:
        """What was judged."""

    @property
    def issues(self) -> tuple[str, ...]:
        """What is wrong."""

    @property
    def checked(self) -> tuple[str, ...]:
        """What was looked at."""

    @property
    def unchecked(self) -> tuple[str, ...]:
        """What was not."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What may go wrong and need not."""

    @property
    def observed(self) -> Observed | None:
        """What a traced run touched."""


def verdicts_document(verdicts: Iterable[VerdictView]) -> dict[str, Any]:
    """What ``verify --json`` prints."""
    return {"schema": SCHEMA, "verdicts": [_document(verdict) for verdict in verdicts]}


def _document(verdict: VerdictView) -> dict[str, Any]:
    document: dict[str, Any] = {
        "subject": verdict.subject,
        "right": not verdict.issues,
        "issues": verdict.issues,
        "checked": verdict.checked,
        "unchecked": verdict.unchecked,
        "notes": verdict.notes,
    }
    if verdict.observed is not None:
        untouched = [{**path_fields(path), "size": size} for path, size in verdict.observed.untouched]
        document["trace"] = {**verdict.observed._asdict(), "untouched": untouched}
    return document


def verdicts_text(verdicts: Iterable[VerdictView]) -> str:
    """What was checked and what is wrong, a paragraph a subject."""
    lines: list[str] = []
    for verdict in verdicts:
        lines.append(f"{verdict.subject}: {'FAILED' if verdict.issues else 'OK'}")
        lines += [f"  FAILED: {issue}" for issue in verdict.issues]
        lines += [f"  {line}" for line in (*verdict.checked, *verdict.notes)]
        lines += [f"  not checked: {line}" for line in verdict.unchecked]
        if verdict.observed is not None:
            lines += [f"  {line}" for line in _seen(verdict.observed)]
    return "".join(escape(line) + "\n" for line in lines)


def _seen(seen: Observed) -> list[str]:
    counts = (
        f"{len(seen.opened)} files opened",
        f"{len(seen.executed)} executed",
        f"{len(seen.listed)} directories listed",
        f"{len(seen.looked_at)} looked at",
        f"{len(seen.absent)} tried and not found",
    )
    percent = 100 * (seen.bytes - seen.untouched_bytes) / seen.bytes if seen.bytes else 100.0
    largest = [f"{path} ({size} bytes)" for path, size in seen.untouched]
    return [
        ", ".join(counts),
        *_some("listed, and what lies there may be plug-ins", seen.listed),
        *_some("refused", seen.refused),
        *_some("missing in the image, and in the source root", seen.missing),
        f"touched {seen.bytes - seen.untouched_bytes} of {seen.bytes} bytes ({percent:.1f} %)",
        *_some("nobody touched", largest),
    ]


def _some(what: str, items: tuple[str, ...] | list[str]) -> list[str]:
    shown = [f"{what}: {item}" for item in items[:_SHOWN]]
    return [*shown, *([f"{what}: {len(items) - _SHOWN} more"] if len(items) > _SHOWN else [])]
