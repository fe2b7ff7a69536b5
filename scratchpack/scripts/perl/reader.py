"""One Perl source: its text goes in, the modules that ``use`` and ``require`` name come out.

Perl has no grammar that can be parsed without running it, so this reads lines: POD, here-documents and what follows ``__END__`` are left out, and a statement
counts where a line begins with it or it follows ``;`` or ``{``. A string over several lines may hide or fake one; such a finding is only a name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.scripts.model import SourceText

MAX_LINE = 4096  # bytes of a line that are looked at
_MODULE = rb"([A-Za-z_]\w*(?:(?:::|')\w+)*)"
_USE = re.compile(rb"(?:^|[;{}])\s*(use|no|require)\s+" + _MODULE + rb"(?=[\s;(]|\Z)([^;]*)")
_REQUIRE_FILE = re.compile(rb"(?:^|[;{}]|\bor\b)\s*(?:require|do)\s*\(?\s*([\"'])([^\"'$@\\]+)\1")
_DYNAMIC = re.compile(
    rb"(?:^|[;{}(]|\bor\b)\s*require\s*\(?\s*(?:\$|\"[^\"]*\$)|\beval\s*\(?\s*(?:\"|qq\s*[{(\[])\s*(?:use|require)\s+[\w:]*\$"
)
_LIB = re.compile(rb"(?:^|;)\s*use\s+lib\b([^;]*)")
_BIN = re.compile(rb"\$(?:FindBin::)?(?:Real)?Bin\b((?:/[\w.-]+)*)")
_QUOTED = re.compile(rb"([\"'])([^\"'$@\\]*)\1|\bqw\s*[(/\[{<]([^)/\]}>]*)")
_ARGUMENTS = re.compile(rb"\s*(?:[\d\"'(\\$%@{v-]|qw\b|qq?\b|[A-Za-z_]\w*\s*(?:=>|,)|(?:if|unless|or|and)\b|\})")
_BASES = frozenset({b"base", b"parent"})
_HEREDOC = re.compile(rb"<<~?(?:\"([^\"]+)\"|'([^']+)'|([A-Z_][A-Za-z_0-9]*))")
_COMMENT = re.compile(rb"(?:^|\s)#.*")


class Used(NamedTuple):
    """One module or file. ``path`` is as @INC is searched for it: ``JSON/PP.pm``."""

    path: str
    line: int
    optional: bool


class PerlReading(NamedTuple):
    """``search`` are directories of ``use lib``: absolute, or relative to the script's directory where ``own`` is true."""

    used: tuple[Used, ...]
    search: tuple[tuple[str, bool], ...]
    unknown: tuple[int, ...] = ()  # lines that require what only a run can show


def read_perl(source: SourceText) -> PerlReading:
    """Read one source; it cannot fail, it can only find too little or a name too many."""
    used: dict[str, Used] = {}
    search: dict[tuple[str, bool], None] = {}
    unknown: list[int] = []
    depth, guarded = 0, -1  # braces, and the depth at which an eval began
    for number, line in _code(source.data):
        for match in _LIB.finditer(line):
            search.update(dict.fromkeys(_search(match[1])))
        if guarded < 0 and re.search(rb"\beval\s*(?:(?:qq?\s*)?\{|\Z)", line):
            guarded = depth
        if _DYNAMIC.search(line):
            unknown.append(number)
        for path, optional in _uses(line):
            found = Used(path, number, optional or guarded >= 0)
            if path not in used or (used[path].optional and not found.optional):
                used[path] = found
        depth += line.count(b"{") - line.count(b"}")
        if guarded >= 0 and depth <= guarded and b"}" in line:
            guarded = -1
    return PerlReading(tuple(used.values()), tuple(search), tuple(unknown))


def _uses(line: bytes) -> Iterator[tuple[str, bool]]:
    for match in _USE.finditer(line):
        word, name, rest = match[1], match[2], match[3]
        if not (_ARGUMENTS.match(rest) if rest.strip() else line[match.end() :].startswith(b";") or name[:1].isupper()):
            continue  # prose within a string
        if name in _BASES:
            for inner in (w for quoted in _QUOTED.finditer(rest) for w in (quoted[2] or quoted[3] or b"").split()):
                if re.fullmatch(_MODULE, inner) and b"-norequire" not in rest:
                    yield _path(inner), False
        if name != b"lib" and not re.fullmatch(rb"v?\d[\d._]*", name):
            yield _path(name), word == b"require"
    for match in _REQUIRE_FILE.finditer(line):
        yield match[2].decode("utf-8", "surrogateescape"), True


def _path(name: bytes) -> str:
    return name.replace(b"'", b"::").replace(b"::", b"/").decode("utf-8", "surrogateescape") + ".pm"


def _search(text: bytes) -> Iterator[tuple[str, bool]]:
    for match in _BIN.finditer(text):
        yield match[1].decode("utf-8", "surrogateescape").lstrip("/") or ".", True
    for match in _QUOTED.finditer(text):
        for word in (match[2] or match[3] or b"").split():
            if word.startswith(b"/"):
                yield word.decode("utf-8", "surrogateescape"), False


def _code(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that are code, numbered from 1."""
    ends: list[bytes] = []
    pod = False
    for number, whole in enumerate(data.split(b"\n"), 1):
        line = whole[:MAX_LINE]
        if ends:
            if line.strip() == ends[0]:
                ends.pop(0)
            continue
        if pod or re.match(rb"=[a-zA-Z]", line):
            pod = not line.startswith(b"=cut")
            continue
        if line.rstrip() in {b"__END__", b"__DATA__"}:
            return
        code = _COMMENT.sub(b"", line)
        ends += [m[1] or m[2] or m[3] for m in _HEREDOC.finditer(code)]
        if code.strip():
            yield number, code
