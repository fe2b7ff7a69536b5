"""Licences: SPDX where the package's words are, its own words where they are not."""

from __future__ import annotations

import pytest

from scratchpack.sbom.licences import declared, from_copyright

DEP5 = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: somebody
License: GPL-2+ or Artistic

Files: lib/*
License: Expat

Files: m4/*
License: GPL-2+ with Libtool exception
 The text that follows.

License: Expat
 Permission is hereby granted
"""


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("MIT", "MIT"),
        ("mit and bsd-3-clause", "MIT AND BSD-3-Clause"),
        ("GPL-2.0-or-later WITH Classpath-exception-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0"),
        ("GPLv2+ and Redistributable, no modification", "LicenseRef-GPLv2-and-Redistributable-no-modification"),
        ("((", "LicenseRef-9f54817e"),
        ("", ""),
    ],
)
def test_a_database_field_becomes_an_expression(text: str, expression: str) -> None:
    found = declared(text)
    assert found.expression == expression
    assert found.others == (((expression, text),) if expression.startswith("LicenseRef-") else ())


def test_long_words_keep_apart_what_differs_late() -> None:
    one, other = declared("see " * 40 + "A"), declared("see " * 40 + "B")
    assert one.expression != other.expression


def test_a_machine_readable_copyright_file_names_its_licences() -> None:
    found = from_copyright(DEP5)
    assert found.expression.split(" AND ") == [
        "LicenseRef-GPL-2.0-or-later-or-Artistic",
        "LicenseRef-GPL-2.0-or-later-with-Libtool-exception",
        "MIT",
    ]
    assert dict(found.others)["LicenseRef-GPL-2.0-or-later-or-Artistic"] == "GPL-2.0-or-later or Artistic"


def test_free_text_is_not_guessed_at() -> None:
    assert from_copyright("This is free software.\nLicense: whatever\n").expression == ""
