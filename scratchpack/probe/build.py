"""Builds the probe from its source: a machine's name goes in, an ELF file's bytes come out; ``python -m scratchpack.probe.build DIR`` fills a directory.

This machine's C compiler builds it for this machine; zig, which comes as a wheel, for every other, and for all of them in what is
released: its bytes are then the same wherever they were built.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from importlib.util import find_spec

from scratchpack import proc
from scratchpack.errors import UsageError
from scratchpack.probe.machines import TARGETS

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "probe.c")
_SECONDS = 120  # zig unpacks what it needs on its first use
_FLAGS = (
    *("-Os", "-ffreestanding", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-ident", "-fno-pie"),
    *("-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-s"),
)


def build(machine: str, *, portable: bool = False) -> bytes:
    """Compile it; ``portable``: with zig whatever the machine, for bytes that do not depend on where that is done.

    Raises:
        UsageError: no compiler for this machine is there, or it refused.
    """
    compiler = _compiler(machine, portable=portable)
    with tempfile.TemporaryDirectory(prefix="scratchpack-probe-") as place:
        made = os.path.join(place, "probe")
        done = proc.run([*compiler, *_FLAGS, "-o", made, SOURCE], timeout=_SECONDS)
        if done.status != 0:
            raise UsageError(
                f"cannot build the probe for {machine}: {compiler[0]} ended with {done.status}",
                details=tuple(done.err.decode(errors="replace").splitlines()[:10]),
            )
        with open(made, "rb") as stream:
            return stream.read()


def _compiler(machine: str, *, portable: bool) -> list[str]:
    own = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if own and platform.machine() == machine and not portable:
        return [own, "-no-pie", "-Wl,-z,noseparate-code"]
    if find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc", "-target", TARGETS[machine]]
    raise UsageError(
        f"cannot build the probe for {machine}: no compiler for it is here",
        hint="install one: pip install ziglang; an installed wheel has the probe for every machine",
    )


def main(directory: str) -> None:
    """Write the probe of every machine into a directory, one file a machine."""
    os.makedirs(directory, exist_ok=True)
    for machine in TARGETS:
        with open(os.path.join(directory, machine), "wb") as stream:
            stream.write(build(machine, portable=True))


if __name__ == "__main__":
    main(sys.argv[1])
