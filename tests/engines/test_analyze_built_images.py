"""`analyze` of images that docker and buildah build here: each way to waste and not to waste, every byte known (W1 to W7, W20)."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from scratchpack.elf.reader import read_elf
from scratchpack.pipeline.analyze import analyze
from scratchpack.request.model import Request
from tests.support import tools

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Docker, Engine

# Sizes are odd, so that a sum names its parts. Whether a builder writes the emptied directory as opaque or name by name is its own affair.
MAKE = " && ".join(
    f"busybox yes {path} | busybox head -c {size} > {path}"
    for path, size in (
        ("/cache/kept", 100_001), ("/same", 100_002), ("/cache/later", 100_003), ("/dir/deep/cache", 100_004), ("/emptied/f", 100_005),
        ("/moded", 100_006), ("/replaced", 100_007), ("/touched", 100_008),
    )
)  # fmt: skip
DOCKERFILE = f"""\
FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
ENV PATH=/bin
RUN busybox mkdir -p /cache /dir/deep /emptied && {MAKE} && busybox rm /same
RUN busybox rm /cache/later
RUN busybox rm -rf /dir
RUN busybox rm -rf /emptied && busybox mkdir /emptied
RUN busybox chmod 0700 /moded
RUN echo other > /replaced
RUN busybox touch -d 2001-01-01 /touched
"""
WASTED = {
    "/cache/later": ("deleted", 100_003, "busybox rm /cache/later"),
    "/dir/deep/cache": ("deleted", 100_004, "busybox rm -rf /dir"),
    "/emptied/f": ("deleted", 100_005, "busybox rm -rf /emptied && busybox mkdir /emptied"),
    "/moded": ("metadata-only", 100_006, "busybox chmod 0700 /moded"),
    "/replaced": ("replaced", 100_007, "echo other > /replaced"),
    "/touched": ("rewritten", 100_008, "busybox touch -d 2001-01-01 /touched"),
}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("waste")
    busybox = tools.need("busybox", package="busybox-static")
    with open(busybox, "rb") as stream:
        if read_elf(stream, origin=busybox).interpreter is not None:
            tools.missing(f"{busybox} needs libraries, which FROM scratch has not (Debian package: busybox-static)")
    shutil.copy(busybox, home / "busybox")
    (home / "Dockerfile").write_text(DOCKERFILE)
    return home


def right(subject: str, context: Path) -> None:
    (one,) = analyze([subject], Request("analyze")).images
    found = {h.dead.path: (h.dead.cause.value, h.dead.size, h.by.removeprefix("RUN ")) for h in one.hidden}
    assert found == WASTED
    shell = (context / "busybox").stat().st_size
    assert one.waste.live == 2 * shell + 100_001 + 100_006 + len("other\n") + 100_008
    assert one.waste.live + one.waste.hidden + one.waste.overhead == one.waste.size
    assert [(twice.paths, twice.size) for twice in one.waste.duplicates] == [(("/bin/busybox", "/bin/sh"), shell)]


def test_what_docker_builds(docker: Docker, context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """W2, W3, W7: as an archive, and out of the engine (W20)."""
    docker("build", "--network=none", "-t", "waste:docker", context, env={"DOCKER_BUILDKIT": "0"})
    docker("save", "-o", tmp_path / "saved.tar", "waste:docker")
    right(str(tmp_path / "saved.tar"), context)
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    right("docker:waste:docker", context)


def test_what_buildah_builds(buildah: Engine, context: Path, tmp_path: Path) -> None:
    """W2, W3, W7: compressed, as a layout."""
    buildah("bud", "--isolation", "chroot", "--layers", "-t", "waste:buildah", context)
    buildah("push", "--quiet", "localhost/waste:buildah", f"oci:{tmp_path}/layout:it")
    right(str(tmp_path / "layout"), context)
