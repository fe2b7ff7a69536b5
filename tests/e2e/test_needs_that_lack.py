"""A need never breaks what starts without it: what cannot be loaded is left out, what may not be wanted is a warning."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support import build, sandbox
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = "int part(void);\nint plugin(void) { return part(); }\n"
# opens the first of its plugins that can be opened, and says which
OPENS = """#include <dlfcn.h>
#include <stdio.h>
int main(void) {
  const char *names[] = {"libfirst.so.1", "libsecond.so.1"};
  for (int n = 0; n < 2; n++) if (dlopen(names[n], RTLD_NOW)) puts(names[n]);
  return 0;
}
"""
TLS = """#include <openssl/ssl.h>
int main(void) {
  SSL_CTX *context = SSL_CTX_new(TLS_method());
  SSL *session = SSL_new(context);
  return SSL_CTX_set_default_verify_paths(context) == 0 || SSL_connect(session) == 5 %s;
}
"""
SERVICE = '#include <netdb.h>\nint main(int n, char **a) { return n > 1 && !getservbyname(a[1], "tcp"); }\n'
NAMED = '#include <netdb.h>\nint main(void) { struct addrinfo *f; return getaddrinfo("localhost", "ldaps", 0, &f); }\n'


def _bare(base: Path, program: Path) -> Path:
    """A root that holds a program and its libraries, and nothing that a need would look for."""
    never = [word for need in ("ca-certificates", "services", "hosts") for word in ("--need", f"{need}=never")]
    done = scratchpack("pack", program, "-q", *never, "-o", f"type=local,dest={base}")
    assert done.status == 0, done.err
    return base


def test_a_plugin_that_would_not_load_is_left_out_and_the_program_starts(tmp_path: Path) -> None:
    """R20, N34: the one whose own dependency is gone is named; its neighbour travels."""
    home = tmp_path / "home"
    home.mkdir()
    part = build.shared(home / "libpart.so.1", "int part(void) { return 0; }\n")
    build.shared(home / "libfirst.so.1", PLUGIN, str(part))
    build.shared(home / "libsecond.so.1", "int second(void) { return 0; }\n")
    program = build.cc(home / "app", OPENS, f"-Wl,-rpath,{home}", "-Wl,--disable-new-dtags")
    part.unlink()

    done = scratchpack("pack", program, "-o", f"type=local,dest={tmp_path / 'tree'}")

    assert done.status == 0, done.err
    assert re.search(r"warning: libfirst\.so\.1, which \S+/app opens while it runs, cannot be loaded: ", done.err)
    assert "libpart.so.1" in done.err
    assert not list((tmp_path / "tree").rglob("libfirst*"))
    assert sandbox.run(tmp_path / "tree", "/app").out == b"libsecond.so.1\n"


def test_what_was_missing_at_start_is_never_forgiven_for_being_opened_as_well(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    part = build.shared(home / "libpart.so.1", "int part(void) { return 0; }\n")
    build.shared(home / "libfirst.so.1", PLUGIN, str(part), "-Wl,--no-as-needed")
    program = build.cc(home / "app", OPENS, "-Wl,--no-as-needed", str(part), f"-Wl,-rpath,{home}")
    part.unlink()

    done = scratchpack("pack", program, "-o", f"type=local,dest={tmp_path / 'tree'}")

    assert done.status == 4
    assert "libpart.so.1: not found, needed by" in done.err


@pytest.mark.parametrize(("also", "status"), [("", 5), ("|| SSL_accept(session) == 5", 0)])
def test_a_client_wants_certificates_and_a_server_may_not(also: str, status: int, tmp_path: Path) -> None:
    """N6: whether a server connects to others is for its configuration to say."""
    program = build.cc(tmp_path / "app", TLS % also, "-lssl", "-lcrypto")
    root = _bare(tmp_path / "root", program)

    done = scratchpack("pack", "/app", "--root", root, "-o", f"type=local,dest={tmp_path / 'tree'}")
    asked = scratchpack("pack", "/app", "--root", root, "--need", "ca-certificates=always", "-o", "type=local,dest=x")

    assert done.status == status, done.err
    assert "there is no bundle of certificate authorities" in done.err
    assert "install ca-certificates" in done.err
    assert asked.status == 5  # asked for by name


@pytest.mark.parametrize(("source", "status"), [(SERVICE, 0), (NAMED, 5)])
def test_a_table_of_services_is_wanted_where_the_program_names_a_service(
    source: str, status: int, tmp_path: Path
) -> None:
    """N2c: the call alone does not say which name is asked for."""
    program = build.cc(tmp_path / "app", source)
    root = _bare(tmp_path / "root", program)

    done = scratchpack("pack", "/app", "--root", root, "-o", f"type=local,dest={tmp_path / 'tree'}")

    assert done.status == status, done.err
    assert "there is no /etc/services" in done.err


def test_a_locale_that_only_a_string_wishes_for_is_a_warning(tmp_path: Path) -> None:
    """N4: setlocale fails, and the program goes on; zipcloak was refused on a machine without en_US."""
    build.cc(tmp_path / "app", '#include <locale.h>\nint main(void) { setlocale(LC_ALL, "xx_XX.UTF-8"); return 0; }\n')

    done = scratchpack("pack", "./app", "--dry-run", cwd=tmp_path)

    assert done.status == 0, done.err
    assert "there is none of the locales xx_XX.UTF-8" in done.err
