"""Mutants through the whole of ``inspect``, ``pack`` with a bill of materials, and ``verify``, in one process.

``python -m tests.fuzz.pipeline COUNT SEED`` is the campaign by hand; it prints what happened as JSON.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scratchpack.config import Options
from scratchpack.elf.model import Linkage
from scratchpack.errors import ScratchpackError
from scratchpack.pipeline.inspect import inspect
from scratchpack.pipeline.pack import pack
from scratchpack.pipeline.verify import verify
from tests.fuzz.mutants import mutant, names_an_interpreter, seed
from tests.support.build import cc, shared
from tests.support.hostile_elf import INTERP, glibc_root
from tests.unit.elf.forge import NEEDED, RUNPATH, SONAME, forge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS, MEMORY = 2, 256 << 10  # of processor time; kilobytes above the start
_START = "void _start(void) { for (;;) ; }\n"


class Overdue(BaseException):
    """A mutant took more processor time than it may."""


def seeds(home: Path) -> tuple[bytes, ...]:
    """Small programs that are packed in milliseconds: static, dynamic, of other widths, with and without sections."""
    shared(home / "root/usr/lib/liba.so", "int a(void) { return 1; }\n", "-nostdlib", "-s")
    linked = ("-nostdlib", "-Wl,--no-as-needed", str(home / "root/usr/lib/liba.so"), "-Wl,-rpath,$ORIGIN/lib:/opt/x")
    return (
        cc(home / "static", _START, "-nostdlib", "-static", "-s").read_bytes(),
        cc(home / "static-pie", _START, "-nostdlib", "-static-pie").read_bytes(),
        cc(home / "dynamic", f"int a(void); {_START.replace('for', 'a(); for')}", *linked, "-s").read_bytes(),
        cc(home / "both", _START, *linked, "-Wl,--hash-style=both").read_bytes(),
        forge(((NEEDED, b"liba.so"), (SONAME, b"x"), (RUNPATH, b"$ORIGIN:/usr/lib")), interp=INTERP),
        forge(((NEEDED, b"liba.so"),), bits=32, order="big", machine=8, interp=b"/lib/ld.so.1\0"),
        forge(None, bits=32, machine=3, kind=2, entry=0x400000),
    )


def exercise(program: Path, root: Path, out: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The three commands as functions; each leaves a documented error or a result."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    options = Options(root=str(root))
    archive = f"type=oci,dest={out}/image.tar,compression=none"
    yield "inspect", lambda: inspect("/program", options)
    yield "pack", lambda: pack(["/program"], options._replace(output=(archive,), sbom="spdx"), environ={})
    if (out / "image.tar").exists():
        yield "verify", lambda: verify(str(out / "image.tar"))


def run(count: int, number: int) -> dict[str, Any]:
    """That many mutants from one seed of chance; what they came to.

    Raises:
        AssertionError: an exception that is none of ours, a bound that was passed, or a false "static".
    """
    chance = random.Random(number)
    slowest, outcomes = 0.0, {"inspect": 0, "pack": 0, "verify": 0, "refused": 0}
    home = Path(tempfile.mkdtemp(prefix="scratchpack-fuzz-"))
    signal.signal(signal.SIGVTALRM, _overdue)
    begun = time.process_time()
    try:
        root = glibc_root(home / "root")
        files = [seed(data) for data in seeds(home)]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for at in range(count):
            data = mutant(files[at % len(files)], chance)
            (root / "program").write_bytes(data)
            (root / "program").chmod(0o755)
            for name, command in exercise(root / "program", root, home / "out"):
                start = time.process_time()
                signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
                try:
                    result = command()
                except ScratchpackError:
                    outcomes["refused"] += 1
                    break
                except (Exception, Overdue) as error:
                    raise AssertionError(_kept(data, name, error, number, at)) from error
                finally:
                    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                    slowest = max(slowest, time.process_time() - start)
                outcomes[name] += 1
                if name == "inspect" and names_an_interpreter(data):
                    linkage = result.programs[0].facts.linkage
                    assert linkage not in (Linkage.STATIC, Linkage.STATIC_PIE), _kept(data, name, linkage, number, at)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
        assert grown < MEMORY, f"{grown} kB more than at the start"
    finally:
        shutil.rmtree(home)
    return {
        "mutants": count, "seed": number, **outcomes, "slowest_s": round(slowest, 2),
        "memory_grown_kb": grown, "cpu_s": round(time.process_time() - begun),
    }  # fmt: skip


def _kept(data: bytes, command: str, what: object, number: int, at: int) -> str:
    """A message, and the file beside it to try again with."""
    path = Path(tempfile.gettempdir()) / f"mutant-{number}-{at}"
    path.write_bytes(data)
    return f"{command} of {path} (seed {number}, mutant {at}): {what!r}"


def _overdue(_signal: int, _frame: object) -> None:
    raise Overdue(f"more than {SECONDS} s of processor time")


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]))))  # noqa: T201
