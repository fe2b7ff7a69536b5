"""``--strip``: what neither the kernel nor the loader reads stays behind, and what a program may read of its own file is refused."""

from __future__ import annotations

import io
import json
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from scratchpack.elf.reader import read_elf
from scratchpack.elf.strip import cut
from scratchpack.elf.witness import disagreements, second_reading
from scratchpack.errors import ElfError
from tests.support import build, tools
from tests.support.cli import scratchpack
from tests.unit.scripts.test_bundles import BUN_HOST, DOTNET_HOST, NODE_HOST, archive

if TYPE_CHECKING:
    from pathlib import Path

START = "int data = 1; void _start(void) { for (;;) ; }\n"  # a big-endian program that needs no libc built for it
SECTION = 'extern int puts(const char *); int main(void) { puts("own"); return 0; }\n'


def _stripped(path: Path) -> bytes:
    with path.open("rb") as stream:
        place = cut(stream, path.name)
        assert place is not None
        assert place.foreign == ""
        with place.open(lambda: path.open("rb")) as shorter:
            data = shorter.read()
        assert len(data) == place.end
    return data


def test_a_go_program_loses_a_third_and_runs(tmp_path: Path) -> None:
    program = build.go(tmp_path / "hello", build.HELLO_GO)
    done = scratchpack("./hello", "--strip", cwd=tmp_path)
    assert done.status == 0, done.err
    size = program.stat().st_size
    [line] = [line for line in done.err.splitlines() if line.startswith("stripped /hello: ")]
    after = int(line.split()[-1])
    assert line == f"stripped /hello: {size} bytes became {after}"
    assert after < 0.75 * size
    ran = scratchpack("verify", "--run", "--expect-output", "hello from Go", "hello.tar", cwd=tmp_path)
    assert ran.status == 0, ran.out + ran.err


@pytest.mark.parametrize(
    "flags",
    [
        ("-static", "-g"),
        ("-Wl,--emit-relocs", "-g"),
        *(pytest.param(flags, marks=pytest.mark.campaign) for flags in ((), ("-g",), ("-s",))),
    ],
)
def test_both_readers_agree_before_and_after_and_the_build_id_stays(tmp_path: Path, flags: tuple[str, ...]) -> None:
    program = build.cc(tmp_path / "app", build.HELLO_C, "-Wl,--build-id", *flags)
    short = tmp_path / "short"
    short.write_bytes(_stripped(program))
    short.chmod(0o755)
    found = []
    for path in (program, short):
        with path.open("rb") as stream:
            facts, reading = read_elf(stream, origin="app"), None
            stream.seek(0)
            reading = second_reading(stream)
        assert reading is not None
        assert disagreements(facts, reading) == ()
        found.append(facts)
    assert found[0].build_id
    assert found[1] == found[0]._replace(size=found[1].size)
    assert short.stat().st_size < program.stat().st_size
    assert subprocess.run([short], capture_output=True, text=True, check=True).stdout == "hello from C\n"
    assert _stripped(short) == short.read_bytes(), "a second time changes nothing"


def test_a_32_bit_and_a_big_endian_program_keep_their_facts(tmp_path: Path) -> None:
    made = (
        build.cc(tmp_path / "i386", build.HELLO_C, "-static", compiler="i686-linux-gnu-gcc"),
        build.zig(tmp_path / "s390x", START, "s390x-linux-musl", "-static", "-nostdlib", "-g"),
    )
    for program in made:
        data = _stripped(program)
        with program.open("rb") as stream:
            facts = read_elf(stream, origin=program.name)
        assert read_elf(io.BytesIO(data), origin=program.name) == facts._replace(size=len(data))
        assert len(data) < facts.size


def _payloads(program: bytes) -> dict[str, bytes]:
    return {
        "AppImage type 2": program[:8] + b"AI\2" + program[11:] + b"squashfs" * 1000,
        "PyInstaller": program + archive([]),
        "PAR": program + b"x" * 100 + b"\nPAR.pm\n",
        "bun": program + b"x" * 100 + b"\n---- Bun! ----\n",
        "deno": program + b"x" * 100 + b"d3n0l4nd" + struct.pack(">QQ", 0, 0),
        "bytes from byte": program + b"own data",
        "5000 bytes": program + b"\0" * 5000,
    }


