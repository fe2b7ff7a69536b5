"""What an image starts: its command goes in; the programs behind it, as a plan takes them, come out.

An entrypoint is seldom the program itself. It is a shell with a command line, an init that starts what follows it, a script that ends
with ``exec "$@"``, an interpreter with a file. Each is followed to what runs in the end. Nothing is executed, and what only a run can
show is a note.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.elf.model import Linkage
from scratchpack.errors import InputError
from scratchpack.pipeline.locate import locate
from scratchpack.pipeline.scripting.examine import language_of
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scratchpack.images.launch import Launch
    from scratchpack.pipeline.model import Located, Program, Rooted

_MAX = 32  # commands that one command line leads to
_EXECUTED = 0o111
# of an interpreter: the options whose value is the next word, and those that bring the program's text themselves
_VALUED = {"python": ("-W", "-X", "--check-hash-based-pycs"), "perl": ("-I",), "node": ("-r", "--require", "--import", "-C"), "shell": ("-o", "+o")}  # fmt: skip
_TEXT = {"python": ("-c",), "perl": ("-e", "-E"), "node": ("-e", "--eval", "-p", "--print"), "shell": ()}


class Starts(NamedTuple):
    """Programs, the first of which is what the command line names; ``notes`` say what could not be followed."""

    located: tuple[Located, ...]
    notes: tuple[str, ...] = ()


def starts(launch: Launch, checks: Iterable[Sequence[str]], roots: Rooted) -> Starts:
    """Follow an image's command.

    Args:
        launch: what an engine would start.
        checks: further commands, which it starts beside: a health check.
        roots: the image as the root.

    Raises:
        InputError: it starts nothing, or what is not in it; or what stands there cannot be packed.
    """
    following = _Following(launch, roots)
    if not launch.argv:
        raise InputError(
            "cannot tell what the image needs: it starts nothing by itself",
            hint="say what it is to start with --entrypoint COMMAND",
        )
    following.command(launch.argv, required=True)
    for words in checks:
        following.command(words, required=False)
    return Starts(tuple(following.found.values()), tuple(dict.fromkeys(following.notes)))


class _Following:
    def __init__(self, launch: Launch, roots: Rooted) -> None:
        self._launch, self._roots = launch, roots
        self._root = roots.root
        self.found: dict[str, Located] = {}
        self.notes: list[str] = []
        self._commands = 0

    def command(self, words: Sequence[str], *, required: bool) -> None:
        """One command and its arguments."""
        self._commands += 1
        if self._commands > _MAX:
            raise InputError(f"cannot tell what the image needs: its command leads to over {_MAX} others")
        path = self._path(words[0]) if words else None
        if path is None:
            if required:
                raise InputError(
                    f"cannot tell what the image needs: {words[0]}, which it starts, is not in it",
                    details=tuple(f"looked at {place}" for place in self._launch.places(words[0])),
                    hint="say what it is to start with --entrypoint COMMAND",
                )
            self.notes.append(f"{words[0] if words else 'an empty command'} is not in the image")
            return
        located = locate(path, self._roots.host, self._root, self._launch.search_path)
        program, last, arguments = located.programs[0], located.programs[-1], words[1:]
        if program.facts.linkage is Linkage.SCRIPT:
            self.found.setdefault(path, located)
            if language_of(last) == "shell":
                self._handed_on(program, arguments)
            return
        spoken = language_of(program)
        if spoken is not None and (script := self._script(program, spoken, arguments)) is not None:
            self.found.setdefault(script.programs[0].path, script)
            if spoken == "shell":
                self._handed_on(script.programs[0], arguments[1:])
            return
        self.found.setdefault(path, located)
        self._inner(program, spoken, arguments)

    def _path(self, name: str) -> str | None:
        for path in self._launch.places(name) if name else ():
            node = self._root.lookup(path)
            if node is not None and node.kind == "file" and node.mode & _EXECUTED:
                return posixpath.normpath(path)
        return None

    def _inner(self, program: Program, spoken: str | None, arguments: Sequence[str]) -> None:
        """What a program starts because its arguments say so: a shell's command line, what follows an init's options."""
        if not arguments:
            return
        from scratchpack.scripts.shell.words import Constant
        from scratchpack.scripts.shell.wrappers import inner

        name = posixpath.basename(program.path)
        inside = inner(name, [Constant(word) for word in arguments])
        for one in inside:
            if one.is_text:
                self._text(arguments[one.position], arguments[one.position + 1 :], name)
            elif one.here:
                self.command(arguments[one.position :], required=False)
        if inside or spoken == "shell":
            return
        # an init nobody knows: what follows its options, where it names a program by its path or after --
        after = list(arguments).index("--") + 1 if "--" in arguments else 0
        words = arguments[after:]
        if words and (after or words[0].startswith("/")) and self._path(words[0]) is not None:
            self.command(words, required=False)

    def _text(self, text: str, positional: Sequence[str], shell: str) -> None:
        """A shell's command line. A simple command keeps its words: they may name a script, or hand a program on."""
        import shlex

        from scratchpack.pipeline.scripting.shell import path_of
        from scratchpack.scripts.model import SourceText
        from scratchpack.scripts.shell.program import shell_text

        source = SourceText(posixpath.join(self._launch.cwd, "(command line)"), text.encode("utf-8", "surrogateescape"))
        found = shell_text(self._root, source, shell)
        if not any(mark in text for mark in "|&;<>()$`\\\n*?[#~{}"):
            try:
                words = shlex.split(text)
            except ValueError:
                words = []
            if words[:1] == ["exec"]:
                words = words[1:]
            if words and self._path(words[0]) is not None:
                self.command(words, required=False)
                return
        search = tuple(self._launch.search_path.split(":"))
        for command in found.commands:
            path = path_of(self._root, command, search)
            if path is None:
                self.notes.append(f"the command line runs {command.name}, which is not in the image")
            elif command.certain:
                self.command((path,), required=False)
            else:
                self.notes.append(f"the command line may run {path} ({command.why}): add it with --include {path}")
        self.notes += [f"the command line has {item.what}: what runs there is known only when it runs" for item in found.unknown]  # fmt: skip
        if '"$@"' in text or "$*" in text:
            self._words(positional[1:])

    def _handed_on(self, script: Program, arguments: Sequence[str]) -> None:
        """The words after a shell script's name: an entrypoint script ends with ``exec "$@"``."""
        with script.root.open(script.node) as stream:
            text = stream.read(1 << 20)
        if b"$@" in text or b"$*" in text:
            self._words(arguments)

    def _words(self, words: Sequence[str]) -> None:
        if words and not words[0].startswith("-") and self._path(words[0]) is not None:
            self.command(words, required=False)

    def _script(self, program: Program, spoken: str, arguments: Sequence[str]) -> Located | None:
        """An interpreter's own argument as the script that it is; ``None`` where there is none."""
        words = iter(arguments)
        for word in words:
            if word == "-m" and spoken == "python":
                return self._module(program, next(words, ""))
            if word in _TEXT[spoken]:
                self.notes.append(f"{program.path} is given its program on the command line: what that needs is known only when it runs")  # fmt: skip
                return None
            if spoken == "shell" and word.startswith("-") and "c" in word:
                return None
            if word in _VALUED[spoken]:
                next(words, None)
            elif not word.startswith(("-", "+")):
                return self._started(program, posixpath.normpath(posixpath.join(self._launch.cwd, word)))
        return None

    def _module(self, program: Program, name: str) -> Located | None:
        """``python -m NAME``: a package's ``__main__``, or the module itself."""
        from scratchpack.scripts.python.environment import environment
        from scratchpack.scripts.python.modules import Modules

        env = environment(self._root, program.path)
        modules = None if env is None else Modules(self._root, env.version)
        for wanted in (f"{name}.__main__", name):
            found = (
                modules.find(wanted, (self._launch.cwd, *env.path)) if modules is not None and env is not None else None
            )
            if found and found[-1].file is not None and found[-1].is_source:
                return self._started(program, found[-1].file)
        self.notes.append(f"{program.path} -m {name}: there is no such module in the image")
        return None

    def _started(self, program: Program, path: str) -> Located | None:
        node = self._root.lookup(path)
        if node is None or node.kind != "file":
            self.notes.append(f"{program.path} starts {path}, which is not in the image")
            return None
        from scratchpack.pipeline.scripts import as_script

        return as_script(program, path, node)
