"""What an installed launcher starts: a site directory and the words of ``load_entry_point`` go in, the name of the module comes out.

setuptools' launchers (``load_entry_point('gunicorn==20.1.0', 'console_scripts', 'gunicorn')``) import nothing by name: they look the module up in
``entry_points.txt`` of the distribution's metadata (PyPA's "Entry points specification").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.sysroot.model import Sysroot

_MAX = 256 << 10  # bytes of one entry_points.txt
_SUFFIXES = (".dist-info", ".egg-info")
_NAME = re.compile(r"[A-Za-z0-9._-]*")


def entry_module(root: Sysroot, site: Iterable[str], requirement: str, group: str, name: str) -> str | None:
    """The module that an entry point names; ``None`` where no installed distribution has it."""
    match = _NAME.match(requirement)
    wanted = _normal(match[0]) if match else ""
    for place in site:
        node = root.lookup(place)
        for entry in root.list(node) if node is not None and node.kind == "directory" else ():
            if entry.endswith(_SUFFIXES) and _normal(entry.rpartition(".")[0].partition("-")[0]) == wanted:
                module = _module(_text(root, f"{place}/{entry}/entry_points.txt"), group, name)
                if module:
                    return module
    return None


def _module(text: str, group: str, name: str) -> str | None:
    """The value's module in an INI text as the specification has it: ``name = package.module:attribute [extra]``."""
    inside = False
    for line in text.splitlines():
        if line.strip().startswith("["):
            inside = line.strip() == f"[{group}]"
        elif inside:
            key, equals, value = line.partition("=")
            if equals and key.strip() == name:
                return re.split(r"[:\s\[]", value.strip(), maxsplit=1)[0] or None
    return None


def _text(root: Sysroot, path: str) -> str:
    node = root.lookup(path)
    if node is None or node.kind != "file":
        return ""
    try:
        return read(root, node, _MAX).data.decode("utf-8", "replace")
    except InputError:
        return ""


def _normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()
