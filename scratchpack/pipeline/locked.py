"""``--locked``: a plan, a program or an image that stands goes in with a lock; an error or a verdict that names what is new or gone comes out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scratchpack.errors import CheckError
from scratchpack.pipeline.lock import Held, differences, held
from scratchpack.report.json import image_document
from scratchpack.verification.image import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scratchpack.oci.source import StoredImage
    from scratchpack.oci.store import Store
    from scratchpack.pipeline.model import Plan
    from scratchpack.request.model import Request


def hold_plans(path: str, lock: Mapping[str, Held], plans: Iterable[Plan]) -> None:
    """Refuse to pack what is not as locked.

    Raises:
        CheckError: something is new or gone; ``details`` name everything.
    """
    if found := differences(lock, held(image_document(plan) for plan in plans)):
        raise CheckError(
            f"cannot pack: the image would not be as {path} says",
            details=found,
            hint="where that is meant, --update-lock writes the file again",
        )


def verdict(path: str, lock: Mapping[str, Held], found: Mapping[str, Held]) -> Verdict:
    """The same as a verdict of ``verify``."""
    issues = differences(lock, found)
    checked = () if issues else ("libraries, needs, files and environment variables are as locked",)
    blind = any(one.needs is None for one in found.values())
    if blind and not issues:
        checked = ("libraries, files and environment variables are as locked",)
    return Verdict(f"lock {path}", issues, checked, ("an image does not say which needs it serves",) if blind else ())


def program_held(subject: str, asked: Request) -> dict[str, Held]:
    """What the image of a program would hold."""
    from scratchpack.pipeline.locate import Roots
    from scratchpack.pipeline.plan import planned

    with Roots(asked.root) as roots:
        return held(image_document(plan) for plan in planned([subject], asked, roots, strict=False))


def image_held(store: Store) -> dict[str, Held]:
    """What the images of a store hold, once they were found right within their bounds.

    Raises:
        InputError, RemoteError: it cannot be read.
    """
    from scratchpack.oci.source import find_images

    return {str(image.platform): _of_image(image) for image in find_images(store).found}


def _of_image(image: StoredImage) -> Held:
    from scratchpack.sysroot.layerroot import LayerRoot
    from scratchpack.verification.started import Started

    with LayerRoot([layer.open for layer in image.layers], name=str(image.platform)) as root:
        started = Started(image, root)
        started.run()
        libraries = {
            _written(resolution.soname): _written(resolution.path)
            for closure in started.closures
            for resolution in closure.resolved
            if resolution.found_by != "root"
        }
        files = frozenset(_written(version.path) for version in root.history.live())
    env = ((image.config.get("config") or {}).get("Env")) or ()
    return Held(libraries, None, files, frozenset(_written(text.partition("=")[0]) for text in env))


def _written(text: str) -> str:
    """As the documents write it."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")
