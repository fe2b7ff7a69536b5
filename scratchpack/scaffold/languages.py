"""The languages with a multi-stage template, as data: which base holds the toolchain and what the language can do.

Each base image already holds its toolchain (T3); ``{version}`` and ``{distro}`` stand for what the user may choose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scratchpack.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Language(NamedTuple):
    """One template. ``bases`` is keyed by distro, the first is the default; ``package`` is what to build by default."""

    name: str
    title: str
    version: str
    bases: dict[str, str]
    package: str
    package_means: str
    links: tuple[str, ...] = ("static",)  # the first is the default: "static" | "static-pie" | "dynamic"
    cross: bool = False  # its compiler cross-compiles: the build stage runs on the builder's own platform
    build_systems: tuple[str, ...] = ()
    only: tuple[str, ...] = ()  # architectures, where not all are possible
    aliases: tuple[str, ...] = ()

    @property
    def template(self) -> str:
        """The path of its template, relative to ``templates/``."""
        return f"dockerfile/{self.name}.Dockerfile.j2"


_DEBIAN = ("bookworm", "trixie")


def _tags(image: str, *distros: str) -> dict[str, str]:
    return {distro: f"{image}:{{version}}-{distro}" for distro in distros}


LANGUAGES: tuple[Language, ...] = (
    Language(
        "go", "Go", "1.27", _tags("golang", "alpine", *_DEBIAN), ".", "the package with main, as go build takes it",
        cross=True,
    ),
    Language(
        "go-cgo", "Go with cgo", "1.27", _tags("golang", *_DEBIAN), ".", "the package with main, as go build takes it",
        links=("static", "dynamic"),
    ),
    Language(
        "rust", "Rust (musl)", "1.90", _tags("rust", "alpine"), "app", "the binary, as cargo build --bin takes it",
        aliases=("rust-musl",),
    ),
    Language(
        "rust-gnu", "Rust (glibc)", "1.90", _tags("rust", *_DEBIAN), "app", "the binary, as cargo build --bin takes it",
        links=("static", "dynamic"),
    ),
    Language(
        "c", "C", "14", _tags("gcc", "bookworm"), "./*.c", "the sources; with --build-system the target to build",
        links=("static", "static-pie", "dynamic"), build_systems=("make", "cmake", "meson"),
    ),
    Language(
        "cpp", "C++", "14", _tags("gcc", "bookworm"), "./*.cpp", "the sources; with --build-system the target to build",
        links=("static", "static-pie", "dynamic"), build_systems=("make", "cmake", "meson"), aliases=("c++",),
    ),
    Language(
        "zig", "Zig", "0.14.0", {"alpine": "kassany/alpine-ziglang:{version}"}, "app",
        "the file that zig build installs in zig-out/bin", cross=True, only=("amd64", "arm64", "riscv64"),
    ),
    Language(
        "nim", "Nim", "2.2.0", {"alpine": "nimlang/nim:{version}-alpine"}, "src/main.nim", "the main module",
    ),
    Language(
        "haskell", "Haskell", "9.6.5", {"alpine": "benz0li/ghc-musl:{version}"}, "exe:app",
        "the component, as cabal build takes it",
    ),
    Language(
        "d", "D", "1.37.0", {"alpine": "kassany/alpine-ldc2:{version}"}, "app", "the file that dub builds",
    ),
    Language(
        "swift", "Swift", "6.0.3", _tags("swift", "noble", "jammy", "bookworm"), "app", "the executable product",
        only=("amd64", "arm64"),
    ),
    Language(
        "crystal", "Crystal", "1.14.0", {"alpine": "crystallang/crystal:{version}-alpine"}, "src/main.cr", "the main file",
    ),
    Language(
        "ocaml", "OCaml", "5.2", {"alpine": "ocaml/opam:alpine-3.20-ocaml-{version}"}, "bin/main.exe",
        "the executable, as dune build takes it",
    ),
    Language(
        "graalvm", "GraalVM native image", "21", {"oraclelinux": "ghcr.io/graalvm/native-image-community:{version}-muslib"},
        "Main", "the main class", only=("amd64",), aliases=("java",),
    ),
    Language(
        "dotnet", ".NET Native AOT", "10.0", {"alpine": "mcr.microsoft.com/dotnet/sdk:{version}-alpine-aot"}, "app",
        "the assembly's name", only=("amd64", "arm64"), aliases=("csharp",),
    ),
    Language(
        "pyinstaller", "Python (PyInstaller)", "3.13", _tags("python", *_DEBIAN), "main.py", "the script to start",
        links=("dynamic",), aliases=("python",),
    ),
)  # fmt: skip

# The gcc images hold make and nothing else of the kind: cmake and meson come as wheels, at these versions.
WITH_WHEELS = {"cmake": "cmake==3.31.6 ninja==1.11.1.4", "meson": "meson==1.7.2 ninja==1.11.1.4"}
WHEELS_BASE = "python:3.13-bookworm"

# Static Linux SDKs by version of Swift: the installation wants the checksum beside the address.
SWIFT_SDKS = {"6.0.3": ("0.0.1", "67f765e0030e661a7450f7e4877cfe008db4f57f177d5a08a6e26fd661cdd0bd")}
PYINSTALLER = "6.11.1"
TOOL_IMAGE = "python:3.13-slim-bookworm"  # also holds CA certificates and time zones


def find(name: str, others: Iterable[str] = ()) -> Language:
    """The language of a name or an alias; ``others`` are names of something else that could have been meant.

    Raises:
        UsageError: there is none.
    """
    for language in LANGUAGES:
        if name == language.name or name in language.aliases:
            return language
    import difflib

    known = [word for language in LANGUAGES for word in (language.name, *language.aliases)]
    close = difflib.get_close_matches(name.lower(), [*known, *others], 1)
    raise UsageError(
        f"cannot make a template for {name!r}: there is none of that name",
        hint=(f"did you mean {close[0]}? " if close else "") + "`scratchpack template --list` shows them",
    )
