"""An image at rest, judged: every byte recomputed, then what it starts resolved again inside its own layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scratchpack.elf.kind import Kind, sniff
from scratchpack.elf.machines import oci_platform
from scratchpack.elf.model import Linkage
from scratchpack.elf.reader import read_elf
from scratchpack.errors import ScratchpackError
from scratchpack.loader.model import LoaderEnv
from scratchpack.loader.objects import Objects
from scratchpack.loader.resolve import Placed, resolve
from scratchpack.loader.scripts import DEFAULT_PATH, interpreters
from scratchpack.oci.source import read_images
from scratchpack.oci.validate import validate
from scratchpack.sysroot.layerroot import LayerRoot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scratchpack.elf.model import ElfFacts
    from scratchpack.loader.model import Closure
    from scratchpack.oci.source import StoredImage
    from scratchpack.oci.store import Store
    from scratchpack.sysroot.model import Node, Sysroot


class Verdict(NamedTuple):
    """What was found wrong with one thing, and what was looked at."""

    subject: str  # the image's names and platform, or the binary
    issues: tuple[str, ...]
    checked: tuple[str, ...]  # one line each, for the report


def verify_store(store: Store) -> tuple[Verdict, ...]:
    """Judge every image of an archive, a layout or a registry reference.

    Raises:
        InputError: it is not an image at all.
    """
    broken = tuple(str(issue) for issue in validate(store))
    whole = Verdict(store.name, broken, ("every digest, size, diff_id, media type and tar entry was computed again",))
    if broken:
        return (whole,)  # what does not have the bytes it claims is not looked into
    return (whole, *(_verify_image(image) for image in read_images(store)))


def _verify_image(image: StoredImage) -> Verdict:
    name = ", ".join(image.references) or image.digest
    with LayerRoot([layer.open for layer in image.layers], name=name) as root:
        judge = _Judge(image, root)
        try:
            judge.run()
        except ScratchpackError as error:
            judge.issues.append(error.message)
    return Verdict(f"{name} ({image.platform})", tuple(judge.issues), tuple(judge.checked))


class _Judge:
    def __init__(self, image: StoredImage, root: Sysroot) -> None:
        self._image, self._root = image, root
        config = image.config.get("config") or {}
        self._env = dict(text.partition("=")[::2] for text in config.get("Env") or ())
        self._cwd = config.get("WorkingDir") or "/"
        self._command = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
        self.issues: list[str] = []
        self.checked: list[str] = []

    def run(self) -> None:
        """Find what the image starts, and resolve it as the image's kernel and loader would."""
        if not self._command:
            self.issues.append("the image names no command: it has neither Entrypoint nor Cmd")
            return
        found = next(((path, node) for path in self._places(self._command[0]) if (node := self._program(path))), None)
        if found is None:
            self.issues.append(f"{self._command[0]}: what the image starts is not in it, or is no file")
            return
        path, node = found
        if not node.mode & 0o111:
            self.issues.append(f"{path}: what the image starts is not executable (mode {node.mode:04o})")
        self._start(path, node)

    def _places(self, command: str) -> Iterator[str]:
        if "/" in command:
            yield command if command.startswith("/") else f"{self._cwd.rstrip('/')}/{command}"
            return
        for directory in self._env.get("PATH", DEFAULT_PATH).split(":"):
            yield f"{directory or self._cwd}/{command}"

    def _program(self, path: str) -> Node | None:
        node = self._root.lookup(path)
        return node if node is not None and node.kind == "file" else None

    def _start(self, path: str, node: Node) -> None:
        objects = Objects()
        facts = self._facts(path, node)
        if facts is None:
            chain = interpreters(
                Placed(self._root, path),
                self._root,
                objects,
                search_path=self._env.get("PATH", DEFAULT_PATH),
                cwd=self._cwd,
            )
            self.issues += [f"{p.name}: {p.detail}, asked for by {p.requester}" for p in chain.problems]
            self.checked.append(f"{path} is a script")
            programs = chain.programs
        else:
            programs = (Placed(self._root, path),)
        for program in programs:
            at = self._root.lookup(program.path)
            own = None if at is None else self._facts(program.path, at)
            if at is not None and own is not None:
                self._resolve(program, at, own, objects)

    def _facts(self, path: str, node: Node) -> ElfFacts | None:
        with self._root.open(node) as stream:
            return None if sniff(stream, path) is Kind.SCRIPT else read_elf(stream, origin=path)

    def _resolve(self, program: Placed, node: Node, facts: ElfFacts, objects: Objects) -> None:
        wanted = oci_platform(facts.machine)
        said = self._image.platform
        if (said.os, said.architecture) != (wanted.os, wanted.architecture):
            self.issues.append(f"{program.path}: is for {wanted}, and the image says {said} (I6)")
        if facts.linkage in {Linkage.STATIC, Linkage.STATIC_PIE}:
            self.checked.append(f"{program.path} is static")
            return
        if facts.linkage is Linkage.SHARED_OBJECT:
            self.issues.append(f"{program.path}: is a shared library, which nothing starts by itself")
            return
        secure = bool(node.mode & 0o6000) or "security.capability" in self._root.xattrs(node)
        closure = resolve([program], self._root, _loader_env(self._env, self._cwd, secure=secure), objects)
        self.issues += problems(closure)
        self.checked.append(
            f"{program.path} finds all of its {len(closure.resolved)} libraries" if not closure.errors else program.path
        )


def problems(closure: Closure) -> list[str]:
    """One line for each thing that would stop a program."""
    return [
        f"{p.name}: {'not found' if p.kind == 'missing' else p.kind}, asked for by {p.requester} {p.detail}".rstrip()
        for p in closure.errors
    ]


def _loader_env(env: Mapping[str, str], cwd: str, *, secure: bool) -> LoaderEnv:
    """What the image's own configuration tells the loader (R29), and a program that keeps privileges ignores (R6)."""
    return LoaderEnv(
        library_path=env.get("LD_LIBRARY_PATH"),
        preload=env.get("LD_PRELOAD"),
        audit=env.get("LD_AUDIT"),
        tunables=env.get("GLIBC_TUNABLES"),
        working_dir=cwd,
        secure=secure,
    )
