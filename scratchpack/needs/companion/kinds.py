"""Which files of a directory no running program opens: a string that names the directory does not ask for them.

In go a path and the places that were named; out comes the kind of file that stays behind, in the words of the report, or "".
A directory of a package holds what the program opens beside what compilers, linkers, debuggers and people read. A place
that is itself one for such files (an ``include`` directory, a manual, one object file) was named for them. Libtool's
``png.la`` is a module's, which libltdl reads before it opens the module; ``libx.la`` is for the linker.
"""

from __future__ import annotations

import posixpath

from scratchpack.pattern import pattern

_KINDS = (  # (words of the report, pattern of the path, directory names that make a named place one for this kind)
    ("headers", pattern(r".*\.(?:h|hh|hpp|hxx|gch|pch)"), ("include",)),
    ("static libraries and object files", pattern(r".*\.(?:a|o|lo)|.*/lib[^/]*\.la"), ()),
    ("files for pkg-config", pattern(r".*/pkgconfig/.*\.pc"), ("pkgconfig",)),
    ("message catalogs", pattern(r".*/LC_MESSAGES/[^/]+\.mo"), ("locale",)),
    (
        "completions of shells",
        pattern(
            r".*/(?:bash-completion|zsh/(?:.*/)?(?:Completion|vendor-completions|site-functions)|fish/[\w.]*completions[\w.]*)/.*"
        ),
        ("completions",),
    ),
    # iconv and localedef read these through gzip, a program of its own
    ("compressed character maps", pattern(r".*/i18n/charmaps/[^/]+\.gz"), ()),
    ("bitcode", pattern(r".*\.bc|.*/bitcode/.*"), ("bitcode",)),
    ("debug files", pattern(r".*\.(?:debug|dwo|dwp)|.*/\.build-id/.*|/usr/lib/debug/.*"), ("debug",)),
    (
        "manuals",
        pattern(
            r".*/tutor/tutor[^/]*|.*/(?:docs?|man|man[0-9]|info|gtk-doc)/.*\.(?:txt|md|rst|html|htm|pdf|info|[1-9])(?:\.(?:gz|xz|bz2|zst))?"
        ),
        ("doc", "docs", "man", "info", "help", "tutor"),
    ),
)


def unopened(path: str, named: tuple[str, ...]) -> str:
    """The kind of this file where nobody opens it while the program runs; "" where the program may."""
    if path in named:
        return ""
    place = next((top for top in named if path.startswith(top.rstrip("/") + "/")), "")
    above = {place and name for name in place.split("/")}
    for kind, form, homes in _KINDS:
        if form.fullmatch(path) and not above & {*homes}:
            return kind
    return ""


def left_out(paths: dict[str, list[str]]) -> tuple[str, ...]:
    """The lines of the report: one a kind, with the number of files and the directory above them."""
    return tuple(
        f"{kind} of {posixpath.commonpath([posixpath.dirname(path) for path in found])} are left out, "
        f"{len(found)} that the program does not open: --include those used"
        for kind, found in sorted(paths.items())
    )
