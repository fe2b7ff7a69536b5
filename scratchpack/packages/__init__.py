"""Who owns a file: the databases of dpkg, apk and rpm, read as data from a root; no tool of theirs is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from scratchpack.packages.model import Packages
    from scratchpack.sysroot.model import Sysroot


def open_database(root: Sysroot) -> Packages | None:
    """The package database of this root, ``None`` where there is none; nothing is parsed before it is asked for.

    It is kept with the root: several needs of one program ask it, and reading dpkg's status takes longer than answering.
    A BerkeleyDB of old rpm versions is recognised, answers nothing, and says so in ``problems``.

    Raises:
        InputError: a database that is too large, or that contradicts itself.
    """
    if __name__ not in root.kept:
        from scratchpack.packages import apk, dpkg, rpm

        root.kept[__name__] = dpkg.find(root) or apk.find(root) or rpm.find(root)
    return cast("Packages | None", root.kept[__name__])
