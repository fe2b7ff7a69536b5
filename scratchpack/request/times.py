"""Times: ``--created`` and ``SOURCE_DATE_EPOCH``."""

from __future__ import annotations

from typing import Any

from scratchpack import foreign
from scratchpack.errors import UsageError


def times(created: str | None, epoch: str | None) -> dict[str, Any]:
    """Seconds for every file time, and the config's ``created``, which is absent unless somebody gave a time (I7).

    Raises:
        UsageError: neither RFC 3339 nor seconds, or a year that is not from 1 to 9999.
    """
    seconds = _seconds(epoch, "SOURCE_DATE_EPOCH") if epoch else None
    if seconds is not None and seconds < 0:
        raise UsageError(f"cannot use SOURCE_DATE_EPOCH {epoch!r}: it is before 1970, and a tar has no such time")
    if created is not None:
        return {"mtime": seconds or 0, "created": _rfc3339(_seconds(created, "--created"))}
    return {"mtime": seconds or 0, "created": None if seconds is None else _rfc3339(seconds)}


def _seconds(text: str, where: str) -> int:
    number = foreign.decimal(text)
    if number is not None:
        return number
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise UsageError(
            f"cannot use {where} {text!r}: it takes seconds since 1970, or a time such as 2026-01-31T12:00:00Z"
        ) from None


def _rfc3339(seconds: int) -> str:
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00") + "Z"
    except (OverflowError, ValueError, OSError):
        raise UsageError(f"cannot use the time {seconds}: it is out of range") from None
