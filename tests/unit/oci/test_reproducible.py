"""Same input and options, same bytes: whatever umask, time zone, locale, user, directory, hash seed or number of threads."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import tools

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Path(__file__).parents[3]
PACK = """
import os, sys
os.umask(int(sys.argv[2], 8))
cores = sorted(os.sched_getaffinity(0))
os.sched_setaffinity(0, cores[: int(sys.argv[3])])
from pathlib import Path
from scratchpack.rootfs import Directory, File, Rootfs, Symlink, inline
from tests.support.images import docker_archive, noise
rootfs = Rootfs([
    File("/bin/a", inline(noise(1_500_000)), mode=0o755), Symlink("/lib", "usr/lib"), Directory("/tmp", 0o1777),
    File("/usr/lib/b", inline(b"b"), inode=(1, 1)), File("/usr/lib/c", inline(b"b"), inode=(1, 1)),
])
if os.geteuid() == 0 and sys.argv[4] != "0":
    docker_archive(Path("/dev/null"), rootfs)  # imports everything while this user may still read it
    os.setgid(int(sys.argv[4])); os.setuid(int(sys.argv[4]))
docker_archive(Path(sys.argv[1]), rootfs, ("b", "a"))
"""


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that another user can reach: pytest keeps its own closed."""
    with tempfile.TemporaryDirectory(prefix="sp-open-") as home:
        Path(home).chmod(0o755)
        yield Path(home)


def test_twenty_runs_give_one_digest(open_place: Path) -> None:
    digests = set()
    other = "65534" if os.geteuid() == 0 else "0"
    zones, locales, masks = (
        ("UTC", "Pacific/Apia", "America/St_Johns"),
        ("C", "C.UTF-8", "de_DE.UTF-8"),
        ("022", "077", "000"),
    )
    for number, zone, locale, mask in zip(
        range(20), itertools.cycle(zones), itertools.cycle(locales), itertools.cycle(masks), strict=False
    ):
        home = open_place / f"run{number}"
        home.mkdir(mode=0o777)
        home.chmod(0o777)
        subprocess.run(
            [sys.executable, "-c", PACK, "out.tar", mask, str(1 + number % 2), other if number % 4 == 3 else "0"],
            cwd=home,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(HOME), "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": str(number), "PYTHONUTF8": str(number % 2)},
            check=True,
        )  # fmt: skip
        digests.add(hashlib.sha256((home / "out.tar").read_bytes()).hexdigest())
    assert len(digests) == 1


CAMPAIGN = """
import hashlib, sys
from scratchpack.oci.layer import build_layer
from scratchpack.oci.spool import TemporarySpool
from scratchpack.rootfs import File, Rootfs, inline
data = open(sys.argv[1], "rb").read()
with TemporarySpool() as spool:
    for compression, level in (("gzip", 1), ("gzip", 2), ("gzip", 6), ("gzip", 9), ("zstd", 1), ("zstd", 3)):
        layer = build_layer(Rootfs([File("/a", inline(data))]), spool=spool, compression=compression, level=level)
        print(compression, level, layer.blob.digest)
"""


@pytest.mark.campaign
def test_the_processor_does_not_matter(tmp_path: Path) -> None:
    """The digest of a layer on processors with and without vector instructions (qemu-user)."""
    qemu = tools.need("qemu-x86_64-static", package="qemu-user-static")
    source = tmp_path / "data"
    source.write_bytes(Path(sys.executable).resolve().read_bytes()[:3_000_000])
    native = _run([sys.executable, "-c", CAMPAIGN, str(source)])
    for model in ("qemu64", "Nehalem", "Haswell", "max"):
        assert (
            _run([qemu, "-cpu", model, str(Path(sys.executable).resolve()), "-c", CAMPAIGN, str(source)]) == native
        ), model


def _run(command: list[str]) -> str:
    packages = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HOME), *packages])},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


MEMORY = """
import sys
from pathlib import Path
from scratchpack.rootfs import File, Rootfs, Source
from tests.support.images import docker_archive
source = Path(sys.argv[1])
rootfs = Rootfs([File("/big", Source(source.stat().st_size, lambda: source.open("rb"), ("big",)), mode=0o755)])
docker_archive(Path(sys.argv[2]), rootfs, compression=sys.argv[3])
# not ru_maxrss, which a child inherits from the process that started it
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_binary_of_a_gibibyte_takes_less_than_100_mb_of_memory(tmp_path: Path, compression: str) -> None:
    """Streaming; gzip at a quarter of the size, since memory that grew would show there as well."""
    source = tmp_path / "big"
    with source.open("wb") as stream:
        stream.truncate((1 << 30) // (1 if compression == "none" else 4))
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(source), str(tmp_path / "out.tar"), compression],
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / "out.tar").unlink()
    assert int(done.stdout) * 1024 < 100_000_000
