"""What others build on: a need of somebody else's package, found by its entry point and held to the protocol.

In goes what is installed beside us: a distribution whose ``entry_points.txt`` has the group ``scratchpack.needs``. Out
come needs like the built-in ones, each in a guard that knows its distribution: whatever a plug-in does wrong ends in a
usage error (exit 2) that names it, and never looks like a fault of scratchpack.

A plug-in is an object with the attributes of :class:`Plugin`. Version 1 of the protocol is this: what stands in
``scratchpack.needs.base`` (``Wants``, ``Subject``, ``Evidence``, ``Contribution``, ``ElfRoot``, ``NeedOptions``,
``Unavailable``) and in ``scratchpack.needs.gather``. Fields may be added to it; a change that an old plug-in would not
survive gets a new number, and a plug-in of another number is refused.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn, Protocol

from scratchpack.errors import ScratchpackError, UsageError
from scratchpack.needs.base import A, B, C, Contribution, ElfRoot, Evidence, RuntimeNeed, Unavailable, Wants
from scratchpack.needs.index import ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.metadata import EntryPoint

    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

PROTOCOL = 1
GROUP = "scratchpack.needs"


class Plugin(RuntimeNeed, Protocol):
    """A need of another package; ``detect`` and ``provide`` are those of every need."""

    protocol: int  # the version of this protocol that it was written for


def plugins_found() -> Mapping[str, RuntimeNeed]:
    """Other people's needs, by name.

    Raises:
        UsageError: one cannot be imported, or is no need of this protocol; it is named with its distribution.
    """
    return _found(tuple(sys.path))


@lru_cache(maxsize=1)
def _found(path: tuple[str, ...]) -> Mapping[str, RuntimeNeed]:
    # importlib.metadata costs some 30 ms: it is imported only where a distribution names our group.
    if not any(_names_group(place or ".") for place in path):
        return {}
    from importlib.metadata import entry_points

    found: dict[str, RuntimeNeed] = {}
    known = {row.name for row in ROWS}
    for entry in sorted(entry_points(group=GROUP), key=lambda item: (item.name, item.value)):
        guard = _Guard(_loaded(entry), _origin(entry))
        if guard.name in known:
            guard.fail(f"there is a need {guard.name!r} already")
        known.add(guard.name)
        found[guard.name] = guard
    return found


def _names_group(place: str) -> bool:
    with suppress(OSError):
        for name in os.listdir(place):
            if name.endswith((".dist-info", ".egg-info")):
                with suppress(OSError), open(os.path.join(place, name, "entry_points.txt"), "rb") as stream:
                    if f"[{GROUP}]".encode() in stream.read():
                        return True
    return False


def _origin(entry: EntryPoint) -> str:
    name = f"{entry.name} = {entry.value}"
    return f"{entry.dist.name} {entry.dist.version} ({name})" if entry.dist is not None else name


def _loaded(entry: EntryPoint) -> object:
    try:
        return entry.load()
    except (Exception, SystemExit) as error:
        raise _refused(_origin(entry), f"importing it fails with {_said(error)}") from error


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _refused(origin: str, why: str) -> UsageError:
    hint = "mend it, update it, or uninstall it: it is not part of scratchpack"
    return UsageError(f"cannot use the plug-in {origin}: {why}", hint=hint)


def _is_sound(wants: Wants) -> bool:
    """Whether every field is a tuple of what the scan expects in it: a text alone would be taken letter by letter."""
    names = (wants.symbols, wants.sonames, wants.fragments, wants.sections, wants.functions, wants.env)
    pairs = ((wants.inside, (str, str)), (wants.notes, (bytes, int)))
    return all(isinstance(field, tuple) and all(isinstance(item, str) for item in field) for field in names) and all(
        isinstance(field, tuple) and all(tuple(map(type, item)) == kind for item in field) for field, kind in pairs
    )


class _Guard:
    """A plug-in as a need: its answers are checked, and what it raises is its own fault and named so."""

    def __init__(self, need: object, origin: str) -> None:
        self._need, self._origin = need, origin
        protocol = getattr(need, "protocol", None)
        if protocol != PROTOCOL:
            self.fail(f"it is written for protocol {protocol!r}, this scratchpack has {PROTOCOL}")
        self.name, self.summary, self.adds = (self._text(name) for name in ("name", "summary", "adds"))
        if not self.name or not set(self.adds) <= {A, B, C}:
            self.fail(f"its name is {self.name!r} and it adds itself for the tiers {self.adds!r} of {A}{B}{C}")
        wants = getattr(need, "wants", None)
        if not isinstance(wants, Wants) or not _is_sound(wants):
            self.fail(f"its wants are {wants!r}, not a scratchpack.needs.base.Wants of tuples")
        self.wants: Wants = wants
        if bad := [name for name in ("detect", "provide") if not callable(getattr(need, name, None))]:
            self.fail(f"it has no function {bad[0]}")

    def _text(self, name: str) -> str:
        value: object = getattr(self._need, name, None)
        return value if isinstance(value, str) else self.fail(f"its {name} is {value!r}, not a text")

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """The plug-in's evidence."""
        try:
            found = tuple(self._need.detect(subject))  # type: ignore[attr-defined]
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is the plug-in's
            self.fail(f"detect fails with {_said(error)}", error)
        for item in found:
            if (
                not isinstance(item, Evidence)
                or (item.need, type(item.because)) != (self.name, str)
                or item.tier not in {A, B, C}
            ):
                self.fail(f"detect gives {item!r}, no Evidence for {self.name} of the tiers {A}, {B}, {C}")
        return found

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """What the plug-in brings; that the root lacks it, or may not give it, is for it to say."""
        from scratchpack.rootfs import Entry

        try:
            brought = self._need.provide(root, evidence, options, subject)  # type: ignore[attr-defined]
        except (Unavailable, ScratchpackError):
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is the plug-in's
            self.fail(f"provide fails with {_said(error)}", error)
        if not isinstance(brought, Contribution):
            self.fail(f"provide gives {brought!r}, no Contribution")
        bad: list[object] = [item for item in brought.files if not isinstance(item, Entry)]
        bad += [item for item in brought.elf_roots if not isinstance(item, ElfRoot)]
        bad += [item for item in (*brought.notes, *brought.env, *brought.env.values()) if not isinstance(item, str)]
        if bad:
            self.fail(f"provide gives {bad[0]!r} in its Contribution")
        return brought

    def fail(self, why: str, cause: BaseException | None = None) -> NoReturn:
        """Refuse the plug-in.

        Raises:
            UsageError: always.
        """
        raise _refused(self._origin, why) from cause
