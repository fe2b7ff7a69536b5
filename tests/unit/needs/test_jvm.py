"""N22: what a Java launcher finds by path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.elf.reader import read_elf
from scratchpack.loader.model import FoundBy, Resolution
from scratchpack.needs.base import Evidence, NeedOptions, Seen, Subject
from scratchpack.needs.companion.jvm import NEED
from scratchpack.sysroot.dirroot import DirRoot
from tests.unit.packages import roots

if TYPE_CHECKING:
    from pathlib import Path


def test_the_virtual_machine_is_opened_before_the_libraries_that_are_given_it_by_name(tmp_path: Path) -> None:
    for name in ("bin/java", "lib/libzip.so", "lib/server/libjvm.so", "lib/modules", "man/java.1"):
        roots.write(tmp_path, f"/jre/{name}", b"\x7fELF rest" if name.startswith("lib/") else b"x")
    view = DirRoot(str(tmp_path))
    node = view.lookup("/jre/bin/java")
    assert node is not None
    with open("/bin/true", "rb") as stream:
        facts = read_elf(stream, origin="true")
    program = Seen("/jre/bin/java", "java", "a", Resolution("", node.asked, node, view, FoundBy.ROOT, "", facts))
    evidence = (Evidence("jvm", "a", "loads libjli.so", program.path),)

    brought = NEED.provide(view, evidence, NeedOptions(), Subject(program, (program,), facts, "glibc", None, {}))

    assert [item.name for item in brought.elf_roots] == ["/jre/lib/server/libjvm.so", "/jre/lib/libzip.so"]
    assert "/jre/lib/modules" in {entry.path for entry in brought.files}
    assert "/jre/man/java.1" not in {entry.path for entry in brought.files}
