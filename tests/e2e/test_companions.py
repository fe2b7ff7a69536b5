"""Data that libraries and programs open, for real: the host is the referee of what the app says.

Each app fails in an image without its need, says in ours what it says on the host, and a twin on the same library that
does not ask for data is given nothing. Apps declare the few functions that they call, so only the libraries are wanted.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import build, tools
from tests.support.cli import scratchpack

APPS = Path(__file__).parent.parent.parent / "sample_apps"
QT = (
    "-fPIC",
    "-I/usr/include/{triplet}/qt5",
    *(f"-I/usr/include/{{triplet}}/qt5/Qt{part}" for part in ("Core", "Gui")),
)


class App(NamedTuple):
    """A need, and what its app is linked with: file names in libc's directory, ``*`` for a version."""

    need: str
    package: str
    libraries: tuple[str, ...]
    env: tuple[str, ...] = ()
    words: tuple[str, ...] = ()  # of scratchpack
    flags: tuple[str, ...] = ()
    twin: tuple[str, ...] = ()  # the twin's libraries, where they are not the app's
    language: str = "c"


QUICK = (
    App("magic", "libmagic1", ("libmagic.so.1",)),  # N14
    App("terminfo", "libtinfo6", ("libtinfo.so.6",)),  # N15
    App("sasl", "libsasl2-modules", ("libsasl2.so.2",)),  # N11
    App("krb5", "krb5-config", ("libkrb5.so.3",)),  # N12
    App("pam", "libpam-modules", ("libpam.so.0",), words=("--service", "runuser")),  # N10
    App("gio", "glib-networking", ("libgio-2.0.so.0",)),  # N16
    App("mime", "shared-mime-info", ("libgio-2.0.so.0",)),
    App("fontconfig", "fonts-dejavu-core", ("libfontconfig.so.1",)),  # N18
    App("odbc", "libsqliteodbc", ("libodbc.so.2",)),  # N20
    App("x11", "libxkbcommon0", ("libxkbcommon.so.0",)),  # N24
    App("hunspell", "hunspell-en-us", ("libhunspell-1.7.so.0",)),  # N25
    App("aspell", "aspell-en", ("libaspell.so.15",)),  # N25
    App("tcl", "libtcl8.6", ("libtcl8.6.so.0",)),  # N21
    App("perl", "libperl5.36", ("libperl.so.5.*",)),  # N21
)
HEAVY = (
    App("python", "libpython3.11", ("libpython3.*.so.1.0",)),  # N21
    App("ruby", "libruby3.1", ("libruby-3.*.so.3.*",)),  # N21
    App("guile", "guile-3.0-libs", ("libguile-3.0.so.1",)),  # N21
    App("gdk-pixbuf", "libgdk-pixbuf-2.0-0", ("libgdk_pixbuf-2.0.so.0",)),  # N17
    App(
        "qt",
        "qtbase5-dev",
        ("libQt5Gui.so.5", "libQt5Core.so.5"),
        ("QT_QPA_PLATFORM=offscreen",),
        (),
        QT,
        ("libQt5Core.so.5",),
        "c++",
    ),  # N19
    App("graphviz", "libgvc6", ("libgvc.so.6", "libcgraph.so.6")),  # N25
    App("imagemagick", "libmagickwand-6.q16-6", ("libMagickWand-6.Q16.so.6",)),  # N25
    App("ghostscript", "libgs10", ("libgs.so.10",)),  # N25
    App("sox", "libsox-fmt-base", ("libsox.so.3",)),  # N25
    App("espeak", "espeak-ng-data", ("libespeak-ng.so.1",)),  # N25
    App("tesseract", "tesseract-ocr-eng", ("libtesseract.so.5",)),  # N25
)


class Program(NamedTuple):
    """Where the need is the program's own: itself, what makes it work, and a sibling on a library of its."""

    need: str
    package: str
    run: tuple[str, ...]
    sibling: tuple[str, ...]


PROGRAMS = (
    Program("own-data", "figlet", ("figlet-figlet", "own"), ("chkfont",)),
    Program(
        "sbcl",
        "sbcl",
        ("sbcl", "--noinform", "--eval", "(progn (princ (* 6 7)) (exit))"),
        ("zstd", "--version"),
    ),
    Program("php", "php8.2-cli", ("php8.2", "-r", "echo ctype_alpha('a') ? 'yes' : 'no';"), ("xmllint", "--version")),
    Program(
        "git", "git", ("git", "init", "-q", "-b", "main", "made"), ("pcre2grep", "Linux", "/proc/sys/kernel/ostype")
    ),
    Program("jvm", "default-jre-headless", ("java", "-cp", "/mnt", "Work"), ("zstd", "--version")),  # N22
)


def library(name: str, package: str) -> Path:
    """A library by its file name, in the directory that the compiler takes libc from."""
    tools.need("gcc", package="gcc")
    told = subprocess.run(["gcc", "-print-file-name=libc.so.6"], capture_output=True, text=True, check=True)
    found = sorted(Path(os.path.realpath(told.stdout.strip())).parent.glob(name))
    if not found:
        tools.missing(f"{name} is not on this machine (Debian package: {package})")
    return found[-1]


def compiled(out: Path, source: Path, libraries: tuple[str, ...], app: App) -> Path:
    linked = [library(name, app.package) for name in libraries]
    triplet = linked[0].parent.name
    flags = (*(flag.format(triplet=triplet) for flag in app.flags), "-Wl,--no-as-needed", *map(str, linked))
    if app.language == "c":
        return build.cc(out, source.read_text(), "-rdynamic", *flags)
    if not Path(f"/usr/include/{triplet}/qt5").is_dir():
        tools.missing(f"no headers of Qt on this machine (Debian package: {app.package})")
    build.run([tools.need("g++", package="g++"), "-o", out, source, *flags])
    return out


