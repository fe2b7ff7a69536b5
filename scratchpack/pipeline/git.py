"""``--annotate git``: the repository around the working directory is asked through git itself; annotations come out.

The repository may be hostile. git runs without its filters, hooks, file system monitor, pagers, helpers and remotes, and reads of
the user's own settings only which directories are safe.
"""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from scratchpack.errors import UsageError
from scratchpack.pipeline.annotations import FORGES

_Settings = tuple[tuple[str, str], ...]  # name, value

_SECONDS = 30.0
_SCP = re.compile(r"(?:[^@/\s]+@)?([^:/@\s]+):(?!/{2})/?(\S+)")
# Settings of a repository that name programs; those of filters have names of their own and are found first.
_NOTHING_RUNS = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", os.devnull),
    ("core.pager", "cat"),
    ("core.editor", "false"),
    ("core.askPass", ""),
    ("core.sshCommand", "false"),
    ("core.gitProxy", ""),
    ("core.alternateRefsCommand", "false"),
    ("credential.helper", ""),
    ("diff.external", ""),
    ("gpg.program", "false"),
    ("status.submoduleSummary", "false"),
    ("submodule.recurse", "false"),
    ("protocol.allow", "never"),
)
_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",  # nothing is written, so no hook is due
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",  # a partial clone would fetch what is missing, through a program of its remote
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_ATTR_NOSYSTEM": "1",
    "LC_ALL": "C",
}
_LEFT_OUT = ("GIT_CONFIG", "GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_TRACE", "GIT_ASKPASS", "GIT_SSH", "GIT_EDITOR")
_SHARED = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
_HINT = "run it inside a git work tree that has a commit, or leave out --annotate git"


class _NothingFound(Exception):  # noqa: N818 - an answer, turned into a UsageError where something was needed
    """git ended with another status than 0."""


def git_annotations() -> dict[str, str]:
    """``revision`` (with ``-dirty`` where tracked files differ from it) and ``source``, without the prefix.

    A tracked file that was touched and that a filter of the repository (git-lfs) would change is taken to differ, since no filter is run.

    Raises:
        UsageError: no git, no repository, no commit.
    """
    trusted = _settings("--global", "safe.directory") + _settings("--system", "safe.directory")
    settings = (*_NOTHING_RUNS, *(("safe.directory", place) for _, place in trusted))
    revision = _git(settings, "rev-parse", "--verify", "HEAD")
    drivers = {name.rpartition(".")[0] for name, _ in _local(settings, r"^filter\.")}
    settings += tuple((f"{driver}.{key}", "") for driver in sorted(drivers) for key in ("clean", "smudge", "process"))
    settings += tuple((f"{driver}.required", "false") for driver in sorted(drivers))
    # a submodule has settings of its own, filters among them: it is not looked into
    if _git(settings, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all", "--no-renames"):
        revision += "-dirty"
    source = public_url(_git(settings, "config", "--default", "", "--get", "remote.origin.url"))
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


def _local(settings: _Settings, pattern: str) -> tuple[tuple[str, str], ...]:
    """What the repository and its included files set, by names that match."""
    try:
        return _pairs(_run(settings, "config", "-z", "--includes", "--get-regexp", pattern))
    except _NothingFound:
        return ()


def _settings(scope: str, name: str) -> tuple[tuple[str, str], ...]:
    """What the user or the administrator sets, who are not the repository."""
    try:
        return _pairs(_run((), "config", scope, "-z", "--get-regexp", "^" + re.escape(name) + "$", shared=True))
    except _NothingFound:
        return ()


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Names and values as ``git config -z`` writes them; a name alone is true."""
    entries = (entry.partition("\n") for entry in text.split("\0") if entry)
    return tuple((name, value if newline else "true") for name, newline, value in entries)


def _git(settings: _Settings, *words: str) -> str:
    try:
        return _run(settings, *words).strip()
    except _NothingFound as nothing:
        raise UsageError(f"cannot fill the annotations from git: {nothing}", hint=_HINT) from None


def _run(settings: _Settings, *words: str, shared: bool = False) -> str:
    """Run git with these settings over all others; ``shared`` reads those of the user and the system too."""
    from scratchpack import proc

    numbered = {f"GIT_CONFIG_KEY_{at}": name for at, (name, _) in enumerate(settings)}
    numbered |= {f"GIT_CONFIG_VALUE_{at}": value for at, (_, value) in enumerate(settings)}
    own = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(_LEFT_OUT) or (shared and name in _SHARED)
    }
    alone = {} if shared else {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    env = {**own, **_QUIET, **alone, "GIT_CONFIG_COUNT": str(len(settings)), **numbered}
    try:
        done = proc.run(("git", "--no-pager", "--no-replace-objects", *words), timeout=_SECONDS, env=env)
    except (proc.NotStartedError, proc.TimedOutError) as error:
        raise UsageError(f"cannot fill the annotations from git: {error.message}", hint=_HINT) from None
    if done.status:
        raise _NothingFound(done.complaint)
    return done.out.decode(errors="replace")
