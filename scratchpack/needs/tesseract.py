"""Tesseract's trained models."""

from __future__ import annotations

from scratchpack.needs.companion import Companion


class Tesseract(Companion):
    """The directory of models that libtesseract names."""

    name = "tesseract"
    summary = "tesseract reads nothing without a trained model"
    library = ("libtesseract",)


NEED = Tesseract()
