"""Writing a file that people will edit: never over one that is there, unless they say so (S17)."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from scratchpack.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str, *, force: bool = False) -> None:
    """Write ``text``, old or new and never half: a temporary file beside it, then a rename, or a link that refuses.

    Raises:
        OutputError: something stands there and ``force`` does not, or it cannot be written.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(
            prefix=f".{path.name[:100]}.", suffix=".scratchpack-tmp", dir=path.parent
        )
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            if force:
                os.replace(temporary, path)
            else:
                os.link(temporary, path)
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)
    except FileExistsError:
        raise OutputError(f"cannot write {path}: it is there already", hint="--force replaces it") from None
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
