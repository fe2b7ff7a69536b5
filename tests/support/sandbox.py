"""A packed tree run alone: with /proc and /dev as an engine mounts them, without network, and nothing else of this machine."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, NamedTuple

from tests.support import tools

if TYPE_CHECKING:
    from pathlib import Path


class Outcome(NamedTuple):
    """What a run gave back."""

    status: int
    out: bytes
    err: str


def run(
    tree: Path,
    *command: str,
    env: tuple[str, ...] = (),
    binds: tuple[tuple[Path, str], ...] = (),
    given: bytes = b"",
    loopback: bool = False,
) -> Outcome:
    """Run in the tree, as root of a namespace of its own, with ``given`` on standard input.

    ``binds`` are directories of the host at places of the tree; ``loopback`` lets it reach this machine's servers.
    """
    bwrap = tools.need("bwrap", package="bubblewrap")
    words = [word for item in env for word in ("--setenv", *item.split("=", 1))]
    words += [str(word) for source, place in binds for word in ("--bind", source, place)]
    done = subprocess.run(
        [
            *(bwrap, "--unshare-all", "--unshare-user", "--uid", "0", "--gid", "0", "--clearenv", "--die-with-parent"),
            *(("--share-net",) if loopback else ()),
            *("--bind", str(tree), "/", "--proc", "/proc", "--dev", "/dev", *words, *command),
        ],
        input=given,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr.decode(errors="replace"))
