"""An image's configuration as a request: what it says and what the user says go in; the request that keeps both comes out (W23).

The user's word goes first. As with an engine, another entrypoint drops the image's arguments; variables and labels are joined.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from scratchpack import foreign
from scratchpack.errors import InputError
from scratchpack.record import NamedTuple
from scratchpack.request.model import MadeDirectory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.foreign import Value
    from scratchpack.oci.model import ImageConfig
    from scratchpack.request.model import Request
    from scratchpack.sysroot.model import Sysroot

# fields of a config that a request has a setting for; every other one is carried over as it stands
_OWN = frozenset({"User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal"})
_ABOUT_FILES = frozenset({"config", "rootfs", "history", "created", "container", "container_config", "docker_version", "id", "parent", "parent_id", "layer_id"})  # fmt: skip


class Carried(NamedTuple):
    """What a slimmed image is asked to be."""

    asked: Request
    health: tuple[str, ...] = ()  # the command of its health check, as words; empty where it has none


def carried(config: Mapping[str, Any], asked: Request, root: Sysroot) -> Carried:
    """Join an image's configuration and a request.

    Args:
        config: the image's whole config document.
        asked: what the user says.
        root: the image, for owners and modes of its directories.

    Raises:
        InputError: a field has another type than the specification says.
    """
    run = foreign.Value(dict(config), _fault).get("config")
    entrypoint, cmd = run.get("Entrypoint").texts(), run.get("Cmd").texts()
    if asked.entrypoint is not None:
        entrypoint, cmd = asked.entrypoint, asked.cmd
    elif asked.cmd:
        cmd = asked.cmd
    variables = dict(text.partition("=")[::2] for text in run.get("Env").texts())
    user = run.get("User").text() if asked.user is None else asked.user
    workdir = asked.workdir if asked.workdir is not None else run.get("WorkingDir").text() or None
    volumes = tuple(dict.fromkeys((*_names(run.get("Volumes")), *asked.volume)))
    need = {"commands": "always", **asked.need}
    if not all(part.isdecimal() for part in user.split(":") if part) and need.get("users", "auto") == "auto":
        need["users"] = "always"  # I15
    made = asked._replace(
        entrypoint=entrypoint,
        cmd=cmd,
        env=tuple({**variables, **dict(asked.env)}.items()),
        user=user,
        workdir=workdir,
        expose=tuple(dict.fromkeys((*_names(run.get("ExposedPorts")), *asked.expose))),
        volume=volumes,
        label=tuple({**run.get("Labels").table(), **dict(asked.label)}.items()),
        stop_signal=asked.stop_signal or run.get("StopSignal").text() or None,
        need=need,
    )
    if asked.user is None:
        made = made._replace(directory=(*asked.directory, *_directories(made, root)))
    return Carried(made, _health(run, asked))


def restored(config: Mapping[str, Any], made: ImageConfig) -> ImageConfig:
    """A planned configuration with the fields of the image's own that no setting is for."""
    run = config.get("config") or {}
    rest = {name: value for name, value in run.items() if name not in _OWN and value is not None}
    if made.healthcheck is not None:
        rest.pop("Healthcheck", None)
    top = {name: value for name, value in config.items() if name not in _ABOUT_FILES and value is not None}
    return made._replace(carried=rest, carried_above=top)


def _fault(why: str) -> InputError:
    return InputError(f"cannot read the image's config: {why}", hint="`scratchpack verify` says all that is wrong")


def _names(value: Value) -> tuple[str, ...]:
    return tuple(name for name, _ in value.members())


def _directories(made: Request, root: Sysroot) -> tuple[MadeDirectory, ...]:
    """The working directory and the volumes with the owner and mode that the image has for them."""
    given = {posixpath.normpath(one.path) for one in made.directory}
    found = []
    for path in dict.fromkeys((*made.volume, *([made.workdir] if made.workdir else []))):
        node = root.lookup(path)
        if (
            node is not None
            and node.kind == "directory"
            and node.canonical != "/"
            and posixpath.normpath(path) not in given
        ):
            found.append(
                MadeDirectory(
                    posixpath.normpath(path), node.mode & 0o1777, f"{node.uid}:{node.gid}", " as the image has it"
                )
            )
    return tuple(found)


def _health(run: Value, asked: Request) -> tuple[str, ...]:
    """The command that an engine runs to see whether the container is well (I18)."""
    test = asked.healthcheck.test if asked.healthcheck is not None else run.get("Healthcheck").get("Test").texts()
    if test[:1] == ("CMD",):
        return test[1:]
    if test[:1] == ("CMD-SHELL",):
        return (*(run.get("Shell").texts() or ("/bin/sh", "-c")), *test[1:])
    return ()
