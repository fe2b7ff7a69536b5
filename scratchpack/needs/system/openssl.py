"""N7: OpenSSL's configuration, providers and engines, in the directories that libcrypto was built with."""

from __future__ import annotations

import os
import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import B, Contribution, ElfRoot, Unavailable, Wants
from scratchpack.needs.gather import copied, read, reasons, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import Evidence, NeedOptions, Seen, Subject
    from scratchpack.rootfs import Entry, Reason
    from scratchpack.sysroot.model import Sysroot

_INCLUDE = re.compile(rb"^[ \t]*\.include[ \t]*=?[ \t]*(/\S+)", re.MULTILINE)
_DEPTH, _MAX_FILES, _MAX_TEXT = 5, 64, 1 << 20  # of a configuration and what it includes: levels, files, bytes of one
_PROVIDER, _ENGINE, _CONFIG = "OSSL_PROVIDER_", "ENGINE_by_id", "CONF_get1_default_config_file"


class OpenSsl:
    """A missing openssl.cnf is fine for a library's user and fatal for the openssl program, which names it itself."""

    name = "openssl"
    summary = "OpenSSL finds no provider, engine or configuration outside its own directories"
    wants: Wants = Wants(
        symbols=("OSSL_PROVIDER_load*", "OSSL_PROVIDER_try_load*", "ENGINE_by_id", "CONF_get1_default_config_file"),
        inside=tuple(("libcrypto.so*", f'{name}: "') for name in ("OPENSSLDIR", "MODULESDIR", "ENGINESDIR")),
    )
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Imports; an engine is named by somebody's configuration, so ENGINE_by_id is only a suggestion."""
        if not any(subject.named("libcrypto.so*")):
            return ()
        return tuple(
            item._replace(tier=max(item.tier, B)) if _ENGINE in item.because else item
            for item in subject.evidence(self.name, *self.wants.symbols)
            if not item.by.rpartition("/")[2].startswith(("libcrypto.", "libssl."))
        )

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Providers for who loads one, the configuration for who reads it, engines where they were asked for."""
        library = next(subject.named("libcrypto.so*"), None)
        if library is None:
            raise Unavailable("the program loads no libcrypto", "nothing to add")
        because = reasons(self.name, evidence)
        asked = options.modes.get(self.name) == "always"
        called = " ".join(item.because for item in evidence if item.tier in self.adds)
        files: tuple[Entry, ...] = ()
        roots: tuple[ElfRoot, ...] = ()
        if asked or _CONFIG in called or _PROVIDER in called:
            files += _configuration(root, posixpath.join(_directory(library, "OPENSSLDIR"), "openssl.cnf"), because)
        if asked or _PROVIDER in called:
            roots += tuple(_objects(root, _directory(library, "MODULESDIR"), library))
        if asked:
            roots += tuple(_objects(root, _directory(library, "ENGINESDIR"), library))
        return Contribution(files, roots)


def _directory(library: Seen, kind: str) -> str:
    """The directory that libcrypto's own text gives: ``MODULESDIR: "/usr/lib/ossl-modules"``."""
    for run in library.strings.get(f'{kind}: "', ()):
        found = re.search(rf'{kind}: "(/[^"]*)"', run)
        if found:
            return found[1]
    return "/nonexistent"


def _objects(root: Sysroot, directory: str, library: Seen) -> Iterator[ElfRoot]:
    node = root.lookup(directory)
    if node is not None and node.kind == "directory":
        for name in root.list(node):
            if name.endswith(".so"):
                yield ElfRoot(posixpath.join(node.canonical, name), library.path)


def _configuration(root: Sysroot, path: str, because: tuple[Reason, ...]) -> tuple[Entry, ...]:
    """The file and what it includes (Fedora's crypto policies), each once and so many in all; a miss is fine."""
    files: tuple[Entry, ...] = ()
    level, seen = [path], {path}
    for _ in range(_DEPTH):
        included: list[str] = []
        for one in level:
            files += copied(root, one, because) or tree(root, one, because)
            included += map(os.fsdecode, _INCLUDE.findall(read(root, one, _MAX_TEXT) or b""))
        level = [one for one in dict.fromkeys(included) if one not in seen][: _MAX_FILES - len(seen)]
        seen.update(level)
    return files


NEED = OpenSsl()
