"""What a file is, told by its first bytes, and what to do when it is no program (S6)."""

from __future__ import annotations

import os
import stat
from enum import StrEnum
from typing import BinaryIO

from scratchpack.errors import InputError, UsageError


class Kind(StrEnum):
    """The two kinds that can be packed; everything else is an error of :func:`sniff`."""

    ELF = "elf"
    SCRIPT = "script"


_BUILD_FOR_LINUX = "build it for Linux: with Go `GOOS=linux go build`, with others a linux target"
_UNPACK = "unpack it first, and pack the program in it"
_OTHERS = (  # (first bytes, what it is, what to do)
    (b"MZ", "a Windows program (PE)", _BUILD_FOR_LINUX),
    (b"\xfe\xed\xfa\xce", "a macOS program (Mach-O)", _BUILD_FOR_LINUX),
    (b"\xfe\xed\xfa\xcf", "a macOS program (Mach-O)", _BUILD_FOR_LINUX),
    (b"\xce\xfa\xed\xfe", "a macOS program (Mach-O)", _BUILD_FOR_LINUX),
    (b"\xcf\xfa\xed\xfe", "a macOS program (Mach-O)", _BUILD_FOR_LINUX),
    (b"\xca\xfe\xba\xbe", "a macOS universal program or a Java class", _BUILD_FOR_LINUX),
    (b"\0asm", "a WebAssembly module", "pack a runtime such as wasmtime, and --include the module"),
    (b"!<arch>\n", "a static library or a Debian package (an ar archive)", "pack a program that was linked or unpacked from it"),
    (b"!<thin>\n", "a thin static library (an ar archive)", "pack a program that was linked from it"),
    (b"\x1f\x8b", "gzip-compressed", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed", _UNPACK),
    (b"\xfd7zXZ\0", "xz-compressed", _UNPACK),
    (b"BZh", "bzip2-compressed", _UNPACK),
    (b"PK\x03\x04", "a zip archive (perhaps a jar, wheel or pex)", "unpack it, or pack the interpreter that runs it and --include the archive"),
    (b"\xed\xab\xee\xdb", "an RPM package", _UNPACK),
    (b"BC\xc0\xde", "LLVM bitcode", "link it first, for example with `clang -o program file.bc`"),
)  # fmt: skip


def sniff(stream: BinaryIO, origin: str) -> Kind:
    """ELF or a ``#!`` script, by the first bytes; the stream is left at its start.

    Raises:
        InputError: anything else, saying what it is and what to do.
    """
    stream.seek(0)
    head = stream.read(512)
    stream.seek(0)
    if head.startswith(b"\x7fELF"):
        return Kind.ELF
    if head.startswith(b"#!"):
        return Kind.SCRIPT
    what, hint = _what(head)
    raise InputError(f"cannot pack {origin}: it is {what}, not a program for Linux (ELF)", hint=hint)


def _what(head: bytes) -> tuple[str, str]:
    if not head:
        return "empty", "an empty file is often what a failed build or download leaves: do that again"
    for magic, what, hint in _OTHERS:
        if head.startswith(magic):
            return what, hint
    if b"ustar" in head[257:265]:
        return "a tar archive", _UNPACK
    if head[:4] == b"\x7fELF"[: len(head)]:
        return "cut short within the first four bytes", "build or download it again"
    if b"\0" not in head:
        text = "text without a #! line"
        if head.lstrip()[:1] == b"<":
            return f"{text} (it looks like HTML)", "the download may have been an error page: look at the file"
        return text, "a script needs a first line such as `#!/bin/sh`; a linker script or source text cannot be packed"
    return "data of an unknown kind", "give the compiled program itself; `file` may say what this is"


def open_input(path: str) -> BinaryIO:
    """Open a file of the host for reading, and only if it is a regular file; nothing else is waited for (S6).

    Raises:
        UsageError: there is no such file.
        InputError: a directory, FIFO, socket or device, or one may not read it.
    """
    try:
        _refuse_special(os.stat(path), path)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | getattr(os, "O_NOCTTY", 0))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"cannot read {path}: there is no such file", hint="check the name and the directory"
        ) from error
    except PermissionError as error:
        raise InputError(
            f"cannot read {path}: permission denied", hint=f"make it readable first: chmod u+r {path}"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        _refuse_special(os.fstat(descriptor), path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


_SPECIAL = {
    stat.S_IFDIR: ("a directory", "name the program in it; for a whole directory use --include with a program"),
    stat.S_IFIFO: ("a FIFO (named pipe)", "write its content to a file first"),
    stat.S_IFSOCK: ("a socket", "name a program's file"),
    stat.S_IFCHR: ("a character device", "name a program's file"),
    stat.S_IFBLK: ("a block device", "name a program's file"),
}


def _refuse_special(status: os.stat_result, path: str) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        what, hint = _SPECIAL.get(kind, ("not a regular file", "name a program's file"))
        raise InputError(f"cannot pack {path}: it is {what}", hint=hint)
