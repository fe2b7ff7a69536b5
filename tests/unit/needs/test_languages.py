"""What programs of each language get, and above all what they do not get. Real compilers where there are any.

Compilers of Swift, GraalVM and .NET cannot be had here: their detectors are tried on a file built to carry their marks, and
the latter two on programs that npm carries (tests/e2e/test_npm_programs.py). Nim, D and Haskell are compiled for real in
tests/e2e/test_language_needs.py.
"""

from __future__ import annotations

import json
import subprocess
import zlib
from pathlib import Path

import pytest

from scratchpack.needs.system.ca import stores
from tests.support import build, tools
from tests.support.cli import scratchpack

SERVER = """package main
import ("fmt"; "net/http")
func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hi") })
	fmt.Println(http.ListenAndServeTLS("127.0.0.1:0", "c", "k", nil))
}
"""
CLIENT = """package main
import ("fmt"; "net/http"; "os"; "os/user"; "time")
func main() {
	zone, err := time.LoadLocation(os.Args[1]); fmt.Println(zone, err)
	me, err := user.LookupId(os.Args[2]); fmt.Println(me, err)
	answer, err := http.Get(os.Args[3]); fmt.Println(answer, err)
}
"""
ZONES = """package main
import ("fmt"; "os"; "time"; _ "time/tzdata")
func main() { zone, err := time.LoadLocation(os.Args[1]); fmt.Println(zone, err) }
"""


def added(program: Path) -> set[str]:
    """Needs that were added, by name; suggestions and reports do not count."""
    ran = scratchpack("inspect", "--json", program)
    assert ran.status == 0, ran.err
    return {need["name"] for need in json.loads(ran.out)["needs"] if need["decision"] == "added"}


def marked(out: Path, *strings: str, flags: tuple[str, ...] = ()) -> Path:
    """A C program that holds these strings, each between NULs."""
    rows = ", ".join(json.dumps(text) for text in strings)
    source = f"#include <stdio.h>\nstatic const char *marks[] = {{{rows}}};\nint main(int n, char **v) {{ puts(marks[n - 1]); }}\n"
    return build.cc(out, source, *flags)


def test_a_go_server_gets_nothing(tmp_path: Path) -> None:
    """3.3: it links the loading of roots and the handshake, and still verifies nobody."""
    assert added(build.go(tmp_path / "server", SERVER, "-ldflags=-s -w")) == set()


def test_a_go_client_gets_certificates_zones_and_accounts(tmp_path: Path) -> None:
    """N31: told by the function table, which stripping leaves."""
    assert added(build.go(tmp_path / "client", CLIENT, "-ldflags=-s -w")) >= {"ca-certificates", "timezone", "users"}


def test_go_zones_that_are_embedded_need_no_file(tmp_path: Path) -> None:
    """3.3."""
    assert added(build.go(tmp_path / "zones", ZONES)) == set()


@pytest.mark.parametrize("flag", ["-static", "-static-pie"])
def test_a_static_hello_gets_nothing(tmp_path: Path, flag: str) -> None:
    """N41: libc's own strings are no evidence, in a position-independent program neither."""
    assert added(build.cc(tmp_path / "hello", build.HELLO_C, flag)) == set()


@pytest.fixture
def rustc() -> str:
    return tools.need("rustc", package="rustc")


@pytest.mark.parametrize("feature", ["-crt-static", "+crt-static"])
def test_a_rust_command_line_tool_gets_nothing(tmp_path: Path, rustc: str, feature: str) -> None:
    source = tmp_path / "tool.rs"
    source.write_text('fn main() { for word in std::env::args().skip(1) { println!("{}", word.to_uppercase()); } }\n')
    words: list[str | Path] = [rustc, "-O", f"-Ctarget-feature={feature}", "-o", tmp_path / "tool", source]
    subprocess.run(words, check=True, capture_output=True)
    assert added(tmp_path / "tool") <= {"libgcc"}


def test_a_rust_tool_that_only_knows_the_time_gets_neither_certificates_nor_zones() -> None:
    """N5, N32: ruff links jiff, whose list of directories stands among other literals."""
    assert not {"ca-certificates", "timezone", "hosts", "gconv", "locale"} & added(
        Path(tools.need("ruff", package="ruff"))
    )


def test_a_path_to_zones_counts_where_it_is_a_string_of_its_own(tmp_path: Path) -> None:
    """N5: php's does; literals side by side, source files and Phobos' own say nothing."""
    assert "timezone" in added(marked(tmp_path / "whole", "/usr/share/zoneinfo/%s"))
    for number, strings in enumerate(
        (
            ("TZDIR/usr/share/zoneinfo/usr/share/lib/zoneinfo/etc/zoneinfofound", "x"),
            ("/registry/src/jiff-0.2.38/src/tz/db/zoneinfo/enabled.rs", "x"),
            ("/usr/share/zoneinfo/", "std.datetime.timezone.LocalTime"),
        )
    ):
        assert "timezone" not in added(marked(tmp_path / str(number), *strings))


def test_stores_that_stand_side_by_side_are_told_apart() -> None:
    """3.4: a name that goes on after ".crt" is no file."""
    packed = "foo/etc/ssl/certs/ca-certificates.crt/etc/ssl/cert.pem/opt/etc/sslcerts/ca-root-nss.crt"
    assert list(stores(packed)) == ["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"]
    assert list(stores("/opt/own/etc/ssl/cert.pem")) == ["/opt/own/etc/ssl/cert.pem"]
    assert list(stores("@/opt/own/cert.pem")) == ["/opt/own/cert.pem"]  # Nim's literal


