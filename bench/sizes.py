"""How big: the binary, the image around it, and the root filesystem of tools that built it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from bench.clock import once
from sample_apps.samples import BuildError, Sample, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.scene import Scene

_SHOWN = (("hello_go", "plain"), ("hello_go", "stripped"), ("hello_c", "static"), ("hello_c", "musl"))


def sizes(scene: Scene) -> Iterator[str]:
    """One line a sample app."""
    yield "### Sizes, in bytes"
    yield ""
    yield "| | binary | image, uncompressed | image, gzip | what built it |"
    yield "|---|---:|---:|---:|---:|"
    for app, variant in _SHOWN:
        one = sample(app, variant)
        try:
            plain, packed, binary = _packed(scene, one)
        except BuildError:
            continue
        yield f"| {one} | {binary:,} | {plain:,} | {packed:,} | {toolchain(one)} |"


def _packed(scene: Scene, one: Sample) -> tuple[int, int, int]:
    words = one.made(scene.fresh("built"))
    out = []
    for kind in ("none", "gzip"):
        archive = scene.home / f"{one}-{kind}.tar"
        once(scene.scratchpack(str(one), *words, "-o", f"type=docker,compression={kind},dest={archive}"))
        out.append(archive.stat().st_size)
    return out[0], out[1], Path(words[0]).stat().st_size


def toolchain(one: Sample) -> str:
    """The size of the compiler's own root, where it has one: what a single-stage image would carry along."""
    if "go" not in one.tools:
        return ""
    root = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{tree(Path(root)):,} (GOROOT)"


def tree(root: Path) -> int:
    """Bytes of every regular file below."""
    return sum((Path(directory) / name).lstat().st_size for directory, _, names in os.walk(root) for name in names)
