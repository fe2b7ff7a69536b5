"""An image at rest, judged: a store goes in; for the whole and for each image a verdict comes out. Nothing of it is executed.

Its bytes are held against its own claims (:mod:`scratchpack.images.integrity`), against our rules where it is ours
(:mod:`scratchpack.images.house`), and what it starts is resolved again inside its own layers, whatever was found before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scratchpack.errors import InputError, ScratchpackError
from scratchpack.images.house import house_rules, layout_written_here, written_here
from scratchpack.images.integrity import survey
from scratchpack.oci.budget import UnpackBudget
from scratchpack.oci.source import find_images

if TYPE_CHECKING:
    from scratchpack.images.integrity import Survey
    from scratchpack.oci.source import StoredImage
    from scratchpack.oci.store import Store
    from scratchpack.verification.observed import Observed


class Verdict(NamedTuple):
    """What was found wrong with one thing, what was looked at, and what was not."""

    subject: str  # the image's names and platform, or the binary
    issues: tuple[str, ...]
    checked: tuple[str, ...]  # one line each, for the report
    unchecked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what may go wrong and need not: things that its programs open if they are there
    observed: Observed | None = None  # what a traced run of it touched

    def __repr__(self) -> str:
        return f"<Verdict {self.subject}: {f'{len(self.issues)} issues' if self.issues else 'right'}>"

    def to_json(self) -> str:
        """The document that ``verify --json`` prints for this verdict (``docs/schema/verify.json``)."""
        from scratchpack.report.json import dumps
        from scratchpack.report.verdicts import verdicts_document

        return dumps(verdicts_document([self]))


def verify_store(store: Store, *, house: bool = False, unpacked: int | None = None) -> tuple[Verdict, ...]:
    """Judge every image of an archive, a layout or a registry reference.

    Args:
        store: what was opened.
        house: hold scratchpack's own rules against images of others too.
        unpacked: bytes that the layers may unpack to; ``None`` for what :class:`Budget` allows.

    Raises:
        InputError: it is not an image at all.
        RemoteError, OutputError: what the store raises.
    """
    budget = UnpackBudget(store.name, unpacked)
    found = survey(store, budget)
    own = house_rules(store, found, everywhere=house)
    checked = [f"{found.blobs} digests and sizes, and every layer's diff_id and tar entries, were computed again"]
    ours = found.images and all(written_here(image) for image in found.images)
    if house or ours:
        why = "as --house-rules says" if house else "its own history says that scratchpack made it"
        checked.append(f"scratchpack's own rules were held against it: {why}")
        if ours and not house and not layout_written_here(store):
            checked.append("but not those for archives: something else wrote this one")
    else:
        checked.append(
            "scratchpack's own rules were not: it is another tool's image (--house-rules holds them against any)"
        )
    issues = tuple(dict.fromkeys(str(issue) for issue in (*found.issues, *own)))
    images = find_images(store)
    if not issues and not images.found:
        issues = images.faults or ("it holds no image",)
    whole = Verdict(store.name, issues, tuple(checked), (*found.unchecked, *_unread(found, images.faults)))
    return (whole, *(_verify_image(image, found, budget) for image in images.found))


def _unread(found: Survey, faults: tuple[str, ...]) -> tuple[str, ...]:
    """Images that cannot be looked into, where the survey did not say why already."""
    return tuple(f"an image could not be looked into: {fault}" for fault in faults if found.issues)


def _verify_image(image: StoredImage, found: Survey, budget: UnpackBudget) -> Verdict:
    from scratchpack.verification.started import Started

    name = f"{', '.join(image.references) or image.digest} ({image.platform})"
    surveyed = next((one for one in found.images if one.config.raw == image.config), None)
    if (
        budget.spent
        or surveyed is None
        or not all(layer is not None and layer.readable for _, layer in surveyed.layers)
    ):
        return Verdict(name, (), (), ("what it starts was not resolved: its layers could not be read to their end",))
    from scratchpack.sysroot.layerroot import LayerRoot

    issues: list[str] = []
    limit = budget.allowed
    try:
        with LayerRoot([layer.open for layer in image.layers], name=name, limit=limit) as root:
            started = Started(image, root)
            try:
                started.run()
            except ScratchpackError as error:
                issues.append(error.message)
            return Verdict(
                name,
                (*started.issues, *issues),
                tuple(started.checked),
                tuple(started.unchecked),
                tuple(started.notes),
            )
    except InputError as error:
        return Verdict(name, (error.message,), (), ("what it starts was not resolved: its layers do not fit together",))
