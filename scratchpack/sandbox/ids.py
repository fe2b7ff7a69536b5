"""Which numbers of users and groups exist in the sandbox: the guest's ids and ours in, the two maps out (W33)."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from scratchpack.sandbox.model import Isolation, SandboxError

if TYPE_CHECKING:
    from scratchpack.sandbox.model import Guest

_SWITCHES = (  # the setting, the value that forbids, the cure
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor forbids user namespaces to ordinary users here (Ubuntu 23.10 and newer): "  # noqa: ISC004
        "`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or run this as root",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "user namespaces are for root only here: `sudo sysctl kernel.unprivileged_userns_clone=1`, or run this as root",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "user namespaces are switched off here: `sudo sysctl user.max_user_namespaces=10000`",
    ),
)
_RANGE = 65536  # fewer subordinate ids cannot hold "nobody"


def isolation(guest: Guest, *, subordinate: bool = True) -> Isolation:
    """How this user can run that guest.

    Root keeps every number: a file's owner in the sandbox is its owner on disk. An ordinary user with subordinate ids
    (subuid(5)) is root in the sandbox and has the others beside. Without them one number exists: the guest's, and it is
    the user's own.
    """
    if os.geteuid() == 0:
        return Isolation("root", _same("/proc/self/uid_map"), _same("/proc/self/gid_map"))
    users, groups = _subordinate("/etc/subuid"), _subordinate("/etc/subgid")
    if subordinate and users and groups and shutil.which("newuidmap") and shutil.which("newgidmap"):
        uid_map = f"0 {os.getuid()} 1\n1 {users[0]} {users[1]}\n"
        return Isolation("subordinate ids", uid_map, f"0 {os.getgid()} 1\n1 {groups[0]} {groups[1]}\n")
    notes = ["every file belongs to the one user that exists in the sandbox: ownership was not checked"]
    if guest.groups:
        notes.append("further groups of the user were left out")
    return Isolation("one id", f"{guest.uid} {os.getuid()} 1\n", f"{guest.gid} {os.getgid()} 1\n", tuple(notes))


def install(pid: int, given: Isolation) -> None:
    """Write the maps of a process that has just entered its user namespace.

    Raises:
        SandboxError: the kernel, or the program that may write them, refuses.
    """
    if given.how == "subordinate ids":
        from scratchpack import proc

        for program, table in (("newuidmap", given.uid_map), ("newgidmap", given.gid_map)):
            done = proc.run([program, str(pid), *table.split()], timeout=10)
            if done.status != 0:
                raise SandboxError(f"cannot map the ids of the sandbox: {done.complaint}", hint="look at subuid(5)")
        return
    try:
        if given.how == "one id":
            _write(f"/proc/{pid}/setgroups", "deny")
        _write(f"/proc/{pid}/uid_map", given.uid_map)
        _write(f"/proc/{pid}/gid_map", given.gid_map)
    except OSError as error:
        raise SandboxError(
            f"cannot map the ids of the sandbox: {error.strerror}", hint=why_namespaces_are_refused()
        ) from None


def why_namespaces_are_refused() -> str:
    """What to do where the kernel refuses namespaces to this user: it names the setting that does so."""
    for path, forbidden, cure in _SWITCHES:
        try:
            with open(path) as stream:
                value = stream.read().strip()
        except OSError:
            continue
        if value == forbidden:
            return cure
    return (
        "inside a container, it needs the right to make user namespaces and mounts "
        "(docker: --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined)"
    )


def _write(path: str, text: str) -> None:
    with open(path, "w") as stream:
        stream.write(text)


def _same(path: str) -> str:
    """Each number that exists for us, as itself."""
    with open(path) as stream:
        ranges = [line.split() for line in stream]
    return "".join(f"{inside} {inside} {count}\n" for inside, _, count in ranges)


def _subordinate(path: str) -> tuple[int, int] | None:
    """The first range of this user that is large enough: its start and its length."""
    try:
        import pwd

        names = {str(os.getuid()), pwd.getpwuid(os.getuid()).pw_name}
    except KeyError:
        names = {str(os.getuid())}
    try:
        with open(path) as stream:
            lines = [line.strip().split(":") for line in stream]
    except OSError:
        return None
    for words in lines:
        if (
            len(words) == 3
            and words[0] in names
            and words[1].isdigit()
            and words[2].isdigit()
            and int(words[2]) >= _RANGE - 1
        ):
            return int(words[1]), int(words[2])
    return None
