"""N15: ncurses does not start on a terminal that it has no description of."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs.base import Contribution, Unavailable, Wants
from scratchpack.needs.companion.base import Companion, holding
from scratchpack.needs.gather import copied, reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import Evidence, NeedOptions, Subject
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Sysroot

TERMINALS = (
    "ansi",
    "dumb",
    "linux",
    "screen",
    "screen-256color",
    "tmux",
    "tmux-256color",
    "vt100",
    "xterm",
    "xterm-256color",
)


class Terminfo(Companion):
    """The terminals of people's desktops and consoles, and the one that the image's TERM names."""

    name = "terminfo"
    summary = "a full-screen program ends at once without a description of its terminal"
    wants = Wants(
        symbols=(
            "setupterm",
            "initscr",
            "newterm",
            "tgetent",
            "_nc_read_entry*",
            "_nc_first_db",
            "slsmg_*",
            "SLtt_*",
        ),
        inside=holding("terminfo", "libtinfo*", "libncurses*", "libslang.so*"),
    )
    library = ("libtinfo", "libncurses", "libpanel", "libmenu", "libform", "libslang.")

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Each description from the first place that has it; places are named by first letter, or its code in hex."""
        because = reasons(self.name, evidence)
        places = [path for _, path in self.places(subject)]
        files: list[Entry] = []
        for name in dict.fromkeys((*TERMINALS, *filter(None, [options.env.get("TERM")]))):
            if "/" in name:
                continue
            spelled = (posixpath.join(place, part, name) for place in places for part in (name[0], f"{ord(name[0]):x}"))
            files += next((entries for path in spelled if (entries := copied(root, path, because))), ())
        if not files:
            raise Unavailable(
                "no terminal description", "install some (Debian: ncurses-base, Alpine: ncurses-terminfo-base)"
            )
        return Contribution(tuple(files))


NEED = Terminfo()
