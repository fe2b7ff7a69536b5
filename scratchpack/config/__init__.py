"""The one schema of the settings: what each is called, which commands take it, and who may set it.

Options, ``SCRATCHPACK_*``, ``scratchpack.toml`` and ``[tool.scratchpack]`` are all made from this table; ``sources.py`` puts
them together, and ``request`` says what their text means.
"""

from __future__ import annotations

from scratchpack.config.image import IMAGE
from scratchpack.config.options import Options
from scratchpack.config.output import OUTPUT
from scratchpack.config.program import FILES, NEEDS, PROGRAM_ITSELF
from scratchpack.config.setting import Setting
from scratchpack.errors import UsageError

__all__ = ["NAMES", "SETTINGS", "Options", "Setting", "chosen", "variable"]

SETTINGS: tuple[Setting, ...] = (*OUTPUT, *IMAGE, *PROGRAM_ITSELF, *FILES, *NEEDS)
NAMES = {setting.name: setting for setting in SETTINGS}


def variable(setting: Setting) -> str:
    """The name of a setting's variable."""
    return "SCRATCHPACK_" + setting.name.upper().replace("-", "_")


def chosen(setting: Setting, value: str, where: str) -> str:
    """The value of a setting that takes one of a few words.

    Raises:
        UsageError: another word.
    """
    if setting.kind == "choice" and value not in setting.choices:
        raise UsageError(f"cannot use {setting.name} = {value!r} {where}: it is one of {', '.join(setting.choices)}")
    return value
