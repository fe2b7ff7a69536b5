"""Needs of programs in other languages than C, for real: real compilers, the image without the need, ours, and a twin."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import build, sandbox, tools
from tests.support.cli import scratchpack

APPS = Path(__file__).parent.parent.parent / "sample_apps"


class App(NamedTuple):
    """A need, and how its app of this language is built."""

    need: str
    language: str
    prints: bytes
    build: str = ""  # "static", "cgo"
    env: tuple[str, ...] = ()  # of the image
    twin_env: bool = True  # whether the twin's image plans it too

    def __str__(self) -> str:
        return "-".join(word for word in (self.need, self.language, self.build) if word)


QUICK = (
    App("timezone", "go", b"09:00 JST"),  # N31: LoadLocation; the twin carries time/tzdata
    App("users", "go", b"nonroot"),  # N31: os/user reads passwd itself
    App("tmp", "go", b"written"),  # N27: os.CreateTemp
    App("tmp", "rs", b"written"),  # N27: std::env::temp_dir
    App("tmp", "rs", b"written", "static"),  # N27, N41
)
HEAVY = (
    App("hosts", "go", b"127.0.0.1", "cgo", ("GODEBUG=netdns=cgo",)),  # N31: the C library's resolver
    App("users", "go", b"nonroot", "cgo"),  # N31: os/user calls getpwuid_r
    App("dlopen", "nim", b"42"),  # N34: std/re opens libpcre
    App("dlopen", "d", b"Linux"),  # N35: std.net.curl of a shared Phobos
    App("dlopen", "d", b"Linux", "static"),  # N35: Phobos in the program
    App("gconv", "hs", b"\xe8"),  # N36
    App("gconv", "hs", b"\xe8", "static"),  # N36, N41: libc too
    # Every Haskell program follows the locale that the image plans, so the twin's plans none.
    App("locale", "hs", "č".encode(), "", ("LANG=C.UTF-8",), twin_env=False),  # N36
    App("locale", "hs", "č".encode(), "static", ("LANG=C.UTF-8",), twin_env=False),  # N36
)


def built(app: App, part: str, home: Path) -> Path:
    """Compile the app or its twin."""
    source = APPS / f"need_{app.need}" / f"{part}.{app.language}"
    out = home / part
    static = app.build == "static"
    if app.language == "go":
        tools.need("gcc", package="gcc")
        return build.go(out, source.read_text(), CGO_ENABLED="1" if app.build == "cgo" else "0")
    if app.language == "nim":
        command = [tools.need("nim", package="nim"), "compile", "--hints:off", f"--nimcache:{out}.cache", f"-o:{out}"]
        build.run([*command, source])
    elif app.language == "rs":
        flags = ["-Ctarget-feature=+crt-static"] if static else []
        build.run([tools.need("rustc", package="rustc"), "-O", "-Cstrip=symbols", *flags, "-o", out, source])
    elif app.language == "d":
        # Phobos' own copy of zlib's calls wants the library after it, which --as-needed would drop.
        flags = ["-link-defaultlib-shared=false", "-L--no-as-needed", "-L-lz"] if static else []
        build.run([tools.need("ldc2", package="ldc"), *flags, f"-of={out}", source])
    else:
        flags = ["-optl-static"] if static else []
        ghc = tools.need("ghc", package="ghc")
        build.run([ghc, "-v0", f"-outputdir={out}.objects", *flags, "-o", out, source])
    return out


def packed(program: Path, tree: Path, *words: str) -> set[str]:
    """Pack into a tree; the paths in it."""
    run = scratchpack(program, "-q", "-o", f"type=local,dest={tree}", *words)
    assert run.status == 0, run.err
    return {str(path.relative_to(tree)) for path in tree.rglob("*")}


def check(app: App, tmp: Path) -> None:
    """It fails without the need, works with it, and the twin is given nothing."""
    program, twin = built(app, "main", tmp), built(app, "twin", tmp)
    planned = [word for item in app.env for word in ("-e", item)]
    never, auto = (("--need", f"{app.need}={mode}") for mode in ("never", "auto"))

    bare, full = packed(program, tmp / "bare", *never, *planned), packed(program, tmp / "full", *auto, *planned)
    assert full > bare
    assert sandbox.run(tmp / "bare", "/main", env=app.env).out.strip() != app.prints
    assert sandbox.run(tmp / "full", "/main", env=app.env) == (0, app.prints + b"\n", "")

    planned = planned if app.twin_env else []
    assert packed(twin, tmp / "auto", *auto, *planned) == packed(twin, tmp / "never", *never, *planned)
    assert sandbox.run(tmp / "auto", "/twin") == (0, app.prints + b"\n", "")


@pytest.mark.parametrize("app", QUICK, ids=str)
def test_a_need_of_this_language_is_met_where_there_is_evidence_and_nowhere_else(app: App, tmp_path: Path) -> None:
    check(app, tmp_path)


@pytest.mark.campaign
@pytest.mark.parametrize("app", HEAVY, ids=str)
def test_a_need_of_this_compiler_is_met_where_there_is_evidence_and_nowhere_else(app: App, tmp_path: Path) -> None:
    check(app, tmp_path)


def _nothing(kind: str, home: Path) -> Path:
    source = APPS / "need_nothing"
    if kind == "go-server":
        return build.go(home / kind, (source / "server.go").read_text())
    if kind == "rust-tool":
        rustc = tools.need("rustc", package="rustc")
        build.run([rustc, "--edition", "2021", "-O", "-o", home / kind, source / "tool.rs"])
        return home / kind
    if kind == "ruff":
        return Path(tools.need("ruff", package="ruff"))  # a large one, as its makers build it
    return build.cc(home / kind, build.HELLO_C, "-static", compiler=kind.partition("-")[2])


@pytest.mark.parametrize("kind", ["hello-gcc", "hello-musl-gcc", "go-server", "rust-tool", "ruff"])
def test_no_certificate_no_zone_and_no_account_where_nothing_asks_for_them(kind: str, tmp_path: Path) -> None:
    program = _nothing(kind, tmp_path)
    paths = packed(program, tmp_path / "tree")

    assert not [path for path in paths if path.startswith(("etc/ssl", "etc/pki", "usr/lib/ssl", "usr/share/zoneinfo"))]
    if kind == "ruff":  # it imports getpwuid_r itself, so the accounts are no false positive
        assert "etc/passwd" in paths
    else:
        assert not [path for path in paths if path.startswith("etc")]
    if kind.startswith("hello"):
        assert sandbox.run(tmp_path / "tree", f"/{kind}").out == b"hello from C\n"
    if kind == "rust-tool":
        assert sandbox.run(tmp_path / "tree", "/rust-tool", given=b"three short words").out == b"3\n"
    if kind == "ruff":
        assert sandbox.run(tmp_path / "tree", "/ruff", "check", "-n", "-", given=b"import os\n").status == 1
