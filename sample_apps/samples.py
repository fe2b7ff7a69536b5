"""Reading and building the sample apps. Standard library only: the demo runs it before anything else is known to work."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent


class BuildError(Exception):
    """A compiler refused; the message is the command and what it printed."""


@dataclass(frozen=True)
class Expect:
    """What packing and running one variant must give; the fields are those of `sample_apps/README.md`."""

    status: int = 0
    stderr: tuple[str, ...] = ()
    platform: str | None = None
    files: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    stdout: str | None = None
    exit: int = 0


@dataclass(frozen=True)
class Sample:
    """One variant of one sample app."""

    app: str
    name: str
    tools: dict[str, str]
    build: tuple[tuple[str, ...], ...]
    pack: tuple[str, ...]
    expect: Expect
    env: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.app}-{self.name}"

    def made(self, out: Path) -> tuple[str, ...]:
        """Build into the empty directory ``out``; returns the words to pack it with."""
        for command in self.build:
            words = [self._fill(word, out) for word in command]
            done = subprocess.run(
                [*_program(words[0]), *words[1:]],
                cwd=HOME / self.app,
                env={**os.environ, **_FOR_GO, **self.env},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise BuildError(f"{self}: {' '.join(words)}: exit {done.returncode}\n{done.stdout}")
        return tuple(self._fill(word, out) for word in self.pack)

    def _fill(self, word: str, out: Path) -> str:
        machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
        for name, value in (("src", HOME / self.app), ("out", out), ("machine", machine)):
            word = word.replace("{" + name + "}", str(value))
        return word


# Nothing is fetched, neither modules nor another Go.
_FOR_GO = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOOS": "linux"}


def _program(name: str) -> list[str]:
    """A compiler that came as a wheel stands beside the interpreter; others are on PATH."""
    if name == "zig":
        return [sys.executable, "-m", "ziglang"]
    return [shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}") or name]


def samples(*apps: str) -> list[Sample]:
    """Every variant of these apps, or of all."""
    return [
        Sample(
            app=file.parent.name,
            name=variant["name"],
            tools=variant.get("tools", {}),
            build=tuple(tuple(command) for command in variant["build"]),
            pack=tuple(variant["pack"]),
            env=variant.get("env", {}),
            expect=_expect(variant.get("expect", {})),
        )
        for file in sorted(HOME.glob("*/sample.toml"))
        if not apps or file.parent.name in apps
        for variant in tomllib.loads(file.read_text())["variant"]
    ]


def _expect(said: dict[str, Any]) -> Expect:
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}
    return Expect(**fields)


def sample(app: str, name: str) -> Sample:
    """One variant of one app."""
    (found,) = [one for one in samples(app) if one.name == name]
    return found
