"""N2d: name services that a root's own nsswitch.conf names: a module of our own making, and systemd's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.test_companions import library
from tests.support import build, sandbox
from tests.support.cli import scratchpack

APPS = Path(__file__).parent.parent.parent / "sample_apps" / "need_nss_modules"


def root_with(program: Path, module: Path, line: str, home: Path) -> Path:
    """A root with the program, glibc, the module, and an nsswitch.conf of its own."""
    anything = build.cc(home / "base", build.HELLO_C)
    run = scratchpack(anything, "-q", "-o", f"type=local,dest={home / 'root'}")
    assert run.status == 0, run.err
    root = home / "root"
    shutil.copy(program, root / program.name)
    libc = next(path for path in root.rglob("libc.so.6") if path.is_file())
    shutil.copy(module, libc.parent / module.name)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/nsswitch.conf").write_text(f"{line}\n")
    return root


def packed(root: Path, program: str, tree: Path, mode: str) -> set[str]:
    run = scratchpack(program, "--root", root, "-q", "-o", f"type=local,dest={tree}", "--need", f"nss-modules={mode}")
    assert run.status == 0, run.err
    return {str(path.relative_to(tree)) for path in tree.rglob("*")}


@pytest.mark.parametrize("flags", [(), ("-static",)], ids=["dynamic", "static"])
def test_a_module_that_the_root_names_travels_when_asked_for(flags: tuple[str, ...], tmp_path: Path) -> None:
    module = build.shared(tmp_path / "libnss_keep.so.2", (APPS / "module.c").read_text())
    app = build.cc(tmp_path / "app", (APPS / "main.c").read_text(), *flags)
    root = root_with(app, module, "passwd: files [NOTFOUND=continue] keep", tmp_path)

    assert "libnss_keep.so.2" not in "".join(packed(root, "/app", tmp_path / "bare", "auto"))
    assert any(path.endswith("/libnss_keep.so.2") for path in packed(root, "/app", tmp_path / "full", "always"))

    assert sandbox.run(tmp_path / "bare", "/app").out == b"nobody of that name\n"
    assert sandbox.run(tmp_path / "full", "/app").out == b"4711 /keep\n"  # N41: a static glibc program opens it too


def test_a_program_that_asks_for_no_name_is_given_no_module(tmp_path: Path) -> None:
    module = build.shared(tmp_path / "libnss_keep.so.2", (APPS / "module.c").read_text())
    twin = build.cc(tmp_path / "twin", (APPS / "twin.c").read_text())
    root = root_with(twin, module, "passwd: keep", tmp_path)

    assert packed(root, "/twin", tmp_path / "auto", "auto") == packed(root, "/twin", tmp_path / "never", "never")
    assert sandbox.run(tmp_path / "auto", "/twin").out == b"4711 /keep\n"


@pytest.mark.campaign
def test_systemds_module_answers_from_the_image(tmp_path: Path) -> None:
    module = library("libnss_myhostname.so.2", "libnss-myhostname")
    app = build.cc(tmp_path / "app", (APPS / "host.c").read_text())
    root = root_with(app, module, "hosts: files myhostname", tmp_path)

    packed(root, "/app", tmp_path / "bare", "auto")
    packed(root, "/app", tmp_path / "full", "always")

    assert sandbox.run(tmp_path / "bare", "/app").out == b"unknown host\n"
    assert sandbox.run(tmp_path / "full", "/app").out == b"127.0.0.1\n"
