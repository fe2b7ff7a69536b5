"""The facts of a bill of materials: a plan goes in; out come every file's digests and build id, its package, and what was built into it (N31, N32)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scratchpack.elf.evidence import Elf
from scratchpack.elf.reader import read_elf
from scratchpack.errors import InputError
from scratchpack.oci import reference as names
from scratchpack.pipeline.installed import installed, is_metadata
from scratchpack.pipeline.owners import Owners, copyright_text
from scratchpack.rootfs import File
from scratchpack.sbom import licences
from scratchpack.sbom.hashing import digests
from scratchpack.sbom.model import Bill, Item, Part

if TYPE_CHECKING:
    from scratchpack.elf.gobuild import GoBuild, GoModule
    from scratchpack.pipeline.model import Plan
    from scratchpack.pipeline.owners import Owned
    from scratchpack.sbom.hashing import Digests
    from scratchpack.sbom.model import Licence
    from scratchpack.sysroot.model import Sysroot

_ELF = b"\x7fELF"


def bill_of(plan: Plan, reference: str, created: int, *roots: Sysroot) -> tuple[Bill, tuple[str, ...]]:
    """The bill of one planned image, and what could not be found out.

    ``reference`` is the image's first name; ``roots`` are those that its files were copied from.

    Raises:
        InputError: a file changed since it was planned (S10).
    """
    owners = Owners(*roots)
    owned = {one.entry.path: one for one in owners.of(plan.rootfs)}
    hashed: dict[tuple[int, ...], Digests] = {}
    items = []
    problems: list[str] = []
    for entry in plan.rootfs:
        if isinstance(entry, File):
            known = hashed.get(entry.inode) if entry.inode is not None else None
            found = known or digests(entry)
            if entry.inode is not None:
                hashed[entry.inode] = found
            owner = owned[entry.path].package if entry.path in owned else None
            item, faults = _item(entry, found)
            if owner is None and is_metadata(entry.path):  # what a distribution packaged goes by its name and versions
                with entry.source.open() as stream:
                    item = item._replace(parts=installed(entry.path, stream))
            items.append(item._replace(owner=owner))
            problems += [f"{entry.path}: {why}" for why in faults]
    parsed = names.parse(reference)
    name = reference.removesuffix(f":{parsed.tag}") if parsed.tag else reference
    found_licences = {
        one.package.purl: _licence(one) for one in {one.package.purl: one for one in owned.values()}.values()
    }
    bill = Bill(name, parsed.tag or "", str(plan.platform), created, tuple(items), found_licences)
    return bill, (*owners.problems, *problems)


def _licence(owned: Owned) -> Licence:
    if owned.package.licence:
        return licences.declared(owned.package.licence)
    return licences.from_copyright(copyright_text(owned.root, owned.package))


def _item(entry: File, found: Digests) -> tuple[Item, tuple[str, ...]]:
    """What is known of a file, and why some of it is not."""
    item = Item(entry.path, found.sha1, found.sha256)
    with entry.source.open() as stream:
        if stream.read(len(_ELF)) != _ELF:
            return item, ()
        stream.seek(0)
        try:
            facts = read_elf(stream, origin=entry.path)
        except InputError:
            return item._replace(elf=True), ()  # an object file, or damaged: data to us
    elf = Elf(partial(entry.source.open), facts)
    item = item._replace(elf=True, build_id=facts.build_id, parts=(*_modules(elf), *_crates(elf)))
    return item, elf.faults


def _modules(elf: Elf) -> tuple[Part, ...]:
    build = elf.go_build if ".go.buildinfo" in elf.sections() or elf.is_go() else None
    return () if build is None else go_parts(build)


def go_parts(build: GoBuild) -> tuple[Part, ...]:
    """The main module, its dependencies as they were replaced, and the standard library, which has flaws of its own."""
    release = build.version.partition(" ")[0].removeprefix("go")
    main = [_module(build.main)._replace(role="main")] if build.main is not None else []
    return (*main, *(_module(module) for module in build.dependencies), Part("golang", "stdlib", release))


def _module(module: GoModule) -> Part:
    path, version = module.path, module.version
    other, _, release = module.replaced_by.partition(" ")
    if other:  # a directory has no version, and is no name that others know
        path, version = (other, release) if release not in {"", "(devel)"} else (path, "")
    return Part("golang", path, "" if version == "(devel)" else version)


def _crates(elf: Elf) -> tuple[Part, ...]:
    return tuple(
        Part(
            "cargo", crate.name, crate.version, "main" if crate.root else "build" if crate.kind == "build" else "linked"
        )
        for crate in elf.crates()
    )
