"""A settings file: TOML goes in, checked values come out, and a refusal of what a file that nobody named may not say.

A file that was found stands in a directory that may be a stranger's (a cloned repository). It may describe the image. What
reads outside its directory, leaves the machine, overwrites, loads or silences wants a source that the user named: the command
line, the environment, or ``--config FILE`` (``docs/trust.md``).
"""

from __future__ import annotations

import glob
import json
import os
import re
from typing import TYPE_CHECKING, Any

from scratchpack import foreign
from scratchpack.config import NAMES, Setting, chosen, variable
from scratchpack.errors import UsageError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_FILE = 1 << 20  # bytes
FLEET = frozenset({"defaults", "image"})  # tables that make it a fleet file
# Variables that packing itself reads as the names of files or directories, or as a part of such names.
PATHS = frozenset({
    "DICTIONARY", "ICU_DATA", "LANG", "LANGUAGE", "LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME",
    "LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD", "PATH", "TERM", "TERMINFO", "TERMINFO_DIRS", "TZ", "TZDIR", "XDG_DATA_DIRS",
})  # fmt: skip
_SYSTEM = re.compile(r"/(?:usr|bin|sbin|lib|lib32|lib64|libx32|opt|nix)(?:/.*)?")
_PLAIN = re.compile(r"(?:[\w@.+-]+(?:/[\w@.+-]+)*)?")  # a locale, a terminal, a time zone, a file name: Europe/Berlin


class SettingsFile(NamedTuple):
    """What a settings file says."""

    values: Mapping[str, Any]  # by setting
    idle: tuple[str, ...]  # settings that the command does not take
    fleet: Mapping[str, Any] | None = None  # the tables of a fleet file, as they were read (scratchpack.fleet_file)


def read(path: str, *, found: bool, command: str, over: Mapping[str, Any]) -> SettingsFile | None:
    """Read a settings file; ``None`` for a file that was found and has no settings of ours.

    ``over`` are the settings that better sources give: what the file says of those is not used.

    Raises:
        UsageError: it cannot be read, a setting is not one of ours or of the wrong kind, or wants to be named.
    """
    table = _table(path, found=found)
    if table is None:
        return None
    values: dict[str, Any] = {}
    idle, refused = [], []
    fleet = {name: value for name, value in table.items() if name in FLEET}
    if fleet and found:
        refused.append(f"{', '.join(sorted(fleet))}: a file that was only found does not say what is packed")
    for name, value in table.items():
        if name in FLEET:
            continue
        setting = setting_of(name, path)
        taken = value_of(setting, value, f"in {path}")
        if command not in setting.takes:
            idle.append(name)
        elif name not in over:
            values[name] = taken
            if found and taken not in (None, False, ()):
                refused += [f"{name}: {why}" for why in _guards(setting, taken, os.path.dirname(path) or ".")]
    if found and values.get("tag") and "tag" not in over and (how := _leaving(over)):
        refused.append(f"tag: {how} goes to the name that it gives")
    if refused:
        raise UsageError(
            f"cannot use {path}, which nobody named: it was only found in the working directory",
            details=tuple(refused),
            hint=f"look at it, then name it: --config {path}; or give these settings as options or variables (docs/trust.md)",
        )
    return SettingsFile(values, tuple(idle), fleet or None)


def _table(path: str, *, found: bool) -> Mapping[str, Any] | None:
    def fault(why: str) -> UsageError:
        return UsageError(f"cannot read the configuration {path}: {why}")

    if found and os.path.islink(path) and not _below(path, os.path.dirname(path) or "."):
        raise UsageError(
            f"cannot read the configuration {path}: it is a link that leads out of its directory",
            hint="name the file itself with --config",
        )
    data = foreign.file(path, fault, limit=MAX_FILE)
    if data is None:
        if found:
            return None
        raise fault("no such file")
    table: Any = foreign.toml_document(data, fault, limit=MAX_FILE).raw
    if os.path.basename(path) == "pyproject.toml":
        tool = table.get("tool", {})
        table = tool.get("scratchpack", {}) if isinstance(tool, dict) else {}
        if not isinstance(table, dict):
            raise fault("[tool.scratchpack] is not a table")
        return table or (None if found else table)
    section: Mapping[str, Any] = table
    return section


