"""Files of this machine that options name. That they are there is seen here, before the input is read; what is in them, later."""

from __future__ import annotations

import os

from scratchpack import foreign
from scratchpack.errors import UsageError

MAX_BUNDLE = 64 << 20  # bytes


def iidfile(text: str) -> str:
    """``--iidfile``."""
    return _file_to_write(text, "--iidfile")


def metadata_file(text: str) -> str:
    """``--metadata-file``."""
    return _file_to_write(text, "--metadata-file")


def locked(text: str) -> str:
    """``--locked``: what is in the file is seen when it is compared, since ``--update-lock`` may make it."""
    return _file_to_write(text, "--locked")


def _file_to_write(text: str, option: str) -> str:
    _named(text, option)
    if text.endswith("/") or os.path.isdir(text):
        raise UsageError(f"cannot write {option} {text}: it is a directory", hint="name a file in it")
    if not os.path.isdir(os.path.dirname(text) or "."):
        raise UsageError(f"cannot write {option} {text}: there is no directory {os.path.dirname(text)}")
    return text


def root(text: str) -> str:
    """``--root``: a directory."""
    _named(text, "--root")
    if not os.path.isdir(text):
        why = "it is not a directory" if os.path.lexists(text) else "there is no such directory"
        raise UsageError(f"cannot use --root {text}: {why}")
    return text


def includes(values: tuple[str, ...]) -> tuple[str, ...]:
    """``--include``: a relative SRC is on this machine, so it must be there; an absolute one is in the root."""
    for text in values:
        source = text.rpartition(":")[0] or text
        _named(text, "--include")
        there = os.path.lexists(text) or os.path.lexists(source) or any(sign in text for sign in "*?[")
        if not source.startswith("/") and not there:
            raise UsageError(
                f"cannot include {text}: nothing is there",
                details=(f"looked for {os.path.abspath(source)}",),
                hint="a relative name is on this machine; with --root an absolute name is inside the root",
            )
    return values


def library_paths(values: tuple[str, ...]) -> tuple[str, ...]:
    """``--library-path``: a relative DIR is on this machine, so it must be there; an absolute one is in the root."""
    for text in values:
        _named(text, "--library-path")
        if not text.startswith("/") and not os.path.isdir(text):
            why = "it is not a directory" if os.path.lexists(text) else "there is no such directory"
            raise UsageError(
                f"cannot use --library-path {text}: {why}",
                hint="a relative name is on this machine; with --root an absolute name is inside the root",
            )
    return values


def traces(values: tuple[str, ...]) -> tuple[str, ...]:
    """``--trace-from``: files of this machine."""
    for text in values:
        _named(text, "--trace-from")
        if not os.path.isfile(text):
            why = "it is no file" if os.path.lexists(text) else "there is no such file"
            raise UsageError(f"cannot use --trace-from {text}: {why}", hint="--trace-to FILE writes one")
    return values


def excludes(values: tuple[str, ...]) -> tuple[str, ...]:
    """``--exclude``."""
    for text in values:
        _named(text, "--exclude")
    return values


def bundle(text: str) -> str:
    """``--ca-bundle``: a file with a certificate in PEM."""

    def fault(why: str) -> UsageError:
        return UsageError(f"cannot use --ca-bundle {text}: {why}", hint="it takes a file of certificates in PEM")

    _named(text, "--ca-bundle")
    data = foreign.file(text, fault, limit=MAX_BUNDLE)
    if data is None:
        raise fault("there is no such file")
    if b"-----BEGIN CERTIFICATE-----" not in data and b"-----BEGIN TRUSTED CERTIFICATE-----" not in data:
        raise fault("it holds no certificate")
    return text


def _named(text: str, option: str) -> None:
    if not text or "\0" in text:
        raise UsageError(f"cannot use {option} {foreign.legible(text)!r}: it takes a name")
