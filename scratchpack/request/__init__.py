"""Text becomes one typed, checked request a command, once: before the first file of the input is read.

:class:`~scratchpack.config.Options` go in, every value a text as it was typed, or what a Python caller gives for one; a :class:`~scratchpack.request.model.Request` comes out, whose values the
rooms take as they are, or a :class:`~scratchpack.errors.UsageError` that says what would be right. How a kind of value is read
stands in the modules of this room, each imported by the run that has such a value.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from scratchpack.config import NAMES, Options
from scratchpack.errors import UsageError
from scratchpack.request.model import IMPLIED, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# field -> (module of this room, function): text in, typed value out
_READERS = {
    "output": ("outputs", "outputs"),
    "tag": ("names", "references"),
    "platform": ("names", "platforms"),
    "load": ("names", "engine"),
    "insecure_registry": ("names", "registries"),
    "token_server": ("names", "token_servers"),
    "sbom": ("names", "bill"),
    "annotate": ("names", "source"),
    "progress": ("names", "progress"),
    "iidfile": ("files", "iidfile"),
    "metadata_file": ("files", "metadata_file"),
    "locked": ("files", "locked"),
    "layers": ("fleets", "layers"),
    "max_layers": ("fleets", "max_layers"),
    "shard": ("fleets", "shard"),
    "jobs": ("fleets", "jobs"),
    "scheduler": ("fleets", "scheduler"),
    "root": ("files", "root"),
    "include": ("files", "includes"),
    "exclude": ("files", "excludes"),
    "library_path": ("files", "library_paths"),
    "trace_from": ("files", "traces"),
    "ca_bundle": ("files", "bundle"),
    "entrypoint": ("image", "entrypoint"),
    "cmd": ("image", "cmd"),
    "user": ("image", "user"),
    "workdir": ("image", "workdir"),
    "expose": ("image", "ports"),
    "volume": ("image", "volumes"),
    "directory": ("directories", "directories"),
    "label": ("image", "labels"),
    "annotation": ("image", "scoped_annotations"),
    "at": ("image", "at"),
    "stop_signal": ("signals", "stop_signal"),
    "healthcheck": ("healthcheck", "healthcheck"),
    "probe": ("probe", "probe"),
    "cpu": ("needs", "cpu"),
    "need": ("needs", "modes"),
    "locale": ("needs", "locales"),
    "timezone": ("needs", "timezones"),
    "service": ("needs", "services"),
}
_DATED = frozenset({"pack", "dockerfile"})  # the commands that write files with times


def request(options: Options | None, command: str, environ: Mapping[str, str] | None = None) -> Request:
    """Read and check every value that was given.

    Raises:
        UsageError: a setting that ``command`` does not take, a value that is none, a combination that cannot be.
    """
    environ = os.environ if environ is None else environ
    options = options or Options()
    given = {
        field: _plain(field, value)
        for field, value, default in zip(Options._fields, options, Options(), strict=True)
        if value != default and value is not None and value != []
    }
    epoch = environ.get("SOURCE_DATE_EPOCH") if command in _DATED else None
    if not given and not epoch:
        return Request(command)
    typed: dict[str, Any] = {}
    for field, value in given.items():
        if command not in NAMES[field.replace("_", "-")].takes:
            if value is False:
                continue  # what a command cannot do, it may be told not to do
            raise _not_taken(field, command)
        if field == "env":
            typed[field] = _reader("image", "environment")(value, environ)
        else:
            typed[field] = _reader(*_READERS[field])(value) if field in _READERS else value
    if epoch or "created" in typed:
        typed |= _reader("times", "times")(typed.get("created"), epoch)
    if typed.get("probe") is not None:
        if "healthcheck" in typed:
            raise UsageError("cannot use --probe and --healthcheck together: an image has one health check")
        typed["healthcheck"] = typed["probe"]
    _imply(typed)
    made = Request(command, **typed)
    if command not in NAMES["output"].takes:
        return made
    from scratchpack.request.together import together

    return together(made)


def _plain(field: str, value: Any) -> Any:
    """A value as the command line gives it: text, or a tuple of texts where a setting is repeatable."""
    setting = NAMES[field.replace("_", "-")]
    if setting.many:
        as_typed = type(value) is tuple and all(type(item) is str for item in value)
    else:
        as_typed = type(value) is bool if setting.kind == "flag" else type(value) is str
    return value if as_typed else _reader("given", "plain")(setting, value)


def _reader(module: str, function: str) -> Callable[..., Any]:
    from importlib import import_module

    found: Callable[..., Any] = getattr(import_module(f"scratchpack.request.{module}"), function)
    return found


def _not_taken(field: str, command: str) -> UsageError:
    option = "--" + field.replace("_", "-")
    if command == "verify-image":
        return UsageError(
            f"cannot use {option} to verify an image: the image has its own root, needs and configuration",
            hint=f"leave {option} out; it is for the verification of a program",
        )
    return UsageError(f"cannot use {option} with {command}: it would have no effect")


def _imply(typed: dict[str, Any]) -> None:
    """``--timezone`` and its like ask for their need, whatever the program shows, but for a need that is left out."""
    modes = dict(typed.get("need", {}))
    for field, need in IMPLIED.items():
        if field in typed and modes.get(need) != "never":
            modes[need] = "always"
    # I15: a user by name wants the tables that know it
    if not all(part.isdecimal() for part in typed.get("user", "0").split(":")) and modes.get("users", "auto") == "auto":
        modes["users"] = "always"
    if modes:
        typed["need"] = modes
