"""A tree as a table, path to line: a directory, a tar or planned files go in; what stands where comes out, each path once.

    {"/app": "file 0755", "/lib": "symlink usr/lib", "/tmp": "dir 1777", "/usr/lib/b.so": "same as /usr/lib/a.so"}

An owner other than root (in a directory: other than whoever runs the tests, too) stands behind the mode: ``file 0640 12:34``.
A second name of a file is the one that sorts later.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def of_directory(top: Path) -> dict[str, str]:
    """What lies below a directory."""
    ours = {(0, 0), (os.geteuid(), os.getegid())}
    table: dict[str, str] = {}
    first: dict[tuple[int, int], str] = {}
    for path in sorted(top.rglob("*")):
        name, status = f"/{path.relative_to(top).as_posix()}", path.lstat()
        owner = "" if (status.st_uid, status.st_gid) in ours else f" {status.st_uid}:{status.st_gid}"
        mode = f"{stat.S_IMODE(status.st_mode):04o}{owner}"
        if path.is_symlink():
            table[name] = f"symlink {path.readlink()}"
        elif path.is_dir():
            table[name] = f"dir {mode}"
        else:
            other = first.setdefault((status.st_dev, status.st_ino), name)
            table[name] = f"file {mode}" if other == name else f"same as {other}"
    return table


def of_tar(archive: Path | bytes) -> dict[str, str]:
    """The entries of a tar, plain or compressed."""
    table: dict[str, str] = {}
    source = {"fileobj": io.BytesIO(archive)} if isinstance(archive, bytes) else {"name": archive}
    with tarfile.open(**source, errors="surrogateescape") as members:
        for member in members:
            name = "/" + member.name.strip("./")
            assert name not in table, f"{name} is there twice"
            owner = "" if (member.uid, member.gid) == (0, 0) else f" {member.uid}:{member.gid}"
            mode = f"{member.mode:04o}{owner}"
            if member.issym():
                table[name] = f"symlink {member.linkname}"
            elif member.islnk():
                table[name] = "same as /" + member.linkname.strip("./")
            else:
                assert member.isdir() or member.isreg(), name
                table[name] = f"{'dir' if member.isdir() else 'file'} {mode}"
    return table
