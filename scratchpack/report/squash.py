"""What ``squash`` made, and what sharing it cost, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.report.text import escape, human

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.pipeline.squash import Squashed, SquashedImage


def squashed_text(squashed: Squashed, *, dry_run: bool = False) -> str:
    """The whole report."""
    lines = [line for image in squashed.images for line in _image(image, squashed.base)]
    if dry_run:
        lines.append("nothing was written (--dry-run)")
    elif squashed.references:
        lines.append(f"image {escape(', '.join(squashed.references))}")
    return "\n".join(lines) + "\n"


def _image(image: SquashedImage, base: str | None) -> Iterator[str]:
    (count, size), (now, live) = image.before, image.after
    gone = image.hidden - image.still_hidden
    yield f"{escape(image.reference)} ({image.platform}): {_layers(count)}, {human(size)} unpacked, {human(image.hidden)} of them hidden"
    above = f" above {escape(base)}" if base is not None else ""
    yield f"  now {_layers(now)}, {human(live)} of files{above}; {human(gone)} that were hidden are gone"
    if image.still_hidden:
        yield f"  {human(image.still_hidden)} are still hidden: {escape(base or '')} brings them, and its layers stay as they are"
    if image.folded:
        yield "  only copies were hidden, which a chmod, a chown or a touch makes: each is folded into the layer of its file"
    lost, stored = image.lost
    if lost:
        yield (
            f"  sharing lost: {_layers(lost)} ({human(stored)} as stored) that other images may have too "
            f"{'are' if lost != 1 else 'is'} no longer part of this one"
        )
    if image.kept:
        yield f"  sharing kept: {_layers(image.kept)}, byte for byte"
    elif base is None and lost > 1:
        yield "  --onto BASE keeps the layers of the image that it was built on"


def _layers(count: int) -> str:
    return f"{count} layer{'s' * (count != 1)}"
