"""``--annotate git``: what the repository around the working directory says; asked of git itself, and only then."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from scratchpack.errors import UsageError
from scratchpack.pipeline.annotations import FORGES

_SECONDS = 30.0
_SCP = re.compile(r"(?:[^@/\s]+@)?([^:/@\s]+):(?!/{2})/?(\S+)")
_HINT = "run it inside a git work tree that has a commit, or leave out --annotate git"


def git_annotations() -> dict[str, str]:
    """``revision`` (with ``-dirty`` where tracked files differ from it) and ``source``, without the prefix.

    Raises:
        UsageError: no git, no repository, no commit.
    """
    revision = _git("rev-parse", "--verify", "HEAD")
    if _git("status", "--porcelain", "--untracked-files=no"):
        revision += "-dirty"
    source = public_url(_git("config", "--default", "", "--get", "remote.origin.url"))
    return {"revision": revision, **({"source": source} if source else {})}


def public_url(url: str) -> str:
    """A remote's address with nothing of its user in it (name, password, token); empty for a local path."""
    scp = _SCP.fullmatch(url) if "://" not in url else None
    if scp:
        return _address("ssh", scp[1], scp[2])
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https", "ssh", "git"} or not host:
        return ""
    return _address(parts.scheme, host + port, parts.path.lstrip("/"))


def _address(scheme: str, host: str, path: str) -> str:
    if host in FORGES:
        return f"https://{host}/{path.removesuffix('.git')}"
    return f"{scheme}://{host}/{path}"


def _git(*words: str) -> str:
    from scratchpack import proc

    # a repository's own file system monitor is a program: status must not start it
    command = ("git", "-c", "core.fsmonitor=false", *words)
    env = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = proc.run(command, timeout=_SECONDS, env=env)
    except (proc.NotStartedError, proc.TimedOutError) as error:
        raise UsageError(f"cannot fill the annotations from git: {error.message}", hint=_HINT) from None
    if done.status:
        raise UsageError(f"cannot fill the annotations from git: {done.complaint}", hint=_HINT)
    return done.out.decode(errors="replace").strip()
