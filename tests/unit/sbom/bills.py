"""A bill with one of everything."""

from __future__ import annotations

from scratchpack.packages.model import Package
from scratchpack.sbom.model import Bill, Item, Licence, Part

ZLIB = Package(
    name="zlib1g",
    version="1:1.2.13-1",
    arch="amd64",
    source="zlib",
    source_version="1:1.2.13",
    licence="",
    copyright="/usr/share/doc/zlib1g/copyright",
    maintainer="Mark Brown <mark@example.org>",
    purl="pkg:deb/debian/zlib1g@1:1.2.13-1?arch=amd64&distro=debian-12",
)
PARTS = (
    Part("golang", "example.com/app", role="main"),
    Part("golang", "example.com/dep/v2", "v2.1.0"),
    Part("cargo", "cc", "1.0.0", "build"),
)
BILL = Bill(
    "docker.io/library/app",
    "1.0",
    "linux/amd64",
    1_700_000_000,
    (
        Item("/app", "1" * 40, "a" * 64, elf=True, build_id="abcd", parts=PARTS),
        Item("/data\udcff", "2" * 40, "b" * 64),
        Item("/usr/lib/libz.so.1", "3" * 40, "c" * 64, elf=True, owner=ZLIB),
    ),
    {ZLIB.purl: Licence("Zlib AND LicenseRef-Own", (("LicenseRef-Own", "our own words"),))},
    "sha256:" + "d" * 64,
)
