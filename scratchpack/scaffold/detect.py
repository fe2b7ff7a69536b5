"""What a repository is, read from its build files as text: nothing of it is executed, and nothing is guessed beyond them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CAP = 1 << 20  # bytes read of one build file


class Found(NamedTuple):
    """One language that a repository is written in."""

    language: str
    because: str  # the file that says so, relative to the repository
    name: str  # of the program
    package: str | None = None  # what to build; None is the template's default
    build_system: str | None = None
    binary: str = ""  # where the language's own build leaves the program, for the Makefile part


def detect(home: Path) -> tuple[Found, ...]:
    """Every language found, the most telling build file first."""
    return tuple(found for look in _LOOKS for found in look(home))


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(CAP)
    except OSError:
        return ""


def _first(pattern: str, text: str, default: str) -> str:
    found = re.search(pattern, text, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else default


def _any(home: Path, *patterns: str) -> Iterator[Path]:
    for pattern in patterns:
        yield from sorted(home.glob(pattern))[:500]


def _go(home: Path) -> Iterator[Found]:
    if not (home / "go.mod").is_file():
        return
    module = _first(r"^module\s+(\S+)", _read(home / "go.mod"), home.name)
    name = re.sub(r"/v\d+$", "", module).rpartition("/")[2]
    package = "."
    commands = sorted({path.parent for path in _any(home, "cmd/*/*.go")})
    if not any(re.search(r"^package main\b", _read(path), re.MULTILINE) for path in _any(home, "*.go")) and commands:
        chosen = next((path for path in commands if path.name == name), commands[0])
        name, package = chosen.name, f"./cmd/{chosen.name}"
    cgo = any(re.search(r'^import "C"', _read(path), re.MULTILINE) for path in _any(home, "*.go", "*/*.go", "*/*/*.go"))
    yield Found("go-cgo" if cgo else "go", "go.mod", name, package, binary=f"./{name}")


def _rust(home: Path) -> Iterator[Found]:
    if not (home / "Cargo.toml").is_file():
        return
    import tomllib

    try:
        table = tomllib.loads(_read(home / "Cargo.toml"))
    except tomllib.TOMLDecodeError:
        table = {}
    bins = [entry["name"] for entry in table.get("bin", []) if isinstance(entry, dict) and "name" in entry]
    package = table.get("package", {})
    name = str(bins[0] if bins else package.get("name", home.name))
    yield Found("rust", "Cargo.toml", name, name, binary=f"./target/release/{name}")


def _zig(home: Path) -> Iterator[Found]:
    if (home / "build.zig").is_file():
        text = _read(home / "build.zig")
        name = _first(r'addExecutable\([^;]*?\.name\s*=\s*"([^"]+)"', text.replace("\n", " "), home.name)
        yield Found("zig", "build.zig", name, name, binary=f"./zig-out/bin/{name}")


def _cmake(home: Path) -> Iterator[Found]:
    if (home / "CMakeLists.txt").is_file():
        text = _read(home / "CMakeLists.txt")
        name = _first(r"add_executable\s*\(\s*([\w.+-]+)", text, home.name)
        languages = _first(r"project\s*\([^)]*?\b(?:LANGUAGES\s+)?(C|CXX)\b[^)]*\)", text, "CXX")
        cpp = languages.upper() == "CXX" or re.search(r"\bCXX\b", text) is not None
        yield Found("cpp" if cpp else "c", "CMakeLists.txt", name, name, "cmake", f"./build/{name}")


def _meson(home: Path) -> Iterator[Found]:
    if (home / "meson.build").is_file():
        text = _read(home / "meson.build")
        name = _first(r"executable\s*\(\s*'([^']+)'", text, home.name)
        cpp = re.search(r"project\s*\([^)]*'cpp'", text) is not None
        yield Found("cpp" if cpp else "c", "meson.build", name, name, "meson", f"./build/{name}")


def _haskell(home: Path) -> Iterator[Found]:
    for path in _any(home, "*.cabal"):
        text = _read(path)
        name = _first(r"^executable\s+(\S+)", text, _first(r"^name:\s*(\S+)", text, path.stem))
        yield Found("haskell", path.name, name, f"exe:{name}", binary=f"./{name}")
        return


def _d(home: Path) -> Iterator[Found]:
    for file in ("dub.json", "dub.sdl"):
        if (home / file).is_file():
            text = _read(home / file)
            name = _first(r'^\s*"?(?:targetName|name)"?:?\s*"([^"]+)"', text, home.name)
            if file == "dub.json":
                try:
                    table = json.loads(text)
                    name = str(table.get("targetName") or table.get("name") or name)
                except (ValueError, AttributeError):
                    pass
            yield Found("d", file, name, name, binary=f"./{name}")
            return


def _nim(home: Path) -> Iterator[Found]:
    for path in _any(home, "*.nimble"):
        text = _read(path)
        name = _first(r'^bin\s*=\s*@\[\s*"([^"]+)"', text, path.stem)
        source = _first(r'^srcDir\s*=\s*"([^"]+)"', text, ".")
        main = f"{name}.nim" if source == "." else f"{source}/{name}.nim"
        yield Found("nim", path.name, name, main, binary=f"./{name}")
        return


def _ocaml(home: Path) -> Iterator[Found]:
    if (home / "dune-project").is_file():
        package, name = None, home.name
        for path in _any(home, "bin/dune", "dune", "src/dune", "*/dune"):
            main = _first(r"\(executables?\b[^;]*?\(names?\s+([\w-]+)", _read(path).replace("\n", " "), "")
            if main:
                place = path.parent.relative_to(home).as_posix()
                package = f"{main}.exe" if place == "." else f"{place}/{main}.exe"
                name = _first(r"\(public_names?\s+([\w-]+)", _read(path), home.name if main == "main" else main)
                break
        yield Found("ocaml", "dune-project", name, package, binary=f"./_build/default/{package or 'bin/main.exe'}")


def _swift(home: Path) -> Iterator[Found]:
    if (home / "Package.swift").is_file():
        text = _read(home / "Package.swift").replace("\n", " ")
        name = _first(r'\.executable(?:Target)?\s*\(\s*name:\s*"([^"]+)"', text, home.name)
        yield Found("swift", "Package.swift", name, name, binary=f"./.build/release/{name}")


def _crystal(home: Path) -> Iterator[Found]:
    if (home / "shard.yml").is_file():
        text = _read(home / "shard.yml")
        name = _first(r"^name:\s*[\"']?([\w.-]+)", text, home.name)
        main = _first(r"^\s+main:\s*[\"']?([^\s\"']+)", text, f"src/{name}.cr")
        yield Found("crystal", "shard.yml", name, main, binary=f"./bin/{name}")


def _dotnet(home: Path) -> Iterator[Found]:
    for path in _any(home, "*.csproj", "*/*.csproj"):
        name = _first(r"<AssemblyName>([^<]+)</AssemblyName>", _read(path), path.stem)
        yield Found("dotnet", path.relative_to(home).as_posix(), name, name, binary=f"./{name}")
        return


def _make(home: Path) -> Iterator[Found]:
    """Last: other languages keep a Makefile too."""
    for file in ("GNUmakefile", "makefile", "Makefile"):
        if (home / file).is_file():
            cpp = next(_any(home, "*.cpp", "*.cc", "*.cxx", "src/*.cpp", "src/*.cc", "src/*.cxx"), None)
            c = next(_any(home, "*.c", "src/*.c"), None)
            if cpp or c:
                name = _first(
                    r"^(?:BINARY|PROGRAM|PROG|TARGET|BIN|NAME)\s*[:?]?=\s*(?:\./)?([\w./+-]+)\s*$",
                    _read(home / file),
                    home.name,
                )
                yield Found("cpp" if cpp else "c", file, name.rpartition("/")[2], name, "make", f"./{name}")
            return


# the order is the priority
_LOOKS: tuple[Callable[[Path], Iterator[Found]], ...] = (
    _go, _rust, _zig, _cmake, _meson, _haskell, _d, _nim, _ocaml, _swift, _crystal, _dotnet, _make,
)  # fmt: skip
