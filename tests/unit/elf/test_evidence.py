"""What else a file holds: symbols, notes, strings, Go and Rust build data; bounded, and without section headers too."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import pytest

from scratchpack.elf.dlopen import NOTE_DLOPEN, NOTE_PACKAGE, DlopenEntry, dlopens, package
from scratchpack.elf.evidence import Elf
from scratchpack.elf.image import ElfImage
from scratchpack.elf.model import Note
from scratchpack.elf.reader import read_elf
from scratchpack.elf.scan import PIECE, Patterns, readable, scan
from tests.support.build import HELLO_C, cc, go, run, shared, zig
from tests.unit.elf.forge import NEEDED, forge

FETCH_GO = """package main

import (
	"net/http"
	"time"
)

func main() {
	_, _ = time.LoadLocation("Europe/Berlin")
	_, _ = http.Get("https://localhost/")
}
"""


def elf(data: bytes) -> Elf:
    return Elf(lambda: io.BytesIO(data), read_elf(io.BytesIO(data), origin="file"))


def headless(data: bytes) -> bytes:
    """The same file without its section headers (64 bit)."""
    out = bytearray(data)
    out[0x28:0x30] = bytes(8)
    out[0x3C:0x40] = bytes(4)
    return bytes(out)


def test_imports_and_exports_are_told_apart(tmp_path: Path) -> None:
    source = (
        "extern int far(void); extern int maybe(void) __attribute__((weak)); static int own(void) { return 1; }\n"
        "int near(void) { return far() + own() + (maybe ? maybe() : 0); }\n"
    )
    data = shared(tmp_path / "libn.so", source, "-nostdlib").read_bytes()
    for file in (elf(data), elf(headless(data))):
        assert {"far", "maybe"} <= file.imports()
        assert file.weak_imports() & {"far", "maybe"} == {"maybe"}
        assert file.exports() == {"near"}


@pytest.mark.parametrize("style", ["sysv", "gnu", "both"])
def test_every_hash_table_gives_the_symbols(tmp_path: Path, style: str) -> None:
    names = {f"f{number}" for number in range(100)}
    source = "".join(f"int {name}(void) {{ return 0; }}\n" for name in sorted(names))
    data = shared(tmp_path / "l.so", source, "-nostdlib", f"-Wl,--hash-style={style}").read_bytes()
    assert elf(data).exports() == names


@pytest.mark.parametrize("target", ["s390x-linux-gnu", "mips-linux-gnueabihf", "x86-linux-gnu", "riscv64-linux-gnu"])
def test_symbols_of_other_machines_are_read(tmp_path: Path, target: str) -> None:
    path = zig(tmp_path / "l.so", "int far(void); int near(void) { return far(); }\n", target, "-shared", "-nostdlib")
    file = elf(path.read_bytes())
    assert "far" in file.imports()
    assert "near" in file.exports()


@pytest.mark.parametrize("style", ["sysv", "gnu"])
def test_imports_of_a_program_that_exports_nothing_are_read(tmp_path: Path, style: str) -> None:
    shared(tmp_path / "libf.so", "int far(void) { return 0; }\n", "-nostdlib")
    source = "int far(void); void _start(void) { far(); for (;;) ; }\n"
    flags = (str(tmp_path / "libf.so"), "-nostdlib", f"-Wl,--hash-style={style}")
    file = elf(cc(tmp_path / "a", source, *flags).read_bytes())
    assert file.imports() == {"far"}
    assert not file.exports()


def test_a_static_program_has_no_symbols(tmp_path: Path) -> None:
    assert elf(cc(tmp_path / "a", HELLO_C, "-static").read_bytes()).imports() == frozenset()


def test_strings_are_found_in_their_runs(tmp_path: Path) -> None:
    source = 'const char *a = "see /etc/ssl/certs/ca.pem for it", *b = "/etc/ssl/openssl.cnf";\nint main(void) { return !a; }\n'
    file = elf(cc(tmp_path / "a", source).read_bytes())
    found = file.scan(("/etc/ssl", "/etc/ssl/certs", "nothing of this", "openssl.cnf"))
    assert sorted(found["/etc/ssl"]) == ["/etc/ssl/openssl.cnf", "see /etc/ssl/certs/ca.pem for it"]
    assert found["/etc/ssl/certs"] == ("see /etc/ssl/certs/ca.pem for it",)
    assert found["openssl.cnf"] == ("/etc/ssl/openssl.cnf",)
    assert "nothing of this" not in found


@pytest.mark.parametrize("shift", [-14, -7, -1, 0, 1])
def test_a_string_across_two_pieces_is_found_once(shift: int) -> None:
    head = forge(((NEEDED, b"liba.so"),))
    at = PIECE + shift
    body = head + bytes(at - len(head)) + b"/etc/localtime" + bytes(100)
    data = bytearray(body)
    struct.pack_into("<QQ", data, 64 + 32, len(data), len(data))
    image = ElfImage(io.BytesIO(data), "x")
    assert scan(image, Patterns(("/etc/localtime",)), readable(image)) == {"/etc/localtime": ("/etc/localtime",)}


def test_many_literals_are_found_as_one_by_one() -> None:
    """The grouping by a shared byte loses nothing: compared with a search for each."""
    literals = ("/etc/a", "/etc/ab", "etc", "libssl.so", "libcrypto.so", "OPENSSLDIR: ", "DIR", "a", "zz", "\xe9t\xe9")
    data = "/etc/abc libssl.so.3 zOPENSSLDIR: x \xe9t\xe9 libcrypto.so zzz".encode()
    found = {(at, literal.decode()) for at, literal in Patterns(literals).find(data)}
    for literal in literals:
        raw = literal.encode()
        places = {at for at in range(len(data)) if data.startswith(raw, at)}
        assert places == {at for at, name in found if name == literal}


def test_code_is_not_searched_where_strings_stand_apart(tmp_path: Path) -> None:
    source = 'const char *s = "/etc/ssl/x"; int main(void) { return !s; }\n'
    for flag in ("-Wl,-z,separate-code", "-Wl,-z,noseparate-code"):
        assert elf(cc(tmp_path / "a", source, flag).read_bytes()).scan(("/etc/ssl/x",))


def test_a_go_program_tells_how_it_was_built(tmp_path: Path) -> None:
    data = go(tmp_path / "fetch", FETCH_GO, "-ldflags=-s -w").read_bytes()
    for file in (elf(data), elf(headless(data))):
        assert file.is_go()
        build = file.go_build
        assert build is not None
        assert build.version.startswith("go1.")
        assert build.path == "example.com/fetch"
        assert build.main is not None
        assert build.main.path == "example.com/fetch"
        assert ("GOOS", "linux") in build.settings
        assert ("CGO_ENABLED", "0") in build.settings


def test_go_function_names_survive_stripping(tmp_path: Path) -> None:
    data = go(tmp_path / "fetch", FETCH_GO, "-ldflags=-s -w").read_bytes()
    wanted = ("net/http.(*Transport).roundTrip", "time.LoadLocation", "crypto/tls.Dial*", "os/user.Current", "main.mai")
    for file in (elf(data), elf(headless(data))):
        found = file.go_functions(wanted)
        assert {"net/http.(*Transport).roundTrip", "time.LoadLocation"} <= found
        assert "os/user.Current" not in found
        assert "main.mai" not in found
        assert file.go_names is not None
        assert list(file.go_names.starting("main.main")) == ["main.main"]


@pytest.mark.parametrize("arch", ["386", "s390x", "mips"])
def test_go_data_of_other_machines_is_read(tmp_path: Path, arch: str) -> None:
    data = go(tmp_path / "x", "package main\n\nfunc main() { println(1) }\n", GOARCH=arch).read_bytes()
    file = elf(data)
    assert file.go_build is not None
    assert ("GOARCH", arch) in file.go_build.settings
    assert file.go_functions(("main.main", "runtime.goexit*")) >= {"main.main"}


CGO = """package main

