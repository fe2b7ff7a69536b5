"""What a Python caller gives for a setting, as the text that the command line would have: any of several types in, text out.

The options of the command line are text already and do not come here. A type that could mean two things is refused: the text ``"no"`` is
no ``bool``, and a set has no order, so that its image would be another one every time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from scratchpack.errors import UsageError
from scratchpack.sinks.model import Output

if TYPE_CHECKING:
    from scratchpack.config import Setting
    from scratchpack.config.options import StrPath

_PAIRS = {"env": "=", "label": "=", "annotation": "=", "need": "=", "include": ":"}  # what stands between key and value
_COMMANDS = frozenset({"entrypoint", "cmd", "healthcheck"})  # a sequence is the words of one command


def plain(setting: Setting, value: Any) -> Any:
    """One setting's value: a bool, a text, or a tuple of texts and of :class:`~scratchpack.sinks.model.Output`.

    Raises:
        UsageError: a type that means nothing here.
    """
    if setting.kind == "flag":
        if not isinstance(value, bool):
            raise _wrong(setting, value, "it takes True or False")
        return value
    if setting.many:
        if isinstance(value, Mapping):
            if setting.name not in _PAIRS:
                raise _wrong(setting, value, "it takes one value or a sequence of them")
            return tuple(_pair(setting, key, item) for key, item in value.items())
        return tuple(_item(setting, item) for item in (value if _is_sequence(value) else (value,)))
    if value is True and setting.kind == "optional":
        return setting.flag_value
    if _is_sequence(value) and setting.name in _COMMANDS:
        return json.dumps([_text(setting, word) for word in value], ensure_ascii=False)
    if _is_sequence(value) and setting.name == "platform":
        return ",".join(_text(setting, name) for name in value)
    if isinstance(value, datetime) and setting.name == "created":
        return value.isoformat()
    return _text(setting, value)


def paths(value: StrPath | Iterable[StrPath]) -> tuple[str, ...]:
    """The binaries of a call, one or several, in their order.

    Raises:
        UsageError: none, or what is no path.
    """
    several = (value,) if isinstance(value, (str, bytes, os.PathLike)) or not isinstance(value, Iterable) else value
    return tuple(path(one, "a binary") for one in several)


def path(value: StrPath, what: str) -> str:
    """One path.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise UsageError(f"cannot use {value!r} as {what}: it is no path")
    return os.fsdecode(value)


def _item(setting: Setting, value: Any) -> Any:
    return value if isinstance(value, Output) and setting.name == "output" else _text(setting, value)


def _pair(setting: Setting, key: Any, value: Any) -> str:
    if value is None and setting.name in {"env", "include"}:  # env: from our environment; include: at the same path
        return _text(setting, key)
    return f"{_text(setting, key)}{_PAIRS[setting.name]}{_text(setting, value)}"


def _text(setting: Setting, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _wrong(setting, value, "it takes text, or what stands for one text: a path or a number")


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes, Output))


def _wrong(setting: Setting, value: Any, why: str) -> UsageError:
    return UsageError(f"cannot use {setting.name.replace('-', '_')}={value!r}: {why}")