def setting_of(name: str, path: str) -> Setting:
    """The setting of a name.

    Raises:
        UsageError: there is none.
    """
    setting = NAMES.get(name)
    if setting is None:
        import difflib

        close = difflib.get_close_matches(name, NAMES, 1)
        hint = f"did you mean {close[0]!r}?" if close else "`scratchpack pack --help` lists the settings"
        raise UsageError(f"cannot use the setting {name!r} in {path}: there is none of that name", hint=hint)
    return setting


def value_of(setting: Setting, value: Any, where: str) -> Any:
    """One value as the setting takes it; a number or a time stands for its text (``user = 1000``).

    Raises:
        UsageError: it is of another kind.
    """
    name = setting.name
    if setting.many:
        if isinstance(value, dict) and all(_is_text(item) for item in value.values()):
            return tuple(f"{key}={_text(item)}" for key, item in value.items())
        if isinstance(value, list) and all(_is_text(item) for item in value):
            return tuple(_text(item) for item in value)
        if _is_text(value):
            return (_text(value),)
        raise UsageError(f"cannot use {name} {where}: it takes a list of strings")
    if setting.kind == "flag":
        if isinstance(value, bool):
            return value
        raise UsageError(f"cannot use {name} {where}: it takes true or false")
    if setting.kind == "optional" and isinstance(value, bool):
        return setting.flag_value if value else None
    if name in {"entrypoint", "cmd"} and isinstance(value, list):
        return json.dumps(value)
    if name == "created" and hasattr(value, "isoformat"):
        return value.isoformat()
    if not _is_text(value):
        raise UsageError(f"cannot use {name} {where}: it takes a string")
    return chosen(setting, _text(value), where)


def _is_text(value: Any) -> bool:
    return type(value) in {str, int}  # a bool is an int to isinstance


def _text(value: Any) -> str:
    return str(value)


def _guards(setting: Setting, value: Any, directory: str) -> Iterator[str]:
    """Why a file that was found may not set this, if it may not."""
    if setting.guard:
        yield f"it {setting.guard}; give --{setting.name} or {variable(setting)} yourself"
    match setting.name:
        case "env":
            for text in value:
                yield from _env_guard(text)
        case "include" | "library-path":
            for text in value:
                if not _stays_inside(text, directory):
                    yield f"{text} is not inside of its directory"
        case "ca-bundle" | "locked" if not _stays_inside(value, directory):
            yield f"{value} is not inside of its directory"


def _env_guard(text: str) -> Iterator[str]:
    name, equals, value = text.partition("=")
    if not equals:
        yield f"{name} without a value takes it from your environment"
    elif name in PATHS:
        parts = (
            value.split(":") if name not in {"TZ", "LD_PRELOAD"} else value.removeprefix(":").replace(":", " ").split()
        )
        if any(".." in part.split("/") or not (_SYSTEM.fullmatch(part) or _PLAIN.fullmatch(part)) for part in parts):
            yield f"{text} makes packing read what is not the system's"


def _stays_inside(text: str, directory: str) -> bool:
    """Whether every file that ``SRC[:DST]`` or a plain path can mean lies in the directory, links followed."""
    meanings = {text, text.rpartition(":")[0] or text}
    if any(name.startswith("/") or ".." in name.split("/") for name in meanings):
        return False
    matched = [path for name in meanings for path in (name, *glob.glob(name, root_dir=directory))]
    return all(_below(os.path.join(directory, path), directory) for path in matched)


def _below(path: str, directory: str) -> bool:
    top = os.path.realpath(directory)
    return os.path.realpath(path).startswith(top.rstrip("/") + "/") or os.path.realpath(path) == top


def _leaving(over: Mapping[str, Any]) -> str:
    """How the image leaves under the name that the file gives, if it does."""
    if over.get("push"):
        return "--push"
    if over.get("load"):
        return "--load"
    outputs = (text.split(",") for text in over.get("output", ()))
    registry = any({"registry", "type=registry"} & set(keys) and "dest=" not in ",".join(keys) for keys in outputs)
    return "-o type=registry" if registry else ""
