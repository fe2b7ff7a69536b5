"""S6 and what a person is told: every file that is no program is called by its name, with what to do."""

from __future__ import annotations

import gzip
import io
import os
import socket
from typing import TYPE_CHECKING

import pytest

from scratchpack.elf.kind import Kind, open_input, sniff
from scratchpack.errors import InputError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_elf_and_scripts_are_told_apart() -> None:
    assert sniff(io.BytesIO(b"\x7fELF\2\1"), "x") is Kind.ELF
    assert sniff(io.BytesIO(b"#!/bin/sh\n"), "x") is Kind.SCRIPT


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"", "empty"),
        (b"hello there\n", "text without a #! line"),
        (b"<!DOCTYPE html>", "HTML"),
        (b"MZ\x90\0", "Windows"),
        (b"\xcf\xfa\xed\xfe\x0c\0\0\1", "macOS"),
        (b"\0asm\1\0\0\0", "WebAssembly"),
        (b"!<arch>\n", "ar archive"),
        (gzip.compress(b"x", mtime=0), "gzip"),
        (b"PK\x03\x04", "zip"),
        (bytes(257) + b"ustar\x00", "tar archive"),
        (b"\x7fE", "cut short"),
        (b"\x01\x00\x02", "unknown kind"),
    ],
)
def test_another_file_is_named_with_a_hint(head: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        sniff(io.BytesIO(head), "x")
    assert caught.value.hint
    assert caught.value.exit_code == 3


def test_a_fifo_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="it is a FIFO"):
        open_input(str(tmp_path / "pipe"))


def test_a_socket_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        with pytest.raises(InputError, match="it is a socket"):
            open_input(str(tmp_path / "s"))


@pytest.mark.parametrize(("path", "what"), [("/dev/null", "a character device"), ("/usr", "a directory")])
def test_a_device_and_a_directory_are_refused(path: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        open_input(path)


@pytest.mark.parametrize("path", ["/nonexistent/x", "/etc/hosts/x"])
def test_a_file_that_is_not_there_is_a_usage_error(path: str) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        open_input(path)


@pytest.mark.parametrize("path", ["", "x" * 5000, "a\0b"])
def test_a_name_that_no_file_can_have_is_an_error_of_ours(path: str) -> None:
    with pytest.raises((UsageError, InputError)):
        open_input(path)


def test_a_file_that_one_may_not_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    (tmp_path / "x").chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(InputError, match="permission denied") as caught:
            open_input(str(tmp_path / "x"))
    finally:
        os.seteuid(user)
    assert "chmod" in (caught.value.hint or "")