// #include <dlfcn.h>
// static const char *name(void) { return "libwanted.so.1"; }
// static int open_it(void) { return dlopen(name(), RTLD_NOW) != 0; }
import "C"

func main() { println(C.open_it()) }
"""


@pytest.mark.parametrize("mode", ["exe", "pie"])
def test_the_strings_of_a_go_programs_c_parts_are_found(tmp_path: Path, mode: str) -> None:
    """N40: they are constants like any C program's; names that only the loader's tables hold are no strings."""
    file = elf(go(tmp_path / "opens", CGO, f"-buildmode={mode}", CGO_ENABLED="1").read_bytes())
    assert file.is_go()
    assert "libc.so.6" in file.facts.needed
    found = file.scan((".so",))[".so"]
    assert "libwanted.so.1" in found
    assert "libc.so.6" not in found


def test_few_names_of_a_long_string_table_are_read(tmp_path: Path) -> None:
    body = "".join(f"int {'x' * 200}{number}(void) {{ return {number}; }}\n" for number in range(400))
    source = f"extern int far(void); extern int maybe(void) __attribute__((weak));\n{body}"
    use = "int near(void) { return far() + (maybe ? maybe() : 0); }\n"
    file = elf(shared(tmp_path / "libn.so", source + use, "-nostdlib").read_bytes())
    assert {"far", "maybe"} <= file.imports()
    assert file.weak_imports() & {"far", "maybe"} == {"maybe"}
    assert len(file.exports()) == 401


def test_a_c_program_is_no_go_program(tmp_path: Path) -> None:
    file = elf(cc(tmp_path / "a", HELLO_C).read_bytes())
    assert not file.is_go()
    assert file.go_names is None


def note(kind: int, desc: bytes, owner: bytes = b"FDO\0") -> bytes:
    return struct.pack("<III", len(owner), len(desc), kind) + owner + desc + bytes(-len(desc) % 4)


def test_dlopen_notes_are_read_without_section_headers() -> None:
    first = [{"soname": ["libx.so.2", "libx.so.1"], "priority": "required", "feature": "x", "description": "X"}]
    second = [{"soname": ["liby.so"]}, {"soname": "libold.so", "priority": "whatever"}]
    notes = note(NOTE_DLOPEN, json.dumps(first).encode() + b"\0") + note(
        NOTE_DLOPEN, json.dumps(second).encode() + b"\0"
    )
    file = elf(forge((), notes=notes))
    assert dlopens(file.notes()) == (
        DlopenEntry(("libx.so.2", "libx.so.1"), "required", "x", "X"),
        DlopenEntry(("liby.so",), "recommended"),
        DlopenEntry(("libold.so",), "recommended"),
    )


@pytest.mark.parametrize(
    "desc",
    [b"", b"\0", b"[", b"[1, null, {}]", b'[{"soname": [1]}]', b'[{"soname": []}]', b"[" * 60_000, b'"x"', b"\xff\xfe", b"[" + b"1," * 70_000 + b"1]"],
)  # fmt: skip
def test_a_broken_dlopen_note_says_nothing(desc: bytes) -> None:
    assert dlopens([Note(b"FDO", NOTE_DLOPEN, desc)]) == ()


def test_a_package_note_is_read() -> None:
    text = json.dumps({"type": "deb", "name": "hello", "version": "1.2", "n": 3}).encode() + b"\0"
    assert package([Note(b"FDO", NOTE_PACKAGE, text)]) == {"type": "deb", "name": "hello", "version": "1.2"}
    assert package([Note(b"FDO", NOTE_PACKAGE, b"{")]) == {}


def test_a_note_that_lies_about_its_length_ends_the_list() -> None:
    good = note(NOTE_DLOPEN, b"[]\0\0")
    file = elf(forge((), notes=good + struct.pack("<III", 4, 0xFFFFFFF0, 1) + b"FDO\0"))
    assert [found.type for found in file.notes()] == [NOTE_DLOPEN]


def with_section(tmp_path: Path, name: str, content: bytes) -> Elf:
    cc(tmp_path / "a", HELLO_C)
    (tmp_path / "content").write_bytes(content)
    run(["objcopy", "--add-section", f"{name}={tmp_path}/content", tmp_path / "a", tmp_path / "b"])
    return elf((tmp_path / "b").read_bytes())


def test_auditable_crates_are_listed(tmp_path: Path) -> None:
    listed = {"packages": [{"name": "rustls", "version": "0.23.1", "source": "crates.io"}, {"name": "me", "version": "1", "source": "local", "root": True}]}  # fmt: skip
    crates = with_section(tmp_path, ".dep-v0", zlib.compress(json.dumps(listed).encode())).crates()
    assert [(crate.name, crate.version, crate.root) for crate in crates] == [
        ("rustls", "0.23.1", False),
        ("me", "1", True),
    ]


@pytest.mark.parametrize(
    "content", [b"no zlib", zlib.compress(b"[]"), zlib.compress(bytes(64 << 20)), zlib.compress(b'{"packages": 3}')]
)
def test_broken_or_huge_audit_data_says_nothing(tmp_path: Path, content: bytes) -> None:
    assert with_section(tmp_path, ".dep-v0", content).crates() == ()


def test_the_rust_compiler_is_named(tmp_path: Path) -> None:
    cc(tmp_path / "a", '__asm__(".section .comment\\n.asciz \\"rustc version 1.80.0 (abc)\\"");\n' + HELLO_C)
    assert elf((tmp_path / "a").read_bytes()).rustc() == "1.80.0 (abc)"


def test_views_open_the_file_and_close_it_again(tmp_path: Path) -> None:
    path = cc(tmp_path / "a", HELLO_C)
    opened: list[io.BufferedReader] = []

    def opening() -> io.BufferedReader:
        opened.append(path.open("rb"))
        return opened[-1]

    with path.open("rb") as stream:
        file = Elf(opening, read_elf(stream, origin="a"))
    assert file.imports()
    file.imports()
    file.sections()
    assert len(opened) == 2
    assert all(stream.closed for stream in opened)


def test_a_large_go_program_is_judged_by_its_own_tables() -> None:
    """3.3: what Go built it from, and a method by its whole name, among tens of megabytes of both."""
    path = Path("/usr/bin/docker")
    if not path.exists():
        pytest.skip("docker is not on this machine (Debian package: docker.io)")
    with path.open("rb") as stream:
        file = Elf(lambda: path.open("rb"), read_elf(stream, origin="docker"))
    assert file.is_go()
    assert "net/http.(*Transport).roundTrip" in file.go_functions(("net/http.(*Transport).roundTrip",))
