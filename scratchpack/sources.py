"""Where settings come from: words, variables and a file go in, one :class:`~scratchpack.config.Options` comes out.

Precedence: options, then environment, then the file of the working directory (or ``--config FILE``). The directory of
the input is never looked at: a downloaded tool must not be able to say what is packed or where it is pushed. A file that was
merely found is a stranger's too, and may say less than one that was named (``docs/trust.md``).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from scratchpack.config import SETTINGS, Options, Setting, chosen, variable
from scratchpack.errors import UsageError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOUND = (
    "scratchpack.toml",
    "pyproject.toml",
)  # looked for in the working directory; the first that has settings is read


class Merged(NamedTuple):
    """The settings of one run, and which file had a say in them."""

    options: Options
    path: str | None = None  # the settings file that was read
    found: bool = False  # it was found, and not named
    idle: tuple[str, ...] = ()  # what it sets and the command does not take
    listed: tuple[
        tuple[tuple[str, ...], Options], ...
    ] = ()  # of a fleet file: the binaries of each image, and its settings


def merge(
    given: Mapping[str, Any],
    *,
    environ: Mapping[str, str],
    directory: str = ".",
    config: str | None = None,
    command: str = "pack",
) -> Merged:
    """Put the sources together for one command.

    ``given`` holds the options that stood on the command line, by setting name.

    Raises:
        UsageError: an unknown key, a value of the wrong kind, a ``--config`` file that is not there, a variable that the
            command does not take, a setting that a found file may not set.
    """
    named = dict(_from_environment(environ, command))
    named.update(given)
    paths = (config,) if config is not None else tuple(os.path.join(directory, name) for name in FOUND)
    if config is None and not any(os.path.lexists(path) for path in paths):
        return Merged(_options(named))
    from scratchpack.settings_file import read

    for path in paths:
        file = read(path, found=config is None, command=command, over=named)
        if file is not None:
            listed: tuple[tuple[tuple[str, ...], Options], ...] = ()
            if file.fleet is not None:
                from scratchpack.fleet_file import images

                found = images(file.fleet, path, command)
                listed = tuple((one.binaries, _options({**file.values, **one.values, **named})) for one in found)
            return Merged(_options({**file.values, **named}), path, config is None, file.idle, listed)
    return Merged(_options(named))


def _options(values: Mapping[str, Any]) -> Options:
    return Options(**{name.replace("-", "_"): value for name, value in values.items()})


def _from_environment(environ: Mapping[str, str], command: str) -> Iterator[tuple[str, Any]]:
    for setting in SETTINGS:
        text = environ.get(variable(setting))
        if text is None:
            continue
        value = _from_text(setting, text)
        if command in setting.takes:
            yield setting.name, value
        elif value not in {False, ()}:
            raise UsageError(
                f"cannot use {variable(setting)} here: {command.removesuffix('-image')} "
                + ("of an image " if command == "verify-image" else "")
                + f"does not take --{setting.name}",
                hint=f"leave it out: env -u {variable(setting)} scratchpack {command.removesuffix('-image')} …",
            )


def _from_text(setting: Setting, text: str) -> Any:
    where = f"of {variable(setting)}"
    if setting.many:
        import shlex

        try:
            return tuple(shlex.split(text))
        except ValueError as error:
            raise UsageError(f"cannot use the value {where}: {error}") from None
    if setting.kind == "flag":
        lowered = text.strip().lower()
        if lowered in {"1", "true", "yes", "on"}:
            return True
        if lowered in {"", "0", "false", "no", "off"}:
            return False
        raise UsageError(f"cannot use the value {where}: it takes true or false")
    return chosen(setting, text, where)
