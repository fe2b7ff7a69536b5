"""Where ``templates/`` is: ``_templates`` beside this module once installed, else beside the package in the repository.

Found by path, not by a package loader: the wheel, the sdist and an editable installation all work the same way.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from scratchpack.errors import ScratchpackError


@cache
def directory() -> Path:
    """The directory that holds ``dockerfile/``, ``make/``, ``ci/``, ``etc/`` and ``report/``.

    Raises:
        ScratchpackError: the installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for place in (package / "_templates", package.parent / "templates"):
        if place.is_dir():
            return place
    raise ScratchpackError(
        f"cannot find the templates of scratchpack: neither {package / '_templates'} nor {package.parent / 'templates'} is there",
        hint="install scratchpack again; its files are not complete",
    )


def path(name: str) -> Path:
    """One file below :func:`directory`, ``name`` with ``/`` between its parts.

    Raises:
        ScratchpackError: there is no such file.
    """
    found = directory().joinpath(*name.split("/"))
    if not found.is_file():
        raise ScratchpackError(f"cannot find the template {name}: there is no {found}")
    return found


def read(name: str) -> bytes:
    """The bytes of one file below :func:`directory`."""
    return path(name).read_bytes()
