"""``-o type=local``: planned files go in; a directory tree comes out, for a chroot, bubblewrap, or ``COPY tree/ /``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scratchpack.errors import OutputError
from scratchpack.oci.layer import content
from scratchpack.oci.spool import write_all
from scratchpack.rootfs import Directory, File, Symlink
from scratchpack.sinks.model import Receipt
from scratchpack.sinks.publish import StagedDirectory, cannot_write, check_free

if TYPE_CHECKING:
    from scratchpack.oci.model import ImageConfig
    from scratchpack.rootfs import Rootfs


class LocalTree:
    """A tree made beside ``dest`` and renamed; owners are set where the user may set them (root), else they are the user."""

    def __init__(self, dest: str, *, force: bool = False, mtime: int = 0) -> None:
        self._dest, self._force, self._mtime = dest, force, mtime

    def write(self, rootfs: Rootfs, config: ImageConfig) -> Receipt:
        """Write and publish; the config has no place in a bare tree.

        Raises:
            InputError: an entry that no tree can carry, or a source that changed while it was read (S10).
            OutputError: it could not be written (S19), or something stands there (S17).
        """
        del config
        rootfs.check()
        check_free(self._dest, force=self._force)
        with StagedDirectory(self._dest) as staged:
            try:
                self._fill(staged.path, rootfs)
            except OSError as error:
                raise cannot_write(self._dest, error) from error
            if not staged.publish(force=self._force):
                raise OutputError(f"cannot write {self._dest}: the directory is not empty any more")
        return Receipt("local", self._dest)

    def _fill(self, home: str, rootfs: Rootfs) -> None:
        """Directories get their modes last: one of 0555 could not be filled."""
        made: dict[str, Directory] = {"/": Directory("/")}
        links: dict[tuple[object, ...], str] = {}
        for entry in rootfs:
            self._parents(home, entry.path, made)
            path = home + entry.path
            match entry:
                case Directory():
                    if entry.path not in made:
                        os.mkdir(path)
                    made[entry.path] = entry if entry.path != "/" else made["/"]  # I11
                case Symlink():
                    os.symlink(entry.target, path)
                    os.utime(path, (self._mtime, self._mtime), follow_symlinks=False)
                case File():
                    key = (entry.inode, entry.mode, entry.uid, entry.gid, entry.xattrs)
                    if entry.inode is not None and key in links:
                        os.link(links[key], path)
                    else:
                        links[key] = path
                        self._file(path, entry)
        for name in sorted(made, reverse=True):
            directory, path = made[name], home + name
            _own(path, directory.uid, directory.gid)
            os.chmod(path, directory.mode)
            os.utime(path, (self._mtime, self._mtime))

    def _parents(self, home: str, path: str, made: dict[str, Directory]) -> None:
        at = path.find("/", 1)
        while at >= 0:
            if path[:at] not in made:
                os.mkdir(home + path[:at])
                made[path[:at]] = Directory(path[:at])
            at = path.find("/", at + 1)

    def _file(self, path: str, entry: File) -> None:
        # O_EXCL: on a filesystem that folds case two names may meet, and neither may win silently
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            with entry.source.open() as stream:
                for piece in content(stream, entry):
                    write_all(descriptor, piece)
            _own(path, entry.uid, entry.gid)
            for name, value in entry.xattrs:
                _attribute(path, name, value)
            os.fchmod(descriptor, entry.mode)
            os.utime(path, (self._mtime, self._mtime))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _own(path: str, uid: int, gid: int) -> None:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        os.chown(path, uid, gid)


def _attribute(path: str, name: str, value: bytes) -> None:
    """S15: an attribute that cannot be set is an error, and never left out in silence."""
    try:
        os.setxattr(path, name, value)
    except (OSError, AttributeError) as error:
        raise OutputError(
            f"cannot keep the attribute {name} of {path}: {error}",
            hint="write an image or -o type=tar instead, or run as root",
        ) from error
