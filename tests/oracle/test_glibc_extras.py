"""R13-R17, R22, R27, S24: filters, auditors, preloads, versions, the interpreter, and what a file is, told by the real parts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scratchpack.elf.model import Linkage
from scratchpack.loader.model import LoaderEnv
from scratchpack.loader.objects import Objects
from scratchpack.loader.resolve import LoaderSession, Placed, resolve
from scratchpack.sysroot.dirroot import DirRoot
from tests.oracle.loaders import GLIBC
from tests.oracle.world import RPATH, RUNPATH
from tests.support import tools
from tests.support.build import cc, zig

if TYPE_CHECKING:
    from tests.oracle.world import World

LIBC = "/lib/x86_64-linux-gnu/libc.so.6"


@pytest.mark.parametrize("option", ["--filter", "--auxiliary"])
def test_a_filtee_comes_before_the_object_that_names_it(glibc: World, option: str) -> None:  # R13
    glibc.lib("/lib/libfilter.so", ["libn.so"], option, "libreal.so")
    glibc.lib("/lib/libreal.so", ["libdeep.so"])
    glibc.lib("/lib/libn.so")
    glibc.lib("/lib/libdeep.so")
    glibc.program("/p", ["libfilter.so"])
    names = [os.path.basename(path) for path in glibc.agree("/p").paths]
    assert names.index("libreal.so") < names.index("libfilter.so")
    assert set(names) == {"libfilter.so", "libn.so", "libreal.so", "libdeep.so"}


def test_several_filtees_and_ones_already_loaded_keep_the_loaders_order(glibc: World) -> None:  # R13
    glibc.lib("/lib/liba.so", ["libz.so"])
    glibc.lib(
        "/lib/libf.so", ["libn.so"], "--auxiliary", "libone.so", "--auxiliary", "libz.so", "--auxiliary", "liblate.so"
    )
    for name in ("one", "z", "n", "late"):
        glibc.lib(f"/lib/lib{name}.so")
    glibc.program("/p", ["liba.so", "libf.so", "liblate.so"])
    assert len(glibc.agree("/p").paths) == 6


def test_a_missing_filter_stops_the_program_and_a_missing_auxiliary_does_not(glibc: World) -> None:  # R13
    glibc.lib("/lib/libf.so", [], "--filter", "libgone.so")
    glibc.lib("/lib/liba.so", [], "--auxiliary", "libgone.so")
    glibc.program("/f", ["libf.so"])
    glibc.program("/a", ["liba.so"])
    assert glibc.run(["/f"]).returncode == 127
    assert [p.name for p in glibc.ours("/f").errors] == ["libgone.so"]
    assert glibc.run(["/a"]).returncode == 0
    closure = glibc.ours("/a")
    assert not closure.errors
    assert [p.severity for p in closure.problems] == ["warning"]


def test_preloads_come_before_the_programs_own_requests(glibc: World) -> None:  # R14
    for name in ("n", "one", "two", "three"):
        glibc.lib(f"/lib/lib{name}.so")
    glibc.write("/etc/ld.so.preload", "libthree.so # libgone.so\n")
    glibc.program("/p", ["libn.so"])
    agreed = glibc.agree("/p", LD_PRELOAD="libone.so:/lib/libtwo.so libmissing.so")
    names = [os.path.basename(path) for path in agreed.paths]
    assert names == ["libone.so", "libtwo.so", "libthree.so", "libn.so"]
    assert [(p.name, p.severity) for p in agreed.closure.problems] == [("libmissing.so", "warning")]


def test_the_hosts_preload_file_does_not_leak_into_a_plan() -> None:  # R14
    from scratchpack.loader.glibc import Glibc
    from scratchpack.loader.search import Surroundings

    root, objects = DirRoot("/"), Objects()
    session = LoaderSession(Placed(root, "/usr/bin/env"), root, LoaderEnv(), objects)
    process = session.processes[0]
    assert isinstance(process.around, Surroundings)
    assert isinstance(process.rules, Glibc)
    assert process.around.defaults.preload == "/etc/ld.so.preload"
    assert process.rules.preloads() == ()


AUDITOR = "unsigned int la_version(unsigned int v) { return v; }\n"


@pytest.mark.parametrize("option", ["--audit", "--depaudit", "variable"])
def test_an_auditor_and_what_it_needs_are_loaded_apart(glibc: World, option: str) -> None:  # R14
    audit = glibc.compile("audit", AUDITOR)
    glibc.lib("/lib/libaud.so", ["libofaud.so"], objects=[audit])
    glibc.lib("/lib/libofaud.so")
    glibc.lib("/lib/libn.so")
    flags = [] if option == "variable" else [option, "libaud.so"]
    glibc.program("/p", ["libn.so"], *flags)
    env = {"LD_AUDIT": "libaud.so"} if option == "variable" else {}
    told = glibc.run(["/p"], LD_DEBUG="files", **env).stderr
    assert "needed by libaud.so" in told or "libofaud.so" in told
    closure = glibc.ours("/p", **env)
    by_name = {os.path.basename(r.path): r for r in closure.resolved}
    assert by_name["libaud.so"].found_by == "audit"
    assert "libofaud.so" in by_name
    assert not closure.errors


def test_a_missing_auditor_is_said_and_is_not_fatal(glibc: World) -> None:  # R14
    glibc.program("/p", [], "--audit", "libgone.so")
    assert glibc.run(["/p"]).returncode == 0
    (problem,) = glibc.ours("/p").problems
    assert (problem.name, problem.severity) == ("libgone.so", "warning")


@pytest.mark.parametrize("tag", [RPATH, RUNPATH])
def test_an_auditor_is_searched_as_if_the_program_asked_for_it(glibc: World, tag: tuple[str, str]) -> None:  # R14
    audit = glibc.compile("audit", AUDITOR)
    glibc.lib("/aud/libaud.so", [], objects=[audit])
    glibc.program("/p", [], "--audit", "libaud.so", *tag, "/aud")
    assert "libaud.so" not in glibc.run(["/p"]).stderr
    assert not glibc.ours("/p").problems


def versioned(world: World, path: str, *versions: str) -> None:
    """A library libv.so that defines one symbol for each version."""
    script = world.home / "versions.map"
    script.write_text("".join(f"{name} {{ global: f_{name}; }};\n" for name in versions))
    source = "".join(f"void f_{name}(void) {{}}\n" for name in versions) or "int nothing;\n"
    flags = ["--version-script", str(script)] if versions else []
    world.lib(path, [], *flags, objects=[world.compile("versioned", source)])


def user(world: World, path: str, name: str, *flags: str) -> None:
    """A program that needs f_NAME of version NAME from libv.so, linked against a library that has it."""
    versioned(world, "/link/libv.so", name)
    source = f"extern void f_{name}(void);\nvoid (*const kept)(void) = f_{name};\n"
    world.program(path, [], str(world.path("/link/libv.so")), *flags, objects=[world.compile("user", source)])


@pytest.mark.parametrize(("has", "status"), [(["V1", "V2"], 0), (["V1"], 1), (["V2"], 0)])
def test_a_version_that_the_provider_lacks_is_fatal(glibc: World, has: list[str], status: int) -> None:  # R15
    user(glibc, "/p", "V2")
    versioned(glibc, "/lib/libv.so", *has)
    done = glibc.run(["/p"])
    assert (done.returncode != 0) == bool(status), done.stderr
    problems = glibc.ours("/p").errors
    assert bool(problems) == bool(status)
    assert not problems or ("`V2' not found" in done.stderr and "`V2' not found" in problems[0].detail)


@pytest.mark.parametrize("table", [True, False])
def test_a_provider_that_defines_no_version_is_warned_about_unless_it_has_no_table(
    glibc: World, table: bool
) -> None:  # R15
    user(glibc, "/p", "V2")
    source, needs = "void f_V2(void) {}\n", []
    if table:
        versioned(glibc, "/lib/libw.so", "W1")
        source += "extern void f_W1(void);\nvoid (*const kept)(void) = f_W1;\n"
        needs = [str(glibc.path("/lib/libw.so"))]
    glibc.lib("/lib/libv.so", [], *needs, objects=[glibc.compile("plain", source)])
    done = glibc.run(["/p"])
    assert (done.returncode == 0) == table
    assert "no version information available" in done.stderr
    severity = "warning" if table else "error"
    assert [(p.kind, p.severity) for p in glibc.ours("/p").problems] == [("version", severity)]


def test_a_weak_version_is_only_warned_about(glibc: World) -> None:  # R15
    user(glibc, "/p", "V2")
    data = bytearray(glibc.path("/p").read_bytes())
    at = data.index(elf_hash("V2").to_bytes(4, "little"))
    data[at + 4 : at + 6] = b"\2\0"  # vna_flags: VER_FLG_WEAK
    glibc.write("/p", bytes(data))
    versioned(glibc, "/lib/libv.so", "V1")
    closure = glibc.ours("/p")
    assert "weak version `V2' not found" in glibc.real("/p").fatal + glibc.run(["/p"]).stderr
    assert [(p.kind, p.severity) for p in closure.problems] == [("version", "warning")]


def elf_hash(name: str) -> int:
    """The System V hash of a symbol name."""
    value = 0
    for char in name.encode():
        value = (value << 4) + char
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value


def test_a_program_for_a_newer_libc_is_refused_as_the_loader_does(tmp_path: Path) -> None:  # R15
    source = "#include <string.h>\nint main(int c, char **v) { char b[9]; return (int)strlcpy(b, v[0], 9) * 0; }\n"
    program = zig(tmp_path / "new", source, "x86_64-linux-gnu.2.39")
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    root = DirRoot("/")
    errors = resolve([Placed(root, str(program))], root, LoaderEnv()).errors
    assert [(p.kind, "GLIBC_2.38" in p.detail) for p in errors] == [("version", True)]
    assert done.returncode == 1
    assert "`GLIBC_2.38' not found" in done.stderr


@pytest.mark.parametrize("marked", [True, False])
def test_packed_relocations_need_their_mark(tmp_path: Path, marked: bool) -> None:  # R15
    source = (
        '#include <stdio.h>\nstatic const char *const t[] = {"a", "b"};\nint main(void) { puts(t[0]); return 0; }\n'
    )
    program = cc(tmp_path / "p", source, "-pie", "-fPIE", "-Wl,-z,pack-relative-relocs")
    if not marked:
        data = program.read_bytes().replace(
            elf_hash("GLIBC_ABI_DT_RELR").to_bytes(4, "little"), elf_hash("GLIBC_2.2.5").to_bytes(4, "little")
        )
        name_at = data.index(b"GLIBC_ABI_DT_RELR\0")
        program.write_bytes(data[:name_at] + b"GLIBC_2.2.5\0" + data[name_at + 12 :])
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    root = DirRoot("/")
    errors = resolve([Placed(root, str(program))], root, LoaderEnv()).errors
    assert (done.returncode == 0) == (not errors) == marked, (done, errors)
    assert marked or "DT_RELR" in done.stderr


def test_a_loader_of_another_build_than_the_c_library_is_refused(glibc: World) -> None:  # R27
    glibc.copy(Path(LIBC), LIBC)
    glibc.program("/p", ["libc.so.6"])
    assert not glibc.ours("/p").errors
    loader = glibc.path(GLIBC).read_bytes()
    glibc.write(GLIBC, loader.replace(b"GLIBC 2.36-9", b"GLIBC 2.36-8"))
    (problem,) = glibc.ours("/p").errors
    assert (problem.kind, "one build" in problem.detail) == ("version", True)


def test_the_isa_note_of_an_object_is_said(glibc: World) -> None:  # R22
    source = (
        'asm(".section .note.gnu.property,\\"a\\",@note\\n .balign 8\\n .long 4,16,5\\n .asciz \\"GNU\\"\\n'
        ' .long 0xc0008002,4,8,0\\n .previous");\n'
    )
    glibc.lib("/lib/libx.so", [], objects=[glibc.compile("isa", source)])
    glibc.program("/p", ["libx.so"])
    (problem,) = glibc.ours("/p").problems
    assert (problem.kind, problem.severity, "x86-64-v4" in problem.detail) == ("cpu", "warning", True)


@pytest.mark.parametrize("case", ["gone", "directory", "text", "other machine", "not executable"])
def test_an_interpreter_that_the_kernel_refuses_is_a_problem(glibc: World, case: str) -> None:  # R16
    glibc.program("/p")
    at = glibc.path(GLIBC)
    data = bytearray(at.read_bytes())
    at.unlink()
    if case == "directory":
        at.mkdir()
    elif case == "text":
        glibc.write(GLIBC, "not a loader\n" * 9)
        at.chmod(0o755)
    elif case == "other machine":
        data[18] = 0xB7
        glibc.write(GLIBC, bytes(data))
        at.chmod(0o755)
    elif case == "not executable":
        glibc.write(GLIBC, bytes(data))
        at.chmod(0o644)
    assert glibc.run(["/p"]).returncode != 0
    problems = glibc.session("/p").closure.problems
    assert [p.kind for p in problems] == ["interp"]
    assert problems[0].severity == ("warning" if case == "not executable" else "error")


def test_an_interpreter_is_found_through_linked_directories(glibc: World) -> None:  # R16
    shutil.move(glibc.path("/lib64"), glibc.path("/usr/lib64"))
    glibc.link("/lib64", "/usr/lib64")
    glibc.lib("/lib/libx.so", ["ld-linux-x86-64.so.2"])
    glibc.program("/p", ["libx.so"])
    agreed = glibc.agree("/p")
    interp = next(r for r in agreed.closure.resolved if r.path == GLIBC)
    assert interp.node.canonical == "/usr/lib64/ld-linux-x86-64.so.2"
    assert [link.path for link in interp.node.links] == ["/lib64"]
    assert (interp.found_by, interp.soname) == ("interp", GLIBC)


def test_the_interpreter_stands_where_somebody_first_asked_for_it(glibc: World) -> None:  # R1, R16
    glibc.lib("/lib/liba.so", ["ld-linux-x86-64.so.2"])
    glibc.lib("/lib/libb.so", ["libc1.so"])
    glibc.lib("/lib/libc1.so")
    glibc.program("/p", ["liba.so", "libb.so"])
    assert glibc.real("/p").paths == tuple(r.path for r in glibc.ours("/p").resolved)
    assert glibc.real("/p").paths[2] == GLIBC


def test_a_program_without_needs_takes_its_loader_alone(glibc: World) -> None:  # R17
    glibc.program("/p")
    closure = glibc.session("/p").closure
    assert closure.roots[0].facts.linkage is Linkage.DYNAMIC
    assert [r.path for r in closure.resolved] == [GLIBC]


def test_a_static_program_has_an_empty_closure(tmp_path: Path) -> None:  # R17
    program = cc(tmp_path / "s", "int main(void) { return 0; }\n", "-static")
    root = DirRoot("/")
    closure = resolve([Placed(root, str(program))], root, LoaderEnv())
    assert (closure.resolved, closure.problems, closure.libc) == ((), (), None)


def test_two_programs_do_not_satisfy_each_others_requests(glibc: World) -> None:
    glibc.lib("/a/libx.so")
    glibc.program("/p", ["libx.so"], *RUNPATH, "/a")
    glibc.program("/q", ["libx.so"])
    root = DirRoot(str(glibc.root))
    closure = resolve([Placed(root, "/p"), Placed(root, "/q")], root, LoaderEnv())
    assert [(p.requester, p.name) for p in closure.errors] == [("/q", "libx.so")]
    assert len([r for r in closure.resolved if r.path == GLIBC]) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="starting a setuid program as another user takes root")
@pytest.mark.parametrize(
    ("where", "path", "starts"),
    [
        ("/app", "$ORIGIN/l", False),
        ("/lib/app", "$ORIGIN/l", True),
        ("/app", "/no:$ORIGIN/../lib/app/l", True),
        ("/lib/app", "x$ORIGIN/l", False),
        ("/app", "/app/l", True),
        ("/app", "/no", False),
    ],
)
def test_a_privileged_program_trusts_its_origin_only_into_default_directories(
    glibc: World, where: str, path: str, starts: bool
) -> None:  # R6, AT_SECURE
    glibc.lib("/app/l/libx.so")
    glibc.lib("/lib/app/l/libx.so")
    glibc.program(f"{where}/p", ["libx.so"], *RUNPATH, path).chmod(0o4755)
    enter = 'mount --bind /proc "$1/proc" && LD_LIBRARY_PATH=/app/l exec chroot --userspec=65534:65534 "$1" "$2"'
    unshare = tools.need("unshare", package="util-linux")
    done = subprocess.run(
        [unshare, "--mount", "sh", "-c", enter, "sh", glibc.root, f"{where}/p"],
        capture_output=True, text=True, check=False, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )  # fmt: skip
    env = LoaderEnv(secure=True, library_path="/app/l", cpu="baseline")
    errors = glibc.session(f"{where}/p", env).closure.errors
    assert (done.returncode == 0) == (not errors) == starts, (done, errors)
