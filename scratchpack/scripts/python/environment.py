"""The ``sys.path`` of an interpreter, without starting it: a path of a root goes in, prefixes and directories come out.

The rules are those of CPython's ``Modules/getpath.py`` and ``Lib/site.py``: ``pyvenv.cfg`` beside or above the interpreter as it was named, the
landmark ``lib/pythonX.Y/os.py`` above its real place, then site directories, and ``.pth`` files of which only the lines with paths are followed.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.record import NamedTuple
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from scratchpack.sysroot.model import Node, Sysroot

MAX_CFG = 64 << 10
MAX_PTH = 64  # files of one site directory
_VERSION = re.compile(r"python(\d)\.(\d+)t?\Z")


class Environment(NamedTuple):
    """What an interpreter would search.

    ``prefix`` is ``sys.prefix``, ``base`` the prefix of the standard library, ``version`` as in "3.11". ``path`` is ``sys.path`` without the script's own
    directory; ``site`` those of its entries that packages are installed in. ``pth_code`` are lines of ``.pth`` files that run code: not followed.
    """

    prefix: str
    base: str
    version: str
    stdlib: str
    path: tuple[str, ...]
    site: tuple[str, ...]
    pyvenv: str | None
    pth_code: tuple[tuple[str, int], ...] = ()


def environment(root: Sysroot, interpreter: str) -> Environment | None:
    """The environment of an interpreter by the path it is started with; ``None`` where no standard library is found."""
    cfg = _pyvenv(root, interpreter)
    settings = _settings(root, cfg) if cfg is not None else {}
    home = settings.get("home")
    node = root.lookup(interpreter)
    starts = [posixpath.join(home, posixpath.basename(interpreter))] if home else []
    if home and (real := root.lookup(starts[0]) or root.lookup(home)) is not None:
        starts.append(real.canonical)
    if node is not None:
        starts.append(node.canonical)
    found = next((landmark for start in starts if (landmark := _landmark(root, start, settings)) is not None), None)
    if found is None:
        return None
    base, version, stdlib = found
    prefix = posixpath.dirname(cfg.canonical) if cfg is not None else base
    digits = version.replace(".", "")
    path = [f"{base}/lib/python{digits}.zip", stdlib, f"{stdlib}/lib-dynload"]
    site: list[str] = []
    if cfg is not None:
        site += [f"{prefix}/lib64/python{version}/site-packages", f"{prefix}/lib/python{version}/site-packages"]
    if cfg is None or settings.get("include-system-site-packages", "false").lower() == "true":
        site += _system_site(base, version)
    places: dict[str, None] = {}
    for directory in site:
        at = root.lookup(directory)
        if at is not None and at.kind == "directory":
            places.setdefault(at.canonical)
    further, code = _pth(root, tuple(places))
    everything = (*(entry for entry in path if root.lookup(entry)), *places, *further)
    return Environment(
        prefix, base, version, stdlib, everything, tuple(places), cfg.canonical if cfg is not None else None, code
    )


def _pyvenv(root: Sysroot, interpreter: str) -> Node | None:
    beside = posixpath.dirname(interpreter)
    for directory in (beside, posixpath.dirname(beside)):
        node = root.lookup(posixpath.join(directory, "pyvenv.cfg"))
        if node is not None and node.kind == "file":
            return node
    return None


def _settings(root: Sysroot, cfg: Node) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in read(root, cfg, MAX_CFG).data.decode("utf-8", "surrogateescape").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            found.setdefault(key.strip().lower(), value.strip())
    return found


def _landmark(root: Sysroot, start: str, settings: dict[str, str]) -> tuple[str, str, str] | None:
    """The prefix, the version and the directory of the standard library, from the interpreter upwards."""
    match = _VERSION.search(start)
    stated = re.match(r"(\d+)\.(\d+)", settings.get("version_info") or settings.get("version") or "")
    version = f"{match[1]}.{match[2]}" if match else f"{stated[1]}.{stated[2]}" if stated else None
    directory = posixpath.dirname(start)
    while True:
        for lib in ("lib", "lib64"):
            names = [f"python{version}"] if version else _versions(root, posixpath.join(directory, lib))
            for name in names:
                stdlib = posixpath.join(directory, lib, name)
                node = root.lookup(f"{stdlib}/os.py") or root.lookup(f"{stdlib}/os.pyc")
                if node is not None:
                    return directory, name.removeprefix("python"), stdlib
        if directory in {"/", ""}:
            return None
        directory = posixpath.dirname(directory)


def _versions(root: Sysroot, directory: str) -> list[str]:
    node = root.lookup(directory)
    if node is None or node.kind != "directory":
        return []
    return sorted((name for name in root.list(node) if _VERSION.match(name)), key=len, reverse=True)


def _system_site(base: str, version: str) -> list[str]:
    """``site.getsitepackages``, and Debian's own answer for the interpreter below /usr."""
    if base == "/usr":
        return [
            f"/usr/local/lib/python{version}/dist-packages", "/usr/lib/python3/dist-packages",
            f"/usr/lib/python{version}/dist-packages", f"/usr/lib64/python{version}/site-packages", f"/usr/lib/python{version}/site-packages",
        ]  # fmt: skip
    return [f"{base}/lib64/python{version}/site-packages", f"{base}/lib/python{version}/site-packages"]


def _pth(root: Sysroot, site: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[tuple[str, int], ...]]:
    """The directories that ``.pth`` files add, and the places where they run code."""
    added: dict[str, None] = {}
    code: list[tuple[str, int]] = []
    for directory in site:
        at = root.lookup(directory)
        names = [name for name in root.list(at) if name.endswith(".pth")] if at is not None else []
        for name in names[:MAX_PTH]:
            node = root.lookup(f"{directory}/{name}")
            if node is None or node.kind != "file":
                continue
            try:
                lines = read(root, node, MAX_CFG).data.decode("utf-8", "surrogateescape").splitlines()
            except InputError:
                continue
            for number, line in enumerate(lines, 1):
                if line.startswith(("import ", "import\t")):
                    code.append((node.canonical, number))
                elif line.strip() and not line.startswith("#") and "\0" not in line:
                    place = root.lookup(posixpath.normpath(posixpath.join(directory, line.rstrip())))
                    if place is not None and place.canonical not in site:
                        added.setdefault(place.canonical)
    return tuple(added), tuple(code)
