"""What is decided about runtime needs: their modes, and the locales, zones, services and processors that options name."""

from __future__ import annotations

import re

from scratchpack.errors import UsageError
from scratchpack.request.image import pairs

MODES = ("auto", "always", "never")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")
_LOCALE = re.compile(r"[A-Za-z0-9]{1,20}(?:_[A-Za-z0-9]{1,8})?(?:\.[A-Za-z0-9-]{1,20})?(?:@[A-Za-z0-9]{1,20})?")
_SERVICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*")


def modes(values: tuple[str, ...]) -> dict[str, str]:
    """``--need NAME=MODE``: a need that exists, the last mode of one name winning."""
    for value in values:
        if "=" not in value:
            raise UsageError(
                f"cannot use --need {value!r}: it takes NAME=auto, NAME=always or NAME=never",
                hint=f"did you mean --need {value}=always?",
            )
    table = dict(pairs(values, "--need"))
    if bad := [f"{name}={mode}" for name, mode in table.items() if mode not in MODES]:
        raise UsageError(f"cannot use --need {bad[0]}: a need is auto, always or never", details=tuple(bad[1:]))
    from scratchpack.needs.index import ROWS
    from scratchpack.needs.names import SCRIPT_NEEDS

    known = {*SCRIPT_NEEDS, *(row.name for row in ROWS)}
    if not table.keys() <= known:
        from scratchpack.needs.plugin import plugins_found

        known |= plugins_found().keys()
    if unknown := sorted(table.keys() - known):
        import difflib

        close = difflib.get_close_matches(unknown[0], sorted(known), 1)
        raise UsageError(
            f"cannot use --need {unknown[0]}: there is no such need",
            hint=(f"did you mean {close[0]}? " if close else "") + "needs are: " + ", ".join(sorted(known)),
        )
    return table


def locales(values: tuple[str, ...]) -> tuple[str, ...]:
    """``--locale``: names like de_DE.UTF-8."""
    return _names(values, "--locale", _LOCALE, "a locale is written like de_DE.UTF-8, or C.UTF-8")


def timezones(values: tuple[str, ...]) -> tuple[str, ...]:
    """``--timezone``: names of tzdata."""
    return _names(values, "--timezone", _ZONE, "a time zone is written like Europe/Berlin, or UTC")


def services(values: tuple[str, ...]) -> tuple[str, ...]:
    """``--service``: file names of /etc/pam.d."""
    return _names(values, "--service", _SERVICE, "a PAM service is the name of a file of /etc/pam.d, such as login")


def _names(values: tuple[str, ...], option: str, form: re.Pattern[str], hint: str) -> tuple[str, ...]:
    for value in values:
        if not form.fullmatch(value):
            raise UsageError(f"cannot use {option} {value!r}: it is not the name of one", hint=hint)
    return tuple(dict.fromkeys(values))


def cpu(text: str) -> str:
    """``--cpu``: all, baseline, or a level of some machine; whether it is the program's is seen with the program."""
    from scratchpack.loader.hwcaps import NAMES, levels

    known = dict.fromkeys(level for machine in NAMES for level in levels(machine))
    if text not in {"all", *known}:
        raise UsageError(
            f"cannot use --cpu {text!r}: there is no such level", hint=f"levels are all, {', '.join(known)}"
        )
    return text
