"""The tables of a fleet file: ``[defaults]`` and ``[[image]]`` go in, the settings of each image come out (``docs/schema/settings.json``).

[defaults]
tag = "registry.example.com/tools/{name}:1.0"

[[image]]
binary = "/usr/bin/jq"
user = 1000
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scratchpack.config.options import RUN
from scratchpack.errors import UsageError
from scratchpack.record import NamedTuple
from scratchpack.settings_file import setting_of, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_IMAGES = 100_000


class Listed(NamedTuple):
    """One ``[[image]]``."""

    binaries: tuple[str, ...]
    values: Mapping[str, Any]  # by setting: those of [defaults], and over them its own


def images(table: Mapping[str, Any], path: str, command: str) -> tuple[Listed, ...]:
    """Every image of a fleet file, in its order.

    Raises:
        UsageError: a table of another shape, a setting that is none of an image, an image without a binary.
    """
    if command != "pack":
        raise UsageError(
            f"cannot use {path} with {command}: it lists images for pack", hint="name a file of settings with --config"
        )
    defaults = table.get("defaults", {})
    listed = table.get("image", [])
    if not isinstance(defaults, dict):
        raise UsageError(f"cannot use defaults in {path}: it is a table of settings: [defaults]")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise UsageError(f"cannot use image in {path}: each is a table of its own: [[image]]")
    if not 0 < len(listed) <= MAX_IMAGES:
        raise UsageError(
            f"cannot use {path}: it lists {len(listed)} images", hint='begin each with [[image]] and binary = "PATH"'
        )
    shared = _settings(defaults, f"of [defaults] in {path}", path)
    return tuple(
        Listed(
            _binaries(one, f"of image {number} in {path}"),
            {**shared, **_settings(one, f"of image {number} in {path}", path)},
        )
        for number, one in enumerate(listed, 1)
    )


def _binaries(table: Mapping[str, Any], where: str) -> tuple[str, ...]:
    value = table.get("binary")
    found = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    if not found or not all(isinstance(one, str) and one and "\0" not in one for one in found):
        raise UsageError(f"cannot use binary {where}: it takes a path, or a list of paths")
    return found


def _settings(table: Mapping[str, Any], where: str, path: str) -> dict[str, Any]:
    return dict(_values(table, where, path))


def _values(table: Mapping[str, Any], where: str, path: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if name == "binary":
            continue
        setting = setting_of(name, path)
        if "pack" not in setting.takes or name.replace("-", "_") in RUN:
            raise UsageError(
                f"cannot use {name} {where}: it is no setting of one image",
                hint=f"what goes for the whole run stands above the tables, or is an option: --{name}",
            )
        yield name, value_of(setting, value, where)
