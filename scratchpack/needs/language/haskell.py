"""N36: GHC's run time converts text through iconv and follows the locale, in static programs too.

Every Haskell program imports iconv_open (measured), and few call it: ASCII, UTF-8, UTF-16, UTF-32 and Latin-1 are GHC's own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, A, B, Evidence, Wants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import Subject

RUNTIME = "GHCRTS"  # the variable that only GHC's run time reads
_CHARSET = re.compile(
    r"(?:ISO[-_]?8859[-_]\d+|WINDOWS-?125\d|CP\d{3,5}|KOI8-?[RU]|EUC-?[A-Z]{2}|SHIFT[-_]?JIS|SJIS|GBK|GB18030|GB2312|BIG5"
    r"|BIG5-HKSCS|UTF-7|ISO-2022-[A-Z]{2}|MACINTOSH|TIS-620|JOHAB|UHC|LATIN-?\d+)(?://\w*)?",
    re.IGNORECASE,
)
_OWN = frozenset({"ISO-8859-1", "ISO_8859-1", "LATIN1", "CP819", "CP367"})  # strings of every Haskell program
_FOLLOWED = ("LC_ALL", "LC_CTYPE", "LANG")  # the first that is set names the encoding of the standard streams

_CHARSETS = (
    *("8859", "WINDOWS", "windows", "CP", "cp", "KOI8", "EUC", "JIS", "GB", "gb", "BIG5", "UTF-7", "ISO-2022"),
    *("MACINTOSH", "TIS-620", "JOHAB", "UHC", "LATIN", "latin"),
)


class Haskell:
    """A charset is asked for by the program's own name for it, or by the planned locale."""

    name = "haskell"
    wants: Wants = Wants(fragments=("GHCRTS",), inside=tuple((PROGRAM, text) for text in _CHARSETS))

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Modules of gconv, and in a static program the locale: a dynamic one shows itself by its import."""
        if subject.libc != "glibc":
            return ()
        path = subject.program.path
        found = [
            Evidence("gconv", A, f"charset {name} for GHC's run time", path, (name,)) for name in charsets(subject)
        ]
        if not found:
            found = [Evidence("gconv", B, f"string {RUNTIME}, of GHC's run time", path)]
        locale = next((value for name in _FOLLOWED if (value := subject.env.get(name))), "")
        if subject.is_static and locale not in {"", "C", "POSIX"}:
            because = f"the image's locale {locale}, which GHC's run time follows"
            found.append(Evidence("locale", A, because, "", (locale,)))
        return tuple(found)


def charsets(subject: Subject) -> Iterator[str]:
    """The charsets beyond GHC's own that a Haskell program names, or whose locale the image plans."""
    runs = (run for text in _CHARSETS for run in subject.strings(text))
    locale = next((value for name in _FOLLOWED if (value := subject.env.get(name))), "")
    asked = (*runs, locale.partition(".")[2].partition("@")[0])
    yield from dict.fromkeys(
        text for text in asked if _CHARSET.fullmatch(text) and text.rstrip("/").upper() not in _OWN
    )


def idle(subject: Subject) -> bool:
    """A Haskell program that asks for no charset: its import of iconv_open says nothing."""
    return bool(subject.strings(RUNTIME)) and next(charsets(subject), None) is None


DETECTOR = Haskell()
