"""N27: a directory for temporary files. No engine gives one, and only root could make it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Contribution, Evidence, Wants
from scratchpack.needs.gather import reasons
from scratchpack.rootfs import RANK_GENERATED, Directory

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

_PLACES = ("/tmp", "/var/tmp")


class Tmp:
    """Both are 1777; /var/tmp only where the program names it."""

    name = "tmp"
    summary = "temporary files have no place without /tmp"
    wants: Wants = Wants(
        symbols=(
            *("mkstemp*", "mkostemp*", "mkdtemp", "mktemp", "tmpfile*", "tmpnam*", "tempnam"),
            # a runtime is started whose standard library makes such files: Java's File, Python's tempfile, Ruby's tmpdir …
            *("JLI_Launch", "JNI_CreateJavaVM", "Py_Initialize*", "Py_BytesMain", "Py_RunMain"),
            *("ruby_init*", "ruby_setup", "ruby_run_node", "Tcl_Main*", "Tcl_CreateInterp", "scm_boot_guile"),
        ),
        fragments=("/tmp", "TMPDIR", "PYTHONHOME"),
    )
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Imports of mkstemp and its kin, and the program's own names for such places.

        The strings of a static glibc program include libc's list of variables and its profile directory, so there
        only a string that is the directory itself counts, /var/tmp and TMPDIR not.
        """
        found = subject.evidence(self.name, *self.wants.symbols)
        own = subject.program.path
        runs = subject.strings("/tmp")
        for place in _PLACES:
            if subject.is_static and subject.libc == "glibc" and place != "/tmp":
                continue
            if any(run == place or run.startswith(f"{place}/") for run in runs):
                found += (Evidence(self.name, A, f"string {place}", own, (place,)),)
        if not (subject.is_static and subject.libc == "glibc") and "TMPDIR" in subject.strings("TMPDIR"):
            found += (Evidence(self.name, A, "string TMPDIR", own),)
        if any(run.startswith("PYTHONHOME") for run in subject.strings("PYTHONHOME")):  # Python linked in
            found += (Evidence(self.name, A, "string PYTHONHOME", own),)
        return found

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The directories, sticky and open to every user."""
        because = reasons(self.name, evidence)
        places = {"/tmp", *(place for item in evidence for place in item.found)}
        return Contribution(
            tuple(Directory(place, 0o1777, because=because, rank=RANK_GENERATED) for place in sorted(places))
        )


NEED = Tmp()
