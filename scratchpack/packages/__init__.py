"""Who owns a file: the databases of dpkg, apk and rpm, read as data from a root; no tool of theirs is run."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scratchpack.packages.model import Packages
    from scratchpack.sysroot.model import Sysroot


@lru_cache(maxsize=1)
def open_database(root: Sysroot) -> Packages | None:
    """The package database of this root, ``None`` where there is none; nothing is parsed before it is asked for.

    The last root's is kept: several needs of one program ask it, and reading dpkg's status takes longer than answering.
    A BerkeleyDB of old rpm versions is recognised, answers nothing, and says so in ``problems``.

    Raises:
        InputError: a database that is too large, or that contradicts itself.
    """
    from scratchpack.packages import apk, dpkg, rpm

    return dpkg.find(root) or apk.find(root) or rpm.find(root)
