"""What a repository is, read from its build files as text: nothing of it is executed, and nothing is guessed beyond them."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from scratchpack import foreign
from scratchpack.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CAP = 1 << 20  # bytes read of one build file
_MEMBERS = 256  # of a Cargo workspace that are looked at


class Project(NamedTuple):
    """One language that a repository is written in."""

    language: str
    because: str  # the file that says so, relative to the repository
    name: str  # of the program
    package: str | None = None  # what to build; None is the template's default
    build_system: str | None = None
    binary: str = ""  # where the language's own build leaves the program, for the Makefile part


def detect(home: Path) -> tuple[Project, ...]:
    """Every language found, the most telling build file first. A directory lends its own name, which ``.`` does not have."""
    home = home.resolve()
    return tuple(found for look in _LOOKS for found in look(home))


def _read(path: Path) -> str:
    try:
        if not path.is_file():  # a FIFO or a device of that name would be waited for
            return ""
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(CAP)
    except OSError:
        return ""


def _first(pattern: str, text: str, default: str) -> str:
    found = re.search(pattern, text, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else default


def _any(home: Path, *patterns: str) -> Iterator[Path]:
    for pattern in patterns:
        try:
            found = sorted(home.glob(pattern))[:500]
        except (
            ValueError,
            NotImplementedError,
            OSError,
        ):  # a stranger's pattern: absolute, empty, with a NUL or a wrong **
            continue
        for path in found:
            if str(path.relative_to(home)).isprintable():  # a name is shown on a terminal
                yield path


def _go(home: Path) -> Iterator[Project]:
    if not (home / "go.mod").is_file():
        return
    module = _first(r'^module\s+"?([^\s"]+)', _read(home / "go.mod"), home.name).rstrip("/")
    name = re.sub(r"/v\d+$", "", module).rpartition("/")[2]
    package = "."
    commands = (
        [] if _go_main(_any(home, "*.go")) else _go_main(_any(home, "cmd/*/*.go")) or _go_main(_any(home, "*/*.go"))
    )
    if commands:
        chosen = next((path for path in commands if path.name == name), commands[0])
        name, package = chosen.name, f"./{chosen.relative_to(home).as_posix()}"
    cgo = any(re.search(r'^import "C"', _read(path), re.MULTILINE) for path in _any(home, "*.go", "*/*.go", "*/*/*.go"))
    yield Project("go-cgo" if cgo else "go", "go.mod", name, package, binary=f"./{name}")


def _go_main(sources: Iterator[Path]) -> list[Path]:
    """The directories that hold a program, tests and generators left out."""
    return sorted(
        {
            path.parent
            for path in sources
            if not path.name.endswith("_test.go")
            and re.search(r"^package main\b", text := _read(path), re.MULTILINE)
            and not re.search(r"^//(?:go:build| \+build) ignore", text, re.MULTILINE)
        }
    )


def _rust(home: Path) -> Iterator[Project]:
    if not (home / "Cargo.toml").is_file():
        return
    table = _toml(home / "Cargo.toml")
    workspace = table.get("workspace")
    members = workspace.get("members") if isinstance(workspace, dict) else None
    crates = [home]
    if isinstance(members, list):
        crates += [
            path.parent
            for word in members[:_MEMBERS]
            if isinstance(word, str) and not word.startswith("/") and not {"..", "**"} & set(word.split("/"))
            for path in _any(home, f"{word}/Cargo.toml")
        ]
    name = next((name for crate in crates for name in _rust_programs(crate)), "")
    package = table.get("package")
    if not name:
        name = _name(package, home) if isinstance(package, dict) else home.name
    yield Project("rust", "Cargo.toml", name, name, binary=f"./target/release/{name}")


def _rust_programs(crate: Path) -> list[str]:
    """The programs of one crate, as Cargo finds them: named in its file, src/main.rs, src/bin."""
    table = _toml(crate / "Cargo.toml")
    bins, package = table.get("bin"), table.get("package")
    entries = bins if isinstance(bins, list) else []
    names = [entry["name"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("name"), str)]
    if isinstance(package, dict) and (crate / "src/main.rs").is_file():
        names.append(_name(package, crate))
    names += [path.stem for path in _any(crate, "src/bin/*.rs")]
    return names + [path.parent.name for path in _any(crate, "src/bin/*/main.rs")]


def _name(package: dict[str, Any], crate: Path) -> str:
    name = package.get("name")
    return name if isinstance(name, str) and name else crate.name


def _toml(path: Path) -> dict[str, Any]:
    try:
        return foreign.toml_document(_read(path)).as_object()
    except InputError:
        return {}


def _zig(home: Path) -> Iterator[Project]:
    if (home / "build.zig").is_file():
        text = _read(home / "build.zig")
        name = _first(r'addExecutable\([^;]*?\.name\s*=\s*"([^"]+)"', text.replace("\n", " "), home.name)
        yield Project("zig", "build.zig", name, name, binary=f"./zig-out/bin/{name}")


def _cmake(home: Path) -> Iterator[Project]:
    if (home / "CMakeLists.txt").is_file():
        text = _read(home / "CMakeLists.txt")
        project = _first(r"project\s*\(\s*([\w.+-]+)", text, home.name)
        parts = (text, *(_read(path) for path in _any(home, "*/CMakeLists.txt")))
        names = (_first(r"add_executable\s*\(\s*([\w.+-]+|\$\{(?:CMAKE_)?PROJECT_NAME\})", part, "") for part in parts)
        name = next(filter(None, names), home.name)
        name = project if name.startswith("$") else name
        languages = _first(r"project\s*\([^)]*?\b(?:LANGUAGES\s+)?(C|CXX)\b[^)]*\)", text, "CXX")
        cpp = languages.upper() == "CXX" or re.search(r"\bCXX\b", text) is not None
        yield Project("cpp" if cpp else "c", "CMakeLists.txt", name, name, "cmake", f"./build/{name}")


def _meson(home: Path) -> Iterator[Project]:
    if (home / "meson.build").is_file():
        text = _read(home / "meson.build")
        name, package = home.name, home.name
        for path in (home / "meson.build", *_any(home, "*/meson.build")):
            if made := _first(r"\bexecutable\s*\(\s*'([^']+)'", _read(path), ""):
                name, package = made, (path.parent.relative_to(home) / made).as_posix()
                break
        cpp = re.search(r"project\s*\([^)]*'cpp'", text) is not None
        yield Project("cpp" if cpp else "c", "meson.build", name, package, "meson", f"./build/{package}")


def _haskell(home: Path) -> Iterator[Project]:
    for path in _any(home, "*.cabal"):
        text = _read(path)
        name = _first(r"^executable\s+(\S+)", text, _first(r"^name:\s*(\S+)", text, path.stem))
        yield Project("haskell", path.name, name, f"exe:{name}", binary=f"./{name}")
        return


def _d(home: Path) -> Iterator[Project]:
    for file in ("dub.json", "dub.sdl"):
        if (home / file).is_file():
            text = _read(home / file)
            name = _first(r'^\s*targetName\s+"([^"]+)"', text, _first(r'^\s*name\s+"([^"]+)"', text, home.name))
            place = _first(r'^\s*targetPath\s+"([^"]+)"', text, "")
            if file == "dub.json":
                try:
                    table = foreign.json_document(text)
                    name = table.get("targetName").text() or table.get("name").text() or name
                    place = table.get("targetPath").text()
                except InputError:
                    pass
            package = posixpath.normpath(posixpath.join(place, name))
            yield Project("d", file, name, package, binary=f"./{package}")
            return


def _nim(home: Path) -> Iterator[Project]:
    for path in _any(home, "*.nimble"):
        text = _read(path)
        name = _first(r'^bin\s*=\s*@\[\s*"([^"]+)"', text, path.stem)
        source = _first(r'^srcDir\s*=\s*"([^"]+)"', text, ".")
        main = f"{name}.nim" if source == "." else f"{source}/{name}.nim"
        yield Project("nim", path.name, name, main, binary=f"./{name}")
        return


def _ocaml(home: Path) -> Iterator[Project]:
    if (home / "dune-project").is_file():
        package, name = None, home.name
        for path in _any(home, "bin/dune", "dune", "src/dune", "*/dune"):
            main = _first(r"\(executables?\b[^;]*?\(names?\s+([\w-]+)", _read(path).replace("\n", " "), "")
            if main:
                place = path.parent.relative_to(home).as_posix()
                package = f"{main}.exe" if place == "." else f"{place}/{main}.exe"
                name = _first(r"\(public_names?\s+([\w-]+)", _read(path), home.name if main == "main" else main)
                break
        yield Project("ocaml", "dune-project", name, package, binary=f"./_build/default/{package or 'bin/main.exe'}")


def _swift(home: Path) -> Iterator[Project]:
    if (home / "Package.swift").is_file():
        text = _read(home / "Package.swift").replace("\n", " ")
        name = _first(r'\.executable(?:Target)?\s*\(\s*name:\s*"([^"]+)"', text, home.name)
        yield Project("swift", "Package.swift", name, name, binary=f"./.build/release/{name}")


def _crystal(home: Path) -> Iterator[Project]:
    if (home / "shard.yml").is_file():
        text = _read(home / "shard.yml")
        name = _first(r"^name:\s*[\"']?([\w.-]+)", text, home.name)
        main = _first(r"^\s+main:\s*[\"']?([^\s\"']+)", text, f"src/{name}.cr")
        yield Project("crystal", "shard.yml", name, main, binary=f"./bin/{name}")


def _dotnet(home: Path) -> Iterator[Project]:
    projects = [*_any(home, "*.csproj", "*/*.csproj", "*/*/*.csproj")]
    for path in sorted(projects, key=lambda path: "<OutputType>Exe<" not in _read(path)):  # one that is a program first
        name = _first(r"<AssemblyName>([^<]+)</AssemblyName>", _read(path), path.stem)
        yield Project("dotnet", path.relative_to(home).as_posix(), name, name, binary=f"./{name}")
        return


def _make(home: Path) -> Iterator[Project]:
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
                yield Project("cpp" if cpp else "c", file, name.rpartition("/")[2], name, "make", f"./{name}")
            return


# the order is the priority
_LOOKS: tuple[Callable[[Path], Iterator[Project]], ...] = (
    _go, _rust, _zig, _cmake, _meson, _haskell, _d, _nim, _ocaml, _swift, _crystal, _dotnet, _make,
)  # fmt: skip