def test_rust_asks_the_system_for_certificates_through_openssl_probe(tmp_path: Path) -> None:
    """3.4: literals stand side by side, without NUL."""
    program = marked(tmp_path / "rusty", "cert.pemcerts/ca-root-nss.crtcerts/ca-bundle.crt", flags=("-static",))
    assert "ca-certificates" in added(program)


def test_rust_makes_files_in_tmp_through_tempfile(tmp_path: Path) -> None:
    """N27: std's own name for the directory is code and not a string."""
    assert "tmp" in added(marked(tmp_path / "rusty", "registry/src/tempfile-3.27.0/src/file/mod.rs"))


def test_crates_listed_by_cargo_auditable_are_evidence(tmp_path: Path) -> None:
    """3.4: ``.dep-v0``."""
    objcopy = tools.need("objcopy", package="binutils")

    def with_crates(*names: str) -> Path:
        packages = [{"name": name, "version": "1.0.0", "source": "registry"} for name in names]
        (tmp_path / "dep").write_bytes(zlib.compress(json.dumps({"packages": packages}).encode()))
        program = build.cc(tmp_path / names[-1], build.HELLO_C, "-static")
        subprocess.run([objcopy, "--add-section", f".dep-v0={tmp_path / 'dep'}", program], check=True)
        return program

    assert "ca-certificates" in added(with_crates("rustls", "rustls-native-certs"))
    assert added(with_crates("rustls", "webpki-roots")) == set()


def test_zigs_list_of_bundles_is_evidence(tmp_path: Path) -> None:
    """N33."""
    assert "ca-certificates" in added(
        marked(tmp_path / "ziggy", "/etc/pki/tls/certs/ca-bundle.crt", flags=("-static",))
    )


def test_nims_pattern_and_ds_name_are_opened_later(tmp_path: Path) -> None:
    """N34, N35: the first alternative that resolves comes along."""
    source = (
        "#include <dlfcn.h>\n#include <stdio.h>\n"
        'int main(void) { puts("@libz.so(.9|.1|)"); return !dlopen("libm.so.6", RTLD_NOW); }\n'
    )
    ran = scratchpack("inspect", "--json", build.cc(tmp_path / "nimble", source))
    paths = [entry["path"] for entry in json.loads(ran.out)["files"]]
    assert any("libz.so.1" in path for path in paths)
    assert any("libm.so.6" in path for path in paths)


def test_haskells_run_time_converts_to_what_is_named_beyond_its_own(tmp_path: Path) -> None:
    """N36: every Haskell program holds iconv_open and the names of the charsets that GHC knows."""
    assert "gconv" in added(marked(tmp_path / "named", "GHCRTS", "ISO-8859-2"))
    assert "gconv" not in added(marked(tmp_path / "own", "GHCRTS", "ISO-8859-1", "latin1", "CP367//"))


def test_swifts_networking_verifies_certificates(tmp_path: Path) -> None:
    """N37, not run."""
    build.shared(tmp_path / "libFoundationNetworking.so")
    program = build.cc(
        tmp_path / "swifty",
        build.HELLO_C,
        *("-Wl,--no-as-needed", f"-L{tmp_path}", "-l:libFoundationNetworking.so", "-Wl,-rpath,$ORIGIN"),
    )
    assert "ca-certificates" in added(program)


def test_a_native_image_is_reported_and_gets_nothing(tmp_path: Path) -> None:
    """N38: its trust store was embedded when it was built."""
    source = build.HELLO_C + '__attribute__((section(".svm_heap"))) int heap = 1;\n'
    ran = scratchpack("inspect", "--json", build.cc(tmp_path / "native", source, "-static"))
    needs = {need["name"]: need["decision"] for need in json.loads(ran.out)["needs"]}
    assert needs["graalvm"] == "suggested"


def test_dotnet_gets_the_openssl_that_is_there(tmp_path: Path) -> None:
    """N39: the run time composes the name."""
    ran = scratchpack("inspect", "--json", marked(tmp_path / "net", "libSystem.Native", "RhpNewFast", "libssl.so"))
    assert any("libssl.so.3" in entry["path"] for entry in json.loads(ran.out)["files"])


@pytest.mark.parametrize("starts", ["JNI_CreateJavaVM", "Tcl_MainEx", "ruby_setup", "Py_BytesMain"])
def test_a_runtime_whose_library_makes_temporary_files_has_a_place_for_them(starts: str, tmp_path: Path) -> None:
    """N27: the program itself makes none; Java's File, Ruby's tmpdir and Python's tempfile do, from code that is no ELF file."""
    for name in (starts, "other"):
        library = build.shared(tmp_path / f"lib{name}.so", f"int {name}(void) {{ return 0; }}\n")
        source = f"int {name}(void);\nint main(void) {{ return {name}(); }}\n"
        build.cc(tmp_path / f"calls-{name}", source, str(library), "-Wl,-rpath,$ORIGIN")
    ran = scratchpack("inspect", "--json", "--need", "python=never", tmp_path / f"calls-{starts}")

    assert "/tmp" in {file["path"] for file in json.loads(ran.out)["files"]}, ran.err
    assert "tmp" not in added(tmp_path / "calls-other")
