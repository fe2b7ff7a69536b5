"""N4: glibc has only the C locale built in; C.UTF-8 too is a directory of files. musl takes any name."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, A, B, Contribution, Evidence, Unavailable, Wants
from scratchpack.needs.gather import copied, reasons, tree

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.rootfs import Entry, Reason
    from scratchpack.sysroot.model import Sysroot

_NAME = re.compile(r"[A-Za-z]{1,3}(?:_[A-Z]{2})?\.(?:UTF-8|utf8)(?:@[a-z]+)?")
_BUILT_IN = ("", "C", "POSIX")


_ENV = ("LANG", "LANGUAGE", "LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME")


class Locale:
    """Only what is named: by the planned environment, by an option, by the program's own strings."""

    name = "locale"
    summary = "glibc falls back to the C locale without the files of the one that is set"
    wants: Wants = Wants(
        symbols=("setlocale", "newlocale"),
        fragments=(".UTF-8", ".utf8"),
        inside=(("libc.so.6", "/locale"), (PROGRAM, "/usr/lib/locale")),
        env=_ENV,
    )
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """A locale that is named, in a glibc program that calls setlocale (most do, so that alone is none).

        Every static glibc program holds the code and its strings, called or not: there it is a suggestion.
        """
        if subject.libc != "glibc" or not self._calls(subject):
            return ()
        named = {name: value for name in self.wants.env if name != "LANGUAGE" and (value := subject.env.get(name, ""))}
        found = [
            Evidence(self.name, B if subject.is_static else A, f"the image's {name}={value}", "", (value,))
            for name, value in named.items()
            if value not in _BUILT_IN
        ]
        for fragment in self.wants.fragments:
            own = [run for run in subject.strings(fragment) if _NAME.fullmatch(run)]
            found += [Evidence(self.name, A, f"string {run}", subject.program.path, (run,)) for run in own]
        return tuple(found)

    def _calls(self, subject: Subject) -> bool:
        if subject.is_static:
            return bool(subject.strings("/usr/lib/locale"))
        return any(True for _ in subject.importing(*self.wants.symbols))

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The directory of each locale, or the archive that holds it; C.UTF-8 when none is named.

        A string of the program is a wish: it tries several names and takes what is there, so at least one must be.
        """
        because = reasons(self.name, evidence)
        firm = [name for item in evidence if not item.by for name in item.found] + list(options.locales)
        wishes = [name for item in evidence if item.by for name in item.found]
        if not firm and not wishes:
            firm = ["C.UTF-8"]
        files: list[Entry] = []
        for name in dict.fromkeys(firm):
            entries = _locale(root, subject, name, because)
            if not entries:
                raise Unavailable(f"there is no locale {name}", "install locales (Debian) or glibc-langpack (Fedora)")
            files += entries
        for name in dict.fromkeys(wishes):
            files += _locale(root, subject, name, because)
        if not files:
            missing = f"there is none of the locales {', '.join(wishes)}"  # the program starts without: setlocale says so to it
            raise Unavailable(missing, "install libc-bin or locales", essential=False)
        return Contribution(tuple(files))


def _places(subject: Subject) -> tuple[str, ...]:
    """The directories that libc itself names ("/usr/lib/locale", Nix has its own)."""
    libc = next(subject.named("libc.so.6"), subject.program)
    runs = (*libc.strings.get("/locale", ()), *libc.strings.get("/usr/lib/locale", ()))
    named = (run.removesuffix("/locale-archive") for run in runs if run.startswith("/"))
    return tuple(dict.fromkeys(path for path in named if path.endswith("/lib/locale")))


def spellings(name: str) -> tuple[str, ...]:
    """The directory names that glibc tries: as written, then with the charset in lower case without hyphens."""
    base, dot, rest = name.partition(".")
    charset, at, modifier = rest.partition("@")
    plain = re.sub(r"[^a-z0-9]", "", charset.lower())
    short = (f"{base}{at}{modifier}", base) if not plain else ()
    return tuple(dict.fromkeys((name, f"{base}{dot}{plain}{at}{modifier}", *short)))


def _locale(root: Sysroot, subject: Subject, name: str, because: tuple[Reason, ...]) -> tuple[Entry, ...]:
    for place in _places(subject):
        for spelling in spellings(name):
            found = tree(root, posixpath.join(place, spelling), because)
            if found:
                return found
        archive = root.lookup(posixpath.join(place, "locale-archive"))
        if archive is not None and archive.kind == "file":
            with root.open(archive) as stream:
                held = stream.read(64 << 20)
            if any(b"\0" + spelling.encode() + b"\0" in held for spelling in spellings(name)):
                return copied(root, archive.asked, because)
    return ()


NEED = Locale()
