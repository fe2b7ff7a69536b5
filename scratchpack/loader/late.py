"""A static glibc program that opens libraries (N41): no loader starts it, yet libc.so.6 comes, and glibc's loader with it."""

from __future__ import annotations

# The path that glibc's ABI gives the loader on each machine: what every dynamic program there names.
LOADERS = {
    "x86_64": "/lib64/ld-linux-x86-64.so.2",
    "x32": "/libx32/ld-linux-x32.so.2",
    "i386": "/lib/ld-linux.so.2",
    "aarch64": "/lib/ld-linux-aarch64.so.1",
    "armhf": "/lib/ld-linux-armhf.so.3",
    "armel": "/lib/ld-linux.so.3",
    "riscv64": "/lib/ld-linux-riscv64-lp64d.so.1",
    "ppc64le": "/lib64/ld64.so.2",
    "ppc64": "/lib64/ld64.so.1",
    "s390x": "/lib/ld64.so.1",
    "loongarch64": "/lib64/ld-linux-loongarch-lp64d.so.1",
}