@pytest.mark.parametrize("kind", _payloads(b"").keys())
def test_a_program_with_a_payload_is_refused_by_its_mark(tmp_path: Path, kind: str) -> None:
    program = build.cc(tmp_path / "app", build.HELLO_C)
    program.write_bytes(_payloads(program.read_bytes())[kind])
    done = scratchpack("./app", "--strip", cwd=tmp_path)
    assert (done.status, done.out) == (3, ""), done.err
    assert "cannot strip /app" in done.err
    assert kind in done.err
    assert scratchpack("-q", "./app", cwd=tmp_path).status == 0, "without it, it is packed"


@pytest.mark.parametrize(
    ("source", "kind"), [(DOTNET_HOST, ".NET"), (NODE_HOST, "Node single executable"), (BUN_HOST, "bun")]
)
def test_a_program_whose_payload_is_named_inside_of_it_is_refused_as_well(
    tmp_path: Path, source: str, kind: str
) -> None:
    """Hosts of .NET, Node and bun find theirs by a variable or a note, which program headers lead to."""
    build.cc(tmp_path / "app", f"{source}\n{build.HELLO_C}")
    done = scratchpack("./app", "--strip", cwd=tmp_path)
    assert (done.status, done.out) == (3, ""), done.err
    assert f"cannot strip /app: it is a {kind} bundle" in done.err


def test_an_archive_that_makeself_made_is_no_program_to_cut(tmp_path: Path) -> None:
    """A shell script with an archive behind it: it reads its own file by counted bytes."""
    script = (
        b"#!/bin/sh\n# This script was generated using Makeself 2.5.0\nexit 0\n" + b"\x1f\x8b" + bytes(range(256)) * 64
    )
    (tmp_path / "self.run").write_bytes(script)
    (tmp_path / "self.run").chmod(0o755)
    done = scratchpack("./self.run", "--strip", "-o", "type=local,dest=tree", cwd=tmp_path)
    assert done.status == 0, done.err
    assert (tmp_path / "tree/self.run").read_bytes() == script


def test_a_section_of_the_programs_own_is_refused_by_its_name(tmp_path: Path) -> None:
    """PyInstaller since 4 and bun since 1.3 keep their payload in one."""
    build.cc(tmp_path / "app", SECTION)
    (tmp_path / "data").write_bytes(b"payload")
    tools.need("objcopy", package="binutils")
    subprocess.run(["objcopy", "--add-section", "pydata=data", "app"], cwd=tmp_path, check=True)
    done = scratchpack("./app", "--strip", cwd=tmp_path)
    assert (done.status, "its section pydata, of 7 bytes" in done.err) == (3, True), done.err


def test_libraries_are_cut_only_where_that_is_asked_for(tmp_path: Path) -> None:
    library = build.shared(tmp_path / "libown.so.1", "int own(void) { return 0; }\n", "-g")
    program = build.cc(
        tmp_path / "app", "int own(void); int main(void) { return own(); }\n", "-g", str(library), "-Wl,-rpath,$ORIGIN"
    )
    sizes = {}
    for options in ((), ("--strip",), ("--strip-libraries",), ("--strip", "--strip-libraries")):
        done = scratchpack("./app", *options, "--metadata-file", "files.json", cwd=tmp_path)
        assert done.status == 0, done.err
        files = json.loads((tmp_path / "files.json").read_text())["files"]
        sizes[options] = {file["path"].rpartition("/")[2]: file["size"] for file in files}
        assert scratchpack("verify", "--run", "app.tar", cwd=tmp_path).status == 0
    whole = {"app": program.stat().st_size, "libown.so.1": library.stat().st_size}
    for options, found in sizes.items():
        assert (found["app"] < whole["app"]) == ("--strip" in options)
        assert (found["libown.so.1"] < whole["libown.so.1"]) == ("--strip-libraries" in options)


def test_an_object_file_is_left_alone_and_a_damaged_one_is_a_typed_error(tmp_path: Path) -> None:
    made = build.cc(tmp_path / "part.o", "int part;\n", "-c")
    with made.open("rb") as stream:
        assert cut(stream, "part.o") is None
    with pytest.raises(ElfError):
        cut(io.BytesIO(made.read_bytes()[:40]), "part.o")
