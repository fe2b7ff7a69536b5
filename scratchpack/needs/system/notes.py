"""N26, N30, N41, N42: what a reader should know and no file can help: the engine's mounts, sockets, provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.elf.dlopen import package
from scratchpack.needs.base import A, Contribution, Evidence, Wants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

_CALLS = (  # (symbol, what it wants)
    *(("openlog", "syslog writes to /dev/log, which no engine gives"), ("syslog", "syslog writes to /dev/log")),
    *(("vsyslog", "syslog writes to /dev/log"), ("getut*", "logins are read from /var/run/utmp: nobody is logged in")),
    *(("utmp*", "logins are read from /var/run/utmp: nobody is logged in"), ("setmntent", "/etc/mtab is read")),
)


class Notes:
    """Lines for the report: what the engine provides, what no image can provide, and which package a file was built for."""

    name = "notes"
    summary = "what a reader should know, and no file of an image can change"
    wants: Wants = Wants(
        symbols=("openlog", "syslog", "vsyslog", "getutent*", "getutx*", "utmpxname", "utmpname", "setmntent"),
        fragments=("/proc/", "/sys/", "glibc-ld.so.cache1.1"),
        notes=((b"FDO", 0xCAFE1A7E),),
    )
    adds = ""

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Own calls and strings; package notes of every object."""
        return tuple(self._all(subject))

    def _all(self, subject: Subject) -> Iterator[Evidence]:
        own = subject.program.path
        for symbol, wants in _CALLS:
            for seen, call in subject.importing(symbol):
                if seen.tier == A:
                    yield Evidence(self.name, A, f"imports {call}: {wants}", own)
        for fragment in ("/proc/", "/sys/"):
            paths = sorted(run for run in subject.strings(fragment) if run.startswith(fragment) and "%" not in run)
            if paths and not (subject.is_static and subject.libc == "glibc"):  # libc's own strings are among those
                yield Evidence(self.name, A, f"string {paths[0]}: the engine mounts {fragment[:-1]}", own, tuple(paths))
        if subject.is_static and subject.strings("glibc-ld.so.cache1.1"):
            named = " ".join(("static glibc", ".".join(map(str, subject.glibc or ())))).rstrip()
            yield Evidence(
                self.name, A, f"{named}, whose gconv and name service modules must be of the same version", own
            )
        for seen in subject.objects:
            fields = package(seen.notes)
            if words := [fields[key] for key in ("type", "os", "name", "version", "architecture") if key in fields]:
                yield Evidence(self.name, seen.tier, f"package note: {' '.join(words)}", seen.path)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Adds no files: the evidence itself becomes the notes of the report."""
        return Contribution(notes=tuple(f"{item.by}: {item.because}" for item in evidence))


NEED = Notes()
