"""N5: time zones are files of tzdata. A program that finds none prints UTC under the name that it was given."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, A, B, Contribution, Evidence, Unavailable, Wants
from scratchpack.needs.gather import copied, linked, reasons, tree

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.rootfs import Entry, Reason
    from scratchpack.sysroot.model import Sysroot

USUAL = "/usr/share/zoneinfo"
LOCAL = "/etc/localtime"
WHOLE = "*"  # in Evidence.found: the program picks a zone itself
# Phobos, ICU's data, Rust's standard library: the path is there whether or not a zone is ever read
_HELD_ANYHOW = ("std.datetime.timezone", "icudt", *(f"/library/{part}/src/" for part in ("core", "std")))
_RULE = re.compile(r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]+>)[-+]?\d")  # POSIX: CET-1CEST,M3.5.0,M10.5.0/3 needs no file
# A path to zoneinfo that is a string of its own; not two literals side by side, and not the path of a source file.
_PATH = re.compile(r"(?!.*zoneinfo.*zoneinfo|.*\.\.)/(?:[\w.+-]+/)*zoneinfo(?:/[\w.%+/-]*)?(?<!\.rs)(?<!\.d)(?<!\.c)")


class TimeZone:
    """A zone that is named goes in; the whole of tzdata only for a program that holds the directory's name itself."""

    name = "timezone"
    summary = "times are in UTC without the files of tzdata"
    wants: Wants = Wants(
        symbols=("localtime*", "mktime", "tzset", "strftime*", "timelocal"),
        fragments=("/zoneinfo",),
        inside=(
            ("libc.so.6", "/zoneinfo"),
            *((PROGRAM, mark) for mark in _HELD_ANYHOW),
            ("ld-musl-*", "/zoneinfo"),
            ("libc.musl-*", "/zoneinfo"),
        ),
        env=("TZ", "TZDIR"),
    )
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """TZ in the planned environment with anything that reads it, or the program's own path to zoneinfo.

        In a static program that path is libc's, there whenever localtime is: then only TZ counts. Literals that stand
        side by side are Rust's: the path is there whenever a crate that knows the local time is, so it is a suggestion;
        so it is in a D program that holds Phobos, in any that holds ICU, which looks there for the name of the zone alone,
        and in one that holds Rust's standard library.
        """
        runs = subject.strings("/zoneinfo")
        reads = subject.is_go or bool(runs) or any(True for _ in subject.importing(*self.wants.symbols))
        found: list[Evidence] = []
        zone = subject.env.get("TZ", "")
        if zone and reads:
            found.append(Evidence(self.name, A, f"the image's TZ={zone}", "", (zone,)))
        if runs and not subject.is_static:
            whole = next((run for run in runs if _PATH.fullmatch(run)), None)
            if whole or any(USUAL in run for run in runs):
                tier = A if whole and not any(subject.strings(mark) for mark in _HELD_ANYHOW) else B
                found.append(Evidence(self.name, tier, f"string {whole or USUAL}", subject.program.path, (WHOLE,)))
        return tuple(found)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The zones that were named, and /etc/localtime for the first that an option names."""
        because = reasons(self.name, evidence)
        zones = [name for item in evidence for name in item.found] + list(options.timezones)
        places = _places(subject)
        files: list[Entry] = []
        if WHOLE in zones or not zones:
            files += _all(root, places, because)
        for zone in dict.fromkeys(zone for zone in zones if zone != WHOLE):
            files += _zone(root, places, zone.removeprefix(":"), because)
        if options.timezones:
            files.append(linked(LOCAL, posixpath.join(places[0], options.timezones[0]), because))
        return Contribution(tuple(files))


def _places(subject: Subject) -> tuple[str, ...]:
    """TZDIR, then what libc names, then where every other runtime looks first."""
    runs = (run for seen in subject.objects if seen.tier != A for run in seen.strings.get("/zoneinfo", ()))
    named = (run.rstrip("/") for run in runs if run.startswith("/"))
    given = subject.env.get("TZDIR", "")
    return tuple(dict.fromkeys((*([given] if given else []), *named, USUAL)))


def _missing(what: str, *, named: bool) -> Unavailable:
    """A zone that was named is wanted; of all of them the program may want none, and then it keeps to UTC."""
    return Unavailable(f"there is no {what}", "install tzdata", essential=named)


def _all(root: Sysroot, places: tuple[str, ...], because: tuple[Reason, ...]) -> tuple[Entry, ...]:
    """Every zone once: posix/ holds the same again, right/ counts leap seconds, localtime is this machine's own (I22)."""
    nodes = ((place, root.lookup(place)) for place in places)
    found = next(((place, node) for place, node in nodes if node is not None and node.kind == "directory"), None)
    if found is None:
        raise _missing("time zone directory " + " or ".join(places), named=False)
    place, node = found
    skipped = tuple(posixpath.join(node.canonical, name) for name in ("posix/", "right/", "localtime"))
    return tree(root, place, because, lambda path: not path.startswith(skipped))


def _zone(root: Sysroot, places: tuple[str, ...], zone: str, because: tuple[Reason, ...]) -> tuple[Entry, ...]:
    if zone == LOCAL:
        return ()  # whatever the image is given there; without it, UTC
    for path in (zone,) if zone.startswith("/") else tuple(posixpath.join(place, zone) for place in places):
        found = copied(root, path, because)
        if found:
            return found
    if zone in {"UTC", "GMT", ""} or _RULE.match(zone):
        return ()
    raise _missing(f"time zone {zone}", named=True)


NEED = TimeZone()
