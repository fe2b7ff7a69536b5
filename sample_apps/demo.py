"""`make demo`: build the Go and C samples, pack them, run what was packed, and say what was done."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sample_apps.samples import BuildError, Sample, sample

_LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")


def main() -> int:
    """Show every sample in turn; the exit status is 1 if one of them could not be shown."""
    with tempfile.TemporaryDirectory(prefix="scratchpack-demo-") as directory:
        home = Path(directory)
        shown = [show(home / "go", sample("hello_go", "stripped")), show(home / "c", *_static_c())]
    return 0 if all(shown) else 1


def _static_c() -> tuple[Sample, ...]:
    """The machine's compiler first; zig's C compiler where that one cannot link statically."""
    return sample("hello_c", "static"), sample("hello_c", "zig")


def show(home: Path, *choices: Sample) -> bool:
    """Build the first of these that builds, pack it, run the image."""
    home.mkdir()
    for one in choices:
        build = home / one.name
        build.mkdir()
        try:
            words = one.made(build)
        except BuildError as problem:
            say(f"{one} does not build here: {str(problem).splitlines()[-1]}")
            continue
        break
    else:
        return False
    binary = Path(words[0])
    say(f"\n== {one.app} ({one.name}): {binary.stat().st_size:,} bytes")
    packed = subprocess.run([sys.executable, "-m", "scratchpack", *words], cwd=home, text=True, stdout=subprocess.PIPE)
    if packed.returncode != 0:
        return False
    archive = home / packed.stdout.strip()
    say(f"   {archive.name}: {archive.stat().st_size:,} bytes")
    for name, attempt in ways(archive):
        done = attempt()
        if done.returncode == 0 and done.stdout == one.expect.stdout:
            say(f"   run by {name}: {done.stdout.rstrip()}")
            return True
        say(f"   {name} did not run it: {(done.stderr or done.stdout).strip()[-200:]}")
    return False


Done = subprocess.CompletedProcess[str]


def ways(archive: Path) -> Iterator[tuple[str, Callable[[], Done]]]:
    """Every way to run the image that this machine may have, the most real first."""
    with tarfile.open(archive) as outer:
        manifest = json.loads(content(outer, "manifest.json"))[0]
        config = json.loads(content(outer, manifest["Config"]))
        layers = [content(outer, name) for name in manifest["Layers"]]
    reference = manifest["RepoTags"][0]
    for engine, options in (("docker", ()), ("podman", ()), ("podman", ("--runtime", shutil.which("runc") or "runc"))):
        if shutil.which(engine) and run([engine, "info"]).returncode == 0:
            yield " ".join((engine, *options)), partial(in_engine, engine, options, archive, reference)
    root = archive.parent / "root"
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer) if layer[:2] == b"\x1f\x8b" else layer)) as tar:
            tar.extractall(root, filter="fully_trusted" if os.geteuid() == 0 else "data")
    program = config["config"]["Entrypoint"][0]
    if shutil.which("bwrap"):
        box = ["bwrap", "--unshare-all", "--bind", str(root), "/", "--proc", "/proc", "--dev", "/dev", program]
        yield "bubblewrap, from the image's files alone", partial(run, box)
    yield "itself, unpacked from the image", partial(run, [str(root / program.lstrip("/"))])


def content(archive: tarfile.TarFile, name: str) -> bytes:
    """One file of an archive."""
    stream = archive.extractfile(name)
    return stream.read() if stream else b""


def in_engine(engine: str, options: tuple[str, ...], archive: Path, reference: str) -> Done:
    """Load, run, and take the image out again."""
    loaded = run([engine, *options, "load", "-i", str(archive)])
    if loaded.returncode != 0:
        return loaded
    limits = _LIMITS if options else ()
    ran = run([engine, *options, "run", "--rm", "--network", "none", *limits, reference])
    run([engine, *options, "rmi", reference])
    return ran


def run(command: list[str]) -> Done:
    """One command, heard and not judged."""
    return subprocess.run(command, capture_output=True, text=True, check=False)


def say(line: str) -> None:
    """Print in order with what the children print."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
