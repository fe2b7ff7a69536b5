"""What the contenders work on, and the contenders: files are made in one temporary directory, engines are our own."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.clock import Command
from sample_apps.samples import sample

if TYPE_CHECKING:
    from tests.support.engines import Engine

DOCKERFILE = 'FROM scratch\nCOPY hello /hello\nENTRYPOINT ["/hello"]\n'
BIN = Path(sys.executable).parent
PEERS = Path(__file__).parent.parent / ".venv-peers" / "bin"


class Scene:
    """The inputs, and commands on them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        # An installed package has its modules compiled; so has every contender here, after the round to warm up.
        self.env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.env["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        build = home / "c"
        build.mkdir()
        self.hello = home / "hello"
        (made,) = sample("hello_c", "static").made(build)
        shutil.move(made, self.hello)
        (home / "Dockerfile").write_text(DOCKERFILE)

    def command(self, name: str, *words: str | Path, env: dict[str, str] | None = None) -> Command:
        """A contender that runs in the scene's directory."""
        return Command(name, tuple(str(word) for word in words), self.home, {**self.env, **(env or {})})

    def scratchpack(self, name: str, *words: str | Path) -> Command:
        """The command as it is installed; without an installed one, the module."""
        installed = BIN / "scratchpack"
        start = (installed,) if installed.exists() else (sys.executable, "-m", "scratchpack")
        return self.command(name, *start, *words)

    def engine(self, name: str, engine: Engine, *words: str | Path, env: dict[str, str] | None = None) -> Command:
        """A contender that is an engine of our own."""
        full = (*engine.command, *[str(word) for word in words])
        return Command(name, full, self.home, {**engine.env, **(env or {})})

    def peer(self, name: str, program: str, *words: str | Path) -> list[Command]:
        """Another tool of this kind, if it is here: from `make bench`'s own environment, or the machine's."""
        path = PEERS / program
        found = str(path) if path.exists() else shutil.which(program)
        return [self.command(name, found, *words)] if found else []

    def fresh(self, directory: str) -> Path:
        """A directory for outputs, emptied."""
        path = self.home / directory
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path


def big_binary() -> Path | None:
    """A real static program of many megabytes: the Zig compiler that came as a wheel, else the Go command."""
    try:
        import ziglang
    except ImportError:
        found = shutil.which("go")
        return Path(found).resolve() if found else None
    return Path(ziglang.__file__).parent / "zig"
