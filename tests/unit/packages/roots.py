"""Roots with a package database in them, made from what each tool writes."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

from tests.support import tools

if TYPE_CHECKING:
    from pathlib import Path

STATUS = """Package: zlib1g
Status: install ok installed
Maintainer: Mark <mark@example.org>
Architecture: amd64
Source: zlib (1:1.2.13-0)
Version: 1:1.2.13-1
Description: compression
 Package: zlib1g
 is not what this line says

Package: zlib1g
Status: install ok installed
Architecture: i386
Version: 1:1.2.13-1

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: perl-wrap
Status: install ok installed
Architecture: all
Version: 2

Package: perl
Status: install ok installed
Architecture: amd64
Version: 5
"""

LISTS = {
    "zlib1g:amd64": "/.\n/lib\n/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu/libz.so.1\n/usr\n/usr/share\n/usr/share/z\n",
    "zlib1g:i386": "/.\n/lib/i386-linux-gnu/libz.so.1\n",
    "gone": "/etc/gone.conf\n",
    "perl-wrap": "/usr/bin/perl\n",
    "perl": "/usr/bin/perl\n/usr/share/perl/x\n",
}

APK = """C:Q1abc=
P:musl
V:1.2.4-r2
A:x86_64
S:383459
I:622592
T:the musl c library (libc) implementation
L:MIT
o:musl
m:Timo <timo@example.org>
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1abc=
R:libc.musl-x86_64.so.1

P:ssl_client
V:1.36.1-r5
A:x86_64
L:GPL-2.0-only
o:busybox
F:usr
F:usr/bin
R:ssl_client
"""

SPEC = """Name: tiny
Version: 1.2
Release: 3
Epoch: 1
Summary: a fixture
License: MIT
Packager: A. Packager <a@example.org>
%description
a fixture
%install
mkdir -p %{buildroot}/usr/lib64 %{buildroot}/usr/share/tiny
echo lib > %{buildroot}/usr/lib64/libtiny.so.1
echo data > %{buildroot}/usr/share/tiny/data
%files
/usr/lib64/libtiny.so.1
/usr/share/tiny
"""


def write(root: Path, path: str, text: str | bytes) -> None:
    """One file of a root."""
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text.encode() if isinstance(text, str) else text)


def debian(root: Path) -> Path:
    """A merged root with a diversion, two architectures and a package that was removed."""
    for name in ("lib", "bin"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    write(root, "/etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
    write(root, "/var/lib/dpkg/status", STATUS)
    for key, text in LISTS.items():
        write(root, f"/var/lib/dpkg/info/{key}.list", text)
    write(root, "/var/lib/dpkg/diversions", "/usr/bin/perl\n/usr/bin/perl.real\nperl-wrap\n")
    write(root, "/usr/share/doc/zlib1g/copyright", "zlib\n")
    return root


def rpm(root: Path, work: Path) -> Path:
    """A root whose database a real rpm wrote, with one package that a real rpmbuild built."""
    rpmbuild, tool = tools.need("rpmbuild", package="rpm"), tools.need("rpm", package="rpm")
    write(work, "tiny.spec", SPEC)
    home = root / "usr/lib/sysimage/rpm"
    home.mkdir(parents=True)
    top = work / "top"
    for command in (
        [rpmbuild, "-bb", "--quiet", "--define", f"_topdir {top}", "--buildroot", f"{work}/br", f"{work}/tiny.spec"],
        [tool, f"--dbpath={home}", "--define", "_db_backend sqlite", "--justdb", "--nodeps", "--ignorearch", "-i"],
    ):
        files = [str(path) for path in top.glob("RPMS/*/*.rpm")] if command[0] == tool else []
        done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    write(root, "/etc/os-release", "ID=fedora\nVERSION_ID=40\n")
    return root


def ndb(blob: bytes, *, package: int = 1) -> bytes:
    """One header in rpm's ndb: Debian's rpm is built without it, so the format is laid out here."""
    blocks = -(-(16 + len(blob) + 12) // 16)
    slots = struct.pack("<4sIII", b"Slot", package, 256, blocks) + struct.pack("<4sIII", b"Slot", 0, 0, 0) * 253
    page = struct.pack("<4sIII", b"RpmP", 0, 1, 1) + bytes(16) + slots
    return page + (struct.pack("<4sIII", b"BlbS", package, 1, len(blob)) + blob).ljust(blocks * 16, b"\0")
