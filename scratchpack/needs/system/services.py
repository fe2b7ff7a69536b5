"""N2c: names of services and protocols, two tables that every system carries and an empty image does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, A, B, Contribution, Evidence, Unavailable, Wants
from scratchpack.needs.gather import copied, reasons
from scratchpack.needs.system.nsswitch import configuration, modules

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Sysroot

_RESOLVER = "getaddrinfo"
_NAMED = "string"
_REMEDY = "install netbase (Debian), alpine-baselayout-data or setup (Fedora)"
_FILES = {"serv": "/etc/services", "proto": "/etc/protocols"}

# names that programs hand to getaddrinfo instead of a port
SERVICES = (
    *("ftp", "http", "https", "imap", "imaps", "ldap", "ldaps", "ntp", "pop3", "pop3s", "smtp", "smtps", "ssh"),
    "telnet",
)


class Services:
    """The table that the imported call reads, from the root."""

    name = "services"
    summary = "names of services and protocols are not known without /etc/services and /etc/protocols"
    wants: Wants = Wants(
        symbols=("getserv*", "setservent", "getproto*", "setprotoent", "getaddrinfo"),
        fragments=("/etc/services", "/etc/protocols"),
        inside=((PROGRAM, "://"), *((PROGRAM, f"\0{name}\0") for name in SERVICES)),
    )
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Imports; a static program's string only hints, since getaddrinfo alone links the same code."""
        calls = (symbol for symbol in self.wants.symbols if symbol != _RESOLVER)
        found = tuple(
            item._replace(found=tuple(path for part, path in _FILES.items() if part in item.because))
            for item in subject.evidence(self.name, *calls)
        )
        if not subject.is_static:
            return found + _looked_up(subject)
        names = [path for path in _FILES.values() if subject.strings(path)]
        return found + tuple(Evidence(self.name, B, f"string {path}", subject.program.path, (path,)) for path in names)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The tables that were asked for; both under ``always``."""
        always = options.modes.get(self.name) == "always"
        strong = {path for item in evidence if always or item.tier in self.adds for path in item.found}
        because = reasons(self.name, evidence)
        files: list[Entry] = []
        missing: list[str] = []
        for path in sorted(strong or _FILES.values()):
            entries = copied(root, path, because)
            files += entries
            missing += [] if entries else [path]
        # A call alone does not say which name is asked for, nor whether there will be one: the program's own string does.
        named = {path for item in evidence if item.tier == A and _NAMED in item.because for path in item.found}
        if missing and (always or not files or named & {*missing}):
            what = f"there is no {' and no '.join(missing)}"
            raise Unavailable(what, _REMEDY, essential=always or bool(named & {*missing}))
        notes = tuple(f"services: there is no {path} in {root.name}; {_REMEDY}" for path in missing)
        if subject.libc != "glibc":
            return Contribution(tuple(files), notes=notes)
        return Contribution((*files, configuration(because)), modules(subject, "files"), notes=notes)


def _looked_up(subject: Subject) -> tuple[Evidence, ...]:
    """Own calls of getaddrinfo beside a service's name; in a program that knows URLs the name may be a scheme's."""
    named = [name for name in SERVICES if subject.strings(f"\0{name}\0")]
    if _RESOLVER not in subject.program.imports or not named:
        return ()
    tier = B if subject.strings("://") else A
    because = f"imports {_RESOLVER}, {_NAMED} {named[0]}"
    return (Evidence(Services.name, tier, because, subject.program.path, (_FILES["serv"],)),)


NEED = Services()
