"""What the reading of strangers' files may cost in all (S4): for one file, and for all files of one run.

In go the costs as they arise; out comes nothing, or the :class:`LimitError` that ends the run. A cap on each item alone
is no bound: a thousand segments over one table, or a million symbols that share one name, are each within every cap.
"""

from __future__ import annotations

from scratchpack.errors import LimitError
from scratchpack.record import NamedTuple


class Bounds(NamedTuple):
    """The bounds of one budget; what a careful program never comes near, and what takes a machine about two seconds."""

    read: int  # bytes that are read from files
    steps: int  # records that are looked at, a microsecond each, or a few
    lookups: int  # names that are looked up in a root
    kept: int  # bytes that stay in memory


FILE = Bounds(read=4 << 30, steps=1 << 20, lookups=0, kept=64 << 20)
RUN = Bounds(read=32 << 30, steps=3 << 20, lookups=40_000, kept=96 << 20)
_WHAT = Bounds("bytes to be read", "records to be looked at", "names to be looked up", "bytes to be kept in memory")  # type: ignore[arg-type]


class Budget:
    """Counts one file's costs against its limits, and against those of the run that it is read in.

    Args:
        subject: what a message says exceeded it, for example "/usr/bin/x".
        limits: :data:`FILE` or :data:`RUN`.
        within: the run's budget, which pays too.
    """

    __slots__ = ("_limits", "_within", "bytes_kept", "bytes_read", "lookups_made", "steps_taken", "subject")

    def __init__(self, subject: str, limits: Bounds = FILE, within: Budget | None = None) -> None:
        self.subject = subject
        self._limits, self._within = limits, within
        self.bytes_read = self.steps_taken = self.lookups_made = self.bytes_kept = 0

    def file(self, subject: str) -> Budget:
        """The budget of one file that is read within this run."""
        return Budget(subject, FILE, self)

    def read(self, size: int) -> None:
        """That many bytes of a file are about to be read.

        Raises:
            LimitError: it is too much; so do the other three.
        """
        self.bytes_read += size
        if self.bytes_read > self._limits.read:
            raise self._spent(0)
        if self._within is not None:
            self._within.read(size)

    def step(self, count: int = 1) -> None:
        """That many records are about to be looked at."""
        self.steps_taken += count
        if self.steps_taken > self._limits.steps:
            raise self._spent(1)
        if self._within is not None:
            self._within.step(count)

    def look_up(self) -> None:
        """One name is about to be looked up in a root; only a run does that."""
        self.lookups_made += 1
        if self.lookups_made > self._limits.lookups:
            raise self._spent(2)

    def keep(self, size: int) -> None:
        """That many bytes will stay in memory until the run ends."""
        self.bytes_kept += size
        if self.bytes_kept > self._limits.kept:
            raise self._spent(3)
        if self._within is not None:
            self._within.keep(size)

    def widen(self, by: Bounds) -> None:
        """A person named one more program for this run: two hundred of them may cost two hundred times what one may."""
        self._limits = Bounds(*(had + more for had, more in zip(self._limits, by, strict=True)))

    def _spent(self, which: int) -> LimitError:
        return LimitError(
            f"cannot examine {self.subject}: it makes for more than {self._limits[which]} {_WHAT[which]}",
            hint="no program that a linker made comes near this: the file is damaged, or made to do harm",
        )
