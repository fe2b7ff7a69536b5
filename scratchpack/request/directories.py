"""``--directory PATH[:MODE[:OWNER]]``: directories that are made in the image."""

from __future__ import annotations

import re

from scratchpack.errors import UsageError
from scratchpack.request.image import absolute, user
from scratchpack.request.model import MadeDirectory

_MODE = re.compile(r"0?[0-7]{3,4}")
_MOUNTED = ("/dev", "/proc", "/sys")  # every engine mounts these over what the image has there


def directories(values: tuple[str, ...]) -> tuple[MadeDirectory, ...]:
    """Each once; of one path there is one.

    Raises:
        UsageError: no absolute path below the root, no octal mode, no owner; two of one path that differ.
    """
    made: dict[str, MadeDirectory] = {}
    for text in values:
        one = _directory(text)
        if made.setdefault(one.path, one) != one:
            raise UsageError(f"cannot make the directory {one.path} in two ways", hint="give --directory once for it")
    return tuple(made.values())


def _directory(text: str) -> MadeDirectory:
    path, *more = text.split(":", 2)
    path = absolute(path, "--directory").rstrip("/")
    if not path:
        raise UsageError(f"cannot use --directory {text!r}: it takes a directory below /")
    if any(path == top or path.startswith(top + "/") for top in _MOUNTED):
        raise UsageError(f"cannot use --directory {text!r}: an engine mounts its own files there")
    mode = more[0] if more else "0755"
    if not _MODE.fullmatch(mode):
        raise UsageError(
            f"cannot use --directory {text!r}: {mode!r} is no octal mode", hint="write it like /data:0750:65532:65532"
        )
    return MadeDirectory(path, int(mode, 8), user(more[1]) if len(more) > 1 else "")
