"""N12: a ticket from a real key distribution centre of our own, for a kinit that has nothing but its image."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support import build, sandbox, tools
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REALM, USER, PASSWORD = "OWN.TEST", "keeper", "not a secret"
_SECONDS = 20


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def distribution_centre(home: Path) -> Iterator[Path]:
    """A KDC on a free port of the loopback that knows one user; gives the krb5.conf of its clients."""
    kdb, admin, kdc = (
        tools.need(name, package=package)
        for name, package in (("kdb5_util", "krb5-kdc"), ("kadmin.local", "krb5-admin-server"), ("krb5kdc", "krb5-kdc"))
    )
    port = _free_port()
    (home / "krb5.conf").write_text(
        f"[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n rdns = false\n"
        f"[realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n"
    )
    (home / "kdc.conf").write_text(
        f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n"
        f"[realms]\n {REALM} = {{\n  database_name = {home}/principal\n  key_stash_file = {home}/stash\n"
        f"  acl_file = {home}/acl\n }}\n"
    )
    env = {"KRB5_CONFIG": f"{home}/krb5.conf", "KRB5_KDC_PROFILE": f"{home}/kdc.conf"}
    build.run([kdb, "create", "-s", "-P", "master"], env=env)
    build.run([admin, "-q", f'addprinc -pw "{PASSWORD}" {USER}'], env=env)
    with (home / "log").open("wb") as log:
        # In the foreground, and ended by the kernel with the test's own process.
        words = [tools.need("setpriv", package="util-linux"), "--pdeathsig", "TERM", kdc, "-n"]
        server = subprocess.Popen(words, env={**os.environ, **env}, stdout=log, stderr=log)
        try:
            _wait(port, server, home / "log")
            yield home / "krb5.conf"
        finally:
            server.terminate()
            server.wait(_SECONDS)


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return


def _packed(root: Path, tree: Path, mode: str) -> set[str]:
    words = ("--root", root, "-q", "-o", f"type=local,dest={tree}", "--need", f"krb5={mode}")
    run = scratchpack("/usr/bin/kinit", *words)
    assert run.status == 0, run.err
    return {str(path.relative_to(tree)) for path in tree.rglob("*")}


def _bare(tree: Path) -> Path:
    """A root with kinit and its libraries, and nothing of Kerberos' own."""
    kinit = tools.need("kinit", package="krb5-user")
    run = scratchpack(kinit, "-q", "-o", f"type=local,dest={tree}", "--need", "krb5=never")
    assert run.status == 0, run.err
    return tree


@pytest.mark.campaign
def test_kinit_gets_a_ticket_with_the_configuration_of_its_root(tmp_path: Path) -> None:
    centre, work = tmp_path / "kdc", tmp_path / "work"
    centre.mkdir()
    work.mkdir()
    with distribution_centre(centre) as configuration:
        root = _bare(tmp_path / "root")
        (root / "etc").mkdir(exist_ok=True)
        shutil.copy(configuration, root / "etc/krb5.conf")
        assert "etc/krb5.conf" not in _packed(root, tmp_path / "bare", "never")
        assert "etc/krb5.conf" in _packed(root, tmp_path / "full", "auto")

        def kinit(tree: str, password: str) -> sandbox.Outcome:
            words = ("/usr/bin/kinit", "-c", "FILE:/mnt/cache", f"{USER}@{REALM}")
            return sandbox.run(
                tmp_path / tree, *words, binds=((work, "/mnt"),), given=f"{password}\n".encode(), loopback=True
            )

        for tree in ("bare", "full"):
            (tmp_path / tree / "mnt").mkdir()
        assert kinit("bare", PASSWORD).status != 0
        assert kinit("full", "another word").status != 0
        assert not (work / "cache").exists()
        assert kinit("full", PASSWORD).status == 0
    said = subprocess.run(
        [tools.need("klist", package="krb5-user"), "-c", f"FILE:{work}/cache"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"krbtgt/{REALM}@{REALM}" in said.stdout


@pytest.mark.campaign
def test_a_root_without_the_configuration_is_packed_and_the_report_says_what_is_missing(tmp_path: Path) -> None:
    root = _bare(tmp_path / "root")

    run = scratchpack("/usr/bin/kinit", "--root", root, "-o", f"type=local,dest={tmp_path / 'tree'}")

    assert run.status == 0, run.err  # it may be mounted when the image runs
    assert "krb5:" in run.err
    assert "none of /etc/krb5.conf" in run.err
