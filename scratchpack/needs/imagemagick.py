"""ImageMagick reads each image format through a module, and its limits and delegates from XML files."""

from __future__ import annotations

from scratchpack.needs.companion import Companion


class ImageMagick(Companion):
    """The configuration, modules and policies in the directories that libMagickCore names."""

    name = "imagemagick"
    summary = "ImageMagick knows no image format without its coder modules"
    library = ("libMagick", "libGraphicsMagick")


NEED = ImageMagick()
