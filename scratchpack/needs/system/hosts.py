"""N2: names of hosts. The engine gives /etc/resolv.conf and mostly /etc/hosts; glibc wants to be told to use both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Contribution, Evidence, Wants
from scratchpack.needs.gather import own_text, reasons, written
from scratchpack.needs.system.clients import SYMBOLS, client_libraries
from scratchpack.needs.system.nsswitch import configuration, modules

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

_RESOLVER = (
    *("getaddrinfo", "getaddrinfo_a", "getnameinfo", "gethostby*", "gethostent", "getnetby*"),
    *("res_init", "res_query", "res_search", "res_ninit", "res_nquery", "res_nsearch", "__res_*"),
)


class Hosts:
    """Small generated files, so they never come from the root. musl and Go have their order built in."""

    name = "hosts"
    summary = "glibc looks names of hosts up as /etc/nsswitch.conf says, and localhost only in /etc/hosts"
    wants: Wants = Wants(
        symbols=(
            *("getaddrinfo", "getaddrinfo_a", "getnameinfo", "gethostby*", "gethostent", "getnetby*"),
            *("res_init", "res_query", "res_search", "res_ninit", "res_nquery", "res_nsearch", "__res_*"),
            *SYMBOLS,
        ),
        fragments=("/etc/nsswitch.conf",),
    )
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Imports of glibc's resolver; in a static program the switch's own string, there only when linked in."""
        if subject.libc != "glibc":
            return ()
        found = subject.evidence(self.name, *_RESOLVER)
        for call, library in client_libraries(subject):
            if any(True for seen, _ in subject.importing(*_RESOLVER) if seen.path == library.path):
                because = f"imports {call} of {library.name}, which looks hosts up"
                found += (Evidence(self.name, A, because, subject.program.path),)
        if subject.is_static and subject.strings("/etc/nsswitch.conf"):
            found += (Evidence(self.name, A, "string /etc/nsswitch.conf", subject.program.path),)
        return found

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """nsswitch.conf, a hosts file for engines that mount none, and the modules of old glibc."""
        because = reasons(self.name, evidence)
        files = (configuration(because), written("/etc/hosts", own_text("etc/hosts"), because))
        return Contribution(files, modules(subject, "files", "dns"))


NEED = Hosts()
