"""What is known of a program that carries others in itself."""

from __future__ import annotations

from scratchpack.record import NamedTuple


class Bundle(NamedTuple):
    """One self-unpacking program.

    ``kind`` is its maker's name. ``unpacks`` is where it writes when it starts: "/tmp" (TMPDIR), "HOME", or "" where it does not. ``members`` are
    the shared objects it carries, ``needed`` the sonames that these ask for and it does not carry; both are empty with ``read`` false, when
    its table is not read. ``warnings`` say what is odd about the table. ``beside`` is the
    path, from the program's directory, of a file without which it does not start: of PyInstaller's one folder, Python's library.
    """

    kind: str
    unpacks: str
    read: bool = False
    members: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    beside: str = ""
