"""N2b: names of users and groups: an empty image knows nobody, not even the user it runs as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.needs.base import A, Contribution, Evidence, Wants
from scratchpack.needs.gather import own_text, read, reasons, written
from scratchpack.needs.system.nsswitch import configuration, modules
from scratchpack.rootfs import Reason

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

_DATABASES = ("/etc/passwd", "/etc/group")


_PASSWD, _GROUP = 7, 4  # fields of a line: passwd(5), group(5)


class Users:
    """root, nobody, nonroot and the image's user: never the root's own accounts."""

    name = "users"
    summary = "getpwuid and friends find nobody without /etc/passwd and /etc/group"
    wants: Wants = Wants(
        symbols=(
            *("getpwnam*", "getpwuid*", "getpwent*", "setpwent", "getgrnam*", "getgrgid*", "getgrent*", "setgrent"),
            *("getlogin", "getlogin_r", "cuserid", "initgroups", "getgrouplist"),
        ),
        fragments=("/etc/passwd", "/etc/group"),
    )
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Imports; in a static program the databases' names, which libc holds only where the calls are linked in."""
        found = subject.evidence(self.name, *self.wants.symbols)
        if subject.is_static:
            names = [path for path in _DATABASES if any(path in run for run in subject.strings(path))]
            found += tuple(Evidence(self.name, A, f"string {path}", subject.program.path) for path in names)
        return found

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Both databases, our own, with a line for the image's user; nsswitch.conf for glibc."""
        named = any(foreign.decimal(part) is None for part in options.user.split(":"))
        because = (
            reasons(self.name, evidence) if evidence or not named else (Reason("option", f"--user {options.user}"),)
        )
        passwd, group = accounts(root, options.user, *(name for item in evidence for name in item.found))
        files = (written("/etc/passwd", passwd, because), written("/etc/group", group, because))
        if subject.libc != "glibc":
            return Contribution(files)
        return Contribution((*files, configuration(because)), modules(subject, "files"))


def accounts(root: Sysroot, user: str, *names: str) -> tuple[str, str]:
    """The texts of passwd and group for an image whose user is ``uid``, ``uid:gid``, ``name`` or ``name:group``.

    ``names`` are accounts that a configuration names, each ``name`` or ``:group``: the root's own lines of them come too.
    """
    passwd, group = own_text("etc/passwd"), own_text("etc/group")
    for named in (name for name in dict.fromkeys(names) if name.strip(":")):
        passwd, group = _with_account(root, passwd, group, named)
    return _with_account(root, passwd, group, user)


def _with_account(root: Sysroot, passwd: str, group: str, user: str) -> tuple[str, str]:
    if user.startswith(":"):
        line = _by_name(foreign.legible(read(root, "/etc/group") or b""), user[1:], _GROUP)
        there = _by_name(group, user[1:], _GROUP) is not None
        return passwd, group + (f"{line}\n" if line and not there else "")
    name, _, wanted = user.partition(":")
    number = foreign.decimal(name)
    gid = wanted or ("65532" if number is None else "0")
    if number is not None:
        if _by_id(passwd, number) is None:
            group_of = foreign.decimal(gid)
            passwd += f"user{name}:x:{number}:{65532 if group_of is None else group_of}:user {name}:/:/sbin/nologin\n"
    elif _by_name(passwd, name, _PASSWD) is None:
        line = _by_name(foreign.legible(read(root, "/etc/passwd") or b""), name, _PASSWD)
        passwd += f"{line}\n" if line else ""
        gid = wanted or (line.split(":")[3] if line else "65532")
    known = foreign.decimal(gid)
    if known is not None and _by_id(group, known) is None:
        group += f"group{gid}:x:{known}:\n"
    elif known is None and _by_name(group, gid, _GROUP) is None:
        line = _by_name(foreign.legible(read(root, "/etc/group") or b""), gid, _GROUP)
        group += f"{line}\n" if line else ""
    return passwd, group


def _by_name(text: str, name: str, fields: int) -> str | None:
    """The first whole line of this name; one with fewer or more fields is none to libc either."""
    lines = (line for line in text.split("\n") if line.startswith(f"{name}:"))
    return next((line for line in lines if line.count(":") == fields - 1), None)


def _by_id(text: str, number: int) -> str | None:
    return next((line for line in text.splitlines() if line.split(":")[2:3] == [str(number)]), None)


NEED = Users()
