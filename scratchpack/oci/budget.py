"""What reading one image may cost: the places that unpack, list and read documents count here, and a typed error ends it (S4, S22, S25).

Bounds go by what is stored, since a stranger has to send that: a small file may not unpack to a large one, nor hold a million names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

UNPACKED_BASE = 256 << 20  # bytes that any image may unpack to,
UNPACKED_RATIO = 100  # and further ones for each byte that is stored compressed; real layers have 2 to 20
ENTRIES_BASE = 50_000  # entries that the layers of any image may have,
BYTES_AN_ENTRY = 128  # and a further one for each so many bytes that are stored; real layers have 300 and more
MAX_ENTRIES = 1_000_000
MAX_DOCUMENTS = 10_000  # descriptors that are followed
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class UnpackBudget:
    """Of one image, in an archive, a layout or a registry.

    Args:
        name: what messages call the image.
        unpacked: bytes that all of its layers together may unpack to; ``None`` for 256 MiB and 100 times what is stored.
    """

    def __init__(self, name: str, unpacked: int | None = None) -> None:
        self._name, self._given = name, unpacked
        self._unpacked = UNPACKED_BASE if unpacked is None else unpacked
        self._entries = ENTRIES_BASE
        self._most_entries = MAX_ENTRIES
        self._documents = MAX_DOCUMENTS
        self._stored = 0
        self.spent = False  # whether a bound was met: what was read is then not all

    def stored(self, size: int) -> None:
        """So many bytes of a layer are about to be read: what may come out of them grows."""
        self._stored += size
        if self._given is None:
            self._unpacked += UNPACKED_RATIO * size
        self._entries += size // BYTES_AN_ENTRY

    def unpacking(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The same pieces, counted.

        Raises:
            InputError: together with what came before they are too much.
        """
        for piece in pieces:
            self._unpacked -= len(piece)
            if self._unpacked < 0:
                raise self._spent(
                    "its layers unpack to more than "
                    + ("256 MiB and 100 times what is stored" if self._given is None else f"{self._given} bytes"),
                    hint="--max-unpacked SIZE allows more, for example --max-unpacked 20G",
                )
            yield piece

    @property
    def allowed(self) -> int:
        """Bytes that all layers which were read so far may unpack to, together."""
        return UNPACKED_BASE + UNPACKED_RATIO * self._stored if self._given is None else self._given

    def entry(self) -> None:
        """One entry of a layer is looked at.

        Raises:
            InputError: it is one too many.
        """
        self._entries -= 1
        self._most_entries -= 1
        if self._entries < 0 or self._most_entries < 0:
            raise self._spent(
                f"its layers have over {MAX_ENTRIES} entries, or over {ENTRIES_BASE} and one for each {BYTES_AN_ENTRY} stored bytes"
            )

    def document(self) -> None:
        """One descriptor is followed.

        Raises:
            InputError: it is one too many.
        """
        self._documents -= 1
        if self._documents < 0:
            raise self._spent(f"its indexes name over {MAX_DOCUMENTS} things")

    def _spent(self, why: str, hint: str | None = None) -> InputError:
        self.spent = True
        return InputError(f"cannot read all of {self._name}: {why}", hint=hint)


def size(text: str) -> int:
    """Bytes of a size as people write it: ``1500000``, ``512M``, ``20G`` (powers of 1024).

    Raises:
        UsageError: no such size.
    """
    digits = text.strip().lower().removesuffix("b").removesuffix("i")
    unit = digits[-1:] if digits[-1:].isalpha() else ""
    digits = digits.removesuffix(unit)
    if unit not in _UNITS or not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
        raise UsageError(f"cannot use {text!r} as a size", hint="write bytes, or a number with K, M, G or T: 20G")
    return int(digits) * _UNITS[unit]
