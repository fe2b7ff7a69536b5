"""What an image would start: in goes its config and its root, out comes one :class:`Launch` as an engine would make it.

Followed are the OCI image specification ("Conversion to an OCI runtime configuration") and what docker, podman and containerd do
where it is silent: a user by name comes from the image's own /etc/passwd, further groups from /etc/group, PATH has a default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scratchpack.errors import InputError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scratchpack.sysroot.model import Node, Sysroot

DEFAULT_PATH = (
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # what engines set where an image sets none
)
_TABLE_CAP = 1 << 20  # bytes of /etc/passwd or /etc/group that are read
_LARGEST_ID = 2**32 - 2


class User(NamedTuple):
    """Who the first process is. ``home`` is "/" for a number that /etc/passwd does not have."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()  # additional ones, ascending
    home: str = "/"


class Launch(NamedTuple):
    """What an engine starts without further words. ``problems`` say why it would refuse, one line each."""

    argv: tuple[str, ...]  # Entrypoint and Cmd; empty for a base image, which waits for a command
    env: tuple[tuple[str, str], ...]  # in the image's order, the last of equal names kept; PATH is always there
    cwd: str  # absolute
    user: User
    problems: tuple[str, ...] = ()

    @property
    def search_path(self) -> str:
        """PATH of the process."""
        return dict(self.env)["PATH"]

    def places(self, command: str) -> Iterator[str]:
        """The paths at which an engine looks for a command, in order: execvp(3) over the image's PATH."""
        if "/" in command:
            yield command if command.startswith("/") else f"{self.cwd.rstrip('/')}/{command}"
            return
        for directory in self.search_path.split(":"):
            yield f"{(directory or self.cwd).rstrip('/')}/{command}"

    def program(self, root: Sysroot) -> tuple[str, Node] | None:
        """The path and the file that ``argv[0]`` stands for, ``None`` where there is none; one that may be executed goes first."""
        if not self.argv:
            return None
        first = None
        for path in self.places(self.argv[0]):
            node = root.lookup(path)
            if node is None or node.kind != "file":
                continue
            if node.mode & 0o111:
                return path, node
            first = first or (path, node)
        return first


def launch(config: Mapping[str, Any], root: Sysroot) -> Launch:
    """The launch of an image.

    Args:
        config: the whole config document, as JSON gives it.
        root: the image's root, for its users.

    Raises:
        InputError: a field has another type than the specification says.
    """
    run = config.get("config")
    run = {} if run is None else run
    if not isinstance(run, dict):
        raise InputError("cannot read the image's config: its field config is not an object")
    argv = (*_words(run, "Entrypoint"), *_words(run, "Cmd"))
    env = {}
    for text in _words(run, "Env"):
        name, _, value = text.partition("=")
        env[name] = value
    env.setdefault("PATH", DEFAULT_PATH)
    directory = _text(run, "WorkingDir")
    problems: list[str] = []
    user = _user(_text(run, "User"), root, problems)
    return Launch(argv, tuple(env.items()), "/" + directory.strip("/"), user, tuple(problems))


def _words(run: Mapping[str, Any], field: str) -> tuple[str, ...]:
    words = run.get(field)
    if words is None:
        return ()
    if not isinstance(words, list) or not all(isinstance(word, str) and "\0" not in word for word in words):
        raise InputError(f"cannot read the image's config: {field} is not a list of texts")
    return tuple(words)


def _text(run: Mapping[str, Any], field: str) -> str:
    text = run.get(field)
    if text is None:
        return ""
    if not isinstance(text, str) or "\0" in text:
        raise InputError(f"cannot read the image's config: {field} is not a text")
    return text


def _user(text: str, root: Sysroot, problems: list[str]) -> User:
    """``[user][:group]``, each a name or a number, as runc reads it: a name must be in the image's own tables (I15)."""
    name, _, group = text.partition(":")
    passwd = _table(root, "/etc/passwd", 7)
    number = _number(name)
    line = next((line for line in passwd if line[0] == name or (number is not None and line[2] == name)), None)
    if not name:
        number = 0
        line = next((line for line in passwd if line[2] == "0"), None)
    uid, gid, home, login = number or 0, 0, "/", name
    if line is not None:
        uid, gid, home, login = int(line[2]), int(line[3]), line[5] or "/", line[0]
    elif number is None:
        problems.append(f"the user is {text!r}, and the image's /etc/passwd does not name {name!r} (I15)")
    groups = _table(root, "/etc/group", 4)
    more: tuple[int, ...] = ()
    if group:
        found = next((line for line in groups if line[0] == group), None)
        value = int(found[2]) if found is not None else _number(group)
        if value is None:
            problems.append(f"the user is {text!r}, and the image's /etc/group does not name {group!r} (I15)")
        gid = value or 0
    elif line is not None:
        more = tuple(sorted({int(entry[2]) for entry in groups if login in entry[3].split(",")} - {gid}))
    return User(uid, gid, more, home)


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    return value if (value := int(text)) <= _LARGEST_ID else None


def _table(root: Sysroot, path: str, columns: int) -> list[list[str]]:
    """The lines of a database of accounts that have numbers where numbers belong; short and damaged lines are none."""
    node = root.lookup(path)
    if node is None or node.kind != "file":
        return []
    with root.open(node) as stream:
        text = stream.read(_TABLE_CAP).decode("utf-8", "surrogateescape")
    lines = [(line.split(":") + [""] * columns)[:columns] for line in text.split("\n")]
    numbers = (2, 3) if columns == 7 else (2,)
    return [line for line in lines if line[0] and all(_number(line[at]) is not None for at in numbers)]