def run(
    root: Path | str, command: tuple[str, ...], env: tuple[str, ...], work: Path, given: Path | None = None
) -> tuple[int, str, list[str]]:
    """In the root alone, or for "/" on the host: as root of a namespace of its own. What it said and what it left.

    It works in a directory of its own, where the file ``given`` is.
    """
    work.mkdir()
    if given is not None:
        shutil.copy(given, work)
    bwrap = tools.need("bwrap", package="bubblewrap")
    words = [word for item in env for word in ("--setenv", *item.split("=", 1))]
    view = ["--ro-bind", "/", "/", "--tmpfs", "/mnt"] if root == "/" else ["--bind", root, "/"]
    inside = [bwrap, "--unshare-all", "--unshare-user", "--uid", "0", "--gid", "0", "--clearenv", "--die-with-parent"]
    done = subprocess.run(
        [
            *inside,
            *words,
            *view,
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--bind",
            work,
            "/mnt",
            "--chdir",
            "/mnt",
            *command,
        ],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, sorted(str(path.relative_to(work)) for path in work.rglob("*"))


def pack(program: str | Path, tree: Path, need: str, mode: str, *words: str) -> dict[str, str]:
    """Pack into a tree; what is in it, by path."""
    ran = scratchpack("pack", program, "-q", "-o", f"type=local,dest={tree}", "--need", f"{need}={mode}", *words)
    assert ran.status == 0, ran.err
    return {str(path.relative_to(tree)): os.readlink(path) if path.is_symlink() else "" for path in tree.rglob("*")}


def check(
    need: str,
    mine: tuple[str, ...],
    twin: tuple[str, ...],
    tmp: Path,
    app: App | None = None,
    given: Path | None = None,
) -> None:
    """The three things that hold for every need. ``mine`` and ``twin`` are commands on the host.

    A packaged program's own strings are evidence for own-data too, which would hide what the need brings.
    """
    env = app.env if app else ()
    app_words = app.words if app else ()
    words = [*app_words, *(word for item in env for word in ("-e", item))]
    words += ["--need", "own-data=never"] if app is None and need != "own-data" else []

    def there(command: tuple[str, ...]) -> tuple[str, ...]:
        return (f"/{os.path.basename(command[0])}", *command[1:]) if app else command

    host = run("/", mine, env, tmp / "host.work", given)
    assert host[0] == 0, host
    others = words if need != "pam" else [word for word in words if word not in app_words]  # --service is pam's own
    bare = pack(mine[0], tmp / "bare", need, "never", *others)
    full = pack(mine[0], tmp / "full", need, "auto", *words)
    assert set(full) > set(bare)
    assert run(tmp / "bare", there(mine), env, tmp / "bare.work", given) != host
    assert run(tmp / "full", there(mine), env, tmp / "full.work", given) == host

    words = [word for item in env for word in ("-e", item)]
    assert pack(twin[0], tmp / "twin", need, "auto", *words) == pack(twin[0], tmp / "twin.never", need, "never", *words)
    assert run(tmp / "twin", there(twin), env, tmp / "twin.work") == run("/", twin, env, tmp / "twin.host")


def check_app(app: App, tmp: Path) -> None:
    home = APPS / f"need_{app.need.replace('-', '_')}"
    end = "c" if app.language == "c" else "cc"
    mine = compiled(tmp / "app", home / f"main.{end}", app.libraries, app)
    twin = compiled(tmp / "twin.app", home / f"twin.{end}", app.twin or app.libraries, app)
    check(app.need, (str(mine),), (str(twin),), tmp, app)


@pytest.mark.parametrize("app", QUICK, ids=lambda app: app.need)
def test_data_comes_with_the_call_that_opens_it(app: App, tmp_path: Path) -> None:
    check_app(app, tmp_path)


def test_data_that_the_root_does_not_have_stays_in_the_report(tmp_path: Path) -> None:
    """It may be mounted when the image runs, as Kerberos' configuration often is: no refusal, and no silence."""
    (app,) = (app for app in QUICK if app.need == "krb5")
    program = compiled(tmp_path / "app", APPS / "need_krb5" / "main.c", app.libraries, app)
    pack(str(program), tmp_path / "root", "krb5", "never")

    ran = scratchpack("inspect", "/app", "--root", tmp_path / "root", "--json")

    (need,) = [need for need in json.loads(ran.out)["needs"] if need["name"] == "krb5"]
    assert (need["decision"], need["files"]) == ("suggested", [])
    assert "none of /etc/krb5.conf" in need["notes"][0]


@pytest.mark.campaign
@pytest.mark.parametrize("app", HEAVY, ids=lambda app: app.need)
def test_large_data_comes_with_the_call_that_opens_it(app: App, tmp_path: Path) -> None:
    check_app(app, tmp_path)


@pytest.mark.campaign
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.need)
def test_a_program_brings_what_it_opens_and_its_sibling_does_not(program: Program, tmp_path: Path) -> None:
    mine = os.path.realpath(tools.need(program.run[0], package=program.package))
    sibling = os.path.realpath(tools.need(program.sibling[0], package=program.sibling[0]))
    given = None
    if program.need == "jvm":
        javac = tools.need("javac", package="default-jdk-headless")
        build.run([javac, "--release", "17", "-d", tmp_path, APPS / "need_jvm" / "Work.java"])
        given = tmp_path / "Work.class"
    check(program.need, (mine, *program.run[1:]), (sibling, *program.sibling[1:]), tmp_path, given=given)
