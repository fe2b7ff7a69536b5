"""N10: a login by password. The service is Debian's own "other", the users are files that come by ``--include``."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.test_companions import library
from tests.support import build, sandbox, tools
from tests.support.cli import scratchpack

APP = Path(__file__).parent.parent.parent / "sample_apps" / "need_pam" / "login.c"


@pytest.fixture
def words(tmp_path: Path) -> tuple[str, ...]:
    """What brings one user, whose password is "sesame"."""
    openssl = tools.need("openssl", package="openssl")
    told = subprocess.run(
        [openssl, "passwd", "-6", "-salt", "own", "sesame"], capture_output=True, text=True, check=True
    )
    (tmp_path / "passwd").write_text("keeper:x:4711:4711::/:/sbin/nologin\n")
    (tmp_path / "shadow").write_text(f"keeper:{told.stdout.strip()}:19000:0:99999:7:::\n")
    return tuple(f"--include={tmp_path}/{name}:/etc/{name}" for name in ("passwd", "shadow"))


def test_a_login_succeeds_with_the_password_and_fails_without(words: tuple[str, ...], tmp_path: Path) -> None:
    if not Path("/etc/pam.d/other").is_file():
        tools.missing("no PAM service of Debian's on this machine (Debian package: libpam-runtime)")
    libpam = library("libpam.so.0", "libpam0g")
    app = build.cc(tmp_path / "login", APP.read_text(), "-rdynamic", "-Wl,--no-as-needed", str(libpam))
    for name, mode in (("bare", "never"), ("full", "auto")):
        need = ("--need", f"pam={mode}", "--service", "other")
        run = scratchpack(app, "-q", "-o", f"type=local,dest={tmp_path / name}", *need, *words)
        assert run.status == 0, run.err

    full, bare = tmp_path / "full", tmp_path / "bare"
    assert sandbox.run(full, "/login", "keeper", "sesame")[:2] == (0, b"Success\n")
    assert sandbox.run(full, "/login", "keeper", "barley")[:2] == (7, b"Authentication failure\n")
    assert sandbox.run(full, "/login", "nobody-here", "sesame").status != 0
    assert sandbox.run(bare, "/login", "keeper", "sesame").status != 0
