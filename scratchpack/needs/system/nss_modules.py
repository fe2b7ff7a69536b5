"""N2d: the name service modules that a root's own nsswitch.conf names (LDAP, sssd, systemd). Only when asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import Contribution, ElfRoot, Unavailable, Wants
from scratchpack.needs.gather import copied, read, reasons
from scratchpack.needs.system.nsswitch import BUILT_IN, PATH

if TYPE_CHECKING:
    from scratchpack.needs.base import Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot


class NssModules:
    """A miss is silent and the host's configuration is no evidence about the program, so nothing detects it."""

    name = "nss-modules"
    summary = "names from LDAP, sssd or systemd need the root's nsswitch.conf and its modules"
    wants: Wants = Wants()
    adds = ""

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Nothing in a program says so."""
        return ()

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The root's nsswitch.conf, before ours, and each module that it names."""
        text = read(root, PATH)
        if text is None:
            raise Unavailable(f"there is no {PATH}", "write one that names the modules")
        lines = (line.partition(b"#")[0].partition(b":")[2] for line in text.splitlines())
        words = {word.decode() for line in lines for word in re.sub(rb"\[[^]]*\]", b" ", line).split()}
        if subject.glibc is not None and subject.glibc >= BUILT_IN:
            words -= {"files", "dns"}
        libc = next(subject.named("libc.so.6"), subject.program)
        modules = tuple(ElfRoot(f"libnss_{word}.so.2", libc.path, required=False) for word in sorted(words))
        return Contribution(copied(root, PATH, reasons(self.name, evidence)), modules)


NEED = NssModules()
