"""The seccomp program that stops a guest only where it names a file: the calls of :mod:`scratchpack.sandbox.trace` in, BPF out."""

from __future__ import annotations

import struct

from scratchpack.sandbox import numbers
from scratchpack.sandbox.trace import CALLS

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _GO, _RETURN = 0x20, 0x15, 0x35, 0x05, 0x06  # linux/bpf_common.h
_ALLOW, _TRACE, _ERRNO = 0x7FFF0000, 0x7FF00000, 0x00050000  # linux/seccomp.h
_NUMBER, _ARCHITECTURE, _FIFTH = 0, 4, 48  # offsets in struct seccomp_data; of an argument its low half
_X32 = 0x40000000  # the bit of a third set of calls on x86-64, which hardly a kernel has
_ENOSYS = 38


def file_calls() -> bytes:
    """Stop at every call that names a file, in the 64-bit and in the 32-bit table: a 32-bit program uses other numbers."""
    lines = [(_LOAD, 0, 0, _ARCHITECTURE)]
    for architecture in (numbers.AUDIT_X86_64, numbers.AUDIT_I386):
        block = _block(architecture)
        lines += [(_IF_EQUAL, 1, 0, architecture), (_GO, 0, 0, len(block)), *block]
    return _packed([*lines, (_RETURN, 0, 0, _ALLOW)])


def every_call() -> bytes:
    """Stop at every call, for a profile."""
    return _packed([(_RETURN, 0, 0, _TRACE)])


def _block(architecture: int) -> list[tuple[int, int, int, int]]:
    lines = [(_LOAD, 0, 0, _NUMBER)]
    if architecture == numbers.AUDIT_X86_64:
        lines += [(_IF_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _ERRNO | _ENOSYS)]
    for number, name in sorted(numbers.names(architecture).items()):
        call = CALLS.get(name)
        if call is None or (name == "mmap" and architecture == numbers.AUDIT_I386):  # that one has a block of arguments
            continue
        if call.what == "map":  # without a file its descriptor is -1: what allocators do all the time
            lines += [(_IF_EQUAL, 0, 4, number), (_LOAD, 0, 0, _FIFTH), (_IF_EQUAL, 1, 0, 0xFFFFFFFF)]
            lines += [(_RETURN, 0, 0, _TRACE), (_RETURN, 0, 0, _ALLOW)]
        else:
            lines += [(_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _TRACE)]
    return [*lines, (_RETURN, 0, 0, _ALLOW)]


def _packed(lines: list[tuple[int, int, int, int]]) -> bytes:
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
