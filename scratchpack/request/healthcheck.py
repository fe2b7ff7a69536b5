"""``--healthcheck``: written as in a Dockerfile (I18)."""

from __future__ import annotations

import re

from scratchpack import foreign
from scratchpack.errors import UsageError
from scratchpack.oci.model import Healthcheck
from scratchpack.request.image import words

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ns|us|µs|ms|s|m|h)")
_LEAST, _MOST = 10**6, (1 << 63) - 1  # nanoseconds: docker refuses less than a millisecond, an int64 holds no more
_DURATIONS = ("interval", "timeout", "start-period")
_SHELL = frozenset({"||", "&&", "|", ";", "&", ">", ">>", "<", "2>&1"})
_HINT = "write it like --healthcheck '--interval=30s --retries=3 /app --check', or NONE"


def healthcheck(text: str) -> Healthcheck:
    """``[--interval=D] [--timeout=D] [--start-period=D] [--retries=N] COMMAND``, or ``NONE``.

    Raises:
        UsageError: an unknown option, no command, a wrong number, a command that only a shell understands.
    """
    rest = text.strip()
    values: dict[str, int] = {}
    while rest.startswith("--"):
        option, rest = [*rest.split(None, 1), ""][:2]
        name, equals, value = option[2:].partition("=")
        if name not in {*_DURATIONS, "retries"}:
            raise _wrong(option, f"options are --{', --'.join(_DURATIONS)} and --retries")
        if name in values:
            raise _wrong(option, f"--{name} is given twice")
        if not equals:
            raise _wrong(option, f"it takes a value: --{name}={'3' if name == 'retries' else '30s'}")
        values[name] = _retries(value, option) if name == "retries" else _duration(value, option)
    if rest == "NONE":
        if values:
            raise _wrong(text, "NONE takes no options")
        return Healthcheck(("NONE",))
    command = words(
        re.sub(r"CMD(?=[\s\[]|$)", "", rest, count=1).lstrip() if rest.startswith("CMD") else rest, "--healthcheck"
    )
    if not command or not command[0]:
        raise _wrong(text, "a command is missing")
    if command[0] == "NONE":
        raise _wrong(text, "NONE stands alone")
    if sign := next((word for word in command if word in _SHELL), None):
        raise _wrong(text, f"{sign} is for a shell, and the command is started without one")
    interval, timeout, start_period = (values.get(name, 0) for name in _DURATIONS)
    return Healthcheck(("CMD", *command), interval, timeout, start_period, values.get("retries", 0))


def _retries(value: str, option: str) -> int:
    number = foreign.decimal(value, 10**6)
    if not number:
        raise _wrong(option, "it takes a number from 1 up")
    return number


def _duration(text: str, option: str) -> int:
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise _wrong(option, "a duration is written like 30s, 1m30s or 500ms")
    total = round(sum(float(number) * _UNITS[unit] for number, unit in parts))
    if total and not _LEAST <= total <= _MOST:
        raise _wrong(option, "a duration is at least 1ms")
    return total


def _wrong(what: str, why: str) -> UsageError:
    return UsageError(f"cannot use {what!r} in --healthcheck: {why}", hint=_HINT)
