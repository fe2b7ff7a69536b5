"""Guests of the sandbox, run as root and as an ordinary user: what one may do, the other may not, and both must be kept in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from scratchpack.sandbox.trace import Trace, read_lines
from tests.support import tools
from tests.support.cli import HOME

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDINARY = "65534"
_DRIVER = """
import json, sys
from scratchpack.errors import ScratchpackError
from scratchpack.sandbox.model import Guest, GuestLimits
from scratchpack.sandbox.runner import run
asked = json.load(sys.stdin)
limits = GuestLimits(**asked.pop("limits"))
given = asked.pop("given").encode()
try:
    ended = run(Guest(**asked, limits=limits), given=given)
except ScratchpackError as error:
    print(json.dumps({"error": error.message, "hint": error.hint}))
else:
    print(json.dumps({"status": ended.status, "reason": ended.reason, "out": ended.out.decode(errors="replace"),
        "err": ended.err.decode(errors="replace"), "seconds": ended.seconds, "how": ended.isolation.how,
        "notes": ended.isolation.notes}))
"""

_TRACER = """
import json, sys
from scratchpack.sandbox.model import Guest, GuestLimits
from scratchpack.sandbox.runner import Running
asked = json.load(sys.stdin)
with Running(Guest(**asked, limits=GuestLimits(seconds=30)), trace=sys.argv[1], names=sys.argv[2] == "names") as running:
    ended = running.wait()
print(json.dumps([ended.status, ended.out.decode(errors="replace"), ended.err.decode(errors="replace")]))
sys.stdout.writelines(line + "\\n" for line in running.trace().lines())
"""


class Told(NamedTuple):
    """How a guest ended, or why it could not start."""

    status: int = -1
    reason: str = ""
    out: str = ""
    err: str = ""
    seconds: float = 0.0
    how: str = ""
    notes: tuple[str, ...] = ()
    error: str = ""
    hint: str | None = None


class Host(NamedTuple):
    """A user of this machine who runs guests; ``home`` is a directory that everybody can reach."""

    who: str
    home: Path
    python: tuple[str, ...]

    def run(self, root: Path, *argv: str, given: str = "", limits: dict[str, Any] | None = None, **guest: Any) -> Told:
        """Run a guest to its end in a process of this user."""
        asked = {"root": str(root), "argv": argv, "env": {"PATH": "/bin"}, "uid": 65532, "gid": 65532, **guest}
        asked |= {"given": given, "limits": {"seconds": 20, **(limits or {})}}
        done = subprocess.run(
            [*self.python, "-c", _DRIVER], input=json.dumps(asked), capture_output=True, text=True, timeout=90,
            check=False, cwd="/", env=self.env,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return Told(**json.loads(done.stdout))

    def trace(self, tracer: str, root: Path, *argv: str, names: bool = False, **guest: Any) -> tuple[Told, Trace]:
        """Run a guest to its end under one of the tracers."""
        asked = {"root": str(root), "argv": argv, "env": {"PATH": "/bin"}, "uid": 65532, "gid": 65532, **guest}
        done = subprocess.run(
            [*self.python, "-c", _TRACER, tracer, "names" if names else ""], input=json.dumps(asked), text=True,
            capture_output=True, timeout=90, check=False, cwd="/", env=self.env,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        first, *lines = done.stdout.splitlines()
        status, out, err = json.loads(first)
        return Told(status=status, out=out, err=err), read_lines(lines, origin="of the test")

    def own(self, root: Path) -> Path:
        """Give a tree to this user, as if they had unpacked it."""
        if self.who == "user" and os.geteuid() == 0:
            for place, _, names in os.walk(root):
                for name in (".", *names):
                    os.chown(os.path.join(place, name), int(ORDINARY), int(ORDINARY), follow_symlinks=False)
        return root

    @property
    def env(self) -> dict[str, str]:
        """The environment in which this user finds our package."""
        return {**os.environ, "PYTHONPATH": str(self.home / "code")}


def host(who: str) -> Iterator[Host]:
    """Root, or an ordinary user: another one than us where we are root. Skips where the machine has none."""
    if who == "root" and os.geteuid() != 0:
        tools.missing("takes root")
    with tempfile.TemporaryDirectory(prefix="sp-guests-") as name:
        home = Path(name)
        home.chmod(0o755)
        shutil.copytree(HOME / "scratchpack", home / "code/scratchpack", ignore=shutil.ignore_patterns("__pycache__"))
        python: tuple[str, ...] = (sys.executable,)
        if who == "user" and os.geteuid() == 0:
            setpriv = tools.need("setpriv", package="util-linux")
            as_user = (setpriv, "--reuid", ORDINARY, "--regid", ORDINARY, "--clear-groups", "--")
            python = (*as_user, _reachable(as_user))
        yield Host(who, home, python)


def _reachable(as_user: tuple[str, ...]) -> str:
    """A Python that the ordinary user can start: ours may lie in root's home."""
    # setpriv still has root's rights when it starts the first program: ask whether that one could start itself.
    test = "import os, sys; sys.exit(sys.version_info < (3, 11) or not os.access(sys.executable, os.X_OK))"
    for each in (sys.executable, "/usr/bin/python3"):
        done = subprocess.run([*as_user, each, "-c", test], capture_output=True, check=False, cwd="/")
        if done.returncode == 0:
            return each
    tools.missing("no Python 3.11 that an ordinary user can start")
    raise AssertionError


def namespaces_work(given: Host) -> bool:
    """Whether the kernel lets this user make namespaces and mounts at all."""
    unshare = tools.need("unshare", package="util-linux")
    words = [
        *given.python[:-1],
        unshare,
        "--user",
        "--map-root-user",
        "--mount",
        "mount",
        "-t",
        "tmpfs",
        "none",
        "/mnt",
    ]
    return subprocess.run(words, capture_output=True, check=False, cwd="/").returncode == 0
